// In which units a directory's file system takes direct writes, if at all.
#pragma once

#include <cstdint>

#include "phoenix/base/result.h"

namespace phoenix::uring {

/// Made where a file system knows no files without a name; a crash may leave it behind.
inline constexpr const char* kScratchName = "alignment-probe.tmp";

/// See io::Host::write_alignment. Makes and removes a scratch file in the directory.
Result<std::uint32_t> find_write_alignment(int directory);

}  // namespace phoenix::uring
