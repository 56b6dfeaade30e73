// Asking servers whose protocols are lines of text: Redis and its relatives, and memcached.
#pragma once

#include <string>

#include "bench/load/control.h"
#include "phoenix/base/result.h"

namespace phoenix::bench {

inline constexpr int kAnswerSeconds = 5;

Result<void> authenticate_resp(int fd, const std::string& password);
Result<void> ask_resp(int fd, ServerFacts& facts);
Result<void> ask_memcached(int fd, ServerFacts& facts);

}  // namespace phoenix::bench
