// What tests of reports ask of a text: whether it holds something, and whether it is well-formed
// markup (a small part of XML, which the project's pages keep to).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace phoenix::bench {

/// Whether `part` stands somewhere in the text.
inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// How often it does.
inline std::size_t times(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

/// What is wrong with markup; empty when every element is closed in order, every attribute quoted,
/// and no character stands where it would have to be escaped.
inline std::string flaw_of(std::string_view markup) {
  std::vector<std::string> open;
  while (!markup.empty()) {
    const std::size_t begin = markup.find('<');
    if (markup.substr(0, begin).find('>') != std::string_view::npos) return "a bare >";
    if (begin == std::string_view::npos) break;
    const std::size_t end = markup.find('>', begin);
    if (end == std::string_view::npos) return "a tag without end";
    const std::string tag(markup.substr(begin + 1, end - begin - 1));
    markup.remove_prefix(end + 1);
    if (tag.starts_with("!DOCTYPE ")) continue;
    if (tag.find('<') != std::string::npos) return "a bare < before " + tag;
    std::size_t quotes = 0;
    for (const char letter : tag) quotes += letter == '"' ? 1 : 0;
    if (quotes % 2 != 0) return "odd quotes in " + tag;
    if (tag.starts_with('/')) {
      if (open.empty() || open.back() != tag.substr(1)) return "unexpected " + tag;
      open.pop_back();
    } else if (!tag.ends_with('/')) {
      open.push_back(tag.substr(0, tag.find(' ')));
    }
    // A style sheet is text as it is; it has selectors with > only if they are escaped.
    if (!open.empty() && open.back() == "style") markup.remove_prefix(markup.find("</style"));
  }
  return open.empty() ? "" : "never closed: " + open.back();
}

}  // namespace phoenix::bench
