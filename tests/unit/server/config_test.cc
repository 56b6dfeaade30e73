// The command line: every flag, every refusal, and what is refused for safety.
#include "phoenix/server/config.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "phoenix/server/limits.h"

using namespace phoenix;
using namespace phoenix::server;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;

tl::expected<Config, ConfigExit> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "phoenix-server");
  return parse_config(static_cast<int>(words.size()), words.data());
}

Config parsed(const std::vector<const char*>& words) {
  const auto config = parse(words);
  REQUIRE_MESSAGE(config.has_value(), config.error().text);
  return *config;
}

/// The text of a refusal, without what surrounds it.
std::string refusal(const std::vector<const char*>& words) {
  const auto config = parse(words);
  REQUIRE_FALSE(config.has_value());
  CHECK(config.error().code == 2);
  CHECK(config.error().text.ends_with('\n'));
  return config.error().text;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// A directory that goes with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "phoenix-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name, const std::string& content) const {
    const auto path = path_ / name;
    std::ofstream(path, std::ios::binary) << content;
    return path.string();
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

TEST_CASE("without flags it is safe, local and durable") {
  const Config config = parsed({});
  CHECK(config.log.directory == "phoenix-data");
  CHECK(config.log.durability == log::Durability::always);
  CHECK(config.log.segment_bytes_max == 64 * kMiB);
  CHECK_FALSE(config.log.discard_log);
  CHECK_FALSE(config.log.accept_damage);
  CHECK(config.bind == std::vector<std::string>{"127.0.0.1"});
  CHECK(config.port == 6969);
  CHECK(config.unix_path.empty());
  CHECK(config.core_port_base == 0);
  CHECK(config.cores == std::min(usable_cpus(), kCoresMax));
  CHECK(config.memory_bytes_max == 0);
  CHECK(config.connections_max == 0);
  CHECK(config.password.empty());
  CHECK(config.pin_cores);
  CHECK_FALSE(config.print_commands);
  CHECK_FALSE(config.mutations.hits_do_not_wait);
}

TEST_CASE("every flag arrives where it belongs") {
  CHECK(parsed({"--dir", "/data"}).log.directory == "/data");
  CHECK(parsed({"--dir=/data"}).log.directory == "/data");
  CHECK(parsed({"--port", "0"}).port == 0);
  CHECK(parsed({"--port", "65535"}).port == 65535);
  CHECK(parsed({"--unix", "/run/phoenix.sock"}).unix_path == "/run/phoenix.sock");
  CHECK(parsed({"--cores", "3"}).cores == 3);
  CHECK(parsed({"--cores", "256"}).cores == 256);
  CHECK(parsed({"--cores", "0"}).cores == std::min(usable_cpus(), kCoresMax));
  CHECK(parsed({"--durability", "off"}).log.durability == log::Durability::off);
  const Config interval = parsed({"--durability", "interval", "--interval-ms", "250"});
  CHECK(interval.log.durability == log::Durability::interval);
  CHECK(interval.log.interval_ms == 250);
  CHECK(parsed({"--durability", "interval"}).log.interval_ms == 100);
  CHECK(parsed({"--max-connections", "10"}).connections_max == 10);
  CHECK(parsed({"--durability", "off", "--discard-log"}).log.discard_log);
  CHECK(parsed({"--accept-damage"}).log.accept_damage);
  CHECK_FALSE(parsed({"--no-pin"}).pin_cores);
  CHECK(parsed({}).debug == DebugAccess::no);
  CHECK(parsed({"--enable-debug-command", "yes"}).debug == DebugAccess::yes);
  CHECK(parsed({"--enable-debug-command", "local"}).debug == DebugAccess::local);
  CHECK(contains(
      refusal({"--enable-debug-command", "local", "--bind", "0.0.0.0", "--allow-open-bind"}),
      "--bind 0.0.0.0 is reached from other machines, too"));
  CHECK(parsed({"--print-commands"}).print_commands);
}

TEST_CASE("core ports fit, and are not the port that all cores share") {
  const auto base = [](const char* port) {
    return parsed({"--cores", "4", "--port", "7000", "--core-port-base", port}).core_port_base;
  };
  const auto why_not = [](const char* port) {
    return refusal({"--cores", "4", "--port", "7000", "--core-port-base", port});
  };
  CHECK(base("7001") == 7001);
  CHECK(base("6996") == 6996);
  CHECK(base("65532") == 65532);
  CHECK(contains(why_not("65533"), "4 cores would need ports up to 65536"));
  CHECK(contains(why_not("65533"), "choose 65532 or less"));
  CHECK(contains(why_not("7000"), "7000 is --port"));
  CHECK(contains(why_not("6997"), "ports 6997 to 7000 would be those of single cores"));
  CHECK(contains(why_not("0"), "--core-port-base"));
}

TEST_CASE("sizes are told with a unit") {
  struct Case {
    const char* word;
    std::uint64_t bytes;
  };
  for (const Case one :
       {Case{"0", 0}, Case{"16M", 16 * kMiB}, Case{"16m", 16 * kMiB}, Case{"16777216", 16 * kMiB},
        Case{"16384K", 16 * kMiB}, Case{"2G", 2048 * kMiB}, Case{"1t", 1024 * 1024 * kMiB}}) {
    CAPTURE(std::string(one.word));
    CHECK(parsed({"--cores", "1", "--max-memory", one.word}).memory_bytes_max == one.bytes);
  }
  for (const char* const word :
       {"1M", "16777215", "-1", "", "M", "16MB", "16 M", "16X", "1.5G", "0x10000000",
        "18446744073709551616", "17592186044416M", "16777216T"}) {
    CAPTURE(std::string(word));
    const std::string text = refusal({"--cores", "1", "--max-memory", word});
    CHECK(contains(text, "--max-memory"));
  }
  CHECK(parsed({"--cores", "4", "--max-memory", "64M"}).memory_bytes_max == 64 * kMiB);
  CHECK(contains(refusal({"--cores", "4", "--max-memory", "63M"}), "each of 4 cores"));
  CHECK(parsed({"--segment-size", "1M"}).log.segment_bytes_max == kMiB);
  CHECK(parsed({"--segment-size", "1M"}).log.segment_bytes_min == kMiB);
  CHECK(parsed({"--segment-size", "32M"}).log.segment_bytes_max == 32 * kMiB);
  for (const char* const word : {"0", "512K", "3M", "128M", "1G", "x", "1048577"}) {
    CAPTURE(std::string(word));
    CHECK(contains(refusal({"--segment-size", word}), "a power of two from 1M to 64M"));
  }
}

TEST_CASE("what is out of range or unknown is refused by name") {
  const std::vector<std::vector<const char*>> cases = {
      {"--port", "65536"},
      {"--port", "-1"},
      {"--port", "http"},
      {"--cores", "257"},
      {"--cores", "-1"},
      {"--cores", "two"},
      {"--durability", "always!"},
      {"--max-connections", "-5"},
      {"--max-connections", "99999999999999999999"},
      {"--durability", "interval", "--interval-ms", "0"},
      {"--durability", "interval", "--interval-ms", "3600001"},
      {"--nothing"},
      {"serve"},
      {"--no-pin=maybe"},
  };
  for (const auto& words : cases) {
    CAPTURE(std::string(words[0]));
    const std::string text = refusal(words);
    std::string_view culprit = words.size() == 4 ? words[2] : words[0];
    CHECK(contains(text, culprit.substr(0, culprit.find('='))));
  }
  CHECK(contains(refusal({"--dir"}), "--dir"));
}

TEST_CASE("an empty word is refused: a script's variable was not set") {
  for (const char* const flag :
       {"--dir", "--bind", "--port", "--unix", "--cores", "--durability", "--interval-ms",
        "--max-memory", "--segment-size", "--max-connections", "--requirepass-file"}) {
    CAPTURE(std::string(flag));
    CHECK(contains(refusal({flag, ""}), flag));
  }
}

TEST_CASE("flags that contradict each other are refused, and both are named") {
  const std::string interval = refusal({"--interval-ms", "50"});
  CHECK(contains(interval, "--interval-ms says something only with --durability interval"));
  CHECK(contains(refusal({"--durability", "off", "--interval-ms", "50"}), "--durability interval"));
  CHECK(contains(refusal({"--discard-log"}), "only with --durability off"));
  CHECK(contains(refusal({"--durability", "interval", "--discard-log"}), "--durability off"));
}

TEST_CASE("--help and --version are answers, not errors") {
  const auto help = parse({"--help"});
  REQUIRE_FALSE(help.has_value());
  CHECK(help.error().code == 0);
  for (const char* const flag :
       {"--dir", "--bind", "--port", "--unix", "--cores", "--durability", "--interval-ms",
        "--max-memory", "--segment-size", "--max-connections", "--requirepass-file",
        "--allow-open-bind", "--discard-log", "--accept-damage", "--no-pin", "--print-commands"}) {
    CAPTURE(std::string(flag));
    CHECK(contains(help.error().text, flag));
  }
  const auto version = parse({"--version"});
  REQUIRE_FALSE(version.has_value());
  CHECK(version.error().code == 0);
  CHECK(version.error().text == std::string("phoenix-server ") + PHOENIX_VERSION + "\n");
}

TEST_CASE("nobody beyond this machine gets in without a password, unless that is said") {
  const TemporaryDirectory directory;
  const std::string password = directory.file("password", "secret\n");
  for (const char* const address :
       {"0.0.0.0", "::", "192.0.2.1", "2001:db8::1", "::ffff:0.0.0.0"}) {
    CAPTURE(std::string(address));
    const std::string text = refusal({"--bind", address});
    CHECK(contains(text, address));
    CHECK(contains(text, "--requirepass-file"));
    CHECK(contains(text, "--allow-open-bind"));
    CHECK(parsed({"--bind", address, "--allow-open-bind"}).bind[0] == address);
    CHECK(parsed({"--bind", address, "--requirepass-file", password.c_str()}).bind[0] == address);
  }
  CHECK(contains(refusal({"--bind", "127.0.0.1,0.0.0.0"}), "0.0.0.0"));
  CHECK(contains(refusal({"--bind", "127.0.0.1", "--bind", "::"}), "--bind ::"));
  CHECK(parsed({"--bind", "127.0.0.1,::1"}).bind == std::vector<std::string>{"127.0.0.1", "::1"});
  CHECK(parsed({"--bind", "127.8.9.10"}).bind[0] == "127.8.9.10");
  for (const char* const word : {"localhost", "127.0.0", "127.evil", "1.2.3.4:80"}) {
    CAPTURE(std::string(word));
    CHECK(contains(refusal({"--bind", word}), "--bind"));
  }
}

TEST_CASE("loopback is 127/8 and ::1") {
  CHECK(is_loopback("127.0.0.1"));
  CHECK(is_loopback("127.255.0.9"));
  CHECK(is_loopback("::1"));
  for (const char* const address : {"0.0.0.0", "::", "128.0.0.1", "12.7.0.0", "::2", "fe80::1"}) {
    CHECK_FALSE(is_loopback(address));
  }
}

TEST_CASE("the password is the first line of its file") {
  const TemporaryDirectory directory;
  const auto password_of = [&](const std::string& content) {
    return parsed({"--requirepass-file", directory.file("password", content).c_str()}).password;
  };
  CHECK(password_of("secret\n") == "secret");
  CHECK(password_of("secret") == "secret");
  CHECK(password_of("secret\r\nsecond line\n") == "secret");
  CHECK(password_of(" with spaces \n") == " with spaces ");
  CHECK(password_of(std::string(512, 'p')) == std::string(512, 'p'));
  for (const std::string& content : {std::string(), std::string("\n"), std::string("\r\n"),
                                     std::string(513, 'p'), std::string(100'000, 'p')}) {
    const std::string path = directory.file("password", content);
    CHECK(contains(refusal({"--requirepass-file", path.c_str()}), path));
  }
  const std::string absent = directory.path() + "/absent";
  CHECK(contains(refusal({"--requirepass-file", absent.c_str()}), absent));
  CHECK(contains(refusal({"--requirepass-file", directory.path().c_str()}), directory.path()));
}

TEST_CASE("a server has at least one core to use") {
  CHECK(usable_cpus() >= 1);
}

}  // namespace
