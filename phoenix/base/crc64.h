// CRC-64 (Jones), reflected, from 0 and without a final inversion: what Redis puts behind the
// payloads of DUMP.
#pragma once

#include <cstdint>
#include <string_view>

namespace phoenix {

/// Continues `crc` over `bytes`; start with 0. Of "123456789" it is 0xE9C6D914C4B8D9CA.
[[nodiscard]] std::uint64_t crc64(std::uint64_t crc, std::string_view bytes);

}  // namespace phoenix
