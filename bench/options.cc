#include "bench/options.h"

#include <CLI/CLI.hpp>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>

#include <fmt/format.h>

#include "bench/load/run.h"
#include "bench/measure/process.h"
#include "bench/wire/shape.h"
#include "bench/workload/options.h"
#include "protocol/limits.h"

namespace phoenix::bench {
namespace {

constexpr std::uint32_t kConnectionsMax = 10'000;
constexpr std::uint32_t kPipelineMax = 4096;
constexpr std::uint32_t kThreadsMax = 64;
constexpr std::uint64_t kKeysMax = 1'000'000'000'000;
constexpr std::size_t kValueBytesMax = std::size_t{64} << 20U;
constexpr double kSecondsMax = 86'400;
constexpr double kRateMax = 100'000'000;
constexpr int kCpuMax = 1023;
constexpr const char* kDemoPage = "phoenix-bench-demo.html";

constexpr const char* kDescription =
    "Loads a key-value server over its own protocol, checks what it answers, and prints "
    "throughput,\n"
    "latencies and the server's CPU time per operation. Without arguments: 90 % GET, 10 % SET over "
    "a\n"
    "million keys of a local Phoenix server, which are stored first.";
constexpr const char* kFooter =
    "Closed loop (the default): each connection keeps up to --pipeline requests on their way and\n"
    "sends the next ones when all are answered. That hides stalls: a server that does not answer "
    "is\n"
    "not asked either. Open loop (--rate): requests are due at fixed times, and latencies count "
    "from\n"
    "then, also for those that had to wait for a connection.\n"
    "Exit status: 0 all right, 1 wrong answers or no measurement, 2 wrong arguments.\n";

/// What CLI11 fills and the checks below look at.
struct Raw {
  RunOptions run;
  CeilingOptions ceiling;
  std::string protocol = "native";
  std::string workload = "mixed";
  std::string distribution;
  std::string mix;
  std::string key_size = "16";
  std::string value_size = "64";
  std::string ttl;
  std::string arrivals = "constant";
  double ratio = 0.9;
  std::string durability = "default";
  std::string password_file;
  std::string check_path;
  bool crash_test = false;
  bool sweep = false;
  bool demo = false;
};

/// CLI::Range lets "nan" through: no comparison with it is true.
const CLI::Validator kFinite(
    [](const std::string& text) {
      const bool is_finite = std::isfinite(std::strtod(text.c_str(), nullptr));
      return is_finite ? std::string() : text + " is no finite number";
    },
    "");

Result<std::string> read_password(const std::string& path) {
  constexpr std::size_t kPasswordBytesMax = 512;  // As the server takes it.
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line)) {
    return fail(ErrorCode::io, fmt::format("cannot read a password from {}", path));
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.empty() || line.size() > kPasswordBytesMax) {
    return fail(ErrorCode::invalid,
                fmt::format("the first line of {} must be a password of 1 to {} bytes", path,
                            kPasswordBytesMax));
  }
  return line;
}

void declare_target(CLI::App& app, Raw& raw) {
  Target& target = raw.run.target;
  app.add_option("--protocol", raw.protocol, "native, resp, memcached or memcached-meta")
      ->capture_default_str();
  auto* host = app.add_option("-h,--host", target.host, "server's name or address");
  host->capture_default_str();
  auto* port = app.add_option("-p,--port", target.port, "server's port (default: the protocol's)");
  app.add_option("--unix", target.unix_path, "server's unix socket")
      ->excludes(host)
      ->excludes(port);
  app.add_option("--password-file", raw.password_file, "authenticate with its first line");
  app.add_option("--server-pid", raw.run.server_pid,
                 "process whose CPU time counts (default: who listens on the port)")
      ->check(CLI::Range(1, kPidMax));
}

