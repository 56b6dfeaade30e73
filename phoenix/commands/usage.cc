#include "phoenix/commands/usage.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

using Arguments = std::vector<Argument>;

// What a name says of its values; all others are strings.
struct TypedName {
  std::string_view name;
  ArgumentType type;
};
constexpr auto kTypedNames = std::to_array<TypedName>({
    {"bit", ArgumentType::integer},
    {"client-id", ArgumentType::integer},
    {"count", ArgumentType::integer},
    {"cursor", ArgumentType::integer},
    {"db", ArgumentType::integer},
    {"decrement", ArgumentType::integer},
    {"destination", ArgumentType::key},
    {"destination-db", ArgumentType::integer},
    {"destkey", ArgumentType::key},
    {"end", ArgumentType::integer},
    {"frequency", ArgumentType::integer},
    {"index", ArgumentType::integer},
    {"index1", ArgumentType::integer},
    {"index2", ArgumentType::integer},
    {"key", ArgumentType::key},
    {"key1", ArgumentType::key},
    {"key2", ArgumentType::key},
    {"keys", ArgumentType::integer},
    {"milliseconds", ArgumentType::integer},
    {"min-match-len", ArgumentType::integer},
    {"newkey", ArgumentType::key},
    {"numlocal", ArgumentType::integer},
    {"numreplicas", ArgumentType::integer},
    {"offset", ArgumentType::integer},
    {"pattern", ArgumentType::pattern},
    {"port", ArgumentType::integer},
    {"protover", ArgumentType::integer},
    {"seconds", ArgumentType::integer},
    {"source", ArgumentType::key},
    {"start", ArgumentType::integer},
    {"timeout", ArgumentType::integer},
    {"ttl", ArgumentType::integer},
    {"unix-time-milliseconds", ArgumentType::unix_time},
    {"unix-time-seconds", ArgumentType::unix_time},
});

ArgumentType type_of(std::string_view name) {
  const auto* const found = std::find_if(kTypedNames.begin(), kTypedNames.end(),
                                         [&](const auto& each) { return each.name == name; });
  return found == kTypedNames.end() ? ArgumentType::string : found->type;
}

