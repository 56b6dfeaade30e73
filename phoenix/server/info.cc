// What the server tells about itself: the INFO page and the map of HELLO.
#include <fmt/format.h>

#include "phoenix/server/core.h"
#include "protocol/limits.h"

namespace phoenix::server {
namespace {

std::string_view durability_name(log::Durability durability) {
  switch (durability) {
    case log::Durability::always:
      return "always";
    case log::Durability::interval:
      return "interval";
    case log::Durability::off:
      return "off";
  }
  return "unknown";
}

using Field = Gauge Metrics::*;

std::uint64_t sum(const Shared& shared, Field field) {
  std::uint64_t total = 0;
  for (unsigned core = 0; core < shared.cores(); ++core)
    total += (shared.metrics[core].*field).get();
  return total;
}

std::uint64_t largest(const Shared& shared, Field field) {
  std::uint64_t most = 0;
  for (unsigned core = 0; core < shared.cores(); ++core) {
    most = std::max(most, (shared.metrics[core].*field).get());
  }
  return most;
}

void append_log(std::string& page, const Shared& shared) {
  page += fmt::format(
      "\n# Log\ndurability:{}\nlog_segments:{}\nlog_bytes:{}\nlog_batches:{}\nlog_records:{}\n"
      "log_written_bytes:{}\ncommit_usec_last:{}\ncommit_usec_max:{}\n",
      durability_name(shared.config.log.durability), sum(shared, &Metrics::log_segments),
      sum(shared, &Metrics::log_bytes), sum(shared, &Metrics::log_batches),
      sum(shared, &Metrics::log_records), sum(shared, &Metrics::log_written_bytes),
      largest(shared, &Metrics::commit_ns_last) / 1000,
      largest(shared, &Metrics::commit_ns_max) / 1000);
}

void append_cores(std::string& page, const Shared& shared) {
  page += "\n# Cores\n";
  const auto memory = shared.settings.get(commands::Setting::memory_bytes_max);
  const std::uint64_t share = static_cast<std::uint64_t>(memory) / shared.cores();
  for (unsigned core = 0; core < shared.cores(); ++core) {
    const Metrics& m = shared.metrics[core];
    page += fmt::format(
        "core_{}:keys={},requests={},from_other_cores={},turns={},memory={},buffers={},"
        "maxmemory={}\n",
        core, m.keys.get(), m.requests.get(), m.requests_from_other_cores.get(), m.turns.get(),
        m.memory_bytes.get(), m.buffer_bytes.get(), share);
  }
}

}  // namespace

std::string_view Core::info() {
  const Shared& shared = shared_;
  const std::int64_t uptime_ms = environment_.clock.wall_ms() - shared.started_ms;
  info_ = fmt::format(
      "# Server\nphoenix_version:{}\nprocess_id:{}\ntcp_port:{}\ncores:{}\nuptime_in_seconds:{}\n",
      PHOENIX_VERSION, shared.process_id, shared.port.load(), shared.cores(),
      std::max<std::int64_t>(uptime_ms, 0) / 1000);
  info_ += fmt::format(
      "\n# Clients\nconnected_clients:{}\nmaxclients:{}\ntotal_connections_received:{}\n"
      "rejected_connections:{}\nclosed_by_deadline:{}\n",
      shared.connections.load(), shared.settings.get(commands::Setting::clients_max),
      sum(shared, &Metrics::accepted), sum(shared, &Metrics::rejected),
      sum(shared, &Metrics::closed_by_deadline));
  info_ += fmt::format("\n# Memory\nused_memory:{}\nbuffer_memory:{}\nmaxmemory:{}\n",
                       sum(shared, &Metrics::memory_bytes), sum(shared, &Metrics::buffer_bytes),
                       shared.settings.get(commands::Setting::memory_bytes_max));
  info_ +=
      fmt::format("\n# Keyspace\nkeys:{}\nkeys_with_expiry:{}\nexpired_keys:{}\nexpiry_lag_ms:{}\n",
                  sum(shared, &Metrics::keys), sum(shared, &Metrics::keys_with_expiry),
                  sum(shared, &Metrics::expired), largest(shared, &Metrics::expiry_lag_ms));
  info_ += fmt::format("\n# Stats\ntotal_commands_processed:{}\n", sum(shared, &Metrics::requests));
  append_log(info_, shared);
  append_cores(info_, shared);
  return info_;
}

void Core::hello(commands::ReplySink& reply) {
  struct Range {
    std::uint32_t first;
    std::uint32_t last;
    std::uint16_t core;
  };
  const log::SlotMap& slots = shared_.store->slots();
  std::vector<Range> ranges;
  for (std::uint32_t slot = 0; slot < slots.size(); ++slot) {
    if (ranges.empty() || ranges.back().core != slots[slot]) {
      ranges.push_back({slot, slot, slots[slot]});
    }
    ranges.back().last = slot;
  }
  const std::uint16_t core_port = shared_.config.core_port_base;
  reply.begin_map(core_port == 0 ? 9 : 10);
  reply.bytes("server");
  reply.bytes("phoenix");
  reply.bytes("version");
  reply.bytes(PHOENIX_VERSION);
  reply.bytes("protocol");
  reply.integer(1);
  reply.bytes("cores");
  reply.integer(shared_.cores());
  reply.bytes("slots");
  reply.begin_list(static_cast<std::uint32_t>(ranges.size()));
  for (const auto& range : ranges) {
    reply.begin_list(3);
    reply.integer(range.first);
    reply.integer(range.last);
    reply.integer(range.core);
    reply.end();
  }
  reply.end();
  if (core_port != 0) {
    reply.bytes("ports");
    reply.begin_list(shared_.cores());
    for (unsigned core = 0; core < shared_.cores(); ++core) reply.integer(core_port + core);
    reply.end();
  }
  reply.bytes("key_bytes_max");
  reply.integer(protocol::kKeyBytesMax);
  reply.bytes("value_bytes_max");
  reply.integer(protocol::kValueBytesMax);
  reply.bytes("args_max");
  reply.integer(protocol::kArgsMax);
  reply.bytes("durability");
  reply.bytes(durability_name(shared_.config.log.durability));
  reply.end();
}

}  // namespace phoenix::server
