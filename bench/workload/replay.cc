#include "bench/workload/replay.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "phoenix/client/tokenizer.h"

namespace phoenix::bench {
namespace {

constexpr std::size_t kCommandsMax = 1'000'000;
constexpr std::size_t kBytesMax = std::size_t{256} << 20U;

}  // namespace

Result<std::vector<std::vector<std::string>>> read_replay(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(ErrorCode::io, fmt::format("--replay {}: {}", path, std::strerror(errno)));
  }
  const auto wrong = [&path](std::size_t line, const std::string& why) {
    return fail(ErrorCode::invalid, fmt::format("--replay {}: line {}, {}", path, line, why));
  };
  std::vector<std::vector<std::string>> commands;
  std::string line;
  std::size_t bytes = 0;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    bytes += line.size();
    if (bytes > kBytesMax) return wrong(number, "more than 256 MiB");
    if (line.starts_with('#')) continue;
    auto words = client::tokenize(line);
    if (!words) return wrong(number, words.error().text());
    if (words->empty()) continue;
    if (commands.size() == kCommandsMax) return wrong(number, "more than a million commands");
    commands.push_back(std::move(*words));
  }
  if (file.bad()) return fail(ErrorCode::io, fmt::format("--replay {}: cannot be read", path));
  if (commands.empty()) {
    return fail(ErrorCode::invalid, fmt::format("--replay {}: there is no command in it", path));
  }
  return commands;
}

}  // namespace phoenix::bench
