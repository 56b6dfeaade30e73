// CRC-32C (Castagnoli), the checksum of everything on disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace phoenix {

/// Continues `crc` over `bytes`; start with a seed of your own or 0. crc32c(crc32c(s, a), b) equals
/// crc32c(s, a + b). With seed 0 it is the usual CRC-32C (RFC 3720, appendix B.4 has test vectors).
[[nodiscard]] std::uint32_t crc32c(std::uint32_t crc, std::span<const std::byte> bytes);

}  // namespace phoenix