void declare_load(CLI::App& app, Raw& raw) {
  RunOptions& run = raw.run;
  app.add_option("-c,--connections", run.connections, "open at once")
      ->capture_default_str()
      ->check(CLI::Range(1U, kConnectionsMax));
  app.add_option("-P,--pipeline", run.pipeline, "requests on their way per connection")
      ->capture_default_str()
      ->check(CLI::Range(1U, kPipelineMax));
  app.add_option("--seconds", run.seconds, "to measure")
      ->capture_default_str()
      ->check(kFinite)
      ->check(CLI::Range(0.01, kSecondsMax));
  app.add_option("--warmup", run.warmup_seconds, "seconds of the same load before")
      ->capture_default_str()
      ->check(kFinite)
      ->check(CLI::Range(0.0, kSecondsMax));
  app.add_option("-t,--threads", run.threads, "each with its own ring and share of connections")
      ->capture_default_str()
      ->check(CLI::Range(1U, kThreadsMax));
  app.add_option("--cpu", run.cpu, "pin the first thread to this CPU, the others to the next ones")
      ->check(CLI::Range(0, kCpuMax));
  app.add_option("--rate", run.rate_per_s, "open loop: so many requests per second")
      ->check(kFinite)
      ->check(CLI::Range(1.0, kRateMax));
  app.add_option("--arrivals", raw.arrivals, "of an open loop: constant gaps, or poisson")
      ->capture_default_str()
      ->check(CLI::IsMember({"constant", "poisson"}));
  app.add_flag("--poll", run.polls,
               "open loop: never sleep, so that requests leave in time to the microsecond; takes a "
               "whole CPU, which the server or the kernel's work for it may need");
  app.add_flag(
      "--sweep", raw.sweep,
      "find the knee: what the server can do at most, then open loops at 10 to 110 % of that, "
      "each of --seconds");
  app.add_flag("--demo", raw.demo,
               "a sweep in 20 seconds: Zipf, 95 % GET, 5 % SET, and a page with plots");
}

void declare_workload(CLI::App& app, Raw& raw) {
  RunOptions& run = raw.run;
  auto* workload = app.add_option("--workload", raw.workload, workload_names());
  workload->capture_default_str();
  app.add_option("--ratio", raw.ratio, "share of GETs in --workload mixed, 0 to 1")
      ->capture_default_str()
      ->check(kFinite)
      ->check(CLI::Range(0.0, 1.0));
  auto* mix = app.add_option("--mix", raw.mix, "shares of GET, SET and DEL, as 80:15:5");
  mix->excludes(workload);
  app.add_option("--replay", run.workload.replay_path,
                 "send this file's commands, one a line, over and over")
      ->excludes(workload)
      ->excludes(mix);
  app.add_option("--distribution", raw.distribution,
                 "of the keys: uniform, zipf[:EXPONENT], hot[:KEYS:ACCESSES], sequential, "
                 "latest[:EXPONENT] (default: the workload's)");
  app.add_option("--keys", run.workload.keys, "how many there are")
      ->capture_default_str()
      ->check(CLI::Range(std::uint64_t{1}, kKeysMax));
  app.add_option("--key-size", raw.key_size,
                 "bytes; also 16-64, log:16-1024 or 16*90,64*10 (weights)")
      ->capture_default_str();
  app.add_option("--value-size", raw.value_size, "bytes, as --key-size")->capture_default_str();
  app.add_option("--ttl-ms", raw.ttl, "of stored keys: milliseconds, or a range as 1000-5000");
  app.add_flag("--preload,!--no-preload", run.preload,
               "store all keys first (default); a miss is an error then");
  app.add_flag("--verify,!--no-verify", run.verify, "check the value of every hit (default)");
  app.add_option("--durability", raw.durability,
                 "of SETs, natively: default (the server's), wait or nowait")
      ->capture_default_str()
      ->check(CLI::IsMember({"default", "wait", "nowait"}));
  app.add_option("--seed", run.seed, "of the random requests (default: a new one, printed)")
      ->check(CLI::Range(std::int64_t{1}, std::numeric_limits<std::int64_t>::max()));
}

void declare_results(CLI::App& app, Raw& raw) {
  app.add_option("--json", raw.run.json_path, "also write the results to this file");
  app.add_option("--html", raw.run.html_path, "also write a report with plots to this file");
  app.add_option("--csv", raw.run.csv_path, "also write a line per second to this file");
}

CLI::App* declare_ceiling(CLI::App& app, Raw& raw) {
  CLI::App* ceiling = app.add_subcommand(
      "ceiling", "be a server that keeps nothing: the limit that this machine sets to any server");
  ceiling->add_option("port", raw.ceiling.port, "to listen on (127.0.0.1); 0: any free one")
      ->required();
  ceiling->add_option("--cpu", raw.ceiling.cpu, "pin to this CPU")->check(CLI::Range(0, kCpuMax));
  ceiling->add_option("--value-size", raw.ceiling.value_bytes, "bytes that a GET is answered with")
      ->capture_default_str()
      ->check(CLI::Range(std::size_t{0}, kValueBytesMax));
  return ceiling;
}

