// A file of commands to be sent as they stand.
#pragma once

#include <string>
#include <vector>

#include "phoenix/base/result.h"

namespace phoenix::bench {

/// The words of each command: one a line, quoted as phoenix-cli reads them; blank lines and those
/// that begin with # are left out. At most a million commands and 256 MiB. The error names file and
/// line.
Result<std::vector<std::vector<std::string>>> read_replay(const std::string& path);

}  // namespace phoenix::bench
