// Figures of one core. The core alone writes them, any core reads them for INFO.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "phoenix/io/mailbox.h"
#include "phoenix/server/command_figures.h"
#include "phoenix/server/gauge.h"
#include "protocol/error.h"

namespace phoenix::server {

/// Errors that were answered, by status.
using ErrorGauges = std::array<Gauge, static_cast<std::size_t>(protocol::kStatusMax) + 1>;

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
  ErrorGauges errors;
  // Both by Table::index_of. Calls are counted by the core of their session.
  std::unique_ptr<Gauge[]> calls;
  std::unique_ptr<CommandFigures[]> commands;
};

}  // namespace phoenix::server
