#include "phoenix/log/superblock.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "phoenix/base/bytes.h"
#include "phoenix/base/check.h"
#include "phoenix/base/crc32c.h"
#include "protocol/slot.h"

namespace phoenix::log {
namespace {

constexpr std::uint64_t kMagic = 0x31'42'55'53'58'48'50'89;  // "\x89PHXSUB1"
constexpr std::uint64_t kKnownFeatures = 0;
constexpr std::uint32_t kFlagRewriting = 1U << 0;

// The fixed part. magic, crc, used_bytes and version stay where they are in every version, so that
// any build can tell a newer superblock from a damaged one.
struct Fixed {
  std::uint64_t magic = 0;
  std::uint32_t crc = 0;  // Of used_bytes with this field 0.
  std::uint32_t used_bytes = 0;
  std::uint32_t version = 0;
  std::uint32_t flags = 0;
  std::uint64_t incompatible_features = 0;
  std::uint64_t database_high = 0;
  std::uint64_t database_low = 0;
  std::uint64_t number = 0;
  std::uint64_t epoch = 0;
  std::uint64_t dead_below_epoch = 0;
  std::int64_t stamp_high_water_ms = 0;
  std::uint64_t hash_constants[5] = {};  // NOLINT(modernize-avoid-c-arrays): a layout.
  std::uint32_t core_count = 0;
  std::uint32_t slot_runs = 0;
  std::uint32_t bases = 0;
  std::uint32_t ends = 0;
};
static_assert(sizeof(Fixed) == 136);

// Slots from first_slot up to the next run's belong to core.
struct SlotRun {
  std::uint16_t first_slot = 0;
  std::uint16_t core = 0;
};
static_assert(sizeof(SlotRun) == 4);

struct Base {
  std::uint64_t user_seq = 0;
  std::uint64_t survivor_seq = 0;
  std::uint64_t lsn = 0;
};
static_assert(sizeof(Base) == 24);

struct End {
  std::uint64_t epoch = 0;
  std::uint64_t first_seq = 0;
  std::uint64_t end_seq = 0;
  std::uint16_t core = 0;
  std::uint8_t stream = 0;
  std::uint8_t reserved[5] = {};  // NOLINT(modernize-avoid-c-arrays): a layout.
};
static_assert(sizeof(End) == 32);

std::vector<SlotRun> make_runs(const std::vector<std::uint16_t>& slots) {
  std::vector<SlotRun> runs;
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    if (slot > 0 && slots[slot] == slots[slot - 1]) continue;
    runs.push_back({static_cast<std::uint16_t>(slot), slots[slot]});
  }
  return runs;
}

// All but the ends.
Fixed make_fixed(const Superblock& superblock, std::size_t slot_runs) {
  Fixed fixed;
  fixed.magic = kMagic;
  fixed.version = kFormatVersion;
  fixed.flags = superblock.rewriting ? kFlagRewriting : 0;
  fixed.database_high = superblock.database.high;
  fixed.database_low = superblock.database.low;
  fixed.number = superblock.number;
  fixed.epoch = superblock.epoch;
  fixed.dead_below_epoch = superblock.dead_below_epoch;
  fixed.stamp_high_water_ms = superblock.stamp_high_water_ms;
  std::copy(superblock.hash_key.constants.begin(), superblock.hash_key.constants.end(),
            fixed.hash_constants);
  fixed.core_count = superblock.core_count;
  fixed.slot_runs = static_cast<std::uint32_t>(slot_runs);
  fixed.bases = static_cast<std::uint32_t>(superblock.bases.size());
  return fixed;
}

template <typename T>
void append(std::vector<std::byte>& out, const T& value) {
  const auto* data = reinterpret_cast<const std::byte*>(&value);
  out.insert(out.end(), data, data + sizeof value);
}

template <typename T>
T take(std::span<const std::byte>& bytes) {
  const T value = load_le<T>(bytes.data());
  bytes = bytes.subspan(sizeof(T));
  return value;
}

std::uint32_t checksum(std::span<const std::byte> used) {
  constexpr std::size_t kCrcPlace = offsetof(Fixed, crc);
  constexpr std::uint32_t kZero = 0;
  const std::uint32_t head = crc32c(0, used.first(kCrcPlace));
  const std::uint32_t gap = crc32c(head, std::as_bytes(std::span(&kZero, 1)));
  return crc32c(gap, used.subspan(kCrcPlace + sizeof kZero));
}

std::size_t used_bytes(const Fixed& fixed) {
  return sizeof(Fixed) + std::size_t{fixed.slot_runs} * sizeof(SlotRun) +
         std::size_t{fixed.bases} * sizeof(Base) + std::size_t{fixed.ends} * sizeof(End);
}

// False where the runs do not cover every slot once, with cores that exist.
bool take_slots(std::span<const std::byte>& bytes, const Fixed& fixed, Superblock& superblock) {
  superblock.slots.assign(protocol::kSlots, 0);
  std::optional<SlotRun> previous;
  for (std::uint32_t i = 0; i < fixed.slot_runs; ++i) {
    const auto run = take<SlotRun>(bytes);
    const bool ascends = previous ? run.first_slot > previous->first_slot : run.first_slot == 0;
    if (!ascends || run.first_slot >= protocol::kSlots || run.core >= fixed.core_count)
      return false;
    std::fill(superblock.slots.begin() + run.first_slot, superblock.slots.end(), run.core);
    previous = run;
  }
  return previous.has_value();
}

bool take_ends(std::span<const std::byte>& bytes, const Fixed& fixed, Superblock& superblock) {
  for (std::uint32_t i = 0; i < fixed.ends; ++i) {
    const auto end = take<End>(bytes);
    if (end.end_seq < end.first_seq || end.first_seq == 0) return false;
    if (end.epoch > fixed.epoch || end.stream > 1) return false;
    superblock.ends.push_back({end.epoch, end.first_seq, end.end_seq, end.core, end.stream});
  }
  return true;
}

bool take_all(std::span<const std::byte> bytes, Superblock& superblock) {
  const auto fixed = take<Fixed>(bytes);
  superblock.database = {fixed.database_high, fixed.database_low};
  superblock.number = fixed.number;
  superblock.epoch = fixed.epoch;
  superblock.dead_below_epoch = fixed.dead_below_epoch;
  superblock.rewriting = (fixed.flags & kFlagRewriting) != 0;
  superblock.stamp_high_water_ms = fixed.stamp_high_water_ms;
  std::copy(std::begin(fixed.hash_constants), std::end(fixed.hash_constants),
            superblock.hash_key.constants.begin());
  superblock.core_count = static_cast<std::uint16_t>(fixed.core_count);
  if (!take_slots(bytes, fixed, superblock)) return false;
  for (std::uint32_t i = 0; i < fixed.bases; ++i) {
    const auto base = take<Base>(bytes);
    if (base.user_seq == 0 || base.survivor_seq == 0 || base.lsn == 0) return false;
    superblock.bases.push_back({base.user_seq, base.survivor_seq, base.lsn});
  }
  return take_ends(bytes, fixed, superblock);
}

bool plausible(const Fixed& fixed) {
  if ((fixed.flags & ~kFlagRewriting) != 0) return false;
  if (fixed.core_count == 0 || fixed.core_count > kCoresMax) return false;
  if (fixed.bases == 0 || fixed.bases > kCoresMax || fixed.slot_runs > protocol::kSlots)
    return false;
  if (fixed.dead_below_epoch > fixed.epoch) return false;
  // While rewriting, the newest epoch has the new number of cores and the live ones the old one.
  const bool rewriting = (fixed.flags & kFlagRewriting) != 0;
  if (!rewriting && fixed.bases != fixed.core_count) return false;
  return used_bytes(fixed) == fixed.used_bytes;
}

}  // namespace

