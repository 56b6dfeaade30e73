// The machine as all JSON reports tell of it.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "bench/measure/machine.h"

namespace phoenix::bench {

/// One object; null where the machine does not say.
nlohmann::ordered_json machine_json(const MachineFacts& machine);

}  // namespace phoenix::bench
