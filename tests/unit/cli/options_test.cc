#include "cli/options.h"

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace phoenix::cli {

namespace {

Result<Options> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "phoenix-cli");
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

using Words = std::vector<std::string>;

/// A file with `text`, for as long as it lives.
class TemporaryFile final {
 public:
  explicit TemporaryFile(std::string_view text) {
    const int fd = ::mkstemp(path_.data());
    REQUIRE(fd >= 0);
    CHECK(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    CHECK(::close(fd) == 0);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { static_cast<void>(::unlink(path_.c_str())); }
  const char* path() const { return path_.c_str(); }

 private:
  std::string path_ = "/tmp/phoenix-cli-test-XXXXXX";
};

}  // namespace

TEST_CASE("nothing given is the local server and a prompt or a pipe") {
  const auto options = parse({});
  REQUIRE(options.has_value());
  CHECK(options->connection.endpoint.text() == "127.0.0.1:6969");
  CHECK(options->command.empty());
  CHECK(options->format == Format::human);
  CHECK_FALSE(options->connection.password.has_value());
}

TEST_CASE("options end where the command begins") {
  const auto options =
      parse({"-h", "::1", "-p", "7000", "--raw", "SET", "k", "-5", "--json", "-h"});
  REQUIRE(options.has_value());
  CHECK(options->connection.endpoint.text() == "[::1]:7000");
  CHECK(options->format == Format::raw);
  CHECK(options->command == Words{"SET", "k", "-5", "--json", "-h"});
}

TEST_CASE("words of a command may be empty, and look like options behind --") {
  CHECK(parse({"SET", "k", ""})->command == Words{"SET", "k", ""});
  CHECK(parse({"--", "-x", "y"})->command == Words{"-x", "y"});
}

TEST_CASE("colours, timing and RESP") {
  CHECK(parse({})->color == Color::automatic);
  CHECK(parse({"--color", "always"})->color == Color::always);
  CHECK(parse({"--color", "never"})->color == Color::never);
  CHECK_FALSE(parse({"--color", "blue"}).has_value());
  CHECK(parse({"--time"})->has_timing);
  CHECK(parse({"--resp"})->connection.wire == client::Wire::resp);
  CHECK(parse({"SET", "k", "--resp"})->connection.wire == client::Wire::native);
}

TEST_CASE("modes and what bounds them") {
  CHECK(parse({})->mode.mode == Mode::commands);
  CHECK(parse({"--stat", "--count", "3"})->mode.count == 3);
  CHECK(parse({"--latency", "--seconds", "0.5"})->mode.seconds == 0.5);
  CHECK(parse({"--bigkeys"})->mode.mode == Mode::bigkeys);
  CHECK(parse({"--memkeys"})->mode.mode == Mode::memkeys);
  const auto scan = parse({"--scan", "--pattern", "a*"});
  CHECK(scan->mode.mode == Mode::scan);
  CHECK(scan->mode.pattern == "a*");
  const auto watch = parse({"--watch", "0.5", "GET", "--scan"});
  CHECK(watch->mode.mode == Mode::watch);
  CHECK(watch->mode.interval_seconds == 0.5);
  CHECK(watch->command == Words{"GET", "--scan"});
}

TEST_CASE("timeouts are in seconds") {
  const auto options = parse({"--timeout", "0.25", "PING"});
  REQUIRE(options.has_value());
  CHECK(options->connection.connect_timeout_ms == 250);
  CHECK(options->connection.reply_timeout_ms == 250);
  CHECK(parse({"--timeout", "0", "PING"})->connection.reply_timeout_ms == 0);
}

TEST_CASE("wrong usage is refused with what is wrong") {
  const std::vector<std::vector<const char*>> wrong = {
      {"-p", "0"},
      {"-p", "65536"},
      {"-p", "x"},
      {"--timeout", "-1"},
      {"--timeout", "soon"},
      {"--timeout", "nan"},
      {"--timeout", "-nan"},
      {"--timeout", "inf"},
      {"--raw", "--json"},
      {"--nonsense", "GET"},
      {"-x", "GET"},
      {"-h"},
      {"--unix", "/s", "-p", "1"},
      {"--password-file", "/nonexistent/file"},
      {"--stat", "--scan"},
      {"--stat", "GET", "k"},
      {"--watch", "1"},
      {"--watch", "0", "PING"},
      {"--watch", "nan", "PING"},
      {"--pattern", "a*", "GET", "k"},
      {"--pattern", "a*", "--stat"},
      {"--count", "3", "GET", "k"},
      {"--stat", "--count", "0"},
      {"--stat", "--count", "-1"},
      {"--stat", "--seconds", "0"},
      {"--bigkeys", "--count", "10001"},
  };
  for (const auto& arguments : wrong) {
    CAPTURE(std::string(arguments[0]));
    const auto options = parse(arguments);
    REQUIRE_FALSE(options.has_value());
    CHECK(options.error().code == ExitCode::usage);
    CHECK_FALSE(options.error().message.empty());
  }
  CHECK(parse({"--nonsense", "GET"}).error().message == "unknown option --nonsense");
}

TEST_CASE("the password is the first line of its file") {
  const TemporaryFile file("open sesame\r\nnot this\n");
  const auto options = parse({"--password-file", file.path(), "PING"});
  REQUIRE(options.has_value());
  CHECK(options->connection.password == "open sesame");
  const TemporaryFile empty("\n");
  CHECK(parse({"--password-file", empty.path()}).error().message.find("is empty") !=
        std::string::npos);
  const TemporaryFile huge(std::string(5'000, 'p'));
  CHECK(parse({"--password-file", huge.path()}).error().message.find("over 4096 bytes") !=
        std::string::npos);
}

TEST_CASE("help and version") {
  CHECK(parse({"--help"})->help.find("Exit code") != std::string::npos);
  CHECK(parse({"--version"})->help == "phoenix-cli " PHOENIX_VERSION "\n");
}

}  // namespace phoenix::cli
