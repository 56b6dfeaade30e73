#include "cli/transfer/key_source.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "cli/transfer/clock.h"
#include "cli/transfer/server_errors.h"

namespace phoenix::cli::transfer {

namespace {

using protocol::Kind;
using protocol::Value;

/// Their keys, three times each, fit into what a connection queues; their values come one by one.
constexpr std::size_t kKeysUnderWay = 128;
static_assert(kKeysUnderWay * 3 * (protocol::kKeyBytesMax + 64) <= client::kUnsentBytesMax);
/// A key that changes whenever it is read is taken as it is in the end.
constexpr int kRoundsMax = 4;
/// PTTL or PEXPIRETIME of a key that has no end, or is not there.
constexpr std::int64_t kNever = -1;
constexpr std::int64_t kMissing = -2;
/// Redis rounds by as much.
constexpr std::uint64_t kRoundingMs = 1;

tl::unexpected<Failure> refused(const char* command, const Value& error) {
  return fail(ExitCode::error_reply,
              "the server refused " + std::string(command) + ": " + error_text(error));
}

tl::unexpected<Failure> odd_reply(const char* command) {
  return fail(ExitCode::connection, "the server answered " + std::string(command) +
                                        " with something else than it should");
}

}  // namespace

Result<std::vector<std::string>> KeySource::list(std::string& cursor, std::size_t count) {
  lister_.go_on_at(cursor);
  Result<std::vector<std::string>> keys = lister_.next_page(count);
  if (keys) cursor = lister_.cursor();
  return keys;
}

Result<KeySource::Counts> KeySource::read(std::vector<std::string> keys, const Take& take) {
  Counts counts;
  if (expiry_form_ == ExpiryForm::unknown && !keys.empty()) {
    const Result<void> found = find_expiry_form(keys.front());
    if (!found) return tl::unexpected<Failure>(found.error());
  }
  for (int round = 1; round <= kRoundsMax && !keys.empty(); ++round) {
    const Result<void> done = read_round(keys, round == kRoundsMax, take, counts);
    if (!done) return tl::unexpected<Failure>(done.error());
  }
  return counts;
}

Result<void> KeySource::read_round(std::vector<std::string>& keys, bool is_last, const Take& take,
                                   Counts& counts) {
  std::vector<std::string> changed;
  std::deque<std::uint64_t> asked_at_ms;
  Record record;
  for (std::size_t at = 0; at < keys.size(); ++at) {
    for (std::size_t next = at + asked_at_ms.size();
         next < keys.size() && asked_at_ms.size() < kKeysUnderWay; ++next) {
      Result<void> asked = ask(keys[next]);
      if (!asked) return asked;
      asked_at_ms.push_back(now_ms());
    }
    const Result<Outcome> outcome = receive_key(asked_at_ms.front(), is_last, record);
    asked_at_ms.pop_front();
    if (!outcome) return tl::unexpected<Failure>(outcome.error());
    record.key = std::move(keys[at]);
    if (*outcome == Outcome::vanished) ++counts.vanished;
    if (*outcome == Outcome::other_type) ++counts.other_types;
    if (*outcome == Outcome::changed) changed.push_back(std::move(record.key));
    if (*outcome != Outcome::record) continue;
    Result<void> taken = take(record);
    if (!taken) return taken;
  }
  keys = std::move(changed);
  return {};
}

/// Redis before 7 does not know PEXPIRETIME.
Result<void> KeySource::find_expiry_form(const std::string& key) {
  const client::Result<void> queued = connection_.queue({"PEXPIRETIME", key});
  if (!queued) return tl::unexpected<Failure>(failure_of(queued.error()));
  const client::Result<client::Reply> reply = connection_.receive();
  if (!reply) return tl::unexpected<Failure>(failure_of(reply.error()));
  expiry_form_ = reply->is_error() ? ExpiryForm::time_left : ExpiryForm::unix_time;
  return {};
}

/// The expiry twice, around the value: between two requests the key may be set anew, and a value
/// must not get the expiry of another.
Result<void> KeySource::ask(const std::string& key) {
  for (const char* command : {expiry_command(), "GET", expiry_command()}) {
    const client::Result<void> queued = connection_.queue({command, key});
    if (!queued) return tl::unexpected<Failure>(failure_of(queued.error()));
  }
  return {};
}

Result<KeySource::Outcome> KeySource::receive_key(std::uint64_t asked_at_ms, bool is_last,
                                                  Record& record) {
  ExpiryLooks looks;
  looks.asked_at_ms = asked_at_ms;
  looks.is_unix_time = expiry_form_ == ExpiryForm::unix_time;
  const Result<std::int64_t> before = receive_expiry();
  if (!before) return tl::unexpected<Failure>(before.error());
  looks.before_ms = *before;
  looks.before_at_ms = now_ms();
  Result<Outcome> outcome = receive_value(record.value);
  if (!outcome) return outcome;
  const Result<std::int64_t> after = receive_expiry();
  if (!after) return tl::unexpected<Failure>(after.error());
  looks.after_ms = *after;
  looks.after_at_ms = now_ms();
  if (*outcome != Outcome::record) return outcome;
  if (looks.after_ms == kMissing) return Outcome::vanished;
  if (!is_last && !looks.agree()) return Outcome::changed;
  record.expires_at_ms = looks.expires_at_ms();
  return outcome;
}

Result<std::int64_t> KeySource::receive_expiry() {
  const client::Result<client::Reply> reply = connection_.receive();
  if (!reply) return tl::unexpected<Failure>(failure_of(reply.error()));
  if (reply->is_error()) return refused(expiry_command(), reply->value);
  if (reply->value.kind != Kind::integer) return odd_reply(expiry_command());
  return reply->value.integer;
}

Result<KeySource::Outcome> KeySource::receive_value(std::string& value) {
  const client::Result<client::Reply> reply = connection_.receive();
  if (!reply) return tl::unexpected<Failure>(failure_of(reply.error()));
  if (reply->is_error()) {
    if (protocol::error_line(reply->value).starts_with("WRONGTYPE")) return Outcome::other_type;
    return refused("GET", reply->value);
  }
  if (reply->value.status == protocol::Status::nil) return Outcome::vanished;
  if (reply->value.kind != Kind::bytes) return odd_reply("GET");
  value = reply->value.bytes;
  return Outcome::record;
}

bool ExpiryLooks::agree() const {
  if (is_unix_time || before_ms < 0 || after_ms < 0) return before_ms == after_ms;
  if (after_ms > before_ms) return false;
  const auto passed_ms = static_cast<std::uint64_t>(before_ms - after_ms);
  return after_at_ms >= asked_at_ms && passed_ms <= after_at_ms - asked_at_ms + kRoundingMs;
}

std::uint64_t ExpiryLooks::expires_at_ms() const {
  if (after_ms == kNever) return 0;
  if (is_unix_time) {
    const auto at_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(after_ms, 1));
    return std::min(at_ms, protocol::kTtlMsMax);
  }
  // The nearer one is late by less.
  std::uint64_t at_ms =
      after_at_ms + static_cast<std::uint64_t>(std::max<std::int64_t>(after_ms, 0));
  if (before_ms > 0 && agree()) {
    at_ms = std::min(at_ms, before_at_ms + static_cast<std::uint64_t>(before_ms));
  }
  return std::min(at_ms, protocol::kTtlMsMax);
}

}  // namespace phoenix::cli::transfer
