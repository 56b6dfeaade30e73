#include "bench/options.h"

#include <CLI/CLI.hpp>

#include <cmath>
#include <cstdlib>
#include <fstream>

#include <fmt/format.h>

#include "bench/measure/process.h"
#include "bench/wire/request_batch.h"
#include "bench/workload/workload.h"
#include "protocol/limits.h"

namespace phoenix::bench {
namespace {

constexpr std::uint32_t kConnectionsMax = 10'000;
constexpr std::uint32_t kPipelineMax = 4096;
constexpr std::uint32_t kThreadsMax = 64;
constexpr std::uint64_t kKeysMax = 1'000'000'000'000;
constexpr std::size_t kValueBytesMax = std::size_t{64} << 20U;
constexpr double kSecondsMax = 86'400;
constexpr int kCpuMax = 1023;
/// Of all connections' requests on their way together.
constexpr std::size_t kRequestBytesMax = std::size_t{1} << 30U;

constexpr const char* kDescription =
    "Loads a Phoenix server over its native protocol, checks what it answers, and prints\n"
    "throughput, latencies and the server's CPU time per operation.";
constexpr const char* kFooter =
    "Exit status: 0 all right, 1 wrong answers or no measurement, 2 wrong arguments.\n"
    "Each connection keeps --pipeline requests on their way and sends the next ones when all\n"
    "are answered.\n";

/// What CLI11 fills and the checks below look at.
struct Raw {
  RunOptions run;
  CeilingOptions ceiling;
  double ratio = 0.5;
  std::string durability = "default";
  std::string password_file;
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
  auto* host = app.add_option("-h,--host", target.host, "server's name or address");
  host->capture_default_str();
  auto* port = app.add_option("-p,--port", target.port, "server's port");
  port->capture_default_str();
  app.add_option("--unix", target.unix_path, "server's unix socket")
      ->excludes(host)
      ->excludes(port);
  app.add_option("--password-file", raw.password_file, "authenticate with its first line");
}

void declare_load(CLI::App& app, Raw& raw) {
  RunOptions& run = raw.run;
  app.add_option("--connections", run.connections, "open at once")
      ->capture_default_str()
      ->check(CLI::Range(1U, kConnectionsMax));
  app.add_option("--pipeline", run.pipeline, "requests on their way per connection")
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
  app.add_option("--threads", run.threads, "each with its own ring and share of connections")
      ->capture_default_str()
      ->check(CLI::Range(1U, kThreadsMax));
  app.add_option("--cpu", run.cpu, "pin the first thread to this CPU, the others to the next ones")
      ->check(CLI::Range(0, kCpuMax));
}

void declare_workload(CLI::App& app, Raw& raw) {
  RunOptions& run = raw.run;
  app.add_option("--workload", run.workload, "get, set or mixed")
      ->capture_default_str()
      ->check(CLI::IsMember({"get", "set", "mixed"}));
  app.add_option("--ratio", raw.ratio, "share of GETs in --workload mixed, 0 to 1")
      ->capture_default_str()
      ->check(kFinite)
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--keys", run.keys, "number of keys, chosen uniformly")
      ->capture_default_str()
      ->check(CLI::Range(std::uint64_t{1}, kKeysMax));
  app.add_option("--key-size", run.key_bytes, "bytes")
      ->capture_default_str()
      ->check(CLI::Range(std::size_t{1}, std::size_t{protocol::kKeyBytesMax}));
  app.add_option("--value-size", run.value_bytes, "bytes")
      ->capture_default_str()
      ->check(CLI::Range(std::size_t{0}, kValueBytesMax));
  app.add_flag("--preload", run.preload, "store all keys first; a miss is an error then");
  app.add_flag("--verify,!--no-verify", run.verify, "check the value of every hit (default)");
  app.add_option("--durability", raw.durability, "of SETs: default (the server's), wait or nowait")
      ->capture_default_str()
      ->check(CLI::IsMember({"default", "wait", "nowait"}));
  app.add_option("--seed", run.seed, "of the random keys (default: a new one, printed)");
  app.add_option("--server-pid", run.server_pid,
                 "process whose CPU time counts (default: who listens on the port)")
      ->check(CLI::Range(1, kPidMax));
  app.add_option("--json", run.json_path, "also write the results to this file");
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

tl::unexpected<Error> wrong(std::string text) {
  return fail(ErrorCode::invalid, std::move(text));
}

// What no single option can tell.
Result<RunOptions> check_together(const CLI::App& app, Raw& raw) {
  RunOptions& run = raw.run;
  if (run.target.port == 0) return wrong("--port 0: a server's port is 1 to 65535");
  if (app.count("--ratio") != 0 && run.workload != "mixed") {
    return wrong("--ratio only means something with --workload mixed");
  }
  run.get_share = run.workload == "get" ? 1 : run.workload == "set" ? 0 : raw.ratio;
  if (run.threads > run.connections) {
    return wrong(
        fmt::format("--threads {}: more than --connections {}", run.threads, run.connections));
  }
  run.durability = raw.durability == "wait"     ? Durability::wait
                   : raw.durability == "nowait" ? Durability::do_not_wait
                                                : Durability::by_server;
  const auto keys = Keys::make(run.keys, run.key_bytes);
  if (!keys) return tl::unexpected<Error>(keys.error());
  const std::size_t bytes = RequestBatch::bytes_max({*keys, run.value_bytes, 0}, run.pipeline);
  if (bytes > kRequestBytesMax / run.connections) {
    return wrong(fmt::format(
        "--connections {} times --pipeline {} of such requests is over 1 GiB on its way: lower one",
        run.connections, run.pipeline));
  }
  return run;
}

}  // namespace

std::string Target::text() const {
  return unix_path.empty() ? fmt::format("{} port {}", host, port) : unix_path;
}

Result<CommandLine> parse_command_line(int argc, const char* const* argv) {
  CLI::App app(kDescription, "phoenix-bench");
  app.set_help_flag("--help", "print this");
  app.set_version_flag("--version", std::string("phoenix-bench " PHOENIX_VERSION));
  app.footer(kFooter);
  Raw raw;
  declare_target(app, raw);
  declare_load(app, raw);
  declare_workload(app, raw);
  const CLI::App* ceiling = declare_ceiling(app, raw);
  CommandLine result;
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    result.help = ceiling->parsed() ? ceiling->help() : app.help();
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
  if (!raw.password_file.empty()) {
    auto password = read_password(raw.password_file);
    if (!password) return tl::unexpected<Error>(password.error());
    raw.run.target.password = std::move(*password);
  }
  auto run = check_together(app, raw);
  if (!run) return tl::unexpected<Error>(run.error());
  result.run = std::move(*run);
  return result;
}

}  // namespace phoenix::bench
