// Requests of so many words that the server runs them slice by slice. Their keys stand at random
// places among others that are never there, or come again and again. See user.h.
#include "phoenix/server/limits.h"
#include "tests/sim/user.h"

namespace phoenix::simtest {
namespace {

constexpr std::size_t kPadKeys = 64;  // On all cores.

std::string pad_key(std::uint64_t index) {
  return "nobody" + std::to_string(index % kPadKeys);
}

}  // namespace

void User::send_many() {
  switch (random_.below(4)) {
    case 0:
      return send_read_of_very_many();
    case 1:
      return send_exists();
    case 2:
      return send_erase_of_many();
    default:
      return send_write_of_many();
  }
}

std::size_t User::draw_words() {
  return server::kStepWordsMax + 1 + random_.below(random_.below(4) == 0 ? 8000 : 600);
}

// Of so many; every other time among the last, which are in the last slice.
std::size_t User::draw_place(std::size_t count) {
  constexpr std::size_t kLast = 20;
  return random_.below(2) == 0 ? count - 1 - random_.below(kLast) : random_.below(count);
}

User::Words User::padded(const std::string& name) {
  Words words{name};
  const std::size_t count = draw_words();
  while (words.size() < count) words.push_back(pad_key(words.size()));
  return words;
}

void User::send_read_of_very_many() {
  constexpr int kKeys = 4;
  InFlight& request = begin(Kind::read_many);
  draw_wait(request);
  Words words = padded("MGET");
  for (int i = 0; i < kKeys; ++i) words[1 + draw_place(words.size() - 1)] = any_key();
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i] != pad_key(i)) {
      look_at(request, words[i]);
      request.places.push_back(i - 1);
    }
  }
  request.items = words.size() - 1;
  send_words(request, words);
}

void User::check_read_of_many(const InFlight& request, const protocol::Value& value) {
  if (value.items.size() != request.items) return fail(request, "MGET answered too few values");
  std::size_t there = 0;
  for (const auto& item : value.items) there += item.kind == protocol::Kind::bytes ? 1 : 0;
  for (std::size_t i = 0; i < request.keys.size(); ++i) {
    const auto& item = value.items[request.places[i]];
    const bool is_there = item.kind == protocol::Kind::bytes;
    there -= is_there ? 1 : 0;
    const Seen seen = is_there ? Seen::of(std::string(item.bytes)) : Seen::nothing();
    check_key(request, request.keys[i], request.tokens[i], seen);
  }
  if (there != 0) fail(request, "MGET found what nobody has written");
}

void User::send_exists() {
  InFlight& request = begin(Kind::exists);
  draw_wait(request);
  Words words = padded(random_.below(2) == 0 ? "EXISTS" : "TOUCH");
  look_at(request, any_key());
  words[1 + draw_place(words.size() - 1)] = request.keys[0];
  send_words(request, words);
}

void User::check_exists(const InFlight& request, const protocol::Value& value) {
  check_key(request, request.keys[0], request.tokens[0],
            value.integer == 1 ? Seen::there() : Seen::nothing());
}

// One key, some times: it can be removed but once.
void User::send_erase_of_many() {
  InFlight& request = begin(Kind::erase);
  draw_wait(request);
  const std::string key = own_key();
  request.tokens.push_back(truth_.keys[key].begin_read(wall_ms(), true));
  intend(request, key, Version{});
  Words words = padded(random_.below(2) == 0 ? "DEL" : "UNLINK");
  const std::uint64_t times = 1 + random_.below(3);
  for (std::uint64_t i = 0; i < times; ++i) words[1 + draw_place(words.size() - 1)] = key;
  send_words(request, words);
}

// One key is set again and again to the same value, the others at some place.
void User::send_write_of_many() {
  InFlight& request = begin(Kind::write);
  draw_wait(request);
  const std::size_t pairs = draw_words() / 2;
  std::vector<std::size_t> places(pairs, 0);  // Which key is there.
  const std::uint64_t keys = 1 + random_.below(4);
  for (std::uint64_t i = 0; i < keys; ++i) {
    Version version;
    version.value = new_value().substr(0, 60);
    intend(request, own_tagged_key(static_cast<unsigned>(i % kTags), i / kTags),
           std::move(version));
    std::size_t place = draw_place(pairs);
    while (places[place] != 0) place = draw_place(pairs);
    places[place] = i;
  }
  Words words{"MSET"};
  for (const std::size_t place : places) {
    const std::string& key = request.keys[place];
    const VersionNumber number = request.versions[place];
    words.insert(words.end(), {key, *truth_.keys[key].version(number).value});
    truth_.sets[key].push_back(number);
  }
  send_words(request, words);
}

}  // namespace phoenix::simtest
