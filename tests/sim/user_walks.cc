// What a user asks of all keys: LIST, KEYS, SCAN and DBSIZE, and what it makes of the answers. See
// user.h.
#include "tests/sim/user.h"

namespace phoenix::simtest {

// Between the requests of one walk its own writes may be seen, as anybody's.
void User::count_all(InFlight& request, bool is_one_request) {
  for (const auto& [key, history] : truth_.keys) {
    request.counted.emplace(key, history.begin_read(wall_ms(), is_one_request && owns(key)));
  }
}

void User::list() {
  InFlight& request = begin(Kind::list);
  draw_wait(request);
  count_all(request, true);
  send_words(request, {"LIST"});
  listed_.clear();
}

void User::send_keys() {
  InFlight& request = begin(Kind::list);
  draw_wait(request);
  count_all(request, true);
  request.text = "KEYS";
  send_words(request, {"KEYS", "*"});
  listed_.clear();
}

void User::send_size() {
  InFlight& request = begin(Kind::size);
  draw_wait(request);
  count_all(request, true);
  send_words(request, {"DBSIZE"});
}

void User::send_first_scan() {
  InFlight walk;
  count_all(walk, false);
  walk.clock_steps = world_.counters().wall_steps;
  listed_.clear();
  send_scan(std::move(walk), "0");
}

// One page; the walk is handed from request to request.
void User::send_scan(InFlight&& walk, const std::string& cursor) {
  InFlight& request = begin(Kind::scan);
  draw_wait(request);
  request.counted = std::move(walk.counted);
  request.listed = std::move(walk.listed);
  request.clock_steps = walk.clock_steps;
  send_words(request, {"SCAN", cursor, "COUNT", std::to_string(1 + random_.below(8))});
}

// The native protocol streams what LIST finds, and RESP brings a cursor and a list.
void User::check_list(InFlight& request, const protocol::Value& value, bool more_follows) {
  if (request.kind != Kind::list) return fail(request, "a reply of several frames");
  const bool has_cursor = wire_.is_resp() && request.text.empty();
  if (has_cursor && value.items.size() != 2) return fail(request, "LIST without a cursor");
  check_listed(request, has_cursor ? value.items[1].items : value.items);
  if (!more_follows) check_unlisted(request);
}

void User::check_scan(InFlight& request, const protocol::Value& value) {
  if (value.items.size() != 2) return fail(request, "SCAN answered something else");
  check_listed(request, value.items[1].items);
  const std::string cursor(value.items[0].bytes);
  if (cursor == "0") return check_unlisted(request);
  // Who sends no more leaves the walk.
  if (client_.open() && !has_half_closed_) send_scan(std::move(request), cursor);
}

// Each key is looked at once on the way: those that came are judged as they come.
void User::check_listed(InFlight& request, const std::vector<protocol::Value>& keys) {
  for (const auto& item : keys) {
    const std::string key(item.bytes);
    listed_.push_back(key);
    if (!habits_.judges) continue;
    if (++request.listed[key] > 1) return fail(request, "a walk gave " + key + " twice");
    if (!truth_.keys.contains(key)) return fail(request, "a walk gave " + key + ", never written");
    check_key(request, key, request.counted[key], Seen::there());
  }
}

void User::check_unlisted(const InFlight& request) {
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

}  // namespace phoenix::simtest
