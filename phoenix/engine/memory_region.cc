#include "phoenix/engine/memory_region.h"

#include <sys/mman.h>

#include "phoenix/base/bytes.h"
#include "phoenix/base/check.h"
#include "phoenix/engine/poison.h"

namespace phoenix::engine {
namespace {

char* pages_or_null(void* mapped) {
  return mapped == MAP_FAILED ? nullptr : static_cast<char*>(mapped);
}

char* try_map_bytes(std::size_t size_bytes) {
  return pages_or_null(
      ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

char* map_bytes(std::size_t size_bytes) {
  char* const mapped = try_map_bytes(size_bytes);
  PHX_CHECK(mapped != nullptr);
  return mapped;
}

void unmap_bytes(char* from, std::size_t size_bytes) {
  if (size_bytes != 0) PHX_CHECK(::munmap(from, size_bytes) == 0);
}

// Twice the size always contains an aligned region; the ends go back.
char* map_aligned_by_trimming() {
  char* const mapped = map_bytes(2 * kRegionBytes);
  const auto address = reinterpret_cast<std::uintptr_t>(mapped);
  const std::size_t before = align_up(address, kRegionBytes) - address;
  unmap_bytes(mapped, before);
  unmap_bytes(mapped + before + kRegionBytes, kRegionBytes - before);
  return mapped + before;
}

}  // namespace

void RegionUnmap::operator()(char* region) const noexcept {
  unpoison(region, kRegionBytes);  // The addresses may come back from another mmap.
  unmap_bytes(region, kRegionBytes);
}

RegionMemory map_region(RegionPages pages) {
  // The system places mappings next to each other, so after the first this one is aligned already.
  char* region = map_bytes(kRegionBytes);
  if (!is_aligned(reinterpret_cast<std::uintptr_t>(region), kRegionBytes)) {
    unmap_bytes(region, kRegionBytes);
    region = map_aligned_by_trimming();
  }
  PHX_CHECK((reinterpret_cast<std::uintptr_t>(region) >> kAddressBits) == 0);
  // Advice only: a kernel built without huge pages refuses it and all works as well.
  (void)::madvise(region, kRegionBytes,
                  pages == RegionPages::huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  // Were it read first, it would be mapped twice: to the page of zeros, then to its own.
  if (pages == RegionPages::huge) *region = 0;
  return RegionMemory(region);
}

char* map_block(std::size_t size_bytes) {
  return try_map_bytes(align_up(size_bytes, kPageBytes));
}

char* grow_block(char* block, std::size_t size_bytes, std::size_t new_size_bytes) {
  return pages_or_null(::mremap(block, align_up(size_bytes, kPageBytes),
                                align_up(new_size_bytes, kPageBytes), MREMAP_MAYMOVE));
}

void unmap_block(char* from, std::size_t size_bytes) {
  unmap_bytes(from, align_up(size_bytes, kPageBytes));
}

}  // namespace phoenix::engine
