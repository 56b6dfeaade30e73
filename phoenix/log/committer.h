// Brings sealed batches to stable storage, several at a time, and knows what is durable.
//
// Invariants:
// - Positions move over the contiguous prefix only, and never after a failure.
// - Durability::always: each batch is durable by its own write (or write and linked sync).
//   Durability::interval: batches are written, and one sync per interval moves the positions.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "phoenix/log/batch.h"
#include "phoenix/log/preparer.h"

namespace phoenix::log {

class Committer final {
 public:
  Committer(LogContext& context, BufferPool& pool, Preparer& preparer, std::uint64_t first_seq,
            std::int64_t stamp_ms);
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;
  ~Committer();

  void start();
  /// No sync loop any more; stopped() then turns true and `changed` is notified.
  void stop();
  bool stopped() const { return stopped_; }

  /// Takes over a segment that batches are going to name.
  void adopt(std::unique_ptr<Segment> segment) { segments_.push_back(std::move(segment)); }

  void submit(std::unique_ptr<Batch> batch);

  /// Batches that were submitted and whose writes have not ended.
  std::size_t in_flight() const { return in_flight_.size(); }
  std::uint64_t commit_seq() const { return durable_.seq; }
  /// Highest stable seq that a durable batch of the contiguous prefix states (rule 10).
  std::uint64_t published_seq() const { return durable_.stable_seq; }
  std::int64_t durable_stamp_ms() const { return durable_.stamp_ms; }
  void sync_soon(std::uint64_t seq);

 private:
  /// What the contiguous prefix up to seq says.
  struct Prefix {
    std::uint64_t seq = 0;
    std::uint64_t stable_seq = 0;
    std::int64_t stamp_ms = 0;
    std::uint64_t sealed_ns = 0;  // Of the newest batch.

    void extend(const Batch& batch);
  };

  io::Task<void> write_batch(Batch& batch);
  io::Task<bool> write_shared(Batch& batch);
  io::Task<bool> write_large(Batch& batch);
  io::Task<bool> write_slice(Batch& batch, std::span<const std::byte> slice, std::uint64_t offset);
  io::Task<bool> write_linked(Batch& batch, std::span<const std::byte> bytes);
  io::Task<void> write_half(Batch& batch, io::Operation operation);
  io::Task<void> sync_half(Batch& batch, io::Operation operation);
  io::Task<bool> sync_segment(Segment& segment);
  io::Task<bool> retry_sync(Segment& segment);
  io::Task<void> sync_loop();
  io::Task<bool> sync_all();
  void failed(const Batch& batch, std::int32_t result);
  void advance();
  void retire(std::unique_ptr<Batch> batch);
  void make_durable(const Prefix& prefix);
  void forget_closed_segments();

  LogContext& context_;
  BufferPool& pool_;
  Preparer& preparer_;
  std::vector<std::unique_ptr<Segment>> segments_;
  std::deque<std::unique_ptr<Batch>> in_flight_;  // By seq.
  std::vector<std::unique_ptr<Batch>> done_;      // Their coroutines may still be on the stack.
  Prefix written_;
  Prefix durable_;
  std::uint64_t sync_soon_seq_ = 0;
  std::uint64_t synced_ns_ = 0;
  bool stopping_ = false;
  bool stopped_ = true;
  io::Task<void> sync_task_;
};

}  // namespace phoenix::log
