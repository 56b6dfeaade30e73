// Long values that change in long parts, one after the other, each sent without waiting for the one
// before: each is a record of its own, streamed into a segment of its own in slices. Where nothing
// is refused and no connection is lost, what was sent last is what will be there. See user.h.
#include "tests/sim/user.h"

namespace phoenix::simtest {
namespace {

/// A value of so many parts is not made longer.
constexpr std::size_t kPartsMost = 6;
/// What a transaction holds has to fit into one batch of the log.
constexpr std::size_t kTransactionPartBytesMost = std::size_t{1} << 20U;

}  // namespace

std::string User::own_long_key(unsigned tag) const {
  return own_tagged_key(tag, 0) + "long";
}

// No stretch of it is found in another one: half of it cannot pass for something else.
std::string User::long_text(std::size_t size_bytes) {
  const std::string number = std::to_string(number_) + "-" + std::to_string(++values_) + ".";
  std::string text;
  text.reserve(size_bytes + number.size());
  while (text.size() < size_bytes) text += number;
  text.resize(size_bytes);
  return text;
}

// Nothing: there will be no value.
std::optional<std::string> User::value_to_be(const std::string& key) const {
  const auto found = truth_.keys.find(key);
  if (found == truth_.keys.end()) return std::nullopt;
  const KeyHistory& history = found->second;
  VersionNumber number = history.newest();
  while (number > history.live_floor().number && history.version(number).is_void) --number;
  return history.version(number).value;
}

void User::send_part() {
  const auto tag = static_cast<unsigned>(random_.below(kTags));
  const bool may_transact = habits_.part_bytes <= kTransactionPartBytesMost && !watched_;
  if (may_transact && random_.below(8) == 0) return send_parts_together(tag);
  InFlight& request = begin(Kind::change);
  draw_wait(request);
  const Words words = draw_part(request, own_long_key(tag));
  send_words(request, words);
}

void User::send_parts_together(unsigned tag) {
  send_said({"MULTI"}, "OK");
  InFlight exec;
  const std::uint64_t changes = 1 + random_.below(3);
  for (std::uint64_t i = 0; i < changes; ++i) {
    send_said(draw_part(exec, own_long_key(tag)), kQueued);
  }
  send_exec(std::move(exec));
}

User::Words User::draw_part(InFlight& request, const std::string& key) {
  const auto old = value_to_be(key);
  const std::uint64_t dice = random_.below(14);
  if (!old || dice == 0 || old->size() > kPartsMost * habits_.part_bytes) {
    return set_long(request, key);
  }
  if (dice == 1) return remove_long(request, key);
  if (dice == 2) return set_bit(request, key, *old);
  const bool is_short = dice < 5;
  const std::string part = long_text(is_short ? 1 + random_.below(600) : draw_part_bytes());
  const bool appends = random_.below(3) == 0;
  const std::size_t offset = appends ? old->size() : random_.below(old->size() + 10);
  return write_part(request, key, *old, {offset, part, appends});
}

std::size_t User::draw_part_bytes() {
  return habits_.part_bytes / 2 + random_.below(habits_.part_bytes / 2);
}

User::Words User::set_long(InFlight& request, const std::string& key) {
  Version version;
  version.value = long_text(habits_.part_bytes * 2 + random_.below(habits_.part_bytes));
  version.tells_set = true;
  const Words words{"SET", key, *version.value};
  intend(request, key, std::move(version));
  request.answers.emplace_back("OK");
  return words;
}

// Of a value that will be there.
User::Words User::remove_long(InFlight& request, const std::string& key) {
  intend(request, key, Version{});
  request.answers.emplace_back("1");
  return {"UNLINK", key};
}

// Behind the end, too: the value then grows by zeros.
User::Words User::set_bit(InFlight& request, const std::string& key, const std::string& old) {
  constexpr unsigned kByteBits = 8;
  const std::size_t place = random_.below(old.size() + habits_.part_bytes / 2);
  const auto bit = static_cast<unsigned>(random_.below(kByteBits));
  const unsigned mask = 1U << (kByteBits - 1 - bit);
  const unsigned before = place < old.size() ? static_cast<unsigned char>(old[place]) : 0U;
  const bool is_on = random_.below(2) == 0;
  Version version;
  version.value = old;
  if (place >= old.size()) version.value->resize(place + 1, '\0');
  (*version.value)[place] = static_cast<char>(is_on ? before | mask : before & ~mask);
  intend(request, key, std::move(version));
  request.answers.emplace_back((before & mask) != 0 ? "1" : "0");
  return {"SETBIT", key, std::to_string(kByteBits * place + bit), is_on ? "1" : "0"};
}

}  // namespace phoenix::simtest