bool is_token(std::string_view word) {
  const bool has_letter =
      std::any_of(word.begin(), word.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  return has_letter && std::all_of(word.begin(), word.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Several arguments as one.
Argument joined(ArgumentType type, Arguments parts) {
  Argument whole;
  whole.type = type;
  for (const auto& part : parts) whole.name += (whole.name.empty() ? "" : "_") + part.name;
  whole.parts = std::move(parts);
  return whole;
}

Argument in_one(Arguments parts) {
  if (parts.size() == 1) return std::move(parts.front());
  return joined(ArgumentType::block, std::move(parts));
}

bool is_bare_token(const Argument& argument) {
  return argument.type == ArgumentType::pure_token && !argument.is_optional &&
         !argument.is_multiple;
}

// Gives each token what stands behind it, up to the next token and to what may be left out.
Arguments bound_to_tokens(Arguments items) {
  Arguments bound;
  for (std::size_t i = 0; i < items.size();) {
    Argument& head = items[i++];
    if (!is_bare_token(head)) {
      bound.push_back(std::move(head));
      continue;
    }
    Arguments owned;
    while (i < items.size() && !is_bare_token(items[i]) && !items[i].is_optional) {
      owned.push_back(std::move(items[i++]));
    }
    if (owned.empty()) {
      bound.push_back(std::move(head));
      continue;
    }
    // A repeated one stays within: the token comes once.
    const bool is_plain = owned.size() == 1 && !owned[0].is_multiple && owned[0].token.empty();
    Argument taken = is_plain ? std::move(owned[0]) : joined(ArgumentType::block, std::move(owned));
    taken.token = head.token;
    bound.push_back(std::move(taken));
  }
  return bound;
}

// NOLINTNEXTLINE(misc-no-recursion): the parser holds brackets to kArgumentDepthMax.
std::size_t levels_of(const Arguments& arguments) {
  std::size_t levels = 0;
  for (const auto& each : arguments) levels = std::max(levels, 1 + levels_of(each.parts));
  return levels;
}

class Parser final {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Arguments> run() {
    Choice choice = alternatives('\0');
    Arguments arguments;
    if (choice.all.size() == 1) {
      arguments = std::move(choice.all.front());
    } else {
      arguments.push_back(one_of(std::move(choice)));
    }
    if (levels_of(arguments) > kArgumentDepthMax) refuse(kTooDeep);
    if (!error_.empty()) return fail(ErrorCode::invalid, std::move(error_));
    return arguments;
  }

 private:
  /// An argument, or a token that has not got its own yet, and where it stands.
  struct Items {
    Arguments arguments;
    std::vector<std::size_t> begins;
    std::size_t end = 0;
  };

  /// What stands between bars.
  struct Choice {
    std::vector<Arguments> all;
    std::size_t begin = 0;  // Where it stands.
    bool is_repeated = false;
  };

  static Argument one_of(Choice choice) {
    if (choice.all.size() == 1) return in_one(std::move(choice.all.front()));
    Arguments parts;
    for (auto& each : choice.all) parts.push_back(in_one(std::move(each)));
    Argument one = joined(ArgumentType::oneof, std::move(parts));
    one.is_multiple = choice.is_repeated;
    return one;
  }

  void refuse(std::string_view what) {
    if (error_.empty()) error_ = fmt::format("{} at byte {} of '{}'", what, at_, text_);
    at_ = text_.size();
  }

  char peek() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  // NOLINTBEGIN(misc-no-recursion): group() holds it to kArgumentDepthMax.
  /// Up to and including `close`.
  Choice alternatives(char close) {
    Choice choice;
    choice.begin = at_;
    auto& all = choice.all;
    while (true) {
      all.push_back(sequence(choice));
      const char c = peek();
      if (c == '|') {
        ++at_;
      } else if (c == close) {
        if (c != '\0') ++at_;
        break;
      } else {
        refuse("a bracket is missing");
        break;
      }
    }
    const bool has_empty =
        std::any_of(all.begin(), all.end(), [](const auto& each) { return each.empty(); });
    if (has_empty && (close != '\0' || all.size() > 1)) refuse("nothing to choose");
    return choice;
  }

  Arguments sequence(Choice& choice) {
    Items items;
    for (char c = peek(); c != '\0' && c != '|' && c != ']' && c != '>'; c = peek()) {
      const std::size_t begin = at_;
      if (c == '[' && is_repetition()) {
        repeat(items, choice);
      } else if (c == '[' || c == '<') {
        items.begins.push_back(begin);
        items.arguments.push_back(group(c));
      } else {
        items.begins.push_back(begin);
        items.arguments.push_back(word());
      }
      items.end = at_;
    }
    return bound_to_tokens(std::move(items.arguments));
  }

  Argument group(char open) {
    if (depth_ == kArgumentDepthMax) {
      refuse(kTooDeep);
      return {};
    }
    ++depth_;
    ++at_;
    Argument argument = one_of(alternatives(open == '[' ? ']' : '>'));
    --depth_;
    argument.is_optional = open == '[';
    return argument;
  }

  /// "[x ...]": what is told of x, with the x before it when that is the same; "[a | b ...]" may
  /// repeat the whole choice that it ends.
  void repeat(Items& items, Choice& choice) {
    const std::size_t close = closing_bracket();
    const std::string_view again = trimmed(text_.substr(at_ + 1, close - at_ - 1 - kDots.size()));
    if (!choice.all.empty() && trimmed(text_.substr(choice.begin, at_ - choice.begin)) == again) {
      choice.is_repeated = true;
      at_ = close + 1;
      return;
    }
    std::size_t first = 0;
    while (first < items.begins.size() &&
           text_.substr(items.begins[first], items.end - items.begins[first]) != again) {
      ++first;
    }
    const bool stands_before = first < items.begins.size();
    Argument argument = stands_before ? taken_back(items, first) : parsed_within(again);
    argument.repeats_token = !argument.token.empty();
    argument.is_multiple = true;
    argument.is_optional = !stands_before;
    items.begins.push_back(at_);
    items.arguments.push_back(std::move(argument));
    at_ = close + 1;
  }

  static Argument taken_back(Items& items, std::size_t first) {
    const auto from = items.arguments.begin() + static_cast<std::ptrdiff_t>(first);
    Arguments parts(std::make_move_iterator(from), std::make_move_iterator(items.arguments.end()));
    items.arguments.erase(from, items.arguments.end());
    items.begins.resize(first);
    return in_one(bound_to_tokens(std::move(parts)));
  }

  Argument parsed_within(std::string_view text) {
    if (depth_ == kArgumentDepthMax) {
      refuse(kTooDeep);
      return {};
    }
    Parser inner(text);
    inner.depth_ = depth_ + 1;
    Choice choice = inner.alternatives('\0');
    if (inner.error_.empty() && !text.empty()) return one_of(std::move(choice));
    refuse("nothing to repeat");
    return {};
  }
  // NOLINTEND(misc-no-recursion)

  bool is_repetition() const {
    const std::size_t close = closing_bracket();
    const bool has_room = close != std::string_view::npos && close - at_ > kDots.size();
    return has_room && text_.substr(close - kDots.size(), kDots.size()) == kDots;
  }

  /// Of the bracket at `at_`; npos when it has none.
  std::size_t closing_bracket() const {
    std::size_t depth = 0;
    for (std::size_t i = at_; i < text_.size(); ++i) {
      if (text_[i] == '[') ++depth;
      if (text_[i] == ']' && --depth == 0) return i;
    }
    return std::string_view::npos;
  }

  Argument word() {
    const auto end = std::min(text_.find_first_of(" |[]<>", at_), text_.size());
    const std::string_view word = text_.substr(at_, end - at_);
    at_ += word.size();
    if (word == kDots) refuse("nothing to repeat");
    Argument argument;
    argument.name = lower_case(word);
    if (is_token(word)) {
      argument.type = ArgumentType::pure_token;
      argument.token = word;
    } else {
      argument.type = type_of(argument.name);
    }
    return argument;
  }

  static constexpr std::string_view kDots = "...";
  static constexpr std::string_view kTooDeep = "too many levels";

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::string error_;  // The first one.
};

}  // namespace

Result<std::vector<Argument>> parse_usage(std::string_view arguments) {
  return Parser(arguments).run();
}

std::string_view type_name(ArgumentType type) {
  switch (type) {
    case ArgumentType::string:
      return "string";
    case ArgumentType::integer:
      return "integer";
    case ArgumentType::key:
      return "key";
    case ArgumentType::pattern:
      return "pattern";
    case ArgumentType::unix_time:
      return "unix-time";
    case ArgumentType::pure_token:
      return "pure-token";
    case ArgumentType::oneof:
      return "oneof";
    case ArgumentType::block:
      return "block";
  }
  return "string";
}

}  // namespace phoenix::commands
