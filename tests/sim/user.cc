#include "tests/sim/user.h"

#include <algorithm>

#include "phoenix/server/gather.h"
#include "tests/sim/process.h"

namespace phoenix::simtest {

using protocol::Opcode;
using protocol::Status;

namespace {

constexpr std::size_t kPipeline = 12;
constexpr unsigned kKeysPerUser = 5;
// A request is executed within this after it is sent; clocks may step by an hour at a time.
constexpr std::int64_t kLatenessMs = 60'000;
constexpr std::int64_t kLatenessWithStepsMs = 100 * 3'600'000;

std::optional<std::string> text_of(const protocol::Value& value) {
  if (value.kind == protocol::Kind::bytes) return std::string(value.bytes);
  return std::nullopt;
}

}  // namespace

User::User(sim::World& world, Truth& truth, SeededRandom& random, unsigned number,
           const Habits& habits)
    : world_(world),
      truth_(truth),
      random_(random),
      number_(number),
      habits_(habits),
      client_(world) {}

void User::connect() {
  io::Endpoint endpoint;
  endpoint.address = "127.0.0.1";
  endpoint.port = kPort;
  client_.connect(endpoint);
  has_half_closed_ = false;
  acts_unread_ = 0;
}

bool User::is_broken() const {
  return client_.state() != sim::ClientState::open &&
         client_.state() != sim::ClientState::connecting;
}

bool User::was_left_without_answers() const {
  return client_.state() == sim::ClientState::ended && !in_flight_.empty();
}

// What was sent and not answered may still happen on a server that lives on, at any time: those
// keys cannot be reasoned about any more, and new names take their place.
void User::lose_connection() {
  client_.reset();
  in_flight_.clear();
  ++key_generation_;
}

std::string User::own_key() {
  return "user" + std::to_string(number_) + ":" + std::to_string(key_generation_) + ":" +
         std::to_string(random_.below(kKeysPerUser));
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
  return request;
}

void User::intend(InFlight& request, const std::string& key, Version version) {
  request.keys.push_back(key);
  request.versions.push_back(truth_.keys[key].intend(std::move(version)));
}

// By how much the server's clock can be behind the wall clock when a request was sent.
std::int64_t User::back_step_ms() const {
  return world_.plan().wall_steps == 0 ? 0 : kLatenessWithStepsMs;
}

std::int64_t User::lateness_ms() const {
  return world_.plan().wall_steps == 0 ? kLatenessMs : kLatenessWithStepsMs;
}

void User::send_argv(InFlight& request, const std::vector<std::string>& words) {
  const std::vector<std::string_view> views(words.begin(), words.end());
  std::string bytes;
  protocol::append_argv_request(bytes, 0, request.id, views);
  client_.send(bytes);
}

void User::act() {
  const bool may_send = client_.open() && !has_half_closed_;
  if (may_send && in_flight_.size() < kPipeline && random_.below(3) != 0) {
    const std::uint64_t burst = 1 + random_.below(6);
    for (std::uint64_t i = 0; i < burst; ++i) send_something();
  }
  if (client_.open()) act_oddly();
  take_replies();
}

void User::act_oddly() {
  if (habits_.half_closes && !has_half_closed_ && random_.below(40) == 0) {
    client_.half_close();
    has_half_closed_ = true;
  }
  if (acts_unread_ > 0 && --acts_unread_ == 0) {
    client_.set_reading(true);
  } else if (habits_.reads_late && acts_unread_ == 0 && random_.below(20) == 0) {
    client_.set_reading(false);
    acts_unread_ = 1 + static_cast<unsigned>(random_.below(30));
  }
}

void User::send_something() {
  // What expires must be looked at before it is written again.
  if (habits_.expires_soon && random_.below(4) != 0) return send_read(false);
  const std::uint64_t dice = random_.below(100);
  if (dice < 35) return send_write();
  if (dice < 43) return send_erase();
  if (dice < 49) return send_expire();
  if (dice < 55) return send_increment();
  if (dice < 61) return send_pair();
  if (dice < 86) return send_read(false);
  if (dice < 94) return send_read(true);
  if (dice < 96) return list();
  if (dice < 98) return send_argv(begin(Kind::size), {"DBSIZE"});
  InFlight& request = begin(Kind::echo);
  request.text = std::to_string(random_.next());
  send_argv(request, {"PING", request.text});
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
  std::uint16_t flags = 0;
  std::uint64_t ttl_ms = 0;
  Version version;
  version.value = new_value();
  const std::uint64_t dice = random_.below(10);
  ttl_ms = dice == 2 || dice == 3 ? 0 : draw_ttl_ms();
  if (ttl_ms > 0) {
    flags |= protocol::kHasTtl;
    version.expires_from_ms = wall_ms() - back_step_ms() + static_cast<std::int64_t>(ttl_ms);
    version.expires_until_ms = std::max(truth_.highest_wall_ms, wall_ms()) + lateness_ms() +
                               static_cast<std::int64_t>(ttl_ms);
  }
  const bool if_absent = dice == 2;
  if (if_absent) flags |= protocol::kIfAbsent;
  if (dice == 3) flags |= protocol::kDoNotWait;
  InFlight& request = begin(if_absent ? Kind::set_if_absent : Kind::write);
  request.is_acknowledged_when_durable = dice != 3;
  std::string bytes;
  protocol::append_request(bytes, Opcode::set, flags, request.id, key, *version.value, ttl_ms);
  intend(request, key, std::move(version));
  client_.send(bytes);
}

void User::send_erase() {
  InFlight& request = begin(Kind::erase);
  const std::string key = own_key();
  std::string bytes;
  protocol::append_request(bytes, Opcode::del, 0, request.id, key, {});
  intend(request, key, Version{});
  client_.send(bytes);
}

// Only of a version that is there for sure: the value that it will stand for must be known.
void User::send_expire() {
  const std::string key = own_key();
  KeyHistory& history = truth_.keys[key];
  const Version before = history.version(history.newest());
  const bool is_sure = history.floor() == history.newest();
  if (!is_sure || !before.value || before.can_expire()) return send_read(false);
  InFlight& request = begin(Kind::expire);
  const std::uint64_t ttl_ms = 1 + random_.below(50'000);
  Version version = before;
  version.expires_from_ms = wall_ms() - back_step_ms() + static_cast<std::int64_t>(ttl_ms);
  version.expires_until_ms = std::max(truth_.highest_wall_ms, wall_ms()) + lateness_ms() +
                             static_cast<std::int64_t>(ttl_ms);
  intend(request, key, std::move(version));
  send_argv(request, {"PEXPIRE", key, std::to_string(ttl_ms)});
}

void User::send_increment() {
  const std::string key =
      "counter" + std::to_string(number_) + ":" + std::to_string(key_generation_);
  InFlight& request = begin(Kind::write);
  request.is_counter = true;
  Version version;
  version.value = std::to_string(++truth_.counters[key]);
  intend(request, key, std::move(version));
  std::string bytes;
  protocol::append_request(bytes, Opcode::incr, 0, request.id, key, {});
  client_.send(bytes);
}

void User::send_pair() {
  const std::string a = own_key();
  const std::string b = own_key();
  if (a == b) return send_write();
  InFlight& request = begin(Kind::write);
  Version first;
  first.value = new_value();
  Version second;
  second.value = new_value();
  const std::vector<std::string> words{"MSET", a, *first.value, b, *second.value};
  intend(request, a, std::move(first));
  intend(request, b, std::move(second));
  send_argv(request, words);
}

void User::send_read(bool many) {
  std::vector<std::string> keys{any_key()};
  if (!many) return read(keys[0]);
  InFlight& request = begin(Kind::read);
  while (keys.size() < 4) keys.push_back(any_key());
  std::vector<std::string> words{"MGET"};
  for (const auto& key : keys) {
    request.keys.push_back(key);
    request.tokens.push_back(truth_.keys[key].begin_read(wall_ms()));
    words.push_back(key);
  }
  send_argv(request, words);
}

void User::read(const std::string& key) {
  InFlight& request = begin(Kind::read);
  request.keys.push_back(key);
  request.tokens.push_back(truth_.keys[key].begin_read(wall_ms()));
  std::string bytes;
  protocol::append_request(bytes, Opcode::get, 0, request.id, key, {});
  client_.send(bytes);
}

void User::list() {
  send_argv(begin(Kind::list), {"LIST"});
  listed_.clear();
}

void User::take_replies() {
  while (truth_.violation.empty() && take_reply()) {
  }
}

bool User::take_reply() {
  const std::string_view received = client_.received();
  if (received.size() < protocol::kHeaderBytes) return false;
  protocol::ReplyHeader header;
  const auto broken = protocol::decode_reply_header(received.data(), header);
  if (!broken.text.empty()) {
    truth_.violate("a reply that is none: " + std::string(broken.text));
    return false;
  }
  if (received.size() < header.frame_bytes()) return false;
  const std::string frame = client_.take(header.frame_bytes());
  protocol::Value value;
  const auto wrong = protocol::decode_reply_value(
      header, std::string_view(frame).substr(protocol::kHeaderBytes), value);
  const bool is_sent_away =
      truth_.server_stops && header.id == 0 && header.status == Status::shutting_down;
  if (is_sent_away) return false;
  if (!wrong.text.empty() || in_flight_.empty()) {
    truth_.violate("an unexpected reply, id " + std::to_string(header.id) + ": " +
                   std::string(wrong.text.empty() ? value.bytes : wrong.text));
    return false;
  }
  const InFlight request = in_flight_.front();
  if (header.id != request.id) {
    fail(request, "reply out of order: id " + std::to_string(header.id));
    return false;
  }
  if (!header.more_follows) in_flight_.pop_front();
  ++replies_;
  check(request, header, value);
  return true;
}

void User::fail(const InFlight& request, const std::string& what) {
  truth_.violate("user " + std::to_string(number_) + ", request " + std::to_string(request.id) +
                 (request.keys.empty() ? "" : ", key " + request.keys[0]) + ": " + what);
}

void User::check(const InFlight& request, const protocol::ReplyHeader& header,
                 const protocol::Value& value) {
  if (protocol::is_error(header.status)) {
    const bool is_definite = header.status == Status::disk_full ||
                             header.status == Status::out_of_memory ||
                             header.status == Status::busy;
    if (is_definite && value.bytes != server::kPartlyRefused) {
      for (std::size_t i = 0; i < request.versions.size(); ++i) {
        truth_.keys[request.keys[i]].refuse(request.versions[i]);
      }
    }
    if (!is_definite) fail(request, "error: " + std::string(value.bytes));
    return;
  }
  if (request.kind == Kind::read) return check_read(request, header, value);
  if (request.kind == Kind::list) {
    for (const auto& item : value.items) listed_.emplace_back(item.bytes);
    return;
  }
  if (request.kind == Kind::echo) {
    if (text_of(value) != request.text) fail(request, "PING answered something else");
    return;
  }
  if (request.kind != Kind::size) check_write(request, header, value);
}

void User::check_write(const InFlight& request, const protocol::ReplyHeader& header,
                       const protocol::Value& value) {
  if (request.kind == Kind::set_if_absent && header.status == Status::nil) {
    return truth_.keys[request.keys[0]].refuse(request.versions[0]);
  }
  if (request.kind == Kind::expire && value.integer == 0) {
    return truth_.keys[request.keys[0]].refuse(request.versions[0]);
  }
  if (request.is_counter) {
    const auto& expected = truth_.keys[request.keys[0]].version(request.versions[0]).value;
    if (std::to_string(value.integer) != *expected) {
      return fail(request, "INCR answered " + std::to_string(value.integer) + ", not " + *expected);
    }
  }
  if (!request.is_acknowledged_when_durable) return;
  for (std::size_t i = 0; i < request.keys.size(); ++i) {
    truth_.keys[request.keys[i]].acknowledge(request.versions[i]);
  }
}

void User::check_read(const InFlight& request, const protocol::ReplyHeader& header,
                      const protocol::Value& value) {
  for (std::size_t i = 0; i < request.keys.size(); ++i) {
    const bool is_list = header.kind == protocol::Kind::list;
    if (is_list && value.items.size() != request.keys.size()) {
      return fail(request, "MGET answered another number of values");
    }
    last_value_ = text_of(is_list ? value.items[i] : value);
    const std::string wrong = truth_.keys[request.keys[i]].end_read(request.tokens[i], last_value_,
                                                                    truth_.highest_wall_ms);
    if (!wrong.empty()) fail(request, request.keys[i] + ": " + wrong);
  }
}

}  // namespace phoenix::simtest
