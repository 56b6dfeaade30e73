#include "cli/help_index.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "phoenix/client/tokenizer.h"

namespace phoenix::cli {

namespace {

constexpr std::size_t kCommandsMax = 4'096;
constexpr std::size_t kSynopsisBytesMax = 4'096;

bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

/// NX, PX, or FIRST-ONE, and not "key".
bool is_keyword(std::string_view word) {
  const auto belongs = [](char c) {
    return is_upper(c) || c == '-' || c == '_' || (c >= '0' && c <= '9');
  };
  return !word.empty() && is_upper(word[0]) && std::all_of(word.begin(), word.end(), belongs);
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return result;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::string_view first_word(std::string_view text) {
  return text.substr(0, text.find(' '));
}

/// The words in upper case that a synopsis begins with, up to two: a command's name.
std::string_view name_of(std::string_view line) {
  const std::string_view first = first_word(line);
  if (!is_keyword(first)) return {};
  const std::string_view rest = line.substr(std::min(first.size() + 1, line.size()));
  const std::string_view second = first_word(rest);
  return is_keyword(second) ? line.substr(0, first.size() + 1 + second.size()) : first;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// Cuts `text` at each `separator` outside of brackets; no empty pieces.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  std::size_t start = 0;
  int depth = 0;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    const char c = at < text.size() ? text[at] : separator;
    if (c == '[' || c == '<') ++depth;
    if (c == ']' || c == '>') --depth;
    if (at < text.size() && (c != separator || depth > 0)) continue;
    const std::string_view piece = trimmed(text.substr(start, at - start));
    if (!piece.empty()) pieces.push_back(piece);
    start = at + 1;
  }
  return pieces;
}

/// One argument or one group in brackets.
struct Item {
  explicit Item(std::string_view all) : text(all), inside(all) {
    is_optional = text.front() == '[';
    const bool is_group = is_optional || text.front() == '<';
    if (!is_group || text.size() < 2) return;
    inside = trimmed(text.substr(1, text.size() - 2));
    repeats = inside.ends_with("...");
    if (repeats) inside = trimmed(inside.substr(0, inside.size() - 3));
  }

  /// The alternative that begins with `word` as a keyword; empty when none does.
  std::string_view alternative(std::string_view word) const {
    for (const std::string_view each : split(inside, '|')) {
      if (is_keyword(first_word(each)) && client::is_name(word, first_word(each))) return each;
    }
    return {};
  }

  /// It may begin with any value.
  bool takes_values() const {
    for (const std::string_view each : split(inside, '|')) {
      if (!is_keyword(first_word(each))) return true;
    }
    return false;
  }

  std::string_view text;
  std::string_view inside;
  bool is_optional = false;
  bool repeats = false;
};

using Items = std::vector<Item>;

Items items_of(std::string_view arguments) {
  const auto texts = split(arguments, ' ');
  return {texts.begin(), texts.end()};
}

/// The item at `at` was begun with the first word of `alternative`: the rest of that comes next,
/// and then the item again when it repeats.
void begin_item(Items& items, std::size_t at, std::string_view alternative) {
  const std::string_view rest = alternative.substr(first_word(alternative).size());
  const auto position = items.begin() + static_cast<std::ptrdiff_t>(at);
  if (!items[at].repeats) items.erase(position);
  const Items owed = items_of(rest);
  items.insert(items.begin(), owed.begin(), owed.end());
}

/// Takes from `items` what `word` stands for.
void take_word(Items& items, std::string_view word) {
  for (std::size_t at = 0; at < items.size(); ++at) {
    const std::string_view alternative = items[at].alternative(word);
    if (!alternative.empty()) return begin_item(items, at, alternative);
    if (!items[at].is_optional) break;  // What stands behind it is not to be had yet.
  }
  for (std::size_t at = 0; at < items.size(); ++at) {
    if (!items[at].is_optional || items[at].takes_values()) {
      const auto alternatives = split(items[at].inside, '|');
      return begin_item(items, at, alternatives.empty() ? "" : alternatives.front());
    }
  }
}

/// What was typed, as far as it goes: quotes may still be open.
struct Typed {
  explicit Typed(std::string_view line) {
    for (std::size_t at = 0; at < line.size();) {
      if (line[at] == ' ' || line[at] == '\t') {
        ++at;
      } else {
        at = take(line, at);
      }
    }
  }

  std::vector<std::string> words;  // That are followed by a blank.
  std::string partial;             // What the line ends with.
  bool is_open = false;            // In a quote.

