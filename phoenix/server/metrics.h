// Figures of one core. The core alone writes them, any core reads them for INFO.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "phoenix/io/mailbox.h"

namespace phoenix::server {

/// A figure with one writer: plain loads and stores, no locked instruction.
class Gauge final {
 public:
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(std::uint64_t value) { set(get() + value); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct alignas(io::kCacheLineBytes) Metrics {
  Gauge turns;
  Gauge requests;
  Gauge requests_from_other_cores;
  Gauge accepted;
  Gauge rejected;
  Gauge closed_by_deadline;
  Gauge closed_unread;  // Who did not read its messages.
  Gauge held_clients;   // By CLIENT PAUSE, now.
  Gauge keys;
  Gauge keys_with_expiry;
  Gauge changes;  // Of keys, since the start.
  Gauge expired;
  Gauge expiry_lag_ms;
  Gauge notices_dropped;  // Changes of keys and lines of monitors, for want of room.
  Gauge memory_bytes;
  Gauge buffer_bytes;
  Gauge log_batches;
  Gauge log_records;
  Gauge log_written_bytes;
  Gauge log_bytes;
  Gauge log_segments;
  Gauge commit_position;
  Gauge commit_ns_last;
  Gauge commit_ns_max;
  Gauge requests_per_second;
  Gauge received_per_second;  // Bytes.
  Gauge sent_per_second;
  Gauge received_bytes;
  Gauge sent_bytes;
  Gauge receives;
  Gauge sends;
  Gauge keyspace_hits;
  Gauge keyspace_misses;
  Gauge channels;  // That somebody here listens to.
  Gauge patterns;
  std::unique_ptr<Gauge[]> calls;  // By Table::index_of.
};

}  // namespace phoenix::server
