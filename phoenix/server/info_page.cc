#include "phoenix/server/info_page.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "phoenix/commands/refusals.h"
#include "phoenix/commands/words.h"

namespace phoenix::server {
namespace {

using commands::Setting;

using Field = Gauge Metrics::*;

// Lines end as Redis's do; clients split the page there.
template <typename Value>
void line(std::string& page, std::string_view name, const Value& value) {
  page += fmt::format("{}:{}\r\n", name, value);
}

std::uint64_t largest(const Shared& shared, Field field) {
  std::uint64_t most = 0;
  for (unsigned core = 0; core < shared.cores(); ++core) {
    most = std::max(most, (shared.metrics[core].*field).get());
  }
  return most;
}

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

bool is_durable(const Shared& shared) {
  return shared.config.log.durability != log::Durability::off;
}

// Clients choose what they send by redis_version: this is the Redis whose commands are spoken.
void add_server(std::string& page, const InfoSources& from) {
  const Shared& shared = from.shared;
  const std::int64_t uptime_s = std::max<std::int64_t>(from.now_ms - shared.started_ms, 0) / 1000;
  line(page, "redis_version", "7.0.15");
  line(page, "phoenix_version", PHOENIX_VERSION);
  line(page, "redis_mode", "standalone");
  line(page, "os", from.usage.system);
  line(page, "arch_bits", 64);
  line(page, "multiplexing_api", "io_uring");
  line(page, "process_id", shared.process_id);
  line(page, "run_id", shared.run_id);
  line(page, "tcp_port", shared.port.load());
  line(page, "server_time_usec", from.now_ms * 1000);
  line(page, "uptime_in_seconds", uptime_s);
  line(page, "uptime_in_days", uptime_s / 86'400);
  line(page, "cores", shared.cores());
  line(page, "executable", "");
  line(page, "config_file", "");
}

void add_clients(std::string& page, const InfoSources& from) {
  const Shared& shared = from.shared;
  line(page, "connected_clients", shared.connections.load());
  line(page, "cluster_connections", 0);
  line(page, "maxclients", shared.settings.get(Setting::clients_max));
  line(page, "blocked_clients", sum_of(shared, &Metrics::held_clients));
  line(page, "tracking_clients", 0);
  line(page, "clients_in_timeout_table", 0);
  line(page, "closed_by_deadline", sum_of(shared, &Metrics::closed_by_deadline));
}

void add_size(std::string& page, std::string_view name, std::uint64_t bytes) {
  line(page, name, bytes);
  line(page, fmt::format("{}_human", name), short_size(bytes));
}

void add_memory(std::string& page, const InfoSources& from) {
  const Shared& shared = from.shared;
  const std::uint64_t used = memory_used(shared);
  const std::uint64_t buffers = std::min(sum_of(shared, &Metrics::buffer_bytes), used);
  const std::uint64_t peak = memory_peak(shared);
  const std::uint64_t resident = from.usage.resident_bytes;
  const std::uint64_t limit =
      static_cast<std::uint64_t>(shared.settings.get(Setting::memory_bytes_max));
  add_size(page, "used_memory", used);
  add_size(page, "used_memory_rss", resident);
  add_size(page, "used_memory_peak", peak);
  line(page, "used_memory_peak_perc", fmt::format("{:.2f}%", 100 * ratio(used, peak)));
  line(page, "used_memory_overhead", buffers);
  line(page, "used_memory_dataset", used - buffers);
  line(page, "used_memory_dataset_perc", fmt::format("{:.2f}%", 100 * ratio(used - buffers, used)));
  line(page, "buffer_memory", buffers);
  add_size(page, "total_system_memory", from.usage.machine_bytes);
  add_size(page, "used_memory_lua", 0);
  line(page, "number_of_cached_scripts", 0);
  add_size(page, "maxmemory", limit);
  line(page, "maxmemory_policy", "noeviction");
  line(page, "mem_fragmentation_ratio", fmt::format("{:.2f}", ratio(resident, used)));
  line(page, "mem_fragmentation_bytes",
       static_cast<std::int64_t>(resident) - static_cast<std::int64_t>(used));
  line(page, "mem_allocator", "libc");
  line(page, "active_defrag_running", 0);
  line(page, "lazyfree_pending_objects", 0);
}

// There are no snapshots, and nothing to rewrite: the log is both.
void add_persistence(std::string& page, const InfoSources& from) {
  const Shared& shared = from.shared;
  line(page, "loading", 0);
  line(page, "async_loading", 0);
  // What is acknowledged is saved; without a disk nothing ever is.
  const std::uint64_t unsaved = is_durable(shared) ? 0 : sum_of(shared, &Metrics::changes);
  line(page, "rdb_changes_since_last_save", unsaved);
  line(page, "rdb_bgsave_in_progress", 0);
  line(page, "rdb_last_save_time", shared.started_ms / 1000);
  line(page, "rdb_last_bgsave_status", "ok");
  line(page, "rdb_last_bgsave_time_sec", -1);
  line(page, "rdb_current_bgsave_time_sec", -1);
  line(page, "aof_enabled", is_durable(shared) ? 1 : 0);
  line(page, "aof_rewrite_in_progress", 0);
  line(page, "aof_rewrite_scheduled", 0);
  line(page, "aof_last_rewrite_time_sec", -1);
  line(page, "aof_current_rewrite_time_sec", -1);
  line(page, "aof_last_bgrewrite_status", "ok");
  line(page, "aof_last_write_status", "ok");  // Else the server would have ended.
  if (is_durable(shared)) line(page, "aof_current_size", sum_of(shared, &Metrics::log_bytes));
}

// Statuses that say the same word are one kind.
std::vector<std::pair<std::string_view, std::uint64_t>> errors_of(const Shared& shared) {
  std::vector<std::pair<std::string_view, std::uint64_t>> kinds;
  for (std::size_t status = 0; status < std::tuple_size_v<ErrorGauges>; ++status) {
    std::uint64_t count = 0;
    for (unsigned core = 0; core < shared.cores(); ++core) {
      count += shared.metrics[core].errors[status].get();
    }
    if (count == 0) continue;
    const auto prefix = protocol::error_prefix(static_cast<protocol::Status>(status));
    const auto known = std::find_if(kinds.begin(), kinds.end(),
                                    [prefix](const auto& kind) { return kind.first == prefix; });
    if (known == kinds.end()) {
      kinds.emplace_back(prefix, count);
    } else {
      known->second += count;
    }
  }
  return kinds;
}

std::uint64_t errors_in_all(const Shared& shared) {
  std::uint64_t sum = 0;
  for (const auto& kind : errors_of(shared)) sum += kind.second;
  return sum;
}

void add_stats(std::string& page, const InfoSources& from) {
  const Shared& shared = from.shared;
  const auto kilobytes = [&](Field field) {
    return fmt::format("{:.2f}", static_cast<double>(sum_of(shared, field)) / 1024);
  };
  line(page, "total_connections_received", sum_of(shared, &Metrics::accepted));
  line(page, "total_commands_processed", sum_of(shared, &Metrics::requests));
  line(page, "instantaneous_ops_per_sec", sum_of(shared, &Metrics::requests_per_second));
  line(page, "total_net_input_bytes", sum_of(shared, &Metrics::received_bytes));
  line(page, "total_net_output_bytes", sum_of(shared, &Metrics::sent_bytes));
  line(page, "instantaneous_input_kbps", kilobytes(&Metrics::received_per_second));
  line(page, "instantaneous_output_kbps", kilobytes(&Metrics::sent_per_second));
  line(page, "rejected_connections", sum_of(shared, &Metrics::rejected));
  line(page, "sync_full", 0);
  line(page, "sync_partial_ok", 0);
  line(page, "sync_partial_err", 0);
  line(page, "expired_keys", sum_of(shared, &Metrics::expired));
  line(page, "expiry_lag_ms", largest(shared, &Metrics::expiry_lag_ms));
  line(page, "evicted_keys", 0);
  line(page, "evicted_clients", 0);
  line(page, "keyspace_hits", sum_of(shared, &Metrics::keyspace_hits));
  line(page, "keyspace_misses", sum_of(shared, &Metrics::keyspace_misses));
  // A name counts on each core where somebody has subscribed to it: PUBSUB counts it once.
  line(page, "pubsub_channels", sum_of(shared, &Metrics::channels));
  line(page, "pubsub_patterns", sum_of(shared, &Metrics::patterns));
  line(page, "client_output_buffer_limit_disconnections", sum_of(shared, &Metrics::closed_unread));
  line(page, "notices_dropped", sum_of(shared, &Metrics::notices_dropped));
  line(page, "latest_fork_usec", 0);
  line(page, "total_forks", 0);
  line(page, "migrate_cached_sockets", 0);
  line(page, "total_reads_processed", sum_of(shared, &Metrics::receives));
  line(page, "total_writes_processed", sum_of(shared, &Metrics::sends));
  line(page, "total_error_replies", errors_in_all(shared));
}

void add_replication(std::string& page, const InfoSources& from) {
  line(page, "role", "master");
  line(page, "connected_slaves", 0);
  line(page, "master_failover_state", "no-failover");
  line(page, "master_replid", from.shared.run_id);
  line(page, "master_repl_offset", 0);
  line(page, "second_repl_offset", -1);
  line(page, "repl_backlog_active", 0);
  line(page, "repl_backlog_histlen", 0);
}

void add_cpu(std::string& page, const InfoSources& from) {
  const auto seconds = [](std::uint64_t us) {
    return fmt::format("{}.{:06}", us / 1'000'000, us % 1'000'000);
  };
  line(page, "used_cpu_sys", seconds(from.usage.system_us));
  line(page, "used_cpu_user", seconds(from.usage.user_us));
  line(page, "used_cpu_sys_children", seconds(0));
  line(page, "used_cpu_user_children", seconds(0));
}

void add_nothing(std::string&, const InfoSources&) {}

void add_command_stats(std::string& page, const InfoSources& from) {
  for (const auto* row : from.shared.table.all()) {
    const CommandTotals totals = totals_of(from.shared, row->index);
    if (totals.calls == 0 && totals.rejected == 0 && totals.failed == 0) continue;
    const commands::CommandTimes times = times_of(from.shared, row->index);
    line(page, fmt::format("cmdstat_{}", commands::lower_case(row->name)),
         fmt::format("calls={},usec={},usec_per_call={:.2f},rejected_calls={},failed_calls={}",
                     totals.calls, times.total_us, ratio(times.total_us, totals.calls),
                     totals.rejected, totals.failed));
  }
}

void add_error_stats(std::string& page, const InfoSources& from) {
  auto kinds = errors_of(from.shared);
  std::sort(kinds.begin(), kinds.end());
  for (const auto& [prefix, count] : kinds) {
    line(page, fmt::format("errorstat_{}", prefix), fmt::format("count={}", count));
  }
}

// The end of the range that so many of the calls do not exceed.
double percentile_us(const commands::CommandTimes& times, double percent) {
  const double wanted = static_cast<double>(times.calls) * percent / 100;
  std::size_t range = 0;
  while (range + 1 < times.up_to.size() && static_cast<double>(times.up_to[range]) < wanted) {
    ++range;
  }
  return static_cast<double>(commands::CommandTimes::end_ns(range)) / 1000;
}

void add_latency_stats(std::string& page, const InfoSources& from) {
  const commands::Settings& settings = from.shared.settings;
  if (settings.get(Setting::tells_latencies) == 0) return;
  const std::vector<double> percents = settings.percentiles();
  for (const auto* row : from.shared.table.all()) {
    const commands::CommandTimes times = times_of(from.shared, row->index);
    if (!times.is_known || times.calls == 0) continue;
    std::string told;
    for (const double percent : percents) {
      fmt::format_to(std::back_inserter(told), "{}p{:.8g}={:.3f}", told.empty() ? "" : ",", percent,
                     percentile_us(times, percent));
    }
    line(page, fmt::format("latency_percentiles_usec_{}", commands::lower_case(row->name)), told);
  }
}

void add_cluster(std::string& page, const InfoSources&) {
  line(page, "cluster_enabled", 0);
}

void add_keyspace(std::string& page, const InfoSources& from) {
  const std::uint64_t keys = sum_of(from.shared, &Metrics::keys);
  if (keys == 0) return;
  line(page, "db0",
       fmt::format("keys={},expires={},avg_ttl=0", keys,
                   sum_of(from.shared, &Metrics::keys_with_expiry)));
}

void add_log(std::string& page, const InfoSources& from) {
  const Shared& shared = from.shared;
  line(page, "durability", durability_name(shared.config.log.durability));
  line(page, "log_segments", sum_of(shared, &Metrics::log_segments));
  line(page, "log_bytes", sum_of(shared, &Metrics::log_bytes));
  line(page, "log_batches", sum_of(shared, &Metrics::log_batches));
  line(page, "log_records", sum_of(shared, &Metrics::log_records));
  line(page, "log_written_bytes", sum_of(shared, &Metrics::log_written_bytes));
  line(page, "commit_usec_last", largest(shared, &Metrics::commit_ns_last) / 1000);
  line(page, "commit_usec_max", largest(shared, &Metrics::commit_ns_max) / 1000);
}

void add_cores(std::string& page, const InfoSources& from) {
  const Shared& shared = from.shared;
  const auto memory = shared.settings.get(Setting::memory_bytes_max);
  const std::uint64_t share = static_cast<std::uint64_t>(memory) / shared.cores();
  for (unsigned core = 0; core < shared.cores(); ++core) {
    const Metrics& m = shared.metrics[core];
    line(page, fmt::format("core_{}", core),
         fmt::format("keys={},requests={},from_other_cores={},turns={},memory={},buffers={},"
                     "maxmemory={}",
                     m.keys.get(), m.requests.get(), m.requests_from_other_cores.get(),
                     m.turns.get(), m.memory_bytes.get(), m.buffer_bytes.get(), share));
  }
}

struct Section {
  std::string_view title;
  void (*add)(std::string&, const InfoSources&);
  bool is_for_most = true;
};

constexpr auto kSections = std::to_array<Section>({
    {"Server", add_server},
    {"Clients", add_clients},
    {"Memory", add_memory},
    {"Persistence", add_persistence},
    {"Stats", add_stats},
    {"Replication", add_replication},
    {"CPU", add_cpu},
    {"Modules", add_nothing},
    {"Commandstats", add_command_stats, false},
    {"Errorstats", add_error_stats},
    {"Latencystats", add_latency_stats, false},
    {"Cluster", add_cluster},
    {"Keyspace", add_keyspace},
    {"Log", add_log},
    {"Cores", add_cores},
});

bool is_wanted(const Section& section, commands::Args names) {
  if (names.empty()) return section.is_for_most;
  return std::any_of(names.begin(), names.end(), [&section](auto name) {
    const auto is = [name](std::string_view word) {
      return commands::equals_ignoring_case(name, word);
    };
    return is(section.title) || is("all") || is("everything") ||
           (section.is_for_most && is("default"));
  });
}

}  // namespace

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

std::uint64_t sum_of(const Shared& shared, Gauge Metrics::*field) {
  std::uint64_t total = 0;
  for (unsigned core = 0; core < shared.cores(); ++core) {
    total += (shared.metrics[core].*field).get();
  }
  return total;
}

std::uint64_t memory_used(const Shared& shared) {
  return sum_of(shared, &Metrics::memory_bytes);
}

std::uint64_t memory_peak(const Shared& shared) {
  return std::max(shared.memory_peak.get(), memory_used(shared));
}

std::string short_size(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{}B", bytes);
  constexpr std::string_view kUnits = "KMGTPE";
  auto size = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; size >= 1024 && unit + 1 < kUnits.size(); ++unit) size /= 1024;
  return fmt::format("{:.2f}{}", size, kUnits[unit]);
}

void append_info(const InfoSources& sources, commands::Args sections, std::string& page) {
  for (const auto& section : kSections) {
    if (!is_wanted(section, sections)) continue;
    if (!page.empty()) page += "\r\n";
    page += fmt::format("# {}\r\n", section.title);
    section.add(page, sources);
  }
}

}  // namespace phoenix::server
