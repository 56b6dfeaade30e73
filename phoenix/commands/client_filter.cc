#include "phoenix/commands/client_filter.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "phoenix/commands/refusals.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

using Type = ClientFilter::Type;

tl::unexpected<std::string> refusal(std::string text) {
  return tl::unexpected(std::move(text));
}

std::optional<Type> parse_type(std::string_view word) {
  if (equals_ignoring_case(word, "NORMAL")) return Type::normal;
  if (equals_ignoring_case(word, "PUBSUB")) return Type::pubsub;
  for (const std::string_view name : {"MASTER", "REPLICA", "SLAVE"}) {
    if (equals_ignoring_case(word, name)) return Type::none;
  }
  return std::nullopt;
}

std::string unknown_type(std::string_view word) {
  return fmt::format("Unknown client type '{}'", printable(word));
}

/// Takes one filter of CLIENT KILL into `kill`. An empty text: all right.
std::string take_filter(std::string_view name, std::string_view value, Kill& kill) {
  if (equals_ignoring_case(name, "ID")) {
    const auto id = parse_unsigned(value);
    if (!id || *id == 0) return "client-id should be greater than 0";
    kill.filter.ids = {*id};
  } else if (equals_ignoring_case(name, "TYPE")) {
    const auto type = parse_type(value);
    if (!type) return unknown_type(value);
    kill.filter.type = *type;
  } else if (equals_ignoring_case(name, "ADDR")) {
    kill.filter.address = value;
  } else if (equals_ignoring_case(name, "LADDR")) {
    kill.filter.local_address = value;
  } else if (equals_ignoring_case(name, "USER")) {
    if (value != "default") return fmt::format("No such user '{}'", printable(value));
  } else if (equals_ignoring_case(name, "SKIPME")) {
    kill.skips_caller = equals_ignoring_case(value, "YES");
    if (!kill.skips_caller && !equals_ignoring_case(value, "NO")) return std::string(kSyntaxError);
  } else {
    return std::string(kSyntaxError);
  }
  return {};
}

}  // namespace

tl::expected<ListSlice, std::string> parse_list_slice(Args args) {
  const auto place = args.size() > 2 ? parse_unsigned(args[2]) : std::nullopt;
  if (!place) return refusal("CLIENT LIST is for sessions: its slices have a place");
  std::vector<std::string_view> words(args.begin(), args.end());
  words.erase(words.begin() + 2);
  auto filter = parse_list_filter(words);
  if (!filter) return refusal(std::move(filter.error()));
  return ListSlice{std::move(*filter), *place};
}

tl::expected<ClientFilter, std::string> parse_list_filter(Args args) {
  ClientFilter filter;
  if (args.size() == 2) return filter;
  const bool has_value = args.size() > 3;
  if (args.size() == 4 && equals_ignoring_case(args[2], "TYPE")) {
    const auto type = parse_type(args[3]);
    if (!type) return refusal(unknown_type(args[3]));
    filter.type = *type;
  } else if (has_value && equals_ignoring_case(args[2], "ID")) {
    for (const auto word : args.subspan(3)) {
      const auto id = parse_integer(word);
      if (!id) return refusal("Invalid client ID");
      filter.ids.push_back(static_cast<std::uint64_t>(*id));  // A negative one is nobody's.
    }
    std::sort(filter.ids.begin(), filter.ids.end());
  } else {
    return refusal(std::string(kSyntaxError));
  }
  return filter;
}

tl::expected<Kill, std::string> parse_kill(Args args) {
  Kill kill;
  if (args.size() == 3) {
    kill.is_old_form = true;
    kill.skips_caller = false;
    kill.filter.address = args[2];
    return kill;
  }
  for (std::size_t i = 2; i < args.size(); i += 2) {
    if (i + 1 == args.size()) return refusal(std::string(kSyntaxError));
    std::string text = take_filter(args[i], args[i + 1], kill);
    if (!text.empty()) return refusal(std::move(text));
  }
  return kill;
}

}  // namespace phoenix::commands