 private:
  std::size_t take(std::string_view line, std::size_t start) {
    const char quote = line[start] == '"' || line[start] == '\'' ? line[start] : '\0';
    std::size_t at = start + (quote == '\0' ? 0 : 1);
    is_open = quote != '\0';
    for (; at < line.size(); ++at) {
      if (is_open && quote == '"' && line[at] == '\\') {
        ++at;
      } else if (is_open && line[at] == quote) {
        is_open = false;
      } else if (!is_open && (line[at] == ' ' || line[at] == '\t')) {
        words.emplace_back(line.substr(start, at - start));
        return at;
      }
    }
    partial = line.substr(start);
    return line.size();
  }
};

}  // namespace

void HelpIndex::add_page(std::string_view page) {
  while (!page.empty()) {
    const std::string_view line = page.substr(0, page.find('\n'));
    page.remove_prefix(std::min(line.size() + 1, page.size()));
    if (line.starts_with('@') && is_ascii(line) && groups_.size() < kCommandsMax) {
      groups_.emplace(upper(line));
    }
    const std::string_view name = name_of(line);
    if (!name.empty() && !line.ends_with('.')) add(name, line.substr(name.size()));
  }
}

void HelpIndex::add(std::string_view name, std::string_view arguments) {
  if (arguments_.size() >= kCommandsMax) return;
  if (name.empty() || name.size() + arguments.size() > kSynopsisBytesMax) return;
  if (!is_ascii(name) || !is_ascii(arguments)) return;  // It is drawn as it is.
  arguments_.insert_or_assign(upper(name), std::string(trimmed(arguments)));
}

HelpIndex::Known HelpIndex::find(const std::vector<std::string>& words) const {
  if (words.size() > 1) {
    const auto both = arguments_.find(upper(words[0]) + " " + upper(words[1]));
    if (both != arguments_.end()) return {both->second, 2};
  }
  if (words.empty()) return {};
  const auto one = arguments_.find(upper(words[0]));
  return one == arguments_.end() ? Known{} : Known{one->second, 1};
}

/// The word that comes next in the names that start with `parent`.
void HelpIndex::add_names(const std::string& parent, std::set<std::string>& found) const {
  for (auto at = arguments_.lower_bound(parent); at != arguments_.end(); ++at) {
    if (!at->first.starts_with(parent)) return;
    found.emplace(first_word(std::string_view(at->first).substr(parent.size())));
  }
}

/// In upper case, whatever the next word may be.
std::vector<std::string> HelpIndex::next_words(const std::vector<std::string>& words) const {
  std::set<std::string> found;
  const std::string parent = words.empty() ? "" : upper(words[0]) + " ";
  if (words.size() < 2) add_names(parent, found);
  const Known known = find(words);
  Items items = known.words > 0 ? items_of(known.arguments) : Items{};
  for (std::size_t i = known.words; i < words.size(); ++i) take_word(items, words[i]);
  for (const Item& item : items) {
    for (const std::string_view each : split(item.inside, '|')) {
      const std::string_view word = first_word(each);
      if (is_keyword(word)) found.emplace(word);
      // HELP [command [subcommand] | @group]
      if (word == "command") add_names("", found);
      if (word == "subcommand" && words.size() > 1) add_names(upper(words.back()) + " ", found);
      if (word == "@group") found.insert(groups_.begin(), groups_.end());
    }
    if (!item.is_optional) break;
  }
  return {found.begin(), found.end()};
}

Completion HelpIndex::complete(std::string_view before) const {
  const Typed typed(before);
  Completion completion;
  if (typed.is_open) return completion;
  completion.typed_bytes = typed.partial.size();
  const std::string wanted = upper(typed.partial);
  const bool is_lower = !typed.partial.empty() && typed.partial != wanted;
  for (std::string& word : next_words(typed.words)) {
    if (!word.starts_with(wanted)) continue;
    completion.candidates.push_back(is_lower ? lower(word) : std::move(word));
  }
  return completion;
}

/// What may follow a name that has subcommands: "GET | SET | ...".
std::string HelpIndex::names_hint(const std::string& name, std::size_t columns,
                                  bool is_in_word) const {
  constexpr std::string_view kMore = "...";
  std::set<std::string> names;
  add_names(upper(name) + " ", names);
  std::string text;
  std::size_t left = names.size();
  for (const std::string& each : names) {
    const std::string piece = (text.empty() ? (is_in_word ? " " : "") : " | ") + each;
    const std::size_t kept = --left > 0 ? 3 + kMore.size() : 0;  // Behind " | ".
    if (text.size() + piece.size() + kept > columns) {
      return text.empty() ? text : text.append(" | ").append(kMore);
    }
    text += piece;
  }
  return text;
}

std::string HelpIndex::hint(std::string_view line, std::size_t columns) const {
  Typed typed(line);
  if (typed.is_open) return {};
  const bool is_in_word = !typed.partial.empty();
  if (is_in_word) typed.words.push_back(std::move(typed.partial));
  const Known known = find(typed.words);
  if (typed.words.size() == 1 && known.arguments.empty()) {
    return names_hint(typed.words[0], columns, is_in_word);
  }
  if (known.words == 0) return {};
  Items items = items_of(known.arguments);
  for (std::size_t i = known.words; i < typed.words.size(); ++i) take_word(items, typed.words[i]);
  constexpr std::string_view kMore = " ...";
  std::string text;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string piece = (text.empty() && !is_in_word ? "" : " ") + std::string(items[i].text);
    const std::size_t kept = i + 1 < items.size() ? kMore.size() : 0;
    if (text.size() + piece.size() + kept > columns) {
      return text.empty() ? text : text.append(kMore);
    }
    text += piece;
  }
  return text;
}

}  // namespace phoenix::cli
