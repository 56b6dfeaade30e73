#include "tests/sim/oracle.h"

#include <algorithm>

namespace phoenix::simtest {
namespace {

std::string shown(const Seen& seen) {
  if (!seen.is_there) return "nothing";
  std::string text = seen.value ? "\"" + seen.value->substr(0, 40) + "\"" : "something";
  if (seen.expires && !*seen.expires) text += " without an end";
  if (seen.expires && *seen.expires) text += " for " + std::to_string(seen.left_most_ms) + " ms";
  return text;
}

// It need not have expired to be nothing, when it never was anything.
bool may_be_nothing(const Version& version, std::int64_t highest_wall_ms) {
  if (!version.value) return true;
  return version.can_expire() && version.expires_from_ms <= highest_wall_ms;
}

}  // namespace

VersionNumber KeyHistory::intend(Version version) {
  versions_.push_back(std::move(version));
  return newest();
}

void KeyHistory::acknowledge(VersionNumber number, std::int64_t highest_wall_ms, bool is_durable) {
  Version& version = versions_[number];
  version.has_happened = true;
  if (version.can_expire()) {
    version.expires_until_ms = std::min(version.expires_until_ms, highest_wall_ms + version.ttl_ms);
  }
  live_.raise(number);
  if (is_durable) durable_.raise(number);
}

void KeyHistory::step_clock_back(std::int64_t most_ms) {
  for (VersionNumber n = durable_.number; n <= newest(); ++n) {
    Version& version = versions_[n];
    if (version.can_expire() && !version.has_happened) version.expires_from_ms -= most_ms;
  }
}

void KeyHistory::renumber_after(VersionNumber refused, std::int64_t amount) {
  for (VersionNumber n = refused + 1; n <= newest(); ++n) {
    versions_[n].value = std::to_string(std::stoll(*versions_[n].value) - amount);
  }
}

void KeyHistory::told(VersionNumber number, bool is_durable) {
  live_.raise(number);
  if (is_durable) durable_.raise(number);
}

ReadToken KeyHistory::begin_read(std::int64_t wall_ms, bool is_writer) const {
  ReadToken token{live_, std::nullopt, wall_ms};
  if (is_writer) token.own_newest = newest();
  return token;
}

// A read may have happened before writes that were answered meanwhile: what bounds it from below is
// what was known when it was sent. The key's writer is answered in the order in which it sent, so
// what it sent before is settled by now, and what it sent later cannot be seen.
KeyHistory::Range KeyHistory::range_of(const ReadToken& token) const {
  Range range{token.floor, newest()};
  if (!token.own_newest) return range;
  range.last = *token.own_newest;
  for (VersionNumber n = range.last; n > range.floor.number; --n) {
    if (versions_[n].has_happened) range.floor.raise(n);
  }
  return range;
}

bool KeyHistory::fits(VersionNumber number, const Floor& floor, const Seen& seen,
                      const ReadTime& time) const {
  const Version& version = versions_[number];
  if (version.is_void) return false;
  if (!seen.is_there) return may_be_nothing(version, time.highest_wall_ms);
  if (!version.value || (seen.value && seen.value != version.value)) return false;
  if (number == floor.number && floor.has_expired) return false;
  // The server's clock is never behind the wall clock.
  if (version.can_expire() && version.expires_until_ms <= time.asked_wall_ms) return false;
  if (!seen.expires) return true;
  if (*seen.expires != version.can_expire()) return false;
  return !version.can_expire() ||
         (time.asked_wall_ms + seen.left_least_ms <= version.expires_until_ms &&
          time.highest_wall_ms + seen.left_most_ms >= version.expires_from_ms);
}

std::string KeyHistory::end_read(const ReadToken& token, const Seen& seen,
                                 std::int64_t highest_wall_ms, bool is_durable) {
  const Range range = range_of(token);
  const ReadTime time{token.wall_ms, highest_wall_ms};
  VersionNumber first = range.floor.number;
  while (first <= range.last && !fits(first, range.floor, seen, time)) ++first;
  if (first > range.last) {
    return "read " + shown(seen) + ", not allowed from version " +
           std::to_string(range.floor.number) + " to " + std::to_string(range.last) + "; " +
           describe();
  }
  // Only the last candidate has expired for sure: before it there may be a later one that is gone.
  const bool has_expired =
      !seen.is_there && first == range.last && versions_[first].value.has_value();
  for (Floor* const floor : {&live_, &durable_}) {
    if (floor == &durable_ && !is_durable) continue;
    floor->raise(first);
    if (floor->number == first && has_expired) floor->has_expired = true;
  }
  return {};
}

// An erase of an expired key leaves it to be removed later.
bool KeyHistory::may_count(const ReadToken& token) const {
  const Range range = range_of(token);
  const auto begin = versions_.begin();
  const auto end = begin + static_cast<std::ptrdiff_t>(range.last) + 1;
  const auto floor = begin + static_cast<std::ptrdiff_t>(range.floor.number);
  return std::any_of(begin, end, [](const Version& version) { return version.can_expire(); }) ||
         std::any_of(floor, end, [](const Version& version) { return version.value.has_value(); });
}

bool KeyHistory::must_count(const ReadToken& token, std::int64_t highest_wall_ms) const {
  const Range range = range_of(token);
  for (VersionNumber n = range.floor.number; n <= range.last; ++n) {
    if (fits(n, range.floor, Seen::nothing(), {token.wall_ms, highest_wall_ms})) return false;
  }
  return true;
}

std::string KeyHistory::describe() const {
  std::string text = "acknowledged version " + std::to_string(durable_.number) + ";";
  for (VersionNumber n = durable_.number > 3 ? durable_.number - 3 : 0; n <= newest(); ++n) {
    const Version& version = versions_[n];
    text += " " + std::to_string(n) + "=" + (version.value ? version.value->substr(0, 8) : "-");
    if (version.can_expire()) {
      text += "(expires " + std::to_string(version.expires_from_ms) + " to " +
              std::to_string(version.expires_until_ms) + ")";
    }
    if (version.has_happened) text += "(answered)";
    if (version.is_void) text += "(void)";
  }
  return text;
}

std::optional<VersionSpan> KeyHistory::candidates(const std::optional<std::string>& value,
                                                  const ReadTime& time) const {
  std::optional<VersionSpan> span;
  for (VersionNumber n = durable_.number; n <= newest(); ++n) {
    if (!fits(n, durable_, Seen::of(value), time)) continue;
    if (!span) span = VersionSpan{n, n};
    span->most = n;
  }
  return span;
}

std::string KeyHistory::recovered(const std::optional<std::string>& value, const ReadTime& time) {
  VersionNumber found = durable_.number;
  while (found <= newest() && !fits(found, durable_, Seen::of(value), time)) ++found;
  if (found > newest()) return "recovered " + shown(Seen::of(value)) + "; " + describe();
  if (!value) {
    // A version that may have expired may also simply be lost; either way it must not return.
    lose();
    return {};
  }
  for (VersionNumber n = found + 1; n <= newest(); ++n) {
    // A later version with the same value (a changed expiry) may be what was recovered.
    versions_[n].has_happened = false;
    if (versions_[n].value != value) versions_[n].is_void = true;
  }
  durable_.raise(found);
  live_ = durable_;
  last_look_ = 0;
  return {};
}

void KeyHistory::lose() {
  for (VersionNumber n = durable_.number; n <= newest(); ++n) {
    versions_[n].has_happened = false;
    versions_[n].is_void = versions_[n].is_void || versions_[n].value.has_value();
  }
  versions_.emplace_back();
  durable_ = live_ = Floor{newest(), false};
  last_look_ = 0;
}

void KeyHistory::endure_since_last_look() {
  durable_.raise(last_look_);
  last_look_ = live_.number;
}

}  // namespace phoenix::simtest
