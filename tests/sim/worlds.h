// Which world a seed stands for: what goes wrong there, how its users behave, how its server is
// set.
#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/scenario.h"

namespace phoenix::simtest {

ScenarioOptions world_of(std::uint64_t seed);
/// In words, for the message of a violation.
std::string describe(const ScenarioOptions& options);

}  // namespace phoenix::simtest
