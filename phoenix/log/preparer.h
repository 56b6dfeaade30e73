// Keeps zero-filled segments ready, so that no commit ever has to ask the disk for room: a full
// disk is met here, where nothing is lost by it. Also closes the files of segments that are done.
//
// Invariants:
// - One segment is prepared at a time, in slices, so commits are never far behind in the queue.
// - While the disk is full it looks again every second; nothing has to be restarted.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "phoenix/io/task.h"
#include "phoenix/log/segment.h"

namespace phoenix::log {

class Preparer final {
 public:
  explicit Preparer(LogContext& context);
  Preparer(const Preparer&) = delete;
  Preparer& operator=(const Preparer&) = delete;
  ~Preparer();

  void start();
  /// Ends after the slice in hand; stopped() then turns true and `changed` is notified.
  void stop();
  bool stopped() const { return stopped_; }

  /// Whether a segment for this purpose is ready that has room for a batch of so many bytes.
  bool has(Purpose purpose, std::uint64_t batch_bytes) const;
  std::unique_ptr<Segment> take(Purpose purpose, std::uint64_t batch_bytes);
  /// Asks for one.
  void demand(Purpose purpose, std::uint64_t batch_bytes);
  /// A large one that is ready was asked for: it stays for 10 s from now, used or not.
  void keep_large();
  /// An attempt for this purpose with at most these bytes met a full disk, not long ago. After a
  /// second it may be demanded again.
  bool is_full(Purpose purpose, std::uint64_t batch_bytes) const;

  /// Why the newest attempt found no descriptor or memory for a segment, which is tried again at
  /// once; empty otherwise.
  const std::string& exhausted() const { return exhausted_; }

  /// A segment was closed early, with so many bytes used: the next ones start from that, so
  /// that large records between small ones do not cost a big segment each.
  void closed_early(std::uint64_t used_bytes);

  void close_file(int fd);

 private:
  struct Shelf {
    std::vector<std::unique_ptr<Segment>> ready;
    std::uint64_t demand_bytes = 0;  // Of a batch that nothing ready has room for.
    bool wanted = false;
    bool full = false;
    std::uint64_t full_bytes = 0;  // There was no room for a segment of this size.
    std::uint64_t retry_ns = 0;
  };

  io::Task<void> run();
  io::Task<void> prepare(Purpose purpose);
  io::Task<void> close_files();
  bool choose(Purpose& purpose) const;
  bool wants(Purpose purpose) const;
  bool rests(Purpose purpose) const;
  std::uint64_t next_retry_ns() const;
  std::uint64_t large_kept_until_ns() const;
  std::uint64_t least_bytes(Purpose purpose, std::uint64_t batch_bytes) const;
  std::uint64_t choose_size(Purpose purpose);
  io::Task<void> drop_ready(Purpose purpose);
  io::Task<void> found_full(Purpose purpose, std::uint64_t size_bytes);
  void note_full(Purpose purpose, std::uint64_t size_bytes);
  void shelve(Purpose purpose, std::unique_ptr<Segment> segment);
  Shelf& shelf(Purpose purpose) { return shelves_[static_cast<std::size_t>(purpose)]; }
  const Shelf& shelf(Purpose purpose) const { return shelves_[static_cast<std::size_t>(purpose)]; }

  LogContext& context_;
  std::array<Shelf, 3> shelves_;
  std::uint64_t next_bytes_;  // Size of the next normal segment.
  bool grows_ = true;         // The one after it is larger.
  std::uint64_t large_kept_until_ns_ = 0;
  std::string exhausted_;
  std::vector<int> to_close_;
  bool stopping_ = false;
  bool stopped_ = true;
  Event work_;
  io::Task<void> task_;
};

}  // namespace phoenix::log
