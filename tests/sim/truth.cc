#include "tests/sim/truth.h"

#include <algorithm>

namespace phoenix::simtest {

// Only what is just this version says that the group happened: a later one would say so, too, if it
// were known that the group was not refused.
void Truth::judge_groups() {
  for (const auto& group : groups) {
    const bool is_void = std::any_of(group.begin(), group.end(), [this](const auto& member) {
      return keys[member.first].was_refused(member.second);
    });
    if (is_void) continue;
    const std::string* kept = nullptr;
    const std::string* lost = nullptr;
    for (const auto& [key, number] : group) {
      const auto span = found.find(key);
      if (span == found.end()) continue;
      if (span->second.least == number && span->second.most == number) kept = &key;
      if (span->second.most < number) lost = &key;
    }
    if (kept == nullptr || lost == nullptr) continue;
    violate("of what belongs together " + *kept + " was kept, and " + *lost + " was lost");
  }
  groups.clear();
  found.clear();
}

}  // namespace phoenix::simtest
