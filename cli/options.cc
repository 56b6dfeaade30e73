#include "cli/options.h"

#include <CLI/CLI.hpp>

#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <utility>

namespace phoenix::cli {

namespace {

constexpr std::size_t kPasswordBytesMax = 4'096;
constexpr double kTimeoutSecondsMax = 86'400;

/// A $ in front keeps an example a line of its own in the man page.
constexpr const char* kFooter =
    R"(A command is sent, its reply printed, and that is all:

  $ phoenix-cli SET greeting "hello world"
  $ phoenix-cli GET greeting

Without one, reads commands from standard input: a prompt on a terminal, and
otherwise a command per line, many under way at once, with the replies in order:

  $ phoenix-cli < commands.txt

HELP lists the commands; EXIT or QUIT leaves. At the prompt Tab completes, Ctrl-R
searches what was typed earlier, and \? tells more. The history is kept in
~/.local/state/phoenix-cli/history (in XDG_STATE_HOME, if set), lines with
passwords not; PHOENIX_CLI_HISTORY names another file, or none.

With import or export, in lower case, moves keys, values and expiries from or to
a file of CSV or JSON lines (import --help and export --help tell more; behind --
the two words are sent to the server as any other):

  $ phoenix-cli export backup.jsonl
  $ phoenix-cli import backup.jsonl

In lines, "..." takes \n \r \t \\ \" and \xHH, and '...' takes all as it is.

Ctrl-C ends --stat, --scan and the like with what they have seen.

Exit code: 0 ok, 1 a reply was an error, 2 wrong usage, 3 no connection or lost,
4 no answer in time, 5 the output could not be written, 130 Ctrl-C before the end.)";

const std::map<std::string, Color> kColors = {
    {"auto", Color::automatic}, {"always", Color::always}, {"never", Color::never}};

/// CLI::Range lets "nan" through: no comparison with it is true.
const CLI::Validator kFinite(
    [](const std::string& text) {
      const bool is_finite = std::isfinite(std::strtod(text.c_str(), nullptr));
      return is_finite ? std::string() : text + " is no finite number";
    },
    "");

struct CloseFile {
  // Opened for reading: closing can lose nothing.
  void operator()(std::FILE* file) const { static_cast<void>(std::fclose(file)); }
};

/// The first line of the file.
Result<std::string> read_password(const std::string& path) {
  const auto unreadable = [&path](const std::string& why) {
    return fail(ExitCode::usage, "cannot read the password file '" + path + "': " + why);
  };
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "re"));
  if (!file) return unreadable(client::os_error_text(errno));
  std::string text(kPasswordBytesMax + 2, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return unreadable(client::os_error_text(errno));
  text = text.substr(0, text.find('\n'));
  if (!text.empty() && text.back() == '\r') text.pop_back();
  if (text.empty()) return unreadable("its first line is empty");
  if (text.size() > kPasswordBytesMax) return unreadable("its first line is over 4096 bytes");
  return text;
}

class Formatter final : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App*, std::string name) const override {
    return "Usage: " + name + " [OPTIONS] [COMMAND [WORD...]]\n";
  }
};

constexpr const char* kModeGroup = "Instead of commands";
constexpr double kSecondsMax = 1e9;
constexpr double kIntervalSecondsMin = 0.01;
constexpr double kIntervalSecondsMax = 86'400;
constexpr std::uint64_t kCountMax = 1'000'000'000'000;
constexpr std::uint64_t kLargestMax = 10'000;

/// What the options are before they are checked together.
struct Arguments {
  Options options;
  std::string password_file;
  double timeout_seconds = -1;
  bool is_raw = false;
  bool is_json = false;
  bool is_resp = false;
  std::vector<Mode> modes;  // That were asked for.
};

