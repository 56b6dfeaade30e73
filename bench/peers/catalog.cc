#include "bench/peers/catalog.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace phoenix::bench {
namespace {

/// A server's own connections, and those that ask it something meanwhile.
constexpr std::uint32_t kSpareConnections = 64;
constexpr std::size_t kWordsMax = 256;

bool is_program(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) && access(path.c_str(), X_OK) == 0;
}

// In a build tree the two lie in rooms of their own; installed they are neighbours.
std::string phoenix_path(const std::string& given) {
  if (!given.empty()) return find_program(given);
  const std::filesystem::path here = std::filesystem::path(own_path()).parent_path();
  for (const auto& path : {here / "phoenix-server", here / "../phoenix/phoenix-server"}) {
    if (is_program(path)) return path.lexically_normal();
  }
  return find_program("phoenix-server");
}

PeerSpec phoenix_spec(std::string program, const CatalogOptions& options) {
  constexpr std::array kModes{"always", "interval", "off"};
  const char* mode = kModes[static_cast<std::size_t>(options.durability)];
  return {"phoenix",
          Protocol::native,
          {std::move(program), "--dir", "{dir}/data", "--bind", "127.0.0.1", "--port", "{port}",
           "--cores", "{threads}", "--durability", mode},
          mode};
}

// No snapshots and no rewriting of the log: these would be measured by chance.
PeerSpec redis_spec(std::string name, std::string program, const CatalogOptions& options) {
  constexpr std::array kFsyncs{"always", "everysec", "no"};
  const bool logs = options.durability != PeerDurability::off;
  const char* fsync = kFsyncs[static_cast<std::size_t>(options.durability)];
  return {std::move(name),
          Protocol::resp,
          {std::move(program),
           "--bind",
           "127.0.0.1",
           "--port",
           "{port}",
           "--dir",
           "{dir}",
           "--daemonize",
           "no",
           "--save",
           "",
           "--appendonly",
           logs ? "yes" : "no",
           "--appendfsync",
           fsync,
           "--auto-aof-rewrite-percentage",
           "0",
           "--io-threads",
           "{threads}",
           "--maxclients",
           std::to_string(options.connections + kSpareConnections)},
          logs ? fsync : "off"};
}

PeerSpec memcached_spec(std::string name, std::string program, const CatalogOptions& options) {
  // It is a cache: with the 64 MB that it takes by default it would drop keys. The limit is taken
  // only as far as it is used.
  constexpr const char* kMegabytes = "1048576";
  std::vector<std::string> words{std::move(program),
                                 "-l",
                                 "127.0.0.1",
                                 "-p",
                                 "{port}",
                                 "-U",
                                 "0",
                                 "-t",
                                 "{threads}",
                                 "-m",
                                 kMegabytes,
                                 "-c",
                                 std::to_string(options.connections + kSpareConnections)};
  // It does not run as root unless it is told to.
  if (geteuid() == 0) words.insert(words.end(), {"-u", "root"});
  const bool meta = name == "memcached-meta";
  return {std::move(name), meta ? Protocol::memcached_meta : Protocol::memcached_text,
          std::move(words), "none"};
}

PeerSpec ceiling_spec(std::string program, const CatalogOptions& options) {
  PeerSpec spec{"ceiling",
                Protocol::native,
                {std::move(program), "ceiling", "{port}", "--value-size",
                 std::to_string(options.value_bytes)},
                "none"};
  spec.keeps_values = false;
  return spec;
}

Result<std::vector<std::string>> split_words(std::string_view command) {
  std::vector<std::string> words;
  std::string word;
  bool begun = false;
  char quote = '\0';
  for (const char letter : command) {
    if (quote != '\0' && letter == quote) {
      quote = '\0';
    } else if (quote == '\0' && (letter == '\'' || letter == '"')) {
      quote = letter;
      begun = true;
    } else if (quote == '\0' && letter == ' ') {
      if (begun) words.push_back(std::exchange(word, {}));
      begun = false;
    } else {
      word += letter;
      begun = true;
    }
  }
  if (quote != '\0') return fail(ErrorCode::invalid, "a quote is not closed");
  if (begun) words.push_back(std::move(word));
  if (words.empty()) return fail(ErrorCode::invalid, "there is no command");
  if (words.size() > kWordsMax) {
    return fail(ErrorCode::invalid, fmt::format("more than {} words", kWordsMax));
  }
  return words;
}

