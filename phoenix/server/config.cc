#include "phoenix/server/config.h"

#include <CLI/CLI.hpp>
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <optional>
#include <sstream>

#include <fmt/format.h>

#include "phoenix/commands/settings.h"
#include "phoenix/server/limits.h"

namespace phoenix::server {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
constexpr int kUsageError = 2;

tl::unexpected<ConfigExit> refuse(std::string text) {
  return tl::unexpected<ConfigExit>(ConfigExit{
      "phoenix-server: " + std::move(text) + "\nTry phoenix-server --help.\n", kUsageError});
}

// Flags as the library fills them; what needs a second look is looked at afterwards.
struct Flags {
  std::string durability = "always";
  std::string password_file;
  std::string max_memory = "0";
  std::string segment_size = "64M";
  std::string debug = "no";
  bool allow_open_bind = false;
};

// An empty word is most often a variable of a script that was not set: it must not silently mean
// "no password", or a port that the kernel chooses.
std::string check_not_empty(const std::string& word) {
  return word.empty() ? "must not be empty" : "";
}

void add_places(CLI::App& app, Config& config) {
  app.add_option("--dir", config.log.directory, "Directory of the data; made if absent")
      ->check(check_not_empty)
      ->option_text("DIR [phoenix-data]");
  app.add_option("--bind", config.bind, "Addresses to listen on, IPv4 or IPv6")
      ->delimiter(',')
      ->option_text("ADDRESS[,ADDRESS...] [127.0.0.1]");
  app.add_option("--port", config.port, "TCP port; 0 takes a free one")
      ->check(CLI::Range(0U, 65'535U))
      ->option_text("PORT [6969]");
  app.add_option("--core-port-base", config.core_port_base,
                 "Core i also listens on this port + i, for clients that know the slots")
      ->check(CLI::Range(1U, 65'535U))
      ->option_text("PORT");
  app.add_option("--unix", config.unix_path, "Path of a unix socket to listen on, too")
      ->check(check_not_empty)
      ->option_text("PATH");
}

void add_limits(CLI::App& app, Config& config, Flags& flags) {
  app.add_option("--cores", config.cores,
                 "Threads, each with a shard of the keys; 0: one for each CPU it may use")
      ->check(CLI::Range(0U, kCoresMax))
      ->option_text("N [0]");
  app.add_option("--durability", flags.durability,
                 "always: an acknowledged write is on disk; interval: within --interval-ms; "
                 "off: in memory only")
      ->check(CLI::IsMember({"always", "interval", "off"}))
      ->option_text("MODE [always]");
  app.add_option("--interval-ms", config.log.interval_ms, "Of --durability interval")
      ->check(CLI::Range(1U, 3'600'000U))
      ->option_text("N [100]");
  app.add_option("--max-memory", flags.max_memory,
                 "Budget of data, index and buffers, as 512M or 4G; 0: no limit")
      ->option_text("SIZE [0]");
  app.add_option("--segment-size", flags.segment_size, "Largest log segment, as 64M")
      ->option_text("SIZE [64M]");
  app.add_option("--max-connections", config.connections_max,
                 "0: as many as the limit of open files allows")
      ->check(CLI::Range(std::uint64_t{0}, kConnectionsMax))
      ->option_text("N [0]");
}

void add_flags(CLI::App& app, Config& config, Flags& flags) {
  add_places(app, config);
  add_limits(app, config, flags);
  app.add_option("--requirepass-file", flags.password_file,
                 "File whose first line is the password that AUTH asks for")
      ->check(check_not_empty)
      ->option_text("FILE");
  app.add_flag("--allow-open-bind", flags.allow_open_bind,
               "Listen beyond this machine although no password is set");
  app.add_flag("--discard-log", config.log.discard_log,
               "With --durability off: delete the data that the directory holds");
  app.add_flag("--accept-damage", config.log.accept_damage,
               "Start although durable data is damaged, without what was lost");
  app.add_flag_callback(
      "--no-pin", [&config] { config.pin_cores = false; },
      "Let the kernel move threads between CPUs");
  app.add_option("--enable-debug-command", flags.debug,
                 "Who may use DEBUG; local: only where all addresses are this machine's")
      ->check(CLI::IsMember({"no", "local", "yes"}))
      ->option_text("WHO [no]");
  app.add_flag("--print-commands", config.print_commands, "Print the command reference and end");
  app.footer(
      "Exit status: 0 stopped as asked, 1 could not start, 2 wrong flags, 70 the log could\n"
      "not be written.");
}

// "512M" -> bytes; nothing when it is no size.
std::optional<std::uint64_t> parse_size(const std::string& text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest == text.data()) return std::nullopt;
  unsigned shift = 0;
  if (rest != end) {
    constexpr std::string_view kUnits = "KMGT";
    const auto unit = kUnits.find(static_cast<char>(*rest & ~0x20));
    if (unit == std::string_view::npos || rest + 1 != end) return std::nullopt;
    shift = static_cast<unsigned>(10 * (unit + 1));
  }
  if (value > (~std::uint64_t{0} >> shift)) return std::nullopt;
  return value << shift;
}

Result<std::string> read_password(const std::string& path) {
  using commands::kPasswordBytesMax;
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

tl::expected<void, ConfigExit> apply_sizes(Config& config, const Flags& flags) {
  const auto memory = parse_size(flags.max_memory);
  if (!memory) {
    return refuse(
        fmt::format("--max-memory {}: a size as 512M or 4G, or 0 for no limit", flags.max_memory));
  }
  constexpr std::uint64_t kShareMin = 16 * kMiB;  // Buffers alone take some.
  if (*memory != 0 && *memory / config.cores < kShareMin) {
    return refuse(
        fmt::format("--max-memory {}: less than 16M for each of {} cores: give more, or start "
                    "with fewer --cores",
                    flags.max_memory, config.cores));
  }
  config.memory_bytes_max = *memory;
  const auto segment = parse_size(flags.segment_size);
  const bool is_power = segment && (*segment & (*segment - 1)) == 0;
  if (!is_power || *segment < kMiB || *segment > 64 * kMiB) {
    return refuse(
        fmt::format("--segment-size {}: a power of two from 1M to 64M", flags.segment_size));
  }
  config.log.segment_bytes_max = *segment;
  config.log.segment_bytes_min = std::min(config.log.segment_bytes_min, *segment);
  return {};
}

tl::expected<void, ConfigExit> apply_security(Config& config, const Flags& flags) {
  if (!flags.password_file.empty()) {
    auto password = read_password(flags.password_file);
    if (!password) return refuse(password.error().message);
    config.password = *password;
  }
  if (flags.debug == "yes") config.debug = DebugAccess::yes;
  if (flags.debug == "local") config.debug = DebugAccess::local;
  for (const auto& address : config.bind) {
    std::array<unsigned char, sizeof(in6_addr)> parsed{};
    if (inet_pton(AF_INET, address.c_str(), parsed.data()) != 1 &&
        inet_pton(AF_INET6, address.c_str(), parsed.data()) != 1) {
      return refuse(fmt::format("--bind {}: not an IPv4 or IPv6 address", address));
    }
    if (config.debug == DebugAccess::local && !is_loopback(address)) {
      return refuse(fmt::format(
          "--enable-debug-command local: --bind {} is reached from other machines, too", address));
    }
    if (is_loopback(address) || flags.allow_open_bind) continue;
    config.keeps_password = true;
    if (!config.password.empty()) continue;
    return refuse(fmt::format(
        "--bind {}: anybody who reaches this address could read and delete everything. Set a "
        "password with --requirepass-file, or say --allow-open-bind",
        address));
  }
  return {};
}

tl::expected<void, ConfigExit> check_core_ports(const Config& config) {
  const unsigned first = config.core_port_base;
  if (first == 0) return {};
  const unsigned last = first + config.cores - 1;
  if (last > 65'535) {
    return refuse(
        fmt::format("--core-port-base {}: {} cores would need ports up to {}, and the "
                    "last one is 65535: choose {} or less",
                    first, config.cores, last, 65'536 - config.cores));
  }
  if (config.port >= first && config.port <= last) {
    return refuse(
        fmt::format("--core-port-base {}: ports {} to {} would be those of single cores, "
                    "and {} is --port, which all share: choose another base",
                    first, first, last, config.port));
  }
  return {};
}

tl::expected<void, ConfigExit> apply_durability(Config& config, const CLI::App& app,
                                                const Flags& flags) {
  if (flags.durability == "interval") config.log.durability = log::Durability::interval;
  if (flags.durability == "off") config.log.durability = log::Durability::off;
  if (app.count("--interval-ms") > 0 && flags.durability != "interval") {
    return refuse("--interval-ms says something only with --durability interval");
  }
  if (config.log.discard_log && flags.durability != "off") {
    return refuse("--discard-log says something only with --durability off");
  }
  return {};
}

}  // namespace

tl::expected<Config, ConfigExit> parse_config(int argc, const char* const* argv) {
  Config config;
  config.log.directory = "phoenix-data";
  Flags flags;
  CLI::App app("Phoenix DB: a key-value server where an acknowledged write is on disk.",
               "phoenix-server");
  app.set_version_flag("--version", std::string("phoenix-server ") + PHOENIX_VERSION);
  app.get_formatter()->column_width(30);
  add_flags(app, config, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // The library's way; no exception leaves this function.
    std::ostringstream text;
    const int code = app.exit(error, text, text);
    return tl::unexpected<ConfigExit>(ConfigExit{text.str(), code == 0 ? 0 : kUsageError});
  }
  if (config.cores == 0) config.cores = std::min(usable_cpus(), kCoresMax);
  if (auto applied = apply_sizes(config, flags); !applied) {
    return tl::unexpected<ConfigExit>(applied.error());
  }
  if (auto checked = check_core_ports(config); !checked) {
    return tl::unexpected<ConfigExit>(checked.error());
  }
  if (auto applied = apply_security(config, flags); !applied) {
    return tl::unexpected<ConfigExit>(applied.error());
  }
  if (auto applied = apply_durability(config, app, flags); !applied) {
    return tl::unexpected<ConfigExit>(applied.error());
  }
  return config;
}

unsigned usable_cpus() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  unsigned count = 1;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) {
    count = static_cast<unsigned>(std::max(CPU_COUNT(&mask), 1));
  }
  // cgroup v2: "max 100000" or "150000 100000"; v1: two files.
  double quota = 0;
  double period = 0;
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::ifstream v1_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  std::ifstream v1_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  const bool has_quota =
      (v2 && v2 >> quota >> period) || (v1_quota >> quota && v1_period >> period);
  if (has_quota && quota > 0 && period > 0) {
    count = std::min(count, static_cast<unsigned>(std::max(1.0, std::ceil(quota / period))));
  }
  return count;
}

bool is_loopback(const std::string& address) {
  return address == "::1" || address.rfind("127.", 0) == 0;
}

}  // namespace phoenix::server
