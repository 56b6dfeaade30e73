#include "bench/crash/options.h"

#include <CLI/CLI.hpp>

#include <cmath>
#include <string_view>

#include <fmt/format.h>

namespace phoenix::bench::crash {
namespace {

constexpr std::uint32_t kRoundsMax = 100'000;
constexpr std::uint32_t kConnectionsMax = 64;
constexpr std::uint32_t kServerThreadsMax = 64;
constexpr double kSecondsMax = 86'400;

constexpr const char* kDescription =
    "Starts a server in a temporary directory, writes to it from several connections, kills it\n"
    "with SIGKILL at random moments, and starts it again on the same data, over and over. After\n"
    "each crash every key is read: an acknowledged write must be there. In the end all that was\n"
    "ever asked and answered must be one linearizable history, across all crashes.";
constexpr const char* kFooter =
    "The last line is 'acknowledged N, lost M, recovered in X ms': the writes and deletes that "
    "were\n"
    "acknowledged, those of them that a crash took, and the longest time from a start of the\n"
    "server to its first answered read.\n"
    "A kill leaves what the kernel has been given; what a power cut would take on top cannot be\n"
    "seen this way, and the output says what that means for the mode.\n"
    "Exit status: 0 nothing was lost and the history is linearizable, 1 otherwise or when the "
    "test\n"
    "could not be made, 2 wrong arguments.\n";

struct Raw {
  CrashOptions options;
  std::string durability = "always";
  std::string redis_fsync = "always";
  bool crash_test = false;
};

void declare_server(CLI::App& app, Raw& raw) {
  CrashOptions& options = raw.options;
  app.add_option("--target", options.target,
                 "phoenix, redis, valkey, or NAME=PROTOCOL:COMMAND with {port} and {dir} in it, "
                 "PROTOCOL being native or resp; the command must stay in the foreground")
      ->capture_default_str();
  app.add_option("--server", options.server_path, "phoenix-server (default: beside this program)");
  app.add_option("--durability", raw.durability, "of Phoenix: always, interval or off")
      ->capture_default_str()
      ->check(CLI::IsMember({"always", "interval", "off"}));
  app.add_option("--redis-fsync", raw.redis_fsync,
                 "of redis and valkey: always, everysec, no, or off for no log at all")
      ->capture_default_str()
      ->check(CLI::IsMember({"always", "everysec", "no", "off"}));
  app.add_option("--cores", options.server_threads, "threads of the server")
      ->capture_default_str()
      ->check(CLI::Range(1U, kServerThreadsMax));
  app.add_option("--dir", options.parent_directory,
                 "where to make the temporary directory (default: $TMPDIR or /tmp); it is removed "
                 "unless something was wrong");
}

void declare_test(CLI::App& app, Raw& raw) {
  CrashOptions& options = raw.options;
  app.add_flag("--crash-test", raw.crash_test, "this test")->required();
  auto* rounds = app.add_option("--rounds", options.rounds, "how often the server is killed");
  rounds->capture_default_str()->check(CLI::Range(1U, kRoundsMax));
  app.add_option("--seconds", options.seconds, "go on for so long, instead of --rounds")
      ->check(CLI::Range(0.1, kSecondsMax))
      ->excludes(rounds);
  app.add_option("--connections", options.connections, "that write and read at once")
      ->capture_default_str()
      ->check(CLI::Range(1U, kConnectionsMax));
  app.add_option("--seed", options.seed,
                 "of the kill moments and of what each connection asks (default: a new one, "
                 "printed)");
  app.add_option("--history", options.history_path,
                 "write all operations to this file, for phoenix-bench check");
}

tl::unexpected<Error> wrong(std::string text) {
  return fail(ErrorCode::invalid, std::move(text));
}

Result<CrashCommand> check_together(const CLI::App& app, Raw& raw) {
  CrashOptions& options = raw.options;
  const bool is_phoenix = options.target == "phoenix";
  const bool is_redis = options.target == "redis" || options.target == "valkey";
  if (!is_phoenix && (app.count("--durability") != 0 || app.count("--server") != 0)) {
    return wrong("--durability and --server are for --target phoenix");
  }
  if (!is_redis && app.count("--redis-fsync") != 0) {
    return wrong("--redis-fsync is for --target redis and valkey");
  }
  options.mode = is_phoenix ? raw.durability : is_redis ? raw.redis_fsync : "";
  // CLI::Range lets it through: no comparison with it is true.
  if (std::isnan(options.seconds)) return wrong("--seconds nan is no number of seconds");
  if (options.seconds > 0) options.rounds = 0;
  CrashCommand command;
  command.options = options;
  return command;
}

}  // namespace

bool asks_for_crash_test(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--crash-test") return true;
  }
  return false;
}

Result<CrashCommand> parse_crash_test(int argc, const char* const* argv) {
  CLI::App app(kDescription, "phoenix-bench --crash-test");
  app.set_help_flag("--help", "print this");
  app.footer(kFooter);
  Raw raw;
  declare_test(app, raw);
  declare_server(app, raw);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    CrashCommand command;
    command.help = app.help();
    return command;
  } catch (const CLI::ParseError& error) {
    return wrong(std::string(error.what()) +
                 " (phoenix-bench --crash-test --help lists the options)");
  }
  return check_together(app, raw);
}

}  // namespace phoenix::bench::crash