bool is_name(std::string_view text) {
  // Its directory is called so, and must be neither "." nor "..".
  return !text.empty() && text.front() != '.' && text.size() <= 32 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

tl::unexpected<Error> bad_template(std::string_view text, std::string_view why) {
  return fail(ErrorCode::invalid, fmt::format("{}: {}; a server is NAME=PROTOCOL:COMMAND, as in "
                                              "mine=resp:my-server --port {{port}}",
                                              text, why));
}

}  // namespace

std::string own_path() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string();
}

std::string find_program(std::string_view name) {
  if (name.find('/') != std::string_view::npos) {
    std::error_code error;
    std::string path = std::filesystem::absolute(name, error).string();
    return is_program(path) ? path : std::string();
  }
  const char* from_environment = std::getenv("PATH");
  // Servers are often where only root's PATH looks.
  const std::string places = std::string(from_environment == nullptr ? "" : from_environment) +
                             ":/usr/local/bin:/usr/bin:/usr/local/sbin:/usr/sbin";
  for (std::size_t begin = 0; begin <= places.size();) {
    const std::size_t end = std::min(places.find(':', begin), places.size());
    std::string path = places.substr(begin, end - begin).append("/").append(name);
    if (end > begin && is_program(path)) return path;
    begin = end + 1;
  }
  return {};
}

const std::vector<std::string>& known_peers() {
  static const std::vector<std::string> names{"phoenix",   "redis",          "valkey",
                                              "memcached", "memcached-meta", "ceiling"};
  return names;
}

Result<PeerSpec> find_peer(std::string_view name, const CatalogOptions& options) {
  const auto& known = known_peers();
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    std::string names;
    for (const std::string& each : known) names += (names.empty() ? "" : ", ") + each;
    return fail(ErrorCode::invalid,
                fmt::format("{}: no server of that name is known, only {}", name, names));
  }
  const bool is_memcached = name.starts_with("memcached");
  const std::string file = is_memcached ? "memcached" : std::string(name) + "-server";
  std::string program = name == "ceiling"   ? own_path()
                        : name == "phoenix" ? phoenix_path(options.phoenix_server)
                                            : find_program(file);
  if (program.empty()) {
    return fail(
        ErrorCode::unsupported,
        fmt::format(
            "{} is not installed: there is no program {}", name,
            name == "phoenix" && !options.phoenix_server.empty() ? options.phoenix_server : file));
  }
  if (name == "phoenix") return phoenix_spec(std::move(program), options);
  if (is_memcached) return memcached_spec(std::string(name), std::move(program), options);
  if (name == "ceiling") return ceiling_spec(std::move(program), options);
  return redis_spec(std::string(name), std::move(program), options);
}

Result<PeerSpec> parse_peer(std::string_view text) {
  const std::size_t equals = text.find('=');
  const std::size_t colon = text.find(':', equals == std::string_view::npos ? 0 : equals);
  if (equals == std::string_view::npos || colon == std::string_view::npos) {
    return bad_template(text, "'=' or ':' is missing");
  }
  const std::string_view name = text.substr(0, equals);
  if (!is_name(name)) {
    return bad_template(
        text, "the name must be 1 to 32 letters, digits, '-', '_' or '.', which may not be first");
  }
  const auto protocol = parse_protocol(text.substr(equals + 1, colon - equals - 1));
  if (!protocol) {
    return bad_template(text, "the protocol must be native, resp, memcached or memcached-meta");
  }
  auto words = split_words(text.substr(colon + 1));
  if (!words) return bad_template(text, words.error().message);
  if (text.substr(colon).find("{port}") == std::string_view::npos) {
    return bad_template(text, "the command must use {port}");
  }
  std::string program = find_program(words->front());
  if (program.empty()) {
    return bad_template(text, fmt::format("there is no program {}", words->front()));
  }
  words->front() = std::move(program);
  return PeerSpec{std::string(name), *protocol, std::move(*words), "as started"};
}

}  // namespace phoenix::bench
