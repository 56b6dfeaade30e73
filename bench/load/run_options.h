// What a run is to do: checked, so that it can be run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/wire/protocol.h"
#include "bench/workload/options.h"

namespace phoenix::bench {

enum class Durability : std::uint8_t { by_server, wait, do_not_wait };

/// How requests are spaced in time at a given rate.
enum class Arrivals : std::uint8_t { constant, poisson };

/// Where the server is, and how to get in.
struct Target {
  Protocol protocol = Protocol::native;
  std::string host = "127.0.0.1";
  std::uint16_t port = 6969;
  std::string unix_path;  // When not empty: this unix socket instead.
  std::string password;   // When not empty: sent with AUTH on every connection.

  /// "127.0.0.1 port 6969", or the path.
  std::string text() const;
};

struct RunOptions {
  Target target;
  WorkloadOptions workload;
  std::uint32_t connections = 50;
  std::uint32_t pipeline = 1;  // Requests on their way per connection, at most.
  double rate_per_s = 0;  // Open loop: so many requests, whatever the replies do. 0: closed loop.
  Arrivals arrivals = Arrivals::constant;
  bool polls = false;  // Open loop: do not sleep before a request is due.
  double seconds = 5;
  double warmup_seconds = 1;
  bool preload = true;
  bool are_keys_stored = false;  // By an earlier run's preload, which is not done again.
  bool verify = true;
  std::uint32_t threads = 1;
  int cpu = -1;        // Of the first thread, the next ones follow; -1: not pinned.
  int server_pid = 0;  // 0: to be found.
  std::string json_path;
  std::string html_path;
  std::string csv_path;
  Durability durability = Durability::by_server;
  std::uint64_t seed = 0;  // 0: to be drawn.

  bool is_open_loop() const { return rate_per_s > 0; }
  bool stores_keys() const { return preload && !are_keys_stored; }
};

}  // namespace phoenix::bench