std::size_t recorded_ends_max(const Superblock& superblock) {
  const Fixed fixed = make_fixed(superblock, make_runs(superblock.slots).size());
  return (kSuperblockBytes - used_bytes(fixed)) / sizeof(End);
}

Result<std::vector<std::byte>> encode_superblock(const Superblock& superblock) {
  PHX_CHECK(superblock.slots.size() == protocol::kSlots);
  PHX_CHECK(superblock.core_count > 0 && superblock.core_count <= kCoresMax);
  PHX_CHECK(!superblock.bases.empty() && superblock.bases.size() <= kCoresMax);
  const std::vector<SlotRun> runs = make_runs(superblock.slots);
  Fixed fixed = make_fixed(superblock, runs.size());
  fixed.ends = static_cast<std::uint32_t>(superblock.ends.size());
  fixed.used_bytes = static_cast<std::uint32_t>(used_bytes(fixed));
  if (fixed.used_bytes > kSuperblockBytes) {
    return fail(ErrorCode::unsupported, "the superblock is full: too many log ends are recorded");
  }
  std::vector<std::byte> out;
  out.reserve(kSuperblockBytes);
  append(out, fixed);
  for (const SlotRun& run : runs) append(out, run);
  for (const CoreBase& base : superblock.bases) {
    append(out, Base{base.user_seq, base.survivor_seq, base.lsn});
  }
  for (const RecordedEnd& end : superblock.ends) {
    append(out, End{end.epoch, end.first_seq, end.end_seq, end.core, end.stream});
  }
  PHX_CHECK(out.size() == fixed.used_bytes);
  store_le(out.data() + offsetof(Fixed, crc), checksum(out));
  out.resize(kSuperblockBytes);
  return out;
}

DecodedSuperblock decode_superblock(std::span<const std::byte> bytes) {
  DecodedSuperblock decoded;
  const bool blank =
      std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
  if (blank) return decoded;
  decoded.state = SuperblockState::damaged;
  if (bytes.size() < sizeof(Fixed)) return decoded;
  const auto fixed = load_le<Fixed>(bytes.data());
  if (fixed.magic != kMagic) return decoded;
  if (fixed.used_bytes < sizeof(Fixed) || fixed.used_bytes > bytes.size()) return decoded;
  const auto used = bytes.first(fixed.used_bytes);
  if (checksum(used) != fixed.crc) return decoded;
  decoded.version = fixed.version;
  if (fixed.version != kFormatVersion || (fixed.incompatible_features & ~kKnownFeatures) != 0) {
    decoded.state = SuperblockState::newer;
    return decoded;
  }
  if (!plausible(fixed) || !take_all(used, decoded.superblock)) return decoded;
  decoded.state = SuperblockState::valid;
  return decoded;
}

}  // namespace phoenix::log
