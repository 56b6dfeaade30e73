// The texts of errors are Redis's, since tools show them to people who search for them.
#include "protocol/resp_request.h"

#include <algorithm>

#include "protocol/hex.h"

namespace phoenix::protocol {
namespace {

constexpr std::string_view kEnd = "\r\n";
// A sign, 19 digits, CR LF, and the type in front.
constexpr std::size_t kCountLineBytesMax = 24;

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

char unescaped(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// Takes an escape sequence of double quotes from the front of `text`, which begins with a backslash
// and has more.
char take_escape(std::string_view& text) {
  if (text.size() >= 4 && text[1] == 'x') {
    const int high = hex_digit(text[2]);
    const int low = hex_digit(text[3]);
    if (high >= 0 && low >= 0) {
      text.remove_prefix(4);
      return static_cast<char>(high * 16 + low);
    }
  }
  const char c = unescaped(text[1]);
  text.remove_prefix(2);
  return c;
}

// Takes what stands between quotes, whose opening one `text` begins with. False: they do not close,
// or something other than a space stands right behind them.
bool take_quoted(std::string_view& text, std::string& out) {
  const char quote = text[0];
  text.remove_prefix(1);
  while (!text.empty()) {
    if (text[0] == quote) {
      text.remove_prefix(1);
      return text.empty() || is_space(text[0]);
    }
    if (quote == '"' && text[0] == '\\' && text.size() > 1) {
      out += take_escape(text);
    } else if (quote == '\'' && text.substr(0, 2) == "\\'") {
      out += '\'';
      text.remove_prefix(2);
    } else {
      out += text[0];
      text.remove_prefix(1);
    }
  }
  return false;
}

// Most have one digit or two. False: it is another, or not all there.
inline bool read_short_count(std::string_view bytes, RespCount& count) {
  if (bytes.size() < 5 || !is_digit(bytes[1])) return false;
  const std::int64_t first = bytes[1] - '0';
  if (bytes[2] == '\r' && bytes[3] == '\n') {
    count = {RespCount::Outcome::whole, first, 4};
    return true;
  }
  const bool has_two = first != 0 && is_digit(bytes[2]) && bytes[3] == '\r' && bytes[4] == '\n';
  if (has_two) count = {RespCount::Outcome::whole, first * 10 + (bytes[2] - '0'), 5};
  return has_two;
}

RespCount read_any_count(std::string_view bytes) {
  RespCount count;
  const std::size_t size = std::min(bytes.size(), kCountLineBytesMax);
  std::size_t at = 1;
  const bool is_negative = size > at && bytes[at] == '-';
  if (is_negative) ++at;
  const std::size_t digits_begin = at;
  std::int64_t number = 0;
  for (; at < size && bytes[at] >= '0' && bytes[at] <= '9'; ++at) {
    number = number * 10 + (bytes[at] - '0');
    if (number > INT32_MAX) count.outcome = RespCount::Outcome::broken;
    if (count.outcome == RespCount::Outcome::broken) return count;
  }
  const std::size_t digits = at - digits_begin;
  const bool has_leading_zero = digits > 1 && bytes[digits_begin] == '0';
  if (size - std::min(size, at) >= kEnd.size()) {
    const bool is_whole = digits > 0 && !has_leading_zero && bytes.substr(at, 2) == kEnd;
    count.outcome = is_whole ? RespCount::Outcome::whole : RespCount::Outcome::broken;
    count.number = is_negative ? -number : number;
    count.bytes = at + kEnd.size();
  } else if (size == kCountLineBytesMax || (size > at && bytes[at] != '\r')) {
    count.outcome = RespCount::Outcome::broken;
  }
  return count;
}

// Where requests are read, without a call for most.
inline RespCount read_count(std::string_view bytes) {
  RespCount count;
  if (!read_short_count(bytes, count)) count = read_any_count(bytes);
  return count;
}

}  // namespace

RespCount read_resp_count(std::string_view bytes) {
  return read_count(bytes);
}

RespRequestReader::Outcome RespRequestReader::fail(std::string_view text) {
  error_ = "Protocol error: ";
  error_ += text;
  return Outcome::broken;
}

void RespRequestReader::append_words(std::string_view input,
                                     std::vector<std::string_view>& words) const {
  const char* const base = is_unquoted_ ? unquoted_.data() : input.data();
  for (const Word& word : found_) words.emplace_back(base + word.begin, word.size_bytes);
}

RespRequestReader::Outcome RespRequestReader::next(std::string_view input,
                                                   const RespRequestLimits& limits,
                                                   bool may_unquote) {
  if (state_ == State::whole) return Outcome::request;
  if (state_ == State::words) return read_words(input, limits);
  if (input.empty()) return Outcome::need_more;
  if (input[0] != '*') return read_inline(input, limits, may_unquote);
  return read_array(input, limits);
}

RespRequestReader::Outcome RespRequestReader::read_array(std::string_view input,
                                                         const RespRequestLimits& limits) {
  const RespCount count = read_count(input);
  if (count.outcome == RespCount::Outcome::need_more) return Outcome::need_more;
  if (count.outcome == RespCount::Outcome::broken) return fail("invalid multibulk length");
  if (count.number > std::int64_t{limits.whole_words_max}) return take_many(count, limits);
  scanned_bytes_ = count.bytes;
  if (count.number <= 0) return Outcome::nothing;
  words_left_ = static_cast<std::uint32_t>(count.number);
  is_unquoted_ = false;
  state_ = State::words;
  return read_words(input, limits);
}

RespRequestReader::Outcome RespRequestReader::take_many(const RespCount& count,
                                                        const RespRequestLimits& limits) {
  if (count.number > std::int64_t{limits.words_max}) {
    return fail(limits.words_max < kArgsMax ? "unauthenticated multibulk length"
                                            : "invalid multibulk length");
  }
  scanned_bytes_ = count.bytes;
  words_left_ = static_cast<std::uint32_t>(count.number);
  return Outcome::many;
}

RespRequestReader::Outcome RespRequestReader::read_words(std::string_view input,
                                                         const RespRequestLimits& limits) {
  while (words_left_ > 0) {
    const std::string_view rest = input.substr(scanned_bytes_);
    if (rest.empty()) return Outcome::need_more;
    if (rest[0] != '$') return fail(std::string("expected '$', got '") + rest[0] + "'");
    const RespCount size = read_count(rest);
    if (size.outcome == RespCount::Outcome::need_more) return Outcome::need_more;
    const bool is_broken = size.outcome == RespCount::Outcome::broken || size.number < 0;
    if (is_broken) return fail("invalid bulk length");
    const auto word_bytes = static_cast<std::size_t>(size.number);
    if (word_bytes > limits.word_bytes_max) {
      return fail(limits.words_max < kArgsMax ? "unauthenticated bulk length"
                                              : "invalid bulk length");
    }
    const std::size_t begin = scanned_bytes_ + size.bytes;
    if (begin + word_bytes > limits.request_bytes_max) return fail("request over 513 MiB");
    if (rest.size() < size.bytes + word_bytes + kEnd.size()) {
      if (word_bytes <= large_word_bytes_) return Outcome::need_more;
      large_bytes_ = word_bytes;
      large_begin_ = begin;
      return Outcome::large;
    }
    if (rest.substr(size.bytes + word_bytes, kEnd.size()) != kEnd) {
      return fail("a bulk string does not end in CR LF");
    }
    found_.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(word_bytes)});
    scanned_bytes_ = begin + word_bytes + kEnd.size();
    --words_left_;
  }
  state_ = State::whole;
  return Outcome::request;
}

