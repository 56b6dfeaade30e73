#include "bench/history/text.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

namespace phoenix::bench::history {
namespace {

constexpr std::string_view kFirstLine = "phoenix-history 1";
constexpr std::size_t kLineBytesMax = 4096;
constexpr std::size_t kWordsMax = 7;

constexpr std::array<std::string_view, 3> kKinds = {"write", "erase", "read"};
constexpr std::array<std::string_view, 3> kOutcomes = {"ok", "fail", "unknown"};

bool is_plain(char c) {
  return c > ' ' && c <= '~' && c != '%';
}

std::string escaped(std::string_view key) {
  std::string text;
  for (const char c : key) {
    if (is_plain(c)) {
      text += c;
    } else {
      text += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return text;
}

template <typename Number>
std::optional<Number> parse_number(std::string_view word, int base = 10) {
  Number number{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number, base);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return number;
}

std::optional<std::string> unescaped(std::string_view word) {
  std::string key;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] != '%') {
      if (!is_plain(word[i])) return std::nullopt;
      key += word[i];
      continue;
    }
    if (word.size() - i < 3) return std::nullopt;
    const auto byte = parse_number<unsigned char>(word.substr(i + 1, 2), 16);
    if (!byte) return std::nullopt;
    key += static_cast<char>(*byte);
    i += 2;
  }
  return key;
}

std::string value_word(Value value) {
  if (value == kAbsent) return "-";
  return value == kForeign ? "?" : value_text(value);
}

std::optional<Value> parse_value(std::string_view word, Kind kind) {
  if (kind == Kind::read && word == "-") return kAbsent;
  if (kind == Kind::read && word == "?") return kForeign;
  const std::size_t dot = word.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto writer = parse_number<std::uint32_t>(word.substr(0, dot));
  const auto counter = parse_number<std::uint64_t>(word.substr(dot + 1));
  if (!writer || !counter || *writer > kWriterMax || *counter == 0 || *counter > kCounterMax) {
    return std::nullopt;
  }
  return make_value(*writer, *counter);
}

std::optional<std::uint64_t> parse_time(std::string_view word) {
  return word == "never" ? kNever : parse_number<std::uint64_t>(word);
}

template <typename Enum>
std::optional<Enum> parse_name(const std::array<std::string_view, 3>& names,
                               std::string_view word) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == word) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

/// More than kWordsMax words are an empty list.
std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> words;
  for (;;) {
    const std::size_t blank = line.find(' ');
    words.push_back(line.substr(0, blank));
    if (words.size() > kWordsMax) return {};
    if (blank == std::string_view::npos) return words;
    line.remove_prefix(blank + 1);
  }
}

class Parser final {
 public:
  /// Why not, in a few words; null when all is well.
  const char* add(std::string_view line) {
    if (line.empty() || line.front() == '#') return nullptr;
    const auto words = split(line);
    const auto kind = words.size() > 1 ? parse_name<Kind>(kKinds, words[1]) : std::nullopt;
    const bool has_value = kind != Kind::erase;
    if (!kind || words.size() != (has_value ? 7U : 6U)) {
      return "is no 'CLIENT write|read KEY VALUE INVOKED RESPONDED OUTCOME' (erase has no VALUE)";
    }
    const auto client = parse_number<std::uint32_t>(words[0]);
    const auto key = unescaped(words[2]);
    const auto value = has_value ? parse_value(words[3], *kind) : kAbsent;
    const auto invoked = parse_number<std::uint64_t>(words[words.size() - 3]);
    const auto responded = parse_time(words[words.size() - 2]);
    const auto outcome = parse_name<Outcome>(kOutcomes, words.back());
    if (!client) return "has a CLIENT that is no number";
    if (!key) return "has a KEY with a byte that is not written as %XX";
    if (!value) return "has a VALUE that is no WRITER.COUNTER";
    if (!invoked || !responded || *responded < *invoked) return "has times that cannot be";
    if (!outcome) return "has an OUTCOME that is not ok, fail or unknown";
    if (*outcome != Outcome::unknown && *responded == kNever) return "was answered, but never";
    if (history_.operations.size() == kOperationsMax) return "is one more than can be checked";
    const auto [at, is_new] =
        numbers_.try_emplace(*key, static_cast<std::uint32_t>(history_.keys.size()));
    if (is_new && history_.keys.size() == kKeysMax) return "has one more key than can be checked";
    if (is_new) history_.keys.push_back(*key);
    history_.operations.push_back(
        {*invoked, *responded, *value, at->second, *client, *kind, *outcome});
    return nullptr;
  }

  History take() { return std::move(history_); }

 private:
  History history_;
  std::unordered_map<std::string, std::uint32_t> numbers_;
};

void append_line(std::string& out, const Operation& operation, const std::string& key) {
  const auto to = std::back_inserter(out);
  fmt::format_to(to, "{} {} {} ", operation.client,
                 kKinds[static_cast<std::size_t>(operation.kind)], key);
  if (operation.kind != Kind::erase) fmt::format_to(to, "{} ", value_word(operation.value));
  fmt::format_to(to, "{} ", operation.invoked_ns);
  if (operation.responded_ns == kNever) {
    out += "never";
  } else {
    fmt::format_to(to, "{}", operation.responded_ns);
  }
  fmt::format_to(to, " {}\n", kOutcomes[static_cast<std::size_t>(operation.outcome)]);
}

}  // namespace

Result<void> write_history(const std::string& path, const History& history) {
  constexpr std::size_t kFlushBytes = std::size_t{1} << 20U;
  std::vector<std::string> keys;
  for (const std::string& key : history.keys) keys.push_back(escaped(key));
  errno = 0;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  std::string out = std::string(kFirstLine) + "\n";
  for (const Operation& operation : history.operations) {
    append_line(out, operation, keys[operation.key]);
    if (out.size() < kFlushBytes) continue;
    file << out;
    out.clear();
  }
  file << out;
  file.close();
  if (file.fail()) {
    return phoenix::fail(ErrorCode::io, fmt::format("cannot write the history to {}: {}", path,
                                                    std::strerror(errno == 0 ? EIO : errno)));
  }
  return {};
}

Result<History> read_history(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return phoenix::fail(ErrorCode::io, fmt::format("{}: {}", path, std::strerror(errno)));
  }
  Parser parser;
  std::vector<char> line(kLineBytesMax + 2);
  std::uint64_t lines = 0;
  while (file.getline(line.data(), kLineBytesMax + 1)) {
    const auto taken = static_cast<std::size_t>(file.gcount());  // The end of the line, too.
    const std::string_view text(line.data(), file.eof() ? taken : taken - 1);
    const bool is_first = ++lines == 1;
    const char* wrong = !is_first            ? parser.add(text)
                        : text == kFirstLine ? nullptr
                                             : "is not 'phoenix-history 1'";
    if (wrong == nullptr) continue;
    return phoenix::fail(ErrorCode::invalid, fmt::format("{}: line {} {}", path, lines, wrong));
  }
  if (!file.eof() || lines == 0) {
    return phoenix::fail(ErrorCode::invalid, path + ": is empty, or has a line over 4 KiB");
  }
  return parser.take();
}

}  // namespace phoenix::bench::history
