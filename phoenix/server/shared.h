// What the cores of one server share: constants after the start, and a few atomics.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "phoenix/base/check.h"
#include "phoenix/commands/settings.h"
#include "phoenix/commands/table.h"
#include "phoenix/log/store.h"
#include "phoenix/server/config.h"
#include "phoenix/server/hop.h"
#include "phoenix/server/metrics.h"
#include "phoenix/server/notices.h"
#include "phoenix/server/start_facts.h"

namespace phoenix::server {

/// One per core, on cache lines of its own.
struct alignas(io::kCacheLineBytes) CoreDoor {
  std::atomic<bool> is_asleep{false};  // Set by the core before it waits; who clears it wakes it.
  std::atomic<int> wake_handle{-1};
};

class Shared final {
 public:
  Shared(const Config& server_config, const commands::Table& command_table)
      : config(server_config),
        table(command_table),
        doors(std::make_unique<CoreDoor[]>(server_config.cores)),
        metrics(std::make_unique<Metrics[]>(server_config.cores)),
        notices(server_config.cores) {
    PHX_CHECK(config.cores >= 1);
    tell_start(config, settings);
    for (unsigned i = 0; i < config.cores; ++i) {
      metrics[i].calls = std::make_unique<Gauge[]>(table.all().size());
      metrics[i].commands = std::make_unique<CommandFigures[]>(table.all().size());
      for (const auto* row : table.all()) {
        if (!has(row->flags, commands::Flags::scan)) continue;
        metrics[i].commands[row->index].timed_each = kNoLimit;
      }
    }
    mailboxes.reserve(std::size_t{config.cores} * config.cores);
    for (unsigned i = 0; i < config.cores * config.cores; ++i) {
      mailboxes.push_back(config.cores > 1 ? std::make_unique<HopMailbox>() : nullptr);
    }
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  unsigned cores() const { return config.cores; }
  HopMailbox& mailbox(unsigned from, unsigned to) {
    return *mailboxes[std::size_t{from} * config.cores + to];
  }

  const Config& config;
  const commands::Table& table;
  commands::Settings settings;
  std::unique_ptr<log::Store> store;  // Set by the first phase of the boot.
  std::unique_ptr<CoreDoor[]> doors;
  std::unique_ptr<Metrics[]> metrics;
  std::vector<std::unique_ptr<HopMailbox>> mailboxes;
  NoticeBoard notices;

  std::atomic<bool> stops{false};             // SIGTERM or SIGINT.
  std::atomic<unsigned> cores_drained{0};     // Cores whose sessions are all closed.
  std::atomic<std::uint64_t> clients{0};      // Ever: the last client's id.
  std::atomic<std::uint64_t> connections{0};  // Open now.
  std::atomic<std::uint16_t> port{0};         // The one in use (for --port 0).
  std::atomic<std::int64_t> slow_log_ids{0};
  Gauge memory_peak;  // Written by the first core.
  std::int64_t started_ms = 0;
  std::string run_id;
  std::int64_t process_id = 0;
};

}  // namespace phoenix::server
