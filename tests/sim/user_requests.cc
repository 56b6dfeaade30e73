// What a user asks for, and what it tells the oracle beforehand. See user.h.
#include <algorithm>
#include <limits>

#include "tests/sim/user.h"

namespace phoenix::simtest {

using protocol::Opcode;

namespace {

constexpr unsigned kKeysPerUser = 5;
// A request is executed within this after it is sent, also by a server that could not accept its
// connection for want of descriptors; its answer says more.
constexpr std::int64_t kLatenessMs = 600'000;
// Where clocks step, nothing is known before the answer, which says all.
constexpr std::int64_t kLatenessWithStepsMs = std::numeric_limits<std::int64_t>::max() / 4;

}  // namespace

std::string User::own_key() {
  return "user" + std::to_string(number_) + ":" + std::to_string(key_generation_) + ":" +
         std::to_string(random_.below(kKeysPerUser));
}

std::string User::own_counter() const {
  return "counter" + std::to_string(number_) + ":" + std::to_string(key_generation_);
}

// Those whose writer this connection is.
bool User::owns(const std::string& key) const {
  if (truth_.flush != Flush::none) return false;
  const std::string prefix =
      "user" + std::to_string(number_) + ":" + std::to_string(key_generation_) + ":";
  return key.starts_with(prefix) || key == own_counter();
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
  if (!habits_.draws_waits) return;
  const bool is_always = habits_.durability == log::Durability::always;
  if (habits_.durability == log::Durability::off || random_.below(is_always ? 12 : 2) != 0) return;
  request.flags = is_always ? protocol::kDoNotWait : protocol::kWaitDurable;
  request.is_durable = !is_always;
}

void User::intend(InFlight& request, const std::string& key, Version version) {
  request.keys.push_back(key);
  request.versions.push_back(truth_.keys[key].intend(std::move(version)));
}

void User::look_at(InFlight& request, const std::string& key) {
  request.keys.push_back(key);
  request.tokens.push_back(truth_.keys[key].begin_read(wall_ms(), owns(key)));
}

void User::count_all(InFlight& request) {
  for (const auto& [key, history] : truth_.keys) {
    request.counted.emplace(key, history.begin_read(wall_ms(), owns(key)));
  }
}

Version User::with_ttl(Version version, std::uint64_t ttl_ms) const {
  version.ttl_ms = static_cast<std::int64_t>(ttl_ms);
  const std::int64_t late_ms = clocks_step() ? kLatenessWithStepsMs : kLatenessMs;
  version.expires_from_ms = wall_ms() + version.ttl_ms;
  version.expires_until_ms = std::max(truth_.highest_wall_ms, wall_ms()) + late_ms + version.ttl_ms;
  return version;
}

void User::send_argv(const InFlight& request, const std::vector<std::string>& words) {
  const std::vector<std::string_view> views(words.begin(), words.end());
  std::string bytes;
  protocol::append_argv_request(bytes, request.flags, request.id, views);
  client_.send(bytes);
}

void User::send_something() {
  if (truth_.flush == Flush::awaited) return;
  if (truth_.flush == Flush::sent) return send_read();
  // What expires must be looked at before it is written again.
  if (habits_.expires_soon && random_.below(4) != 0) {
    return random_.below(4) == 0 ? send_time_left() : send_read();
  }
  const std::uint64_t dice = random_.below(100);
  if (dice < 34) return send_write();
  if (dice < 42) return send_erase();
  if (dice < 48) return send_expire();
  if (dice < 54) return send_increment();
  if (dice < 60) return send_pair();
  if (dice < 80) return send_read();
  if (dice < 88) return send_read_of_many();
  if (dice < 92) return send_time_left();
  if (dice < 95) return list();
  if (dice < 98) return send_size();
  send_echo();
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
  if ((flags & protocol::kDoNotWait) != 0) {
    request.is_durable = false;
  } else {
    flags |= request.flags;
  }
  const std::uint64_t ttl_ms = has_ttl ? draw_ttl_ms() : 0;
  Version version;
  version.value = new_value();
  if (ttl_ms > 0) {
    flags |= protocol::kHasTtl;
    version = with_ttl(std::move(version), ttl_ms);
  }
  if (if_absent) request.tokens.push_back(truth_.keys[key].begin_read(wall_ms(), true));
  std::string bytes;
  protocol::append_request(bytes, Opcode::set, flags, request.id, key, *version.value, ttl_ms);
  intend(request, key, std::move(version));
  client_.send(bytes);
}

void User::send_erase() {
  InFlight& request = begin(Kind::erase);
  draw_wait(request);
  const std::string key = own_key();
  request.tokens.push_back(truth_.keys[key].begin_read(wall_ms(), true));
  std::string bytes;
  protocol::append_request(bytes, Opcode::del, request.flags, request.id, key, {});
  intend(request, key, Version{});
  client_.send(bytes);
}

// Only of a version that is there for sure: the value that it will stand for must be known.
void User::send_expire() {
  const std::string key = own_key();
  const KeyHistory& history = truth_.keys[key];
  const Version before = history.version(history.newest());
  const bool is_sure = history.live_floor().number == history.newest();
  if (!is_sure || !before.value || before.is_void) return send_read();
  if (before.can_expire()) return send_persist(key);
  InFlight& request = begin(Kind::expire);
  draw_wait(request);
  const std::uint64_t ttl_ms = 1 + random_.below(random_.below(2) == 0 ? 50 : 50'000);
  request.tokens.push_back(history.begin_read(wall_ms(), true));
  Version version = before;
  version.has_happened = false;
  intend(request, key, with_ttl(std::move(version), ttl_ms));
  send_argv(request, {"PEXPIRE", key, std::to_string(ttl_ms)});
}

void User::send_persist(const std::string& key) {
  const KeyHistory& history = truth_.keys[key];
  InFlight& request = begin(Kind::persist);
  draw_wait(request);
  request.tokens.push_back(history.begin_read(wall_ms(), true));
  Version version;
  version.value = history.version(history.newest()).value;
  intend(request, key, std::move(version));
  send_argv(request, {"PERSIST", key});
}

void User::send_increment() {
  const std::string key = own_counter();
  InFlight& request = begin(Kind::write);
  draw_wait(request);
  Version version;
  version.value = std::to_string(++truth_.counters[key]);
  intend(request, key, std::move(version));
  std::string bytes;
  protocol::append_request(bytes, Opcode::incr, request.flags, request.id, key, {});
  client_.send(bytes);
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
  const std::vector<std::string> words{"MSET", a, *first.value, b, *second.value};
  intend(request, a, std::move(first));
  intend(request, b, std::move(second));
  send_argv(request, words);
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
  std::string bytes;
  protocol::append_request(bytes, Opcode::get, request.flags, request.id, key, {});
  client_.send(bytes);
}

void User::send_read_of_many() {
  InFlight& request = begin(Kind::read);
  draw_wait(request);
  std::vector<std::string> words{"MGET"};
  while (words.size() < 5) {
    words.push_back(any_key());
    look_at(request, words.back());
  }
  send_argv(request, words);
}

void User::send_time_left() {
  InFlight& request = begin(Kind::time_left);
  draw_wait(request);
  request.text = random_.below(2) == 0 ? "TTL" : "PTTL";
  look_at(request, any_key());
  send_argv(request, {request.text, request.keys[0]});
}

void User::list() {
  InFlight& request = begin(Kind::list);
  draw_wait(request);
  count_all(request);
  send_argv(request, {"LIST"});
  listed_.clear();
}

bool User::flush() {
  if (!client_.open() || has_half_closed_) return false;
  InFlight& request = begin(Kind::flush);
  draw_wait(request);
  for (auto& [key, history] : truth_.keys) intend(request, key, Version{});
  for (auto& [key, next] : truth_.counters) next = 0;
  truth_.flush = Flush::sent;
  send_argv(request, {random_.below(2) == 0 ? "FLUSHALL" : "FLUSHDB"});
  return true;
}

void User::send_size() {
  InFlight& request = begin(Kind::size);
  draw_wait(request);
  count_all(request);
  send_argv(request, {"DBSIZE"});
}

void User::send_echo() {
  InFlight& request = begin(Kind::echo);
  request.text = std::to_string(random_.next());
  send_argv(request, {"PING", request.text});
}

}  // namespace phoenix::simtest
