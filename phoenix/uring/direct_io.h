// In which units a directory's file system takes direct writes, if at all.
#pragma once

#include <cstdint>

#include "phoenix/base/result.h"

namespace phoenix::uring {

/// See io::Host::write_alignment. Makes and removes a scratch file in the directory.
Result<std::uint32_t> find_write_alignment(int directory);

}  // namespace phoenix::uring
