// The command line of `phoenix-bench compare`: its own, since most of what a single run takes would
// make servers incomparable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/peers/catalog.h"
#include "phoenix/base/result.h"

namespace CLI {
class App;
}

namespace phoenix::bench::compare {

struct Options {
  std::vector<PeerSpec> servers;     // What the others are related to comes first.
  std::vector<std::string> missing;  // Why known servers are left out, a sentence each.
  std::vector<std::string> workloads;
  std::vector<std::uint32_t> pipelines;
  std::uint32_t passes = 4;
  double seconds = 1.5;  // Of each run.
  double warmup_seconds = 0.3;
  std::uint32_t connections = 50;
  std::uint64_t keys = 1'000'000;
  std::size_t key_bytes = 16;
  std::size_t value_bytes = 64;
  std::uint32_t server_threads = 1;
  std::uint32_t client_threads = 1;
  int server_cpu = -1;  // -1: not pinned.
  int client_cpu = -1;
  PeerDurability durability = PeerDurability::always;
  std::uint64_t seed = 1;  // The same for all servers.
  std::string directory;   // Of the servers' data; empty: the system's for temporary files.
  std::string json_path;
  std::string html_path;
  std::string csv_path;
  std::string command;  // That repeats it.
};

/// Declares the subcommand, and holds what the parser fills until check() has made sense of it.
class Command final {
 public:
  explicit Command(CLI::App& app);

  bool parsed() const;
  std::string help() const;

  /// After parsing. `arguments`: all of them, argv[0] first. The error is one sentence.
  Result<Options> check(const std::vector<std::string>& arguments);

 private:
  void declare_servers();
  void declare_load();
  void declare_output();
  Result<void> add_server(const std::string& name);
  Result<void> choose_servers();
  Result<void> choose_cpus();
  bool given(const char* option) const;

  CLI::App* app_;
  Options options_;
  std::vector<std::string> names_;
  std::vector<std::string> templates_;
  std::string phoenix_server_;
  std::string durability_ = "always";
  bool no_pin_ = false;
};

}  // namespace phoenix::bench::compare
