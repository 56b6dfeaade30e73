#include "phoenix/commands/refusals.h"

#include <fmt/format.h>

#include "phoenix/commands/words.h"

namespace phoenix::commands {
std::string unknown_command_text(Args args) {
  const std::string_view name = args.empty() ? std::string_view() : args[0];
  std::string words;
  for (const auto word : args.subspan(args.empty() ? 0 : 1)) {
    if (words.size() >= kPrintableBytesMax) break;
    words += fmt::format("'{}' ", printable(word, kPrintableBytesMax - words.size()));
  }
  return fmt::format("unknown command '{}', with args beginning with: {}", printable(name), words);
}

std::string unknown_subcommand_text(const Command& container, std::string_view word) {
  return fmt::format("unknown subcommand '{}'. Try {} HELP.", printable(word), container.name);
}

std::string misused_subcommand_text(const Command& container, std::string_view word) {
  return fmt::format("unknown subcommand or wrong number of arguments for '{}'. Try {} HELP.",
                     printable(word), container.name);
}

std::string wrong_arity_text(const Command& command) {
  return wrong_arity_text(lower_case(command.name));
}

std::string wrong_arity_text(std::string_view name) {
  return fmt::format("wrong number of arguments for '{}' command", name);
}

}  // namespace phoenix::commands
