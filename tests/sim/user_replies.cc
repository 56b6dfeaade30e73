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
  InFlight& request = in_flight_.front();
  if (header.id != request.id) {
    fail(request, "reply out of order: id " + std::to_string(header.id) + ", " +
                      std::string(value.bytes.substr(0, 80)));
    return false;
  }
  ++replies_;
  if (header.more_follows) {
    check_list(request, header, value);
  } else {
    InFlight answered = std::move(request);
    in_flight_.pop_front();
    check(answered, header, value);
  }
  return true;
}

void User::fail(const InFlight& request, const std::string& what) {
  truth_.violate("user " + std::to_string(number_) + ", request " + std::to_string(request.id) +
                 (request.keys.empty() ? "" : ", key " + request.keys[0]) + ": " + what);
}

void User::check(InFlight& request, const protocol::ReplyHeader& header,
                 const protocol::Value& value) {
  if (protocol::is_error(header.status)) return check_refusal(request, header, value);
  switch (request.kind) {
    case Kind::read:
      return check_read(request, header, value);
    case Kind::time_left:
      return check_time_left(request, value);
    case Kind::list:
      return check_list(request, header, value);
    case Kind::size:
      return check_size(request, value);
    case Kind::echo:
      if (text_of(value) != request.text) fail(request, "PING answered something else");
      return;
    default:
      return check_write(request, header, value);
  }
}

// Only what may make a server hold more is refused for want of room: on the disk also what erases,
// which is logged; in memory not even that, nor what is read, as long as replies are short.
bool User::may_be_refused(const InFlight& request, Status status) const {
  if (request.versions.empty()) return false;
  if (status == Status::disk_full) return truth_.disk_may_be_full;
  return status == Status::out_of_memory && truth_.memory_may_be_full &&
         request.kind != Kind::erase && request.kind != Kind::persist;
}

void User::check_refusal(const InFlight& request, const protocol::ReplyHeader& header,
                         const protocol::Value& value) {
  if (!may_be_refused(request, header.status)) {
    return fail(request, "error: " + std::string(value.bytes));
  }
  // Of a write that was done in part nothing follows for any one key.
  if (value.bytes == server::kPartlyRefused) return;
  for (std::size_t i = 0; i < request.versions.size(); ++i) {
    truth_.keys[request.keys[i]].refuse(request.versions[i]);
  }
  KeyHistory& history = truth_.keys[request.keys[0]];
  const auto counter = truth_.counters.find(request.keys[0]);
  if (counter == truth_.counters.end()) return;
  history.renumber_after(request.versions[0]);
  --counter->second;
}

// The server's clock may have been behind the one at which it was asked by the steps since then.
ReadToken User::judged(const InFlight& request, ReadToken token) const {
  const std::uint64_t steps = world_.counters().wall_steps - request.clock_steps;
  token.wall_ms -= static_cast<std::int64_t>(steps) * world_.plan().wall_step_most_ms;
  return token;
}

void User::check_write(const InFlight& request, const protocol::ReplyHeader& header,
                       const protocol::Value& value) {
  if (check_did_nothing(request, header, value)) return;
  const bool is_flush = request.kind == Kind::flush;
  if (is_flush) truth_.flush = Flush::none;
  if (!is_flush && truth_.counters.contains(request.keys[0])) {
    const auto& expected = truth_.keys[request.keys[0]].version(request.versions[0]).value;
    if (std::to_string(value.integer) != *expected) {
      return fail(request, "INCR answered " + std::to_string(value.integer) + ", not " + *expected);
    }
  }
  for (std::size_t i = 0; i < request.keys.size(); ++i) {
    truth_.keys[request.keys[i]].acknowledge(request.versions[i], truth_.highest_wall_ms,
                                             request.is_durable);
  }
}

// Some writes say what they found, and that is a read of what was there before.
bool User::check_did_nothing(const InFlight& request, const protocol::ReplyHeader& header,
                             const protocol::Value& value) {
  if (request.tokens.empty()) return false;
  const bool if_absent = request.kind == Kind::set_if_absent;
  const bool found = if_absent ? header.status == Status::nil : value.integer == 1;
  Seen seen = found ? Seen::there() : Seen::nothing();
  if (found && request.kind == Kind::persist) seen.expires = true;
  // What is known to have happened when the answer comes must not include its own write.
  check_key(request, request.keys[0], request.tokens[0], seen);
  const bool did_nothing = request.kind != Kind::erase && found == if_absent;
  if (did_nothing) truth_.keys[request.keys[0]].refuse(request.versions[0]);
  return did_nothing;
}

void User::check_read(const InFlight& request, const protocol::ReplyHeader& header,
                      const protocol::Value& value) {
  for (std::size_t i = 0; i < request.keys.size(); ++i) {
    const bool is_list = header.kind == protocol::Kind::list;
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

// Each key is looked at once on the way: those that came are judged frame by frame.
void User::check_list(InFlight& request, const protocol::ReplyHeader& header,
                      const protocol::Value& value) {
  if (request.kind != Kind::list) return fail(request, "a reply of several frames");
  for (const auto& item : value.items) {
    const std::string key(item.bytes);
    listed_.push_back(key);
    if (!habits_.judges) continue;
    if (++request.listed[key] > 1) return fail(request, "LIST gave " + key + " twice");
    if (!truth_.keys.contains(key)) return fail(request, "LIST gave " + key + ", never written");
    check_key(request, key, request.counted[key], Seen::there());
  }
  if (header.more_follows) return;
  for (const auto& [key, token] : request.counted) {
    if (!request.listed.contains(key)) check_key(request, key, token, Seen::nothing());
  }
}

void User::check_size(const InFlight& request, const protocol::Value& value) {
  std::int64_t least = 0;
  std::int64_t most = 0;
  for (const auto& [key, history] : truth_.keys) {
    const auto asked = request.counted.find(key);
    const ReadToken token =
        asked == request.counted.end() ? ReadToken{} : judged(request, asked->second);
    least += history.must_count(token, truth_.highest_wall_ms) ? 1 : 0;
    most += history.may_count(token) ? 1 : 0;
  }
  if (value.integer >= least && value.integer <= most) return;
  fail(request, "DBSIZE answered " + std::to_string(value.integer) + ", not " +
                    std::to_string(least) + " to " + std::to_string(most));
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