CLI::App* declare_check(CLI::App& app, Raw& raw) {
  app.add_flag("--crash-test", raw.crash_test,
               "kill a server of its own over and over, and see that nothing is lost; has options "
               "of its own (--crash-test --help)");
  CLI::App* check = app.add_subcommand(
      "check", "check a history that --crash-test --history wrote: is it linearizable?");
  check->add_option("file", raw.check_path, "the history")->required();
  return check;
}

tl::unexpected<Error> wrong(std::string text) {
  return fail(ErrorCode::invalid, std::move(text));
}

std::uint16_t default_port(Protocol protocol) {
  constexpr std::uint16_t kRedis = 6379;
  constexpr std::uint16_t kMemcached = 11211;
  if (protocol == Protocol::resp) return kRedis;
  return is_memcached(protocol) ? kMemcached : Target().port;
}

Result<void> take_target(const CLI::App& app, Raw& raw) {
  Target& target = raw.run.target;
  const auto protocol = parse_protocol(raw.protocol);
  if (!protocol) return tl::unexpected<Error>(protocol.error());
  target.protocol = *protocol;
  if (app.count("--port") == 0) target.port = default_port(*protocol);
  if (target.port == 0) return wrong("--port 0: a server's port is 1 to 65535");
  if (raw.password_file.empty()) return {};
  if (is_memcached(*protocol)) return wrong("--password-file: memcached's protocols have no AUTH");
  auto password = read_password(raw.password_file);
  if (!password) return tl::unexpected<Error>(password.error());
  target.password = std::move(*password);
  return {};
}

Result<void> take_sizes(Raw& raw) {
  WorkloadOptions& workload = raw.run.workload;
  auto key_size = Sizes::parse(raw.key_size, protocol::kKeyBytesMax);
  if (!key_size) return wrong("--key-size " + key_size.error().message);
  auto value_size = Sizes::parse(raw.value_size, kValueBytesMax);
  if (!value_size) return wrong("--value-size " + value_size.error().message);
  workload.key_size = std::move(*key_size);
  workload.value_size = std::move(*value_size);
  if (raw.ttl.empty()) return {};
  auto ttl = TtlRange::parse(raw.ttl);
  if (!ttl) return tl::unexpected<Error>(ttl.error());
  workload.ttl = *ttl;
  return {};
}

Result<void> take_workload(const CLI::App& app, Raw& raw) {
  WorkloadOptions& workload = raw.run.workload;
  if (app.count("--ratio") != 0 && (raw.workload != "mixed" || !raw.mix.empty())) {
    return wrong("--ratio only means something with --workload mixed");
  }
  if (raw.demo && app.count("--workload") == 0) raw.workload = "ycsb-b";
  if (auto set = set_workload(raw.workload, workload); !set) return set;
  if (raw.workload == "mixed") workload.mix = {.get = raw.ratio, .set = 1 - raw.ratio};
  if (!raw.mix.empty()) {
    auto mix = Mix::parse(raw.mix);
    if (!mix) return tl::unexpected<Error>(mix.error());
    workload.name = "mix " + raw.mix;
    workload.mix = *mix;
  }
  if (!raw.distribution.empty()) {
    auto distribution = Distribution::parse(raw.distribution);
    if (!distribution) return tl::unexpected<Error>(distribution.error());
    workload.distribution = *distribution;
  }
  if (!workload.replay_path.empty()) {
    workload.name = "replay";
    if (app.count("--preload") == 0) raw.run.preload = false;
  }
  return take_sizes(raw);
}

// What memcached cannot be asked for.
Result<void> check_memcached(const RunOptions& run) {
  constexpr std::size_t kKeyBytesMaxOfMemcached = 250;
  if (!is_memcached(run.target.protocol)) return {};
  if (run.workload.key_size.max() > kKeyBytesMaxOfMemcached) {
    return wrong("--key-size: memcached takes keys of at most 250 bytes");
  }
  if (!run.workload.replay_path.empty()) {
    return wrong("--replay: commands of words cannot be sent to memcached");
  }
  return {};
}

