// This layer includes nothing else of ours, so it brings its own always-on assertion. Only for
// what a caller in this process must keep; what comes over the wire is answered with a DecodeError.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>

namespace phoenix::protocol {

/// Stops the process when a caller broke a precondition: a frame whose size field does not match
/// its bytes would put every later frame of the connection out of step.
inline void require(bool condition) {
  if (!condition) std::abort();
}

/// `size` as a size field holds it; stops the process when it does not fit.
inline std::uint32_t wire_size(std::size_t size) {
  require(size <= std::numeric_limits<std::uint32_t>::max());
  return static_cast<std::uint32_t>(size);
}

}  // namespace phoenix::protocol
