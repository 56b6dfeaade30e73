// Every bound of the wire in one place, with its reason. Both sides check them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace phoenix::protocol {

/// A key is held in the index's reach and compared byte by byte: long keys are a mistake.
inline constexpr std::uint64_t kKeyBytesMax = std::uint64_t{64} << 10U;

/// As Redis's default proto-max-bulk-len; streamed in and out in slices, never reserved up front.
inline constexpr std::uint64_t kValueBytesMax = std::uint64_t{512} << 20U;

/// Words of one ARGV request, as in Redis. A server may take fewer of some commands.
inline constexpr std::uint32_t kArgsMax = std::uint32_t{1} << 20U;

/// An ARGV frame may hold one largest value and its company.
inline constexpr std::uint64_t kArgvBytesMax = kValueBytesMax + (std::uint64_t{1} << 20U);

/// A reply may hold one largest value and its company; what is longer is refused or streamed.
inline constexpr std::uint64_t kReplyBytesMax = kArgvBytesMax;

/// Values in one reply, at all depths together: bounds what a client spends on five bytes of wire.
inline constexpr std::uint32_t kReplyItemsMax = std::uint32_t{1} << 20U;

/// The log keeps an expiry in 48 bits of Unix milliseconds (the year 10889).
inline constexpr std::uint64_t kTtlMsMax = (std::uint64_t{1} << 48U) - 1;

/// Before AUTH a stranger gets no more memory than this.
inline constexpr std::uint32_t kUnauthenticatedArgsMax = 10;
inline constexpr std::uint64_t kUnauthenticatedBytesMax = std::uint64_t{16} << 10U;

/// How deep lists in a reply may nest: bounds the stack of a decoder.
inline constexpr std::uint32_t kReplyDepthMax = 16;

/// The same for RESP, where servers describe their commands in deep lists.
inline constexpr std::uint32_t kRespDepthMax = 32;

/// A line of RESP: a simple string, or an error, which some servers make long.
inline constexpr std::size_t kRespLineBytesMax = std::size_t{64} << 10U;

/// An inline command of RESP: a line that a person typed.
inline constexpr std::size_t kRespInlineBytesMax = std::size_t{64} << 10U;

/// Of the name that a client may give itself: it is meant for a line of a list.
inline constexpr std::uint32_t kClientNameBytesMax = 1024;

/// The longest error text that a server sends.
inline constexpr std::uint32_t kErrorTextBytesMax = 512;

}  // namespace phoenix::protocol
