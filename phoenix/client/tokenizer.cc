#include "phoenix/client/tokenizer.h"

#include <algorithm>
#include <utility>

#include "protocol/hex.h"

namespace phoenix::client {

namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

class Tokenizer final {
 public:
  explicit Tokenizer(std::string_view line) : line_(line) {}

  tl::expected<std::vector<std::string>, TokenError> run() {
    std::vector<std::string> words;
    for (skip_blanks(); !at_end(); skip_blanks()) {
      std::string word;
      const bool is_right = take_word(word);
      if (!is_right) return tl::unexpected<TokenError>(std::move(error_));
      words.push_back(std::move(word));
    }
    return words;
  }

 private:
  bool at_end() const { return at_ == line_.size(); }
  char peek() const { return line_[at_]; }
  void skip_blanks() {
    while (!at_end() && is_blank(peek())) ++at_;
  }

  bool take_word(std::string& word) {
    if (peek() == '"') return take_double_quoted(word);
    if (peek() == '\'') return take_single_quoted(word);
    const std::size_t start = at_;
    while (!at_end() && !is_blank(peek())) ++at_;
    word = line_.substr(start, at_ - start);
    return true;
  }

  bool take_single_quoted(std::string& word) {
    const std::size_t start = at_++;
    const std::size_t end = line_.find('\'', at_);
    if (end == std::string_view::npos) return fail_open(start, "this ' has no closing '");
    word = line_.substr(at_, end - at_);
    at_ = end + 1;
    return ends_here();
  }

  bool take_double_quoted(std::string& word) {
    const std::size_t start = at_++;
    while (!at_end()) {
      const char c = line_[at_++];
      if (c == '"') return ends_here();
      if (c != '\\') {
        word += c;
      } else if (!take_escape(word)) {
        return false;
      }
    }
    return fail_open(start, "this \" has no closing \"");
  }

  /// Behind its backslash.
  bool take_escape(std::string& word) {
    constexpr std::string_view kNames = "nrt\\\"";
    constexpr std::string_view kMeanings = "\n\r\t\\\"";
    const std::size_t start = at_ - 1;
    const char name = at_end() ? '\0' : line_[at_++];
    if (name == 'x') return take_hex(start, word);
    const std::size_t which = kNames.find(name);
    if (which == std::string_view::npos) {
      return fail(start, R"(inside double quotes, \ is followed by n, r, t, \, " or xHH)");
    }
    word += kMeanings[which];
    return true;
  }

  bool take_hex(std::size_t start, std::string& word) {
    const int high = at_ < line_.size() ? protocol::hex_digit(line_[at_]) : -1;
    const int low = at_ + 1 < line_.size() ? protocol::hex_digit(line_[at_ + 1]) : -1;
    if (high < 0 || low < 0) return fail(start, R"(\x is followed by two hex digits)");
    word += static_cast<char>(high * 16 + low);
    at_ += 2;
    return true;
  }

  bool ends_here() {
    if (at_end() || is_blank(peek())) return true;
    return fail(at_, "a closing quote is followed by a blank or the end of the line");
  }

  bool fail_open(std::size_t at, std::string_view message) {
    error_.is_open_quote = true;
    return fail(at, message);
  }

  bool fail(std::size_t at, std::string_view message) {
    error_.column = 1;
    for (const char c : line_.substr(0, at)) {
      const bool continues_character = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
      if (!continues_character) ++error_.column;
    }
    error_.message = message;
    return false;
  }

  std::string_view line_;
  std::size_t at_ = 0;
  TokenError error_;
};

}  // namespace

tl::expected<std::vector<std::string>, TokenError> tokenize(std::string_view line) {
  return Tokenizer(line).run();
}

bool is_name(std::string_view word, std::string_view upper) {
  return std::equal(word.begin(), word.end(), upper.begin(), upper.end(),
                    [](char a, char b) { return a == b || (a >= 'a' && a <= 'z' && a - 32 == b); });
}

}  // namespace phoenix::client
