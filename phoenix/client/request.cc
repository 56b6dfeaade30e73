#include "phoenix/client/request.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "protocol/binary.h"

namespace phoenix::client {

namespace {

constexpr std::size_t kAnyNumber = 100;

struct Traits {
  std::string_view name;
  /// With at most so many words, the second one is the only key; 0: it has none.
  std::size_t words_with_one_key = 0;
  bool only_reads = false;
};

constexpr auto kTraits = std::to_array<Traits>({
    {"DBSIZE", 0, true},
    {"DEL", 2, false},
    {"EXISTS", 2, true},
    {"EXPIRE", kAnyNumber, false},
    {"GET", 2, true},
    {"HELP", 0, true},
    {"INCR", 2, false},
    {"INFO", 0, true},
    {"MGET", 2, true},
    {"MSET", 3, false},
    {"PERSIST", 2, false},
    {"PEXPIRE", kAnyNumber, false},
    {"PING", 0, true},
    {"PTTL", 2, true},
    {"SET", kAnyNumber, false},
    {"TTL", 2, true},
});

bool is_same_name(std::string_view word, std::string_view name) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
  return std::equal(word.begin(), word.end(), name.begin(), name.end(),
                    [upper](char a, char b) { return upper(a) == b; });
}

const Traits* traits_of(const std::vector<std::string_view>& words) {
  if (words.empty()) return nullptr;
  for (const Traits& traits : kTraits) {
    if (is_same_name(words[0], traits.name)) return &traits;
  }
  return nullptr;
}

}  // namespace

std::optional<std::string_view> Request::only_key() const {
  const Traits* const traits = traits_of(words);
  if (traits == nullptr || words.size() < 2 || words.size() > traits->words_with_one_key) {
    return std::nullopt;
  }
  return words[1];
}

bool Request::only_reads() const {
  const Traits* const traits = traits_of(words);
  return traits != nullptr && traits->only_reads;
}

bool Request::streams() const {
  return !words.empty() && is_same_name(words[0], "LIST");
}

std::uint16_t flags_of(Durability durability) {
  switch (durability) {
    case Durability::wait:
      return protocol::kWaitDurable;
    case Durability::do_not_wait:
      return protocol::kDoNotWait;
    case Durability::of_server:
      break;
  }
  return 0;
}

std::vector<std::string_view> set_words(std::string_view key, std::string_view value,
                                        const SetOptions& options, std::string& ttl_ms) {
  std::vector<std::string_view> words{"SET", key, value};
  if (options.condition == SetOptions::Condition::if_absent) words.emplace_back("NX");
  if (options.condition == SetOptions::Condition::if_present) words.emplace_back("XX");
  if (options.keep_ttl) words.emplace_back("KEEPTTL");
  if (options.ttl) {
    ttl_ms = std::to_string(options.ttl->count());
    words.insert(words.end(), {"PX", ttl_ms});
  }
  return words;
}

}  // namespace phoenix::client
