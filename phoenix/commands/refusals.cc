#include "phoenix/commands/refusals.h"

#include <algorithm>

#include <fmt/format.h>

#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

constexpr std::size_t kShownBytesMax = 128;

// As Redis prints words: up to the first zero byte, cut, and on one line.
std::string shown(std::string_view word, std::size_t bytes_max) {
  std::string text(word.substr(0, std::min(word.find('\0'), bytes_max)));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n'; }, ' ');
  return text;
}

}  // namespace

std::string unknown_command_text(Args args) {
  const std::string_view name = args.empty() ? std::string_view() : args[0];
  std::string words;
  for (const auto word : args.subspan(args.empty() ? 0 : 1)) {
    if (words.size() >= kShownBytesMax) break;
    words += fmt::format("'{}' ", shown(word, kShownBytesMax - words.size()));
  }
  return fmt::format("unknown command '{}', with args beginning with: {}",
                     shown(name, kShownBytesMax), words);
}

std::string unknown_subcommand_text(const Command& container, std::string_view word) {
  return fmt::format("unknown subcommand '{}'. Try {} HELP.", shown(word, kShownBytesMax),
                     container.name);
}

std::string misused_subcommand_text(const Command& container, std::string_view word) {
  return fmt::format("unknown subcommand or wrong number of arguments for '{}'. Try {} HELP.",
                     shown(word, kShownBytesMax), container.name);
}

std::string wrong_arity_text(const Command& command) {
  return fmt::format("wrong number of arguments for '{}' command", lower_case(command.name));
}

}  // namespace phoenix::commands
