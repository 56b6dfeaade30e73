// Whole reads and writes of files, segment names, and the words for what went wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "phoenix/base/result.h"
#include "phoenix/io/context.h"
#include "phoenix/io/task.h"

namespace phoenix::log {

inline constexpr const char* kLockName = "LOCK";
inline constexpr const char* kSuperblockNames[2] = {"superblock.a", "superblock.b"};

/// 16 hex digits and ".seg".
[[nodiscard]] std::string segment_name(std::uint64_t uid);
[[nodiscard]] std::optional<std::uint64_t> parse_segment_name(std::string_view name);

/// The system's words for a negated errno.
[[nodiscard]] std::string errno_text(std::int32_t result);

/// Whether a negated errno says that there is no room (device, quota or file size limit).
[[nodiscard]] bool means_disk_full(std::int32_t result);

/// "<what>: <errno text>", with the code that callers act on.
[[nodiscard]] tl::unexpected<Error> system_error(const std::string& what, std::int32_t result);

/// Reads until `target` is full or the file ends; returns the bytes read. After a short count it
/// goes on from a multiple of `block_bytes`, as direct IO demands.
io::Task<Result<std::size_t>> read_up_to(io::Context& io, int fd, std::span<std::byte> target,
                                         std::uint64_t offset, std::uint32_t block_bytes);

/// Writes all of `source`, going on after a short count. Not for commits: rule 2 forbids it there.
io::Task<Result<void>> write_all(io::Context& io, int fd, std::span<const std::byte> source,
                                 std::uint64_t offset, std::uint32_t block_bytes);

}  // namespace phoenix::log
