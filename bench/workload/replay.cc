#include "bench/workload/replay.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "phoenix/client/tokenizer.h"

namespace phoenix::bench {
namespace {

constexpr std::size_t kCommandsMax = 1'000'000;
constexpr std::size_t kBytesMax = std::size_t{256} << 20U;
constexpr std::size_t kPartBytes = std::size_t{64} << 10U;

// By parts: a file without an end is not read to the end.
Result<std::string> read_bounded(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(ErrorCode::io, fmt::format("--replay {}: {}", path, std::strerror(errno)));
  }
  std::string text;
  std::string part(kPartBytes, '\0');
  do {
    file.read(part.data(), static_cast<std::streamsize>(part.size()));
    text.append(part, 0, static_cast<std::size_t>(file.gcount()));
    if (text.size() > kBytesMax) {
      return fail(ErrorCode::invalid, fmt::format("--replay {}: more than 256 MiB", path));
    }
  } while (file);
  if (file.bad()) return fail(ErrorCode::io, fmt::format("--replay {}: cannot be read", path));
  return text;
}

}  // namespace

Result<std::vector<std::vector<std::string>>> read_replay(const std::string& path) {
  const auto text = read_bounded(path);
  if (!text) return tl::unexpected<Error>(text.error());
  const auto wrong = [&path](std::size_t line, const std::string& why) {
    return fail(ErrorCode::invalid, fmt::format("--replay {}: line {}, {}", path, line, why));
  };
  std::vector<std::vector<std::string>> commands;
  std::string_view rest = *text;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.starts_with('#')) continue;
    auto words = client::tokenize(line);
    if (!words) return wrong(number, words.error().text());
    if (words->empty()) continue;
    if (commands.size() == kCommandsMax) return wrong(number, "more than a million commands");
    commands.push_back(std::move(*words));
  }
  if (commands.empty()) {
    return fail(ErrorCode::invalid, fmt::format("--replay {}: there is no command in it", path));
  }
  return commands;
}

}  // namespace phoenix::bench
