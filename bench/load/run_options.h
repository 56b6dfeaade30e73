// What a run is to do: checked, so that it can be run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace phoenix::bench {

enum class Durability : std::uint8_t { by_server, wait, do_not_wait };

/// Where the server is, and how to get in.
struct Target {
  std::string host = "127.0.0.1";
  std::uint16_t port = 6969;
  std::string unix_path;  // When not empty: this unix socket instead.
  std::string password;   // When not empty: sent with AUTH on every connection.

  /// "127.0.0.1 port 6969", or the path.
  std::string text() const;
};

struct RunOptions {
  Target target;
  std::uint32_t connections = 50;
  std::uint32_t pipeline = 1;
  std::string workload = "get";  // get, set or mixed.
  double get_share = 1;          // Of the requests; follows from the workload.
  std::uint64_t keys = 1'000'000;
  std::size_t key_bytes = 16;
  std::size_t value_bytes = 64;
  double seconds = 5;
  double warmup_seconds = 1;
  bool preload = false;
  bool verify = true;
  std::uint32_t threads = 1;
  int cpu = -1;        // Of the first thread, the next ones follow; -1: not pinned.
  int server_pid = 0;  // 0: to be found.
  std::string json_path;
  Durability durability = Durability::by_server;
  std::uint64_t seed = 0;  // 0: to be drawn.
};

}  // namespace phoenix::bench