RespRequestReader::Outcome RespRequestReader::read_inline(std::string_view input,
                                                          const RespRequestLimits& limits,
                                                          bool may_unquote) {
  const std::size_t newline = input.substr(0, kRespInlineBytesMax).find('\n');
  if (newline == std::string_view::npos) {
    if (input.size() >= kRespInlineBytesMax) return fail("too big inline request");
    return Outcome::need_more;
  }
  std::string_view line = input.substr(0, newline);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  const bool has_quotes = line.find_first_of("\"'") != std::string_view::npos;
  if (has_quotes && !may_unquote) return Outcome::no_room;
  is_unquoted_ = has_quotes;
  found_.clear();
  const bool is_right = has_quotes ? split_quoted(line) : split_plain(line);
  if (!is_right) return fail("unbalanced quotes in request");
  if (found_.size() > limits.words_max) return fail("too many words in an inline request");
  scanned_bytes_ = newline + 1;
  if (found_.empty()) return Outcome::nothing;
  state_ = State::whole;
  return Outcome::request;
}

bool RespRequestReader::split_plain(std::string_view line) {
  for (std::size_t at = 0; at < line.size();) {
    if (is_space(line[at])) {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    while (at < line.size() && !is_space(line[at])) ++at;
    found_.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(at - begin)});
  }
  return true;
}

// As shells do: quotes may begin within a word, and end it.
bool RespRequestReader::split_quoted(std::string_view line) {
  unquoted_.clear();
  while (true) {
    while (!line.empty() && is_space(line[0])) line.remove_prefix(1);
    if (line.empty()) return true;
    const std::size_t begin = unquoted_.size();
    while (!line.empty() && !is_space(line[0])) {
      if (line[0] == '"' || line[0] == '\'') {
        if (!take_quoted(line, unquoted_)) return false;
        break;
      }
      unquoted_ += line[0];
      line.remove_prefix(1);
    }
    found_.push_back(
        {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(unquoted_.size() - begin)});
  }
}

}  // namespace phoenix::protocol