// What no single option can tell.
Result<void> check_together(RunOptions& run) {
  if (run.threads > run.connections) {
    return wrong(
        fmt::format("--threads {}: more than --connections {}", run.threads, run.connections));
  }
  if (run.durability != Durability::by_server && run.target.protocol != Protocol::native) {
    return wrong(
        "--durability is a part of native requests: choose it where the server is started");
  }
  const WorkloadOptions& workload = run.workload;
  const auto keys = Keys::make(key_numbers(workload), workload.key_size);
  if (!keys) return tl::unexpected<Error>(keys.error());
  const RequestShape shape{*keys, workload.value_size, workload.ttl, 0, {}};
  if (auto good = check_outstanding(run, shape); !good) return good;
  return check_memcached(run);
}

// Twenty seconds: what was not asked for otherwise.
void set_demo(const CLI::App& app, RunOptions& run) {
  if (app.count("--html") == 0) run.html_path = kDemoPage;
  if (app.count("--keys") == 0) run.workload.keys = 100'000;
  if (app.count("--seconds") == 0) run.seconds = 1.1;
  if (app.count("--warmup") == 0) run.warmup_seconds = 0.2;
  if (app.count("--pipeline") == 0) run.pipeline = 16;
}

Result<RunOptions> take_run(const CLI::App& app, Raw& raw) {
  RunOptions& run = raw.run;
  if (raw.demo) set_demo(app, run);
  if (run.polls && !run.is_open_loop() && !raw.sweep && !raw.demo) {
    return wrong("--poll only means something in an open loop (--rate or --sweep)");
  }
  if ((raw.sweep || raw.demo) && run.is_open_loop()) {
    return wrong("--rate: --sweep and --demo choose the rates themselves");
  }
  if (auto taken = take_target(app, raw); !taken) return tl::unexpected<Error>(taken.error());
  if (auto taken = take_workload(app, raw); !taken) return tl::unexpected<Error>(taken.error());
  run.arrivals = raw.arrivals == "poisson" ? Arrivals::poisson : Arrivals::constant;
  run.durability = raw.durability == "wait"     ? Durability::wait
                   : raw.durability == "nowait" ? Durability::do_not_wait
                                                : Durability::by_server;
  if (auto good = check_together(run); !good) return tl::unexpected<Error>(good.error());
  return std::move(run);
}

}  // namespace

std::string Target::text() const {
  return unix_path.empty() ? fmt::format("{} port {}", host, port) : unix_path;
}

Result<CommandLine> parse_command_line(int argc, const char* const* argv) {
  if (crash::asks_for_crash_test(argc, argv)) {
    auto command = crash::parse_crash_test(argc, argv);
    if (!command) return tl::unexpected<Error>(command.error());
    CommandLine result;
    result.crash_test = std::move(command->options);
    result.help = std::move(command->help);
    return result;
  }
  CLI::App app(kDescription, "phoenix-bench");
  app.set_help_flag("--help", "print this");
  app.set_version_flag("--version", std::string("phoenix-bench " PHOENIX_VERSION));
  app.footer(kFooter);
  Raw raw;
  declare_target(app, raw);
  declare_load(app, raw);
  declare_workload(app, raw);
  declare_results(app, raw);
  const CLI::App* ceiling = declare_ceiling(app, raw);
  const CLI::App* check = declare_check(app, raw);
  compare::Command compare(app);
  CommandLine result;
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    result.help = ceiling->parsed()  ? ceiling->help()
                  : check->parsed()  ? check->help()
                  : compare.parsed() ? compare.help()
                                     : app.help();
    return result;
  } catch (const CLI::CallForVersion& version) {
    result.help = std::string(version.what()) + "\n";
    return result;
  } catch (const CLI::ParseError& error) {
    return wrong(std::string(error.what()) + " (phoenix-bench --help lists the options)");
  }
  if (ceiling->parsed()) {
    result.ceiling = raw.ceiling;
    return result;
  }
  if (check->parsed()) {
    result.check_path = raw.check_path;
    return result;
  }
  if (compare.parsed()) {
    auto options = compare.check({argv, argv + argc});
    if (!options) return tl::unexpected<Error>(options.error());
    result.compare = std::move(*options);
    return result;
  }
  auto run = take_run(app, raw);
  if (!run) return tl::unexpected<Error>(run.error());
  result.mode = raw.demo ? Mode::demo : raw.sweep ? Mode::sweep : Mode::single;
  result.run = std::move(*run);
  return result;
}

}  // namespace phoenix::bench
