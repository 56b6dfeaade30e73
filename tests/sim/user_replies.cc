// What a user makes of the answers. See user.h.
#include <algorithm>

#include "phoenix/server/gather.h"
#include "tests/sim/user.h"

namespace phoenix::simtest {

using protocol::Status;

namespace {

std::optional<std::string> text_of(const protocol::Value& value) {
  if (value.kind == protocol::Kind::bytes) return std::string(value.bytes);
  return std::nullopt;
}

}  // namespace

bool User::take_reply() {
  Answer answer;
  const Wire::Outcome outcome = wire_.next(client_, answer);
  if (outcome == Wire::Outcome::need_more) return false;
  if (outcome == Wire::Outcome::broken) {
    truth_.violate("a reply that is none: " + wire_.error());
    return false;
  }
  if (is_sent_away(answer)) return false;
  const std::string shown(answer.value.bytes.substr(0, 80));
  if (in_flight_.empty()) {
    truth_.violate("an unexpected reply: " + shown);
    return false;
  }
  InFlight& request = in_flight_.front();
  if (answer.id.value_or(request.id) != request.id) {
    fail(request, "reply out of order: id " + std::to_string(*answer.id) + ", " + shown);
    return false;
  }
  ++replies_;
  if (answer.more_follows) {
    check_list(request, answer.value, true);
  } else {
    InFlight answered = std::move(request);
    in_flight_.pop_front();
    check(answered, answer.value);
  }
  return true;
}

// It connected late to a server that stops.
bool User::is_sent_away(const Answer& answer) const {
  return truth_.server_stops && answer.id.value_or(0) == 0 &&
         answer.value.status == Status::shutting_down;
}

void User::fail(const InFlight& request, const std::string& what) {
  truth_.violate("user " + std::to_string(number_) + ", request " + std::to_string(request.id) +
                 (request.keys.empty() ? "" : ", key " + request.keys[0]) + ": " + what);
}

void User::check(InFlight& request, const protocol::Value& value) {
  if (protocol::is_error(value.status)) return check_refusal(request, value);
  switch (request.kind) {
    case Kind::read:
      return check_read(request, value);
    case Kind::read_many:
      return check_read_of_many(request, value);
    case Kind::exists:
      return check_exists(request, value);
    case Kind::time_left:
      return check_time_left(request, value);
    case Kind::list:
      return check_list(request, value, false);
    case Kind::scan:
      return check_scan(request, value);
    case Kind::size:
      return check_size(request, value);
    case Kind::said:
    case Kind::change:
      return check_change(request, value);
    case Kind::exec:
      return check_exec(request, value);
    case Kind::watch:
      return check_watch(request, value);
    case Kind::hello:
    case Kind::echo:
    case Kind::publish:
      return check_small_talk(request, value);
    default:
      return check_write(request, value);
  }
}

void User::check_small_talk(const InFlight& request, const protocol::Value& value) {
  bool is_right = value.kind == protocol::Kind::integer;  // PUBLISH: so many have got it.
  if (request.kind == Kind::echo) is_right = text_of(value) == request.text;
  if (request.kind == Kind::hello) {
    is_right = value.kind == (request.text == "3" ? protocol::Kind::map : protocol::Kind::list);
  }
  if (!is_right) fail(request, "answered something else");
}

// Only what may make a server hold more is refused for want of room: on the disk also what erases,
// which is logged; in memory not even that, nor what is read, as long as replies are short.
bool User::may_be_refused(const InFlight& request, const protocol::Value& value) const {
  // A long word is refused before anybody knows what it is for, and then so is its EXEC.
  const bool is_queued = request.kind == Kind::said && request.answers[0] == kQueued;
  if (request.kind == Kind::exec && is_queue_refused_) return true;
  const bool is_write = is_queued || !request.versions.empty() || request.kind == Kind::change ||
                        request.kind == Kind::exec;
  if (!is_write) return false;
  if (value.status == Status::disk_full) return truth_.disk_may_be_full;
  const bool is_of_memory =
      value.status == Status::out_of_memory ||
      (request.kind == Kind::exec && value.bytes.find("OOM") != std::string_view::npos);
  return is_of_memory && truth_.memory_may_be_full && request.kind != Kind::erase &&
         request.kind != Kind::take && request.kind != Kind::persist;
}

void User::check_refusal(const InFlight& request, const protocol::Value& value) {
  if (!may_be_refused(request, value)) return fail(request, "error: " + std::string(value.bytes));
  is_queue_refused_ = request.kind == Kind::said;
  // Of a write that was done in part nothing follows for any one key.
  if (value.bytes.ends_with(server::kPartlyRefused)) return;
  refuse(request);
}

void User::refuse(const InFlight& request) {
  for (std::size_t i = 0; i < request.versions.size(); ++i) {
    truth_.keys[request.keys[i]].refuse(request.versions[i]);
  }
  if (request.keys.empty()) return;
  KeyHistory& history = truth_.keys[request.keys[0]];
  const auto counter = truth_.counters.find(request.keys[0]);
  if (counter == truth_.counters.end()) return;
  history.renumber_after(request.versions[0], request.amount);
  counter->second -= request.amount;
}

// The server's clock may have been behind the one at which it was asked by the steps since then.
ReadToken User::judged(const InFlight& request, ReadToken token) const {
  const std::uint64_t steps = world_.counters().wall_steps - request.clock_steps;
  token.wall_ms -= static_cast<std::int64_t>(steps) * world_.plan().wall_step_most_ms;
  return token;
}

void User::check_write(const InFlight& request, const protocol::Value& value) {
  if (check_did_nothing(request, value)) return;
  const bool is_flush = request.kind == Kind::flush;
  if (is_flush) truth_.flush = Flush::none;
  if (!is_flush && truth_.counters.contains(request.keys[0])) {
    const auto& expected = truth_.keys[request.keys[0]].version(request.versions[0]).value;
    if (std::to_string(value.integer) != *expected) {
      return fail(request, "INCR answered " + std::to_string(value.integer) + ", not " + *expected);
    }
  }
  acknowledge(request);
}

void User::acknowledge(const InFlight& request) {
  for (std::size_t i = 0; i < request.keys.size(); ++i) {
    truth_.keys[request.keys[i]].acknowledge(request.versions[i], truth_.highest_wall_ms,
                                             request.is_durable);
  }
}

// What a write says that it found; nothing when it does not say.
bool User::has_found(const InFlight& request, const protocol::Value& value) {
  switch (request.kind) {
    case Kind::set_if_absent:
      return value.status == Status::nil;
    case Kind::take:
    case Kind::get_and_expire:
      return value.status != Status::nil;
    default:
      return value.integer == 1;
  }
}

// Some writes say what they found, and that is a read of what was there before.
bool User::check_did_nothing(const InFlight& request, const protocol::Value& value) {
  if (request.tokens.empty()) return false;
  const bool if_absent = request.kind == Kind::set_if_absent;
  const bool found = has_found(request, value);
  Seen seen = found ? Seen::there() : Seen::nothing();
  if (found && request.kind == Kind::persist) seen.expires = true;
  if (found && value.kind == protocol::Kind::bytes) seen.value = std::string(value.bytes);
  // What is known to have happened when the answer comes must not include its own write.
  check_key(request, request.keys[0], request.tokens[0], seen);
  const bool is_erase = request.kind == Kind::erase || request.kind == Kind::take;
  const bool did_nothing = !is_erase && found == if_absent;
  if (did_nothing) truth_.keys[request.keys[0]].refuse(request.versions[0]);
  return did_nothing;
}

void User::check_read(const InFlight& request, const protocol::Value& value) {
  for (std::size_t i = 0; i < request.keys.size(); ++i) {
    const bool is_list = value.kind == protocol::Kind::list;
    if (is_list && value.items.size() != request.keys.size()) {
      return fail(request, "MGET answered another number of values");
    }
    last_value_ = text_of(is_list ? value.items[i] : value);
    check_key(request, request.keys[i], request.tokens[i], Seen::of(last_value_));
  }
}

void User::check_time_left(const InFlight& request, const protocol::Value& value) {
  constexpr std::int64_t kNoKey = -2;
  Seen seen;
  seen.is_there = value.integer != kNoKey;
  if (seen.is_there) seen.expires = value.integer >= 0;
  // TTL rounds to the nearest second.
  const bool is_seconds = request.text == "TTL";
  seen.left_least_ms = is_seconds ? 1000 * value.integer - 500 : value.integer;
  seen.left_most_ms = is_seconds ? 1000 * value.integer + 499 : value.integer;
  check_key(request, request.keys[0], request.tokens[0], seen);
}

void User::check_key(const InFlight& request, const std::string& key, const ReadToken& token,
                     const Seen& seen) {
  if (!habits_.judges) return;
  KeyHistory& history = truth_.keys[key];
  const bool was_there = !history.floor().has_expired;
  const std::string wrong =
      history.end_read(judged(request, token), seen, truth_.highest_wall_ms, request.is_durable);
  if (!wrong.empty()) return fail(request, key + ": " + wrong);
  if (habits_.crashes_at_expiries && was_there) crash_at_expiry(history);
}

// What proves an expiry must be on disk as soon as somebody has seen it.
void User::crash_at_expiry(const KeyHistory& history) {
  constexpr std::int64_t kJustNowMs = 8;
  const Floor& floor = history.floor();
  const bool has_expired = floor.has_expired && floor.number == history.newest();
  const std::int64_t since_ms = wall_ms() - history.version(floor.number).expires_from_ms;
  if (has_expired && since_ms < kJustNowMs) world_.crash_now();
}

}  // namespace phoenix::simtest
