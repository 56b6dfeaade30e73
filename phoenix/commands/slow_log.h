// The requests of one core's sessions that took long, newest first. SLOWLOG joins those of all
// cores; their numbers come from one counter, so that they are unique and in order.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/commands/command.h"

namespace phoenix::commands {

class SlowLog final {
 public:
  struct Client {
    std::string address;  // "ip:port"
    std::string name;
  };
  struct Entry {
    std::int64_t id = 0;
    std::int64_t at_s = 0;  // Unix time.
    std::int64_t took_us = 0;
    std::vector<std::string> words;  // As much of them as Redis keeps.
    Client client;
  };

  /// A core keeps no more, whatever slowlog-max-len says: an entry has up to 4 KiB.
  static constexpr std::size_t kEntriesMax = 4096;

  /// `ids` counts for all cores and outlives this.
  explicit SlowLog(std::atomic<std::int64_t>& ids) : ids_(ids) {}

  void set_entries_max(std::int64_t entries);
  std::size_t entries_max() const { return entries_max_; }
  /// The words of a request; what is known to be a password is not kept.
  void add(Args words, std::int64_t at_ms, std::int64_t took_us, Client client);
  void clear() { entries_.clear(); }
  /// Newest first.
  const std::deque<Entry>& entries() const { return entries_; }

 private:
  std::atomic<std::int64_t>& ids_;
  std::size_t entries_max_ = 128;
  std::deque<Entry> entries_;
};

}  // namespace phoenix::commands
