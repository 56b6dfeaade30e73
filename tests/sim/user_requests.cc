// What a user asks for, and what it tells the oracle beforehand. See user.h.
#include <algorithm>
#include <limits>

#include "tests/sim/user.h"

namespace phoenix::simtest {

using protocol::Opcode;

namespace {

constexpr unsigned kKeysPerUser = 4;  // Without a tag.
// A request is executed within this after it is sent, also by a server that could not accept its
// connection for want of descriptors; its answer says more.
constexpr std::int64_t kLatenessMs = 600'000;
// Where clocks step, nothing is known before the answer, which says all.
constexpr std::int64_t kLatenessWithStepsMs = std::numeric_limits<std::int64_t>::max() / 4;

}  // namespace

std::string User::key_prefix() const {
  return "user" + std::to_string(number_) + ":" + std::to_string(key_generation_) + ":";
}

// Some anywhere, some on the core of a tag, which other users' keys have, too.
std::string User::own_key() {
  const std::uint64_t index = random_.below(kKeysPerUser + kTags * kKeysPerTag);
  if (index < kKeysPerUser) return key_prefix() + std::to_string(index);
  const std::uint64_t tagged = index - kKeysPerUser;
  return own_tagged_key(static_cast<unsigned>(tagged / kKeysPerTag), tagged % kKeysPerTag);
}

std::string User::own_tagged_key(unsigned tag, std::uint64_t index) const {
  return key_prefix() + "{" + std::to_string(tag) + "}" + std::to_string(index);
}

std::string User::own_counter() const {
  return "counter" + std::to_string(number_) + ":" + std::to_string(key_generation_);
}

// Those whose writer this connection is.
bool User::owns(const std::string& key) const {
  if (truth_.flush != Flush::none) return false;
  return key.starts_with(key_prefix()) || key == own_counter();
}

std::string User::any_key() {
  if (truth_.keys.empty() || random_.below(8) == 0) return own_key();
  auto it = truth_.keys.begin();
  std::advance(it, static_cast<std::ptrdiff_t>(random_.below(truth_.keys.size())));
  return it->first;
}

std::string User::new_value() {
  std::string value = std::to_string(number_) + "-" + std::to_string(++values_) + "-";
  const std::uint64_t kind = random_.below(40);
  const std::size_t size = kind == 0  ? 33'000 + random_.below(40'000)
                           : kind < 4 ? random_.below(9'000)
                                      : random_.below(100);
  value.append(size, static_cast<char>('a' + values_ % 26));
  return value;
}

User::InFlight& User::begin(Kind kind) {
  InFlight& request = in_flight_.emplace_back();
  request.kind = kind;
  request.id = next_id_++;
  request.sent_ns = world_.now_ns();
  request.clock_steps = world_.counters().wall_steps;
  request.is_durable = habits_.durability == log::Durability::always;
  return request;
}

void User::draw_wait(InFlight& request) {
  if (!habits_.draws_waits || wire_.is_resp()) return;
  const bool is_always = habits_.durability == log::Durability::always;
  if (habits_.durability == log::Durability::off || random_.below(is_always ? 12 : 2) != 0) return;
  request.flags = is_always ? protocol::kDoNotWait : protocol::kWaitDurable;
  request.is_durable = !is_always;
}

void User::intend(InFlight& request, const std::string& key, Version version) {
  const bool tells_set = version.tells_set;
  request.keys.push_back(key);
  request.versions.push_back(truth_.keys[key].intend(std::move(version)));
  if (tells_set) truth_.sets[key].push_back(request.versions.back());
}

void User::look_at(InFlight& request, const std::string& key) {
  request.keys.push_back(key);
  request.tokens.push_back(truth_.keys[key].begin_read(wall_ms(), owns(key)));
}

Version User::with_ttl(Version version, std::uint64_t ttl_ms) const {
  version.ttl_ms = static_cast<std::int64_t>(ttl_ms);
  const std::int64_t late_ms = clocks_step() ? kLatenessWithStepsMs : kLatenessMs;
  version.expires_from_ms = wall_ms() + version.ttl_ms;
  version.expires_until_ms = std::max(truth_.highest_wall_ms, wall_ms()) + late_ms + version.ttl_ms;
  return version;
}

void User::send_words(const InFlight& request, const std::vector<std::string>& words) {
  client_.send(wire_.request(random_, request.flags, request.id, words));
}

// In the native protocol it has an opcode and no words.
void User::send_short(const InFlight& request, Opcode opcode, std::uint16_t flags,
                      const std::string& key, const std::string& value, std::uint64_t ttl_ms) {
  if (!wire_.is_resp()) {
    std::string bytes;
    protocol::append_request(bytes, opcode, flags, request.id, key, value, ttl_ms);
    return client_.send(bytes);
  }
  const char* const name = opcode == Opcode::set   ? "SET"
                           : opcode == Opcode::get ? "GET"
                           : opcode == Opcode::del ? "DEL"
                                                   : "INCR";
  std::vector<std::string> words{name, key};
  if (opcode == Opcode::set) words.push_back(value);
  if ((flags & protocol::kIfAbsent) != 0) words.emplace_back("NX");
  if (ttl_ms > 0) words.insert(words.end(), {"PX", std::to_string(ttl_ms)});
  send_words(request, words);
}

void User::send_something() {
  if (truth_.flush == Flush::awaited) return;
  if (truth_.flush == Flush::sent) return send_read();
  // What expires must be looked at before it is written again.
  if (habits_.expires_soon && random_.below(4) != 0) {
    return random_.below(4) == 0 ? send_time_left() : send_read();
  }
  if (habits_.part_bytes != 0 && random_.below(4) != 0) return send_part();
  if (habits_.sends_many && random_.below(20) == 0) return send_many();
  const std::uint64_t dice = random_.below(100);
  if (dice < 24) return send_write();
  if (dice < 30) return send_erase();
  if (dice < 36) return send_expire();
  if (dice < 40) return send_increment();
  if (dice < 44) return send_pair();
  if (dice < 54) return send_change();
  if (dice < 60) return send_transaction();
  if (dice < 76) return send_read();
  if (dice < 82) return send_read_of_many();
  if (dice < 86) return send_time_left();
  if (dice < 94) return send_walk();
  send_small_talk();
}

void User::send_walk() {
  switch (random_.below(4)) {
    case 0:
      return list();
    case 1:
      return send_keys();
    case 2:
      return send_first_scan();
    default:
      return send_size();
  }
}

void User::send_small_talk() {
  switch (random_.below(6)) {
    case 0:
      return wire_.is_resp() ? send_hello(2 + static_cast<unsigned>(random_.below(2)))
                             : send_echo();
    case 1:
      return send_pause();
    case 2:
      return send_watch();
    case 3:
      return send_discarded();
    case 4:
      return send_publish();
    default:
      return send_echo();
  }
}

// 0: none.
std::uint64_t User::draw_ttl_ms() {
  if (habits_.expires_soon) return random_.below(4) == 0 ? 0 : 1 + random_.below(8);
  const std::uint64_t dice = random_.below(10);
  if (dice == 0) return 1 + random_.below(6);
  return dice == 1 ? 1 + random_.below(100'000) : 0;
}

void User::send_write() {
  const std::string key = own_key();
  const std::uint64_t dice = random_.below(10);
  if (dice == 2) return send_set(key, protocol::kIfAbsent, false);
  if (dice != 3) return send_set(key, 0, true);
  // The second does nothing, but shows the first, which need not be on disk yet.
  send_set(key, protocol::kDoNotWait, false);
  send_set(key, protocol::kIfAbsent, false);
}

void User::send_set(const std::string& key, std::uint16_t flags, bool has_ttl) {
  const bool if_absent = (flags & protocol::kIfAbsent) != 0;
  InFlight& request = begin(if_absent ? Kind::set_if_absent : Kind::write);
  draw_wait(request);
  if ((flags & protocol::kDoNotWait) != 0 && !wire_.is_resp()) {
    request.is_durable = false;
  } else {
    flags |= request.flags;
  }
  const std::uint64_t ttl_ms = has_ttl ? draw_ttl_ms() : 0;
  Version version;
  version.value = new_value();
  version.tells_set = true;
  if (ttl_ms > 0) {
    flags |= protocol::kHasTtl;
    version = with_ttl(std::move(version), ttl_ms);
  }
  if (if_absent) request.tokens.push_back(truth_.keys[key].begin_read(wall_ms(), true));
  send_short(request, Opcode::set, flags, key, *version.value, ttl_ms);
  intend(request, key, std::move(version));
}

void User::send_erase() {
  const std::uint64_t dice = random_.below(4);
  InFlight& request = begin(dice == 0 ? Kind::take : Kind::erase);
  draw_wait(request);
  const std::string key = own_key();
  request.tokens.push_back(truth_.keys[key].begin_read(wall_ms(), true));
  intend(request, key, Version{});
  if (dice > 1) return send_short(request, Opcode::del, request.flags, key);
  send_words(request, {dice == 0 ? "GETDEL" : "UNLINK", key});
}

// Only of a version that is there for sure: the value that it will stand for must be known.
void User::send_expire() {
  const std::string key = own_key();
  const KeyHistory& history = truth_.keys[key];
  const Version before = history.version(history.newest());
  const bool is_sure = history.live_floor().number == history.newest();
  if (!is_sure || !before.value || before.is_void) return send_read();
  if (before.can_expire()) return send_persist(key);
  const std::uint64_t dice = random_.below(3);
  InFlight& request = begin(dice == 0 ? Kind::get_and_expire : Kind::expire);
  draw_wait(request);
  const std::uint64_t ttl_ms = 1 + random_.below(random_.below(2) == 0 ? 50 : 50'000);
  request.tokens.push_back(history.begin_read(wall_ms(), true));
  Version version;
  version.value = before.value;
  if (dice == 1) {  // The time says all, whenever it is executed.
    constexpr std::int64_t kAnyTimeMs = std::numeric_limits<std::int64_t>::max() / 4;
    version.ttl_ms = kAnyTimeMs;
    version.expires_from_ms = wall_ms() + static_cast<std::int64_t>(ttl_ms);
    version.expires_until_ms = version.expires_from_ms;
    send_words(request, {"PEXPIREAT", key, std::to_string(version.expires_from_ms)});
    return intend(request, key, std::move(version));
  }
  intend(request, key, with_ttl(std::move(version), ttl_ms));
  if (dice == 2) return send_words(request, {"PEXPIRE", key, std::to_string(ttl_ms)});
  send_words(request, {"GETEX", key, "PX", std::to_string(ttl_ms)});
}

void User::send_persist(const std::string& key) {
  const KeyHistory& history = truth_.keys[key];
  InFlight& request = begin(Kind::persist);
  draw_wait(request);
  request.tokens.push_back(history.begin_read(wall_ms(), true));
  Version version;
  version.value = history.version(history.newest()).value;
  intend(request, key, std::move(version));
  send_words(request, {"PERSIST", key});
}

void User::send_increment() {
  const std::string key = own_counter();
  InFlight& request = begin(Kind::write);
  draw_wait(request);
  if (random_.below(2) == 0) request.amount = 1 + static_cast<std::int64_t>(random_.below(1000));
  Version version;
  version.value = std::to_string(truth_.counters[key] += request.amount);
  intend(request, key, std::move(version));
  if (request.amount == 1) return send_short(request, Opcode::incr, request.flags, key);
  send_words(request, {"INCRBY", key, std::to_string(request.amount)});
}

void User::send_pair() {
  const std::string a = own_key();
  const std::string b = own_key();
  if (a == b) return send_write();
  InFlight& request = begin(Kind::write);
  draw_wait(request);
  Version first;
  first.value = new_value();
  Version second;
  second.value = new_value();
  first.tells_set = second.tells_set = true;
  const std::vector<std::string> words{"MSET", a, *first.value, b, *second.value};
  intend(request, a, std::move(first));
  intend(request, b, std::move(second));
  send_words(request, words);
}

void User::send_read() {
  InFlight& request = begin(Kind::read);
  draw_wait(request);
  send_get(request, any_key());
}

void User::read(const std::string& key) {
  InFlight& request = begin(Kind::read);
  if (habits_.durability == log::Durability::interval) request.flags = protocol::kWaitDurable;
  send_get(request, key);
}

void User::send_get(InFlight& request, const std::string& key) {
  look_at(request, key);
  send_short(request, Opcode::get, request.flags, key);
}

void User::send_read_of_many() {
  InFlight& request = begin(Kind::read);
  draw_wait(request);
  std::vector<std::string> words{"MGET"};
  while (words.size() < 5) {
    words.push_back(any_key());
    look_at(request, words.back());
  }
  send_words(request, words);
}

void User::send_time_left() {
  InFlight& request = begin(Kind::time_left);
  draw_wait(request);
  request.text = random_.below(2) == 0 ? "TTL" : "PTTL";
  look_at(request, any_key());
  send_words(request, {request.text, request.keys[0]});
}

bool User::flush() {
  if (!client_.open() || has_half_closed_) return false;
  InFlight& request = begin(Kind::flush);
  draw_wait(request);
  for (auto& [key, history] : truth_.keys) intend(request, key, Version{});
  for (auto& [key, next] : truth_.counters) next = 0;
  truth_.flush = Flush::sent;
  send_words(request, {random_.below(2) == 0 ? "FLUSHALL" : "FLUSHDB"});
  return true;
}

void User::send_echo() {
  InFlight& request = begin(Kind::echo);
  request.text = std::to_string(random_.next());
  send_words(request, {"PING", request.text});
}

// A request whose answer is always the same.
void User::send_said(const std::vector<std::string>& words, std::string answer) {
  InFlight& request = begin(Kind::said);
  request.answers.push_back(std::move(answer));
  send_words(request, words);
}

// In the midst of a pipeline, too: the answers behind it are in the other version.
void User::send_hello(unsigned version) {
  InFlight& request = begin(Kind::hello);
  request.text = std::to_string(version);
  send_words(request, {"HELLO", request.text});
}

// Everybody waits, or all who write; some end it early.
void User::send_pause() {
  if (random_.below(3) == 0) return send_said({"CLIENT", "UNPAUSE"}, "OK");
  const std::string ms = std::to_string(1 + random_.below(5));
  send_said({"CLIENT", "PAUSE", ms, random_.below(2) == 0 ? "WRITE" : "ALL"}, "OK");
}

void User::send_publish() {
  InFlight& request = begin(Kind::publish);
  const std::string sender = std::to_string(number_) + "." + std::to_string(connects_);
  send_words(request, {"PUBLISH", kNews, sender + ":" + std::to_string(++messages_)});
}

}  // namespace phoenix::simtest
