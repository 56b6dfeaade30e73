#include "phoenix/commands/settings_table.h"

#include <algorithm>
#include <array>

namespace phoenix::commands {
namespace {

using Kind = Parameter::Kind;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kInt32Most = std::numeric_limits<std::int32_t>::max();

constexpr auto kUsed = std::to_array<Parameter>({
    {"latency-monitor-threshold", Setting::latency_ms},
    {"latency-tracking", Setting::tells_latencies, Kind::yes_or_no, 0, 1, 1},
    {"maxclients", Setting::clients_max, Kind::integer, 1, 4'294'967'295, 10'000},
    {"maxmemory", Setting::memory_bytes_max, Kind::memory},
    {"min-replicas-max-lag", Setting::replica_lag_s_max, Kind::integer, 0, kInt32Most, 10},
    {"min-replicas-to-write", Setting::replicas_least, Kind::integer, 0, kInt32Most},
    {"min-slaves-max-lag", Setting::replica_lag_s_max, Kind::integer, 0, kInt32Most, 10},
    {"min-slaves-to-write", Setting::replicas_least, Kind::integer, 0, kInt32Most},
    {"notify-keyspace-events", Setting::key_events, Kind::key_events},
    {"slowlog-log-slower-than", Setting::slow_log_us, Kind::integer, -1, kMost, 10'000},
    {"slowlog-max-len", Setting::slow_log_entries_max, Kind::integer, 0, kMost, 128},
    {"timeout", Setting::client_timeout_s, Kind::integer, 0, kInt32Most},
});

constexpr Setting unused(unsigned number) {
  return static_cast<Setting>(static_cast<unsigned>(Setting::unused_first) + number);
}

// Tools set these when they start. They only tune what there is not here: to take them is no
// promise, and to refuse them would keep somebody from working for nothing. With Redis's ranges.
constexpr auto kUnused = std::to_array<Parameter>({
    // How types that are not here are held.
    {"hash-max-listpack-entries", unused(0), Kind::integer, 0, kMost, 512},
    {"hash-max-ziplist-entries", unused(0), Kind::integer, 0, kMost, 512},
    {"hash-max-listpack-value", unused(1), Kind::memory, 0, kMost, 64},
    {"hash-max-ziplist-value", unused(1), Kind::memory, 0, kMost, 64},
    {"hll-sparse-max-bytes", unused(2), Kind::memory, 0, kMost, 3'000},
    {"list-compress-depth", unused(3), Kind::integer, 0, kInt32Most, 0},
    {"list-max-listpack-size", unused(4), Kind::integer, -kInt32Most - 1, kInt32Most, -2},
    {"list-max-ziplist-size", unused(4), Kind::integer, -kInt32Most - 1, kInt32Most, -2},
    {"set-max-intset-entries", unused(5), Kind::integer, 0, kMost, 512},
    {"stream-node-max-bytes", unused(6), Kind::memory, 0, kMost, 4'096},
    {"stream-node-max-entries", unused(7), Kind::integer, 0, kMost, 100},
    {"zset-max-listpack-entries", unused(8), Kind::integer, 0, kMost, 128},
    {"zset-max-ziplist-entries", unused(8), Kind::integer, 0, kMost, 128},
    {"zset-max-listpack-value", unused(9), Kind::memory, 0, kMost, 64},
    {"zset-max-ziplist-value", unused(9), Kind::memory, 0, kMost, 64},
    // How a log would be rewritten, and memory be tidied; who asks for tables that are not here.
    {"acllog-max-len", unused(47), Kind::integer, 0, kMost, 128},
    {"activerehashing", unused(46), Kind::yes_or_no, 0, 1, 1},
    {"active-expire-effort", unused(45), Kind::integer, 1, 10, 1},
    {"aof-rewrite-incremental-fsync", unused(44), Kind::yes_or_no, 0, 1, 1},
    {"auto-aof-rewrite-min-size", unused(43), Kind::memory, 0, kMost, 67'108'864},
    {"auto-aof-rewrite-percentage", unused(42), Kind::integer, 0, kInt32Most, 100},
    {"dynamic-hz", unused(41), Kind::yes_or_no, 0, 1, 1},
    {"jemalloc-bg-thread", unused(40), Kind::yes_or_no, 0, 1, 1},
    {"no-appendfsync-on-rewrite", unused(39), Kind::yes_or_no, 0, 1, 0},
    {"rdb-save-incremental-fsync", unused(38), Kind::yes_or_no, 0, 1, 1},
    {"replica-lazy-flush", unused(37), Kind::yes_or_no, 0, 1, 0},
    {"replica-priority", unused(36), Kind::integer, 0, kInt32Most, 100},
    {"slave-priority", unused(36), Kind::integer, 0, kInt32Most, 100},
    {"replica-read-only", unused(35), Kind::yes_or_no, 0, 1, 1},
    {"slave-read-only", unused(35), Kind::yes_or_no, 0, 1, 1},
    {"replica-serve-stale-data", unused(34), Kind::yes_or_no, 0, 1, 1},
    {"slave-serve-stale-data", unused(34), Kind::yes_or_no, 0, 1, 1},
    {"stop-writes-on-bgsave-error", unused(33), Kind::yes_or_no, 0, 1, 1},
    {"tracking-table-max-keys", unused(32), Kind::integer, 0, kMost, 1'000'000},
    // How long a script may run.
    {"busy-reply-threshold", unused(10), Kind::integer, 0, kMost, 5'000},
    {"lua-time-limit", unused(10), Kind::integer, 0, kMost, 5'000},
    // How a key to be evicted would be chosen.
    {"lfu-decay-time", unused(11), Kind::integer, 0, kInt32Most, 1},
    {"lfu-log-factor", unused(12), Kind::integer, 0, kInt32Most, 10},
    {"maxmemory-samples", unused(13), Kind::integer, 1, kInt32Most, 5},
    // Who frees memory: what is large is always freed in slices.
    {"lazyfree-lazy-eviction", unused(14), Kind::yes_or_no, 0, 1, 0},
    {"lazyfree-lazy-expire", unused(15), Kind::yes_or_no, 0, 1, 0},
    {"lazyfree-lazy-server-del", unused(16), Kind::yes_or_no, 0, 1, 0},
    {"lazyfree-lazy-user-del", unused(17), Kind::yes_or_no, 0, 1, 0},
    {"lazyfree-lazy-user-flush", unused(18), Kind::yes_or_no, 0, 1, 0},
    // How replicas would be served, and snapshots written.
    {"aof-use-rdb-preamble", unused(19), Kind::yes_or_no, 0, 1, 1},
    {"rdb-key-save-delay", unused(20), Kind::integer, -kInt32Most - 1, kInt32Most, 0},
    {"rdbchecksum", unused(21), Kind::yes_or_no, 0, 1, 1},
    {"rdbcompression", unused(22), Kind::yes_or_no, 0, 1, 1},
    {"repl-backlog-size", unused(23), Kind::memory, 1, kMost, 1'048'576},
    {"repl-backlog-ttl", unused(24), Kind::integer, 0, kMost, 3'600},
    {"repl-disable-tcp-nodelay", unused(25), Kind::yes_or_no, 0, 1, 0},
    {"repl-diskless-sync", unused(26), Kind::yes_or_no, 0, 1, 1},
    {"repl-diskless-sync-delay", unused(27), Kind::integer, 0, kInt32Most, 5},
    {"repl-ping-replica-period", unused(28), Kind::integer, 1, kInt32Most, 10},
    {"repl-ping-slave-period", unused(28), Kind::integer, 1, kInt32Most, 10},
    {"repl-timeout", unused(29), Kind::integer, 1, kInt32Most, 60},
});
// Two names of one setting stand together: a number that was given twice is no alias.
constexpr bool has_aliases_together() {
  for (std::size_t i = 0; i < kUnused.size(); ++i) {
    for (std::size_t j = i + 2; j < kUnused.size(); ++j) {
      const bool is_same = kUnused[j].setting == kUnused[i].setting;
      if (is_same && kUnused[j - 1].setting != kUnused[i].setting) return false;
    }
  }
  return true;
}
static_assert(has_aliases_together());
static_assert(kUnused.back().setting < Setting::count, "they need more room");

constexpr auto kParameters = [] {
  std::array<Parameter, kUsed.size() + kUnused.size()> all{};
  std::copy(kUnused.begin(), kUnused.end(), std::copy(kUsed.begin(), kUsed.end(), all.begin()));
  return all;
}();

}  // namespace

std::span<const Parameter> parameters() {
  return kParameters;
}

}  // namespace phoenix::commands
