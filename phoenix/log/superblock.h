// What a database knows about itself: identity, format, epochs, the slot map and the recorded ends
// of its logs. Two copies in two files, each written whole and synced before the other is touched,
// so that one whole copy exists at any moment. Pure functions; superblock_file.h does the IO.
//
// Epochs: each start that serves begins a new one. Epochs below dead_below_epoch are dead: ignored,
// then deleted. All live epochs share one core count and slot map. While `rewriting` is set, the
// newest epoch is a copy in the making: it is void until a later superblock declares the epochs
// below it dead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "phoenix/base/hash.h"
#include "phoenix/base/result.h"
#include "phoenix/log/format.h"

namespace phoenix::log {

/// Both files always have this size.
inline constexpr std::size_t kSuperblockBytes = std::size_t{256} << 10U;
inline constexpr unsigned kCoresMax = 1024;

/// More recorded ends than this ask for a rewrite at the next start, which is put off while the
/// disk has no room for it. A start adds at most two for each core.
inline constexpr std::size_t kRecordedEndsRewrite = 1024;

/// Where a stream of a core's log ended in an epoch that is over: batches from end_seq on in its
/// segments never counted. Kept until no segment of that core and epoch is left.
struct RecordedEnd {
  std::uint64_t epoch = 0;
  std::uint64_t first_seq = 0;  // Of the epoch's first batch in this stream.
  std::uint64_t end_seq = 0;
  std::uint16_t core = 0;
  std::uint8_t stream = 0;
  bool operator==(const RecordedEnd&) const = default;
};

/// Where a core's numbers go on in the newest epoch: above everything ever seen.
struct CoreBase {
  std::uint64_t user_seq = 1;
  std::uint64_t survivor_seq = 1;
  std::uint64_t lsn = 1;
  bool operator==(const CoreBase&) const = default;
};

struct Superblock {
  DatabaseId database;
  std::uint64_t number = 0;  // Of this content; the copy with the higher one is the newer.
  std::uint64_t epoch = 0;   // The newest that was begun. 0: none yet.
  std::uint64_t dead_below_epoch = 0;
  bool rewriting = false;
  std::int64_t stamp_high_water_ms = 0;
  HashKey hash_key;
  std::vector<std::uint16_t> slots;  // slot -> core, kSlots of them.
  std::uint16_t core_count = 0;      // Of the live epochs; the newest excepted while rewriting.
  std::vector<CoreBase> bases;       // Of the newest epoch, one per core of it.
  std::vector<RecordedEnd> ends;
  bool operator==(const Superblock&) const = default;
};

/// How many recorded ends there is place for beside the rest.
[[nodiscard]] std::size_t recorded_ends_max(const Superblock& superblock);

/// kSuperblockBytes of it. An error when it does not fit (too many recorded ends).
[[nodiscard]] Result<std::vector<std::byte>> encode_superblock(const Superblock& superblock);

enum class SuperblockState : std::uint8_t {
  valid,
  absent,   // No bytes, or only zeros: never written.
  newer,    // Whole, but of another format version or with features this build does not know.
  damaged,  // Anything else.
};
struct DecodedSuperblock {
  SuperblockState state = SuperblockState::absent;
  std::uint32_t version = 0;  // When newer.
  Superblock superblock;      // When valid.
};
[[nodiscard]] DecodedSuperblock decode_superblock(std::span<const std::byte> bytes);

}  // namespace phoenix::log
