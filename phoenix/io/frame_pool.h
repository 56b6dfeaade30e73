// Memory of coroutine frames: sizes rounded to 64 bytes, free lists per thread. A frame that is
// freed on another thread than it was made on simply changes pools.
#pragma once

#include <cstddef>

namespace phoenix::io {

void* allocate_frame(std::size_t size_bytes);
void free_frame(void* frame, std::size_t size_bytes) noexcept;

}  // namespace phoenix::io
