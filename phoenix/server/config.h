// What the command line says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "phoenix/base/result.h"
#include "phoenix/commands/long_job.h"
#include "phoenix/log/options.h"
#include "phoenix/server/limits.h"

namespace phoenix::server {

/// For canary tests, as log::Mutations: each breaks one promise at the place where it is kept.
struct Mutations {
  bool hits_do_not_wait = false;           // A read shows a write that is not durable yet.
  bool misses_do_not_wait = false;         // A miss shows a delete that is not durable yet.
  bool listings_do_not_wait = false;       // A listing shows what is not durable yet.
  bool failed_writes_do_not_wait = false;  // Nor does a write that found a reason to do nothing.
  bool clears_do_not_wait = false;         // A miss shows a FLUSHALL that is not durable yet.
  bool replies_out_of_order = false;       // A batch is answered last request first.
  bool wakes_are_lost = false;             // A sleeping core learns of its mail at the next tick.
  bool watches_are_ignored = false;        // EXEC runs although a watched key has changed.
  bool transactions_are_split = false;     // Short ones are two batches: a crash may keep half.
  bool notices_do_not_wait = false;        // A change of a key is told before it is durable.
  bool scans_skip = false;                 // A walk leaves a core after its first slice.
  bool held_values_are_patched = false;    // A part goes into what the log still has to write.
  bool rewrite_drops_expiries = false;     // A change of the core count makes all keys eternal.
};

/// What simulations set lower, so that small runs reach it. Not reachable from the command line.
struct Bounds {
  std::size_t hops_per_pair = kHopsPerPair;
  std::size_t parts_per_hop = kPartsPerHop;
  std::size_t list_work_per_turn_max = kListWorkPerTurnMax;
  std::size_t long_slice_bytes = commands::LongJobs::kSliceBytes;
};

/// Who may use DEBUG.
enum class DebugAccess : std::uint8_t {
  no,
  local,  // Whoever reaches the server, which must be on this machine.
  yes,
};

struct Config {
  log::Options log;  // --dir, --durability, --interval-ms, ...
  std::vector<std::string> bind{"127.0.0.1"};
  std::uint16_t port = 6969;         // 0: the kernel chooses a free one.
  std::uint16_t core_port_base = 0;  // 0: none. Core i also listens on this port + i.
  std::string unix_path;
  unsigned cores = 0;                  // 0: as many as the machine grants this process.
  std::uint64_t memory_bytes_max = 0;  // 0: no limit.
  std::uint64_t connections_max = 0;   // 0: as many as descriptors allow.
  std::string password;                // At the start (then see Settings). Empty: none.
  bool keeps_password = false;         // It may not be removed: other machines reach the server.
  bool pin_cores = true;
  DebugAccess debug = DebugAccess::no;
  bool print_commands = false;  // Print docs/COMMANDS.md and end.
  Mutations mutations;          // Not reachable from the command line.
  Bounds bounds;
};

/// What to do instead of serving: a text to print and the exit code.
struct ConfigExit {
  std::string text;
  int code = 0;
};

/// Parses the command line, reads the password file, and refuses what contradicts itself.
tl::expected<Config, ConfigExit> parse_config(int argc, const char* const* argv);

/// CPUs that this process may use: the affinity mask, bounded by the cgroup's quota; at least 1.
unsigned usable_cpus();

/// True for addresses that only this machine can reach.
bool is_loopback(const std::string& address);

}  // namespace phoenix::server
