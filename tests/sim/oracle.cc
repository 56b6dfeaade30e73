#include "tests/sim/oracle.h"

#include <algorithm>

namespace phoenix::simtest {
namespace {

std::string shown(const std::optional<std::string>& value) {
  return value ? "\"" + value->substr(0, 40) + "\"" : "nothing";
}

}  // namespace

VersionNumber KeyHistory::intend(Version version) {
  versions_.push_back(std::move(version));
  return newest();
}

void KeyHistory::acknowledge(VersionNumber number) {
  if (number <= floor_) return;
  floor_ = number;
  floor_has_expired_ = false;
}

bool KeyHistory::may_be_nothing(const Version& version, std::int64_t highest_wall_ms) const {
  if (!version.value) return true;
  return version.can_expire() && version.expires_from_ms <= highest_wall_ms;
}

std::string KeyHistory::end_read(const ReadToken& token, const std::optional<std::string>& value,
                                 std::int64_t highest_wall_ms) {
  // The read may have happened before writes that were acknowledged meanwhile: what bounds it from
  // below is what was known when it was sent.
  for (VersionNumber n = token.floor; n <= newest(); ++n) {
    const Version& version = versions_[n];
    if (version.is_void) continue;
    if (value) {
      if (version.value != value) continue;
      if (n == token.floor && token.floor_has_expired) continue;
      // The server's clock is never behind the wall clock.
      if (version.can_expire() && version.expires_until_ms <= token.wall_ms) continue;
      acknowledge(n);
      return {};
    }
    if (!may_be_nothing(version, highest_wall_ms)) continue;
    // Which version is gone is only sure when there is but one candidate.
    const bool is_only = n == newest();
    if (is_only && n >= floor_) {
      acknowledge(n);
      floor_has_expired_ = floor_has_expired_ || version.value.has_value();
    }
    return {};
  }
  return "read " + shown(value) + ", not allowed from version " + std::to_string(token.floor) +
         " on; " + describe();
}

std::string KeyHistory::describe() const {
  std::string text = "acknowledged version " + std::to_string(floor_) + ";";
  for (VersionNumber n = floor_ > 3 ? floor_ - 3 : 0; n <= newest(); ++n) {
    const Version& version = versions_[n];
    text += " " + std::to_string(n) + "=" + (version.value ? version.value->substr(0, 8) : "-");
    if (version.can_expire()) text += "(expires " + std::to_string(version.expires_from_ms) + ")";
    if (version.is_void) text += "(void)";
  }
  return text;
}

std::string KeyHistory::recovered(const std::optional<std::string>& value, std::int64_t wall_ms,
                                  std::int64_t highest_wall_ms) {
  VersionNumber found = newest() + 1;
  for (VersionNumber n = floor_; n <= newest(); ++n) {
    const Version& version = versions_[n];
    if (version.is_void) continue;
    const bool fits = value ? version.value == value &&
                                  !(version.can_expire() && version.expires_until_ms <= wall_ms) &&
                                  !(n == floor_ && floor_has_expired_)
                            : may_be_nothing(version, highest_wall_ms);
    if (!fits) continue;
    found = n;
    if (value) break;
    // Several versions may explain "nothing": only one that was erased for sure tells which.
    if (!version.value) break;
  }
  if (found > newest()) {
    return "recovered " + shown(value) + "; " + describe();
  }
  if (value) {
    // A later version with the same value (a changed expiry) may be what was recovered.
    for (VersionNumber n = found + 1; n <= newest(); ++n) {
      if (versions_[n].value != value) versions_[n].is_void = true;
    }
    if (found > floor_) floor_has_expired_ = false;
    floor_ = found;
    return {};
  }
  // Nothing: any version with a value that has not expired for sure is void from now on. A version
  // that may have expired may also simply be lost; either way it must not return.
  Version gone;
  for (VersionNumber n = floor_; n <= newest(); ++n) {
    if (versions_[n].value) versions_[n].is_void = true;
  }
  versions_.push_back(gone);
  floor_ = newest();
  floor_has_expired_ = false;
  return {};
}

}  // namespace phoenix::simtest
