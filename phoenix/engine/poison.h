// Tells AddressSanitizer which bytes of memory that we manage are free, so that it finds uses of
// entries that are gone. Nothing in other builds.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define PHX_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PHX_ADDRESS_SANITIZER 1
#endif
#endif

#ifdef PHX_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace phoenix::engine {

inline void poison([[maybe_unused]] const void* at, [[maybe_unused]] std::size_t size_bytes) {
#ifdef PHX_ADDRESS_SANITIZER
  __asan_poison_memory_region(at, size_bytes);
#endif
}

inline void unpoison([[maybe_unused]] const void* at, [[maybe_unused]] std::size_t size_bytes) {
#ifdef PHX_ADDRESS_SANITIZER
  __asan_unpoison_memory_region(at, size_bytes);
#endif
}

}  // namespace phoenix::engine