void declare_modes(CLI::App& app, Arguments& arguments) {
  ModeOptions& options = arguments.options.mode;
  const auto flag = [&](const char* name, Mode mode, const char* text) {
    app.add_flag_callback(
           name, [&arguments, mode] { arguments.modes.push_back(mode); }, text)
        ->group(kModeGroup);
  };
  flag("--stat", Mode::stat, "Print a line per second: keys, memory, clients, requests");
  flag("--scan", Mode::scan, "Print all keys, one a line");
  flag("--bigkeys", Mode::bigkeys, "Go through all keys: the largest values, totals, sizes");
  flag("--memkeys", Mode::memkeys, "The same by the memory that a key takes, of any type");
  flag("--latency", Mode::latency, "Measure round trips of PING");
  app.add_option("--watch", options.interval_seconds, "Send the command every so many seconds")
      ->each([&arguments](const std::string&) { arguments.modes.push_back(Mode::watch); })
      ->check(kFinite)
      ->check(CLI::Range(kIntervalSecondsMin, kIntervalSecondsMax))
      ->group(kModeGroup)
      ->option_text("SECONDS");
  app.add_option("--pattern", options.pattern,
                 "For --scan, --bigkeys and --memkeys: only keys like this")
      ->group(kModeGroup)
      ->option_text("GLOB");
  app.add_option("--count", options.count,
                 "End after so many lines, keys, pings or rounds; of big keys show so many")
      ->check(CLI::Range(std::uint64_t{1}, kCountMax))
      ->group(kModeGroup)
      ->option_text("N");
  app.add_option("--seconds", options.seconds, "End any of these after so long")
      ->check(kFinite)
      ->check(CLI::Range(0.001, kSecondsMax))
      ->group(kModeGroup)
      ->option_text("S");
}

