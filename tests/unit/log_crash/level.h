// How thorough a run is: PHOENIX_TEST_LEVEL, as for the simulator and the end-to-end tests. Quick
// is for sanitizers, which make everything ten times as long.
#pragma once

#include <cstdlib>
#include <string_view>

namespace phoenix::log_test {

/// quick, normal (default) or full.
[[nodiscard]] inline unsigned by_level(unsigned quick, unsigned normal, unsigned full) {
  const char* const level = std::getenv("PHOENIX_TEST_LEVEL");
  const std::string_view name = level == nullptr ? "normal" : level;
  if (name == "quick") return quick;
  return name == "full" ? full : normal;
}

}  // namespace phoenix::log_test
