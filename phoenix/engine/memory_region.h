// Memory from the system for what is too big for malloc: regions of one huge page for slab pages
// and index lines, and blocks of any size for large values. The only room of the engine that talks
// to the system.
//
// Invariant: a region is aligned to its size, zeroed, and its addresses fit in 48 bits, so that a
// pointer into it leaves 16 bits of a word for other uses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace phoenix::engine {

inline constexpr std::size_t kRegionBytes = std::size_t{2} << 20U;
inline constexpr unsigned kAddressBits = 48;
inline constexpr std::uint64_t kAddressMask = (std::uint64_t{1} << kAddressBits) - 1;

enum class RegionPages : std::uint8_t {
  small,  // Resident 4 KiB at a time, as they are touched: for what may stay small.
  huge,   // Resident as a whole once touched, where the system has huge pages.
};

struct RegionUnmap {
  void operator()(char* region) const noexcept;
};

using RegionMemory = std::unique_ptr<char, RegionUnmap>;

/// A zeroed region. Ends the process when the system refuses: --max-memory is the limit that
/// answers with an error, and it lies below what the machine has.
[[nodiscard]] RegionMemory map_region(RegionPages pages);

/// What blocks are made of, and may be unmapped by.
inline constexpr std::size_t kPageBytes = 4096;

/// Whole pages for `size_bytes`, zeroed, resident as they are touched. Null when the system
/// refuses.
[[nodiscard]] char* map_block(std::size_t size_bytes);
/// The same block with more room behind it, zeroed; pages may move. Null when the system refuses:
/// then the block stays as it is.
[[nodiscard]] char* grow_block(char* block, std::size_t size_bytes, std::size_t new_size_bytes);
/// All of a block, or whole pages of one.
void unmap_block(char* from, std::size_t size_bytes);

}  // namespace phoenix::engine