void declare(CLI::App& app, Arguments& arguments) {
  client::Endpoint& endpoint = arguments.options.connection.endpoint;
  app.set_help_flag("--help", "Print this help and end");
  app.set_version_flag("--version", "phoenix-cli " PHOENIX_VERSION);
  auto* host = app.add_option("-h,--host", endpoint.host, "The server's name or address");
  host->capture_default_str()->option_text("HOST [127.0.0.1]");
  auto* port = app.add_option("-p,--port", endpoint.port, "The server's port");
  port->check(CLI::Range(1, 65'535))->option_text("PORT [6969]");
  auto* unix_path = app.add_option("--unix", endpoint.unix_path, "The server's unix socket");
  unix_path->excludes(host)->excludes(port)->option_text("PATH");
  app.add_option("--password-file", arguments.password_file, "Authenticate with its first line")
      ->option_text("FILE");
  app.add_option("--timeout", arguments.timeout_seconds,
                 "Wait at most this long for the server to say anything; 0 is forever")
      ->check(kFinite)
      ->check(CLI::Range(0.0, kTimeoutSecondsMax))
      ->option_text("SECONDS [5 to connect, 30 for replies]");
  app.add_flag("--raw", arguments.is_raw, "Print values as their bytes");
  app.add_flag("--json", arguments.is_json, "Print a JSON value per reply");
  app.add_option("--color", arguments.options.color,
                 "Colours; auto: on a terminal unless NO_COLOR is set")
      ->transform(CLI::Transformer(kColors).description(""))
      ->option_text("auto|always|never [auto]");
  app.add_flag("--time", arguments.options.has_timing, "Tell how long each reply took");
  app.add_flag("--resp", arguments.is_resp, "Speak RESP, to Redis and its relatives");
  declare_modes(app, arguments);
  app.formatter(std::make_shared<Formatter>());
  // What begins with the command's name is the command's, also words like -1.
  app.prefix_command();
  app.footer(kFooter);
}

void set_timeouts(client::Options& options, double seconds) {
  if (seconds < 0) return;
  const auto ms = static_cast<std::uint32_t>(std::ceil(seconds * 1'000));
  options.connect_timeout_ms = ms;
  options.reply_timeout_ms = ms;
}

/// Which of the modes it is, and that the rest fits it.
Result<void> settle_mode(const Arguments& arguments, Options& options) {
  if (arguments.modes.size() > 1) {
    return fail(ExitCode::usage,
                "--stat, --scan, --bigkeys, --memkeys, --latency and --watch go alone");
  }
  ModeOptions& mode = options.mode;
  mode.mode = arguments.modes.empty() ? Mode::commands : arguments.modes.front();
  const bool takes_command = mode.mode == Mode::commands || mode.mode == Mode::watch;
  if (!takes_command && !options.command.empty()) {
    return fail(ExitCode::usage, "no command goes with this, but there is '" +
                                     protocol::printable(options.command.front()) + "'");
  }
  if (mode.mode == Mode::watch && options.command.empty()) {
    return fail(ExitCode::usage, "--watch needs the command that it is to send");
  }
  const bool has_sizes = mode.mode == Mode::bigkeys || mode.mode == Mode::memkeys;
  const bool has_keys = mode.mode == Mode::scan || has_sizes;
  if (!has_keys && !mode.pattern.empty()) {
    return fail(ExitCode::usage, "--pattern goes with --scan, --bigkeys or --memkeys");
  }
  if (mode.mode == Mode::commands && (mode.count > 0 || mode.seconds > 0)) {
    return fail(ExitCode::usage, "--count and --seconds bound a --stat, --scan, and the like");
  }
  if (has_sizes && mode.count > kLargestMax) {
    return fail(ExitCode::usage, "--bigkeys and --memkeys show at most 10000 keys");
  }
  return {};
}

Result<Options> finish(Arguments arguments, std::vector<std::string> rest) {
  Options& options = arguments.options;
  if (!rest.empty() && rest[0] == "--") {
    rest.erase(rest.begin());
  } else if (!rest.empty() && rest[0].size() > 1 && rest[0][0] == '-') {
    return fail(ExitCode::usage, "unknown option " + rest[0]);
  } else if (!rest.empty() && transfer::is_transfer(rest[0])) {
    Result<transfer::Request> request = transfer::parse_request(std::exchange(rest, {}));
    if (!request) return tl::unexpected<Failure>(std::move(request.error()));
    options.transfer = std::move(*request);
  }
  if (arguments.is_raw && arguments.is_json) {
    return fail(ExitCode::usage, "--raw and --json exclude each other");
  }
  options.command = std::move(rest);
  const Result<void> settled = settle_mode(arguments, options);
  if (!settled) return tl::unexpected<Failure>(settled.error());
  const bool is_plain =
      options.mode.mode == Mode::commands && !arguments.is_raw && !arguments.is_json;
  if (options.transfer && !is_plain) {
    return fail(ExitCode::usage, "import and export go without --raw, --json, --stat and the like");
  }
  if (arguments.is_raw) options.format = Format::raw;
  if (arguments.is_json) options.format = Format::json;
  options.connection.client_name = "phoenix-cli";
  if (arguments.is_resp) options.connection.wire = client::Wire::resp;
  if (!arguments.password_file.empty()) {
    Result<std::string> password = read_password(arguments.password_file);
    if (!password) return tl::unexpected<Failure>(std::move(password.error()));
    options.connection.password = std::move(*password);
  }
  return std::move(options);
}

}  // namespace

Result<Options> parse_options(int argc, const char* const* argv) {
  Arguments arguments;
  CLI::App app("Talks to a Phoenix DB server.", "phoenix-cli");
  declare(app, arguments);
  // The parser throws: its exceptions end here.
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    arguments.options.help = app.help();
    return std::move(arguments.options);
  } catch (const CLI::CallForVersion& version) {
    arguments.options.help = std::string(version.what()) + "\n";
    return std::move(arguments.options);
  } catch (const CLI::ParseError& error) {
    return fail(ExitCode::usage, error.what());
  }
  set_timeouts(arguments.options.connection, arguments.timeout_seconds);
  return finish(std::move(arguments), app.remaining());
}

}  // namespace phoenix::cli
