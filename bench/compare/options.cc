#include "bench/compare/options.h"

#include <CLI/CLI.hpp>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "bench/report/report.h"
#include "bench/workload/keys.h"
#include "bench/workload/options.h"

namespace phoenix::bench::compare {
namespace {

constexpr std::uint32_t kPassesMax = 1000;
constexpr std::uint32_t kPipelineMax = 4096;
constexpr std::uint32_t kConnectionsMax = 10'000;
constexpr std::uint32_t kThreadsMax = 64;
constexpr std::uint64_t kKeysMax = 1'000'000'000;
constexpr std::size_t kKeyBytesMax = 250;  // As memcached takes them.
constexpr std::size_t kValueBytesMax = std::size_t{1} << 20U;
constexpr double kSecondsMax = 3600;
constexpr int kCpuMax = CPU_SETSIZE - 1;

constexpr const char* kFooter =
    "Every pass starts all servers anew, stores the same keys in each, and runs every workload "
    "and\n"
    "pipeline against one server after the other: each pair of passes begins with another server,\n"
    "and its second goes backwards, so that a machine that slows down treats all alike. What "
    "counts\n"
    "is the server's CPU time per operation while it is at least 90 % busy.\n"
    "A server of your own: --server 'mine=resp:my-server --port {port} --dir {dir}'. The protocol\n"
    "is native, resp, memcached or memcached-meta; {port} {dir} {cpu} {threads} are filled in.\n"
    "It must stay in the foreground: what makes itself a daemon cannot be ended.\n"
    "Exit status: 0 all runs counted, 1 some or all did not, 2 wrong arguments.\n";

tl::unexpected<Error> wrong(std::string text) {
  return fail(ErrorCode::invalid, std::move(text));
}

// Comparisons let "nan" through.
const CLI::Validator kFinite(
    [](const std::string& text) {
      const bool is_finite = std::isfinite(std::strtod(text.c_str(), nullptr));
      return is_finite ? std::string() : text + " is no finite number";
    },
    "");

/// The CPUs that this process may use, in order.
std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &set)) cpus.push_back(cpu);
  }
  return cpus;
}

template <typename Values>
bool has_twice(Values values) {
  std::sort(values.begin(), values.end());
  return std::adjacent_find(values.begin(), values.end()) != values.end();
}

PeerDurability durability_named(const std::string& name) {
  return name == "off"        ? PeerDurability::off
         : name == "interval" ? PeerDurability::interval
                              : PeerDurability::always;
}

}  // namespace

Command::Command(CLI::App& app)
    : app_(app.add_subcommand("compare",
                              "start several servers, load them alike in turn, and "
                              "print how they relate")) {
  options_.workloads = {"get", "set"};
  options_.pipelines = {1, 16, 64};
  app_->footer(kFooter);
  declare_servers();
  declare_load();
  declare_output();
}

void Command::declare_servers() {
  app_->add_option("--servers", names_,
                   "phoenix,redis,valkey,memcached,memcached-meta,ceiling (default: those that are "
                   "installed); the ceiling is always among them")
      ->delimiter(',');
  app_->add_option("--server", templates_, "NAME=PROTOCOL:COMMAND, another server; see below")
      ->allow_extra_args(false);
  app_->add_option("--phoenix-server", phoenix_server_,
                   "path of phoenix-server (default: beside this program)");
  app_->add_option("--durability", durability_,
                   "always, interval or off: phoenix --durability; redis and valkey "
                   "--appendfsync always or everysec, or no persistence. Others have none")
      ->capture_default_str()
      ->check(CLI::IsMember({"always", "interval", "off"}));
  app_->add_option("--server-threads", options_.server_threads, "of each server")
      ->capture_default_str()
      ->check(CLI::Range(1U, kThreadsMax));
  app_->add_option("--server-cpu", options_.server_cpu,
                   "the first of the CPUs for the servers (default: the first)")
      ->check(CLI::Range(0, kCpuMax));
  app_->add_option("--client-cpu", options_.client_cpu,
                   "the first of the CPUs for the client (default: the next)")
      ->check(CLI::Range(0, kCpuMax));
  app_->add_flag("--no-pin", no_pin_, "let the kernel choose the CPUs");
  app_->add_option("--dir", options_.directory,
                   "make the servers' directories in here (default: $TMPDIR or /tmp)");
}

void Command::declare_load() {
  app_->add_option("--workloads", options_.workloads,
                   "such as leave the number of keys alone: get, set, mixed, ycsb-a, ycsb-b, "
                   "ycsb-c, ycsb-f")
      ->capture_default_str()
      ->delimiter(',');
  app_->add_option("--pipelines", options_.pipelines, "requests on their way per connection")
      ->capture_default_str()
      ->delimiter(',')
      ->check(CLI::Range(1U, kPipelineMax));
  app_->add_option("--passes", options_.passes, "an even number is fair to the order")
      ->capture_default_str()
      ->check(CLI::Range(1U, kPassesMax));
  app_->add_option("--seconds", options_.seconds, "of each run")
      ->capture_default_str()
      ->check(kFinite)
      ->check(CLI::Range(0.01, kSecondsMax));
  app_->add_option("--warmup", options_.warmup_seconds, "seconds of the same load before")
      ->capture_default_str()
      ->check(kFinite)
      ->check(CLI::Range(0.0, kSecondsMax));
  app_->add_option("--connections", options_.connections, "open at once")
      ->capture_default_str()
      ->check(CLI::Range(1U, kConnectionsMax));
  app_->add_option("--client-threads", options_.client_threads, "of the load")
      ->capture_default_str()
      ->check(CLI::Range(1U, kThreadsMax));
  app_->add_option("--keys", options_.keys, "stored in each server")
      ->capture_default_str()
      ->check(CLI::Range(std::uint64_t{1}, kKeysMax));
  app_->add_option("--key-size", options_.key_bytes, "bytes")
      ->capture_default_str()
      ->check(CLI::Range(std::size_t{1}, kKeyBytesMax));
  app_->add_option("--value-size", options_.value_bytes, "bytes")
      ->capture_default_str()
      ->check(CLI::Range(std::size_t{0}, kValueBytesMax));
  app_->add_option("--seed", options_.seed, "of the random keys, the same for all servers")
      ->capture_default_str()
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{0xFFFFFFFF}));
}

void Command::declare_output() {
  app_->add_option("--json", options_.json_path, "also write every run and the table to this file");
  app_->add_option("--html", options_.html_path, "also write a page with plots to this file");
  app_->add_option("--csv", options_.csv_path, "also write every run to this file");
}

bool Command::parsed() const {
  return app_->parsed();
}

std::string Command::help() const {
  return app_->help();
}

bool Command::given(const char* option) const {
  return app_->count(option) != 0;
}

// A server that was asked for must be there; of the usual ones, those that are.
Result<void> Command::add_server(const std::string& name) {
  auto spec = find_peer(
      name, {options_.durability, phoenix_server_, options_.value_bytes, options_.connections});
  if (spec) {
    options_.servers.push_back(std::move(*spec));
  } else if (given("--servers") || spec.error().code != ErrorCode::unsupported) {
    return wrong(fmt::format("--servers {}", spec.error().message));
  } else {
    options_.missing.push_back(spec.error().message);
  }
  return {};
}

Result<void> Command::choose_servers() {
  constexpr const char* kCeiling = "ceiling";
  std::vector<std::string> names = given("--servers") ? names_ : known_peers();
  // Last, unless another place was asked for.
  if (!given("--servers")) std::erase(names, kCeiling);
  for (const std::string& name : names) {
    if (auto added = add_server(name); !added) return added;
  }
  for (const std::string& text : templates_) {
    auto spec = parse_peer(text);
    if (!spec) return wrong(fmt::format("--server {}", spec.error().message));
    options_.servers.push_back(std::move(*spec));
  }
  if (std::find(names.begin(), names.end(), kCeiling) == names.end()) {
    if (auto added = add_server(kCeiling); !added) return added;
  }
  std::vector<std::string> all;
  for (const PeerSpec& spec : options_.servers) all.push_back(spec.name);
  if (has_twice(all)) return wrong("two servers have the same name: give one of them another");
  return {};
}

// One set for the servers and another for the client, where the machine has that many.
Result<void> Command::choose_cpus() {
  if (no_pin_) {
    if (given("--server-cpu") || given("--client-cpu")) {
      return wrong("--no-pin excludes --server-cpu and --client-cpu");
    }
    return {};
  }
  const std::vector<int> allowed = allowed_cpus();
  const std::size_t servers = options_.server_threads;
  const bool enough = allowed.size() >= servers + options_.client_threads;
  if (!given("--server-cpu") && enough) options_.server_cpu = allowed.front();
  if (!given("--client-cpu") && enough) options_.client_cpu = allowed[servers];
  const int server = options_.server_cpu;
  const int client = options_.client_cpu;
  if (server < 0 || client < 0) return {};
  const bool apart = client >= server + static_cast<int>(servers) ||
                     server >= client + static_cast<int>(options_.client_threads);
  if (apart) return {};
  return wrong(
      fmt::format("--server-cpu {} and --client-cpu {}: the servers and the client would "
                  "share a CPU; choose others, or --no-pin",
                  server, client));
}

Result<Options> Command::check(const std::vector<std::string>& arguments) {
  options_.command = shell_command(arguments, options_.seed);
  options_.durability = durability_named(durability_);
  for (const std::string& name : options_.workloads) {
    WorkloadOptions workload;
    if (auto known = set_workload(name, workload); !known) {
      return tl::unexpected<Error>(known.error());
    }
    if (workload.mix.del > 0 || workload.mix.insert > 0) {
      return wrong(
          fmt::format("--workloads {}: it changes which keys there are, so what later "
                      "runs find would depend on how fast a server was",
                      name));
    }
  }
  if (has_twice(options_.workloads)) return wrong("--workloads names one twice");
  if (has_twice(options_.pipelines)) return wrong("--pipelines names one twice");
  if (options_.client_threads > options_.connections) {
    return wrong(fmt::format("--client-threads {}: more than --connections {}",
                             options_.client_threads, options_.connections));
  }
  const auto keys = Keys::make(options_.keys, Sizes(options_.key_bytes));
  if (!keys) return tl::unexpected<Error>(keys.error());
  if (auto chosen = choose_servers(); !chosen) return tl::unexpected<Error>(chosen.error());
  if (auto chosen = choose_cpus(); !chosen) return tl::unexpected<Error>(chosen.error());
  return std::move(options_);
}

}  // namespace phoenix::bench::compare
