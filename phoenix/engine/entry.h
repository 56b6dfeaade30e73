// The layout of one entry, the only place that knows it. Little-endian, no alignment:
//
//   log position 6 | flags 1 | key size 1, or 255 and 4 | value size 0, 1 or 2 |
//   expiry 6, if flagged | key | value
//
//   flags: bits 0-1 value kind, bit 2 has an expiry field, bits 3-5 arm number, 6-7 zero
//
// A value up to 255 bytes is tiny (1 byte of size), up to kSmallValueBytesMax small (2 bytes); a
// large one is the address of its LargeValueRef. An expiry field may hold kNoExpiry: a key that was
// persisted keeps the room. The arm number ties the entry to its node in the expiry heap.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "phoenix/base/bytes.h"
#include "phoenix/base/check.h"
#include "phoenix/engine/effect.h"
#include "phoenix/engine/value.h"

namespace phoenix::engine {

inline constexpr std::size_t kEntryKeyBytesMax = std::size_t{64} << 10U;
inline constexpr std::size_t kEntryValueBytesMax = std::size_t{512} << 20U;

enum class ValueKind : std::uint8_t { tiny = 0, small = 1, large = 2 };

/// What decides the size of an entry and where its parts are.
struct EntryShape {
  std::size_t key_bytes = 0;
  std::size_t value_bytes = 0;  // As stored: the size of an address for a large value.
  ValueKind kind = ValueKind::tiny;
  bool has_expiry = false;

  static EntryShape of(std::size_t key_bytes, std::size_t value_bytes, bool has_expiry) {
    if (value_bytes > kSmallValueBytesMax) {
      return {key_bytes, sizeof(std::uint64_t), ValueKind::large, has_expiry};
    }
    return {key_bytes, value_bytes, value_bytes <= 255 ? ValueKind::tiny : ValueKind::small,
            has_expiry};
  }

  inline std::size_t size_bytes() const;
};

/// A view of an entry's bytes. Copies of it are the same entry.
class Entry final {
 public:
  static constexpr unsigned kArmNumbers = 8;

  Entry() = default;
  explicit Entry(char* at) : at_(at) {}

  /// Lays out everything but the value, in the `shape.size_bytes()` bytes at `at`. The position is
  /// 0, the arm number 0.
  static Entry create(char* at, const EntryShape& shape, std::string_view key, ExpiryMs expiry) {
    const auto flags = static_cast<std::uint8_t>(static_cast<unsigned>(shape.kind) |
                                                 (shape.has_expiry ? kHasExpiry : 0U));
    Entry entry(at);
    std::memset(at, 0, kPositionBytes);
    at[kFlagsOffset] = static_cast<char>(flags);
    entry.write_key_size(key.size());
    if (shape.kind != ValueKind::large) entry.set_value_bytes(shape.value_bytes);
    if (shape.has_expiry) entry.set_expiry(expiry);
    if (!key.empty()) std::memcpy(at + entry.key_offset(), key.data(), key.size());
    return entry;
  }

  char* address() const { return at_; }

  LogPosition position() const { return {load48(0)}; }
  void set_position(LogPosition position) {
    PHX_DCHECK((position.bits >> 48U) == 0);
    store48(0, position.bits);
  }

  ValueKind kind() const { return static_cast<ValueKind>(flags() & kKindMask); }
  bool is_large() const { return kind() == ValueKind::large; }
  bool has_expiry_field() const { return (flags() & kHasExpiry) != 0; }

  ExpiryMs expiry() const {
    if (!has_expiry_field()) return kNoExpiry;
    return static_cast<ExpiryMs>(load48(expiry_offset()));
  }
  /// Only with an expiry field.
  void set_expiry(ExpiryMs expiry) {
    PHX_DCHECK(has_expiry_field());
    store48(expiry_offset(), static_cast<std::uint64_t>(expiry));
  }
  bool expired_at(std::int64_t now_ms) const {
    const ExpiryMs at_ms = expiry();
    return at_ms != kNoExpiry && at_ms <= now_ms;
  }

  unsigned arm() const { return (flags() >> kArmShift) % kArmNumbers; }
  void set_arm(unsigned arm) {
    at_[kFlagsOffset] = static_cast<char>((flags() & ~kArmMask) | (arm << kArmShift));
  }

  std::string_view key() const { return {at_ + key_offset(), key_bytes()}; }
  bool has_key(std::string_view wanted) const {
    return key_bytes() == wanted.size() && same_bytes(at_ + key_offset(), wanted);
  }

  /// Where the value is stored; a large one: its address.
  char* stored_value() const { return at_ + key_offset() + key_bytes(); }
  std::size_t stored_value_bytes() const {
    if (kind() == ValueKind::tiny) return load_le<std::uint8_t>(at_ + size_offset());
    if (kind() == ValueKind::small) return load_le<std::uint16_t>(at_ + size_offset());
    return sizeof(std::uint64_t);
  }
  /// Only for a value that is not large, and of the same kind.
  void set_value_bytes(std::size_t value_bytes) {
    if (kind() == ValueKind::tiny) {
      store_le(at_ + size_offset(), static_cast<std::uint8_t>(value_bytes));
    } else {
      store_le(at_ + size_offset(), static_cast<std::uint16_t>(value_bytes));
    }
  }

  /// Only for a large value. The entry's owner owns what this points to.
  LargeValueRef* large() const { return load_le<LargeValueRef*>(stored_value()); }
  void set_large(LargeValueRef* large) const { store_le(stored_value(), large); }

  std::string_view value() const {
    if (is_large()) return (*large())->view();
    return {stored_value(), stored_value_bytes()};
  }

  EntryShape shape() const {
    return {key_bytes(), stored_value_bytes(), kind(), has_expiry_field()};
  }

 private:
  friend struct EntryShape;

  static constexpr std::size_t kPositionBytes = 6;
  static constexpr std::size_t kExpiryBytes = 6;
  static constexpr std::size_t kFlagsOffset = 6;
  static constexpr std::size_t kKeySizeOffset = 7;
  static constexpr std::size_t kFixedBytes = 8;
  static constexpr std::size_t kLongKey = 255;  // The key's size follows in 4 bytes.
  static constexpr std::size_t kLongKeyBytes = 4;
  static constexpr unsigned kKindMask = 3;
  static constexpr unsigned kHasExpiry = 4;
  static constexpr unsigned kArmShift = 3;
  static constexpr unsigned kArmMask = (kArmNumbers - 1) << kArmShift;
  /// By kind: the bytes of the value's size; and with an expiry field: that too.
  static constexpr std::array<std::uint8_t, 8> kFieldBytes = {1, 2, 0, 0, 7, 8, 6, 6};

  // Short keys are the rule: two overlapping words each way and no call.
  static bool same_bytes(const char* a, std::string_view b) {
    const std::size_t size = b.size();
    if (size > 16 || size < 8) return size == 0 || std::memcmp(a, b.data(), size) == 0;
    const std::uint64_t head = load_le<std::uint64_t>(a) ^ load_le<std::uint64_t>(b.data());
    const std::uint64_t tail =
        load_le<std::uint64_t>(a + size - 8) ^ load_le<std::uint64_t>(b.data() + size - 8);
    return (head | tail) == 0;
  }

  std::uint64_t load48(std::size_t offset) const {
    return load_le<std::uint32_t>(at_ + offset) |
           (std::uint64_t{load_le<std::uint16_t>(at_ + offset + 4)} << 32U);
  }
  void store48(std::size_t offset, std::uint64_t value) {
    store_le(at_ + offset, static_cast<std::uint32_t>(value));
    store_le(at_ + offset + 4, static_cast<std::uint16_t>(value >> 32U));
  }

  unsigned flags() const { return load_le<std::uint8_t>(at_ + kFlagsOffset); }
  std::size_t key_size_byte() const { return load_le<std::uint8_t>(at_ + kKeySizeOffset); }
  std::size_t size_offset() const {
    return kFixedBytes + (key_size_byte() == kLongKey ? kLongKeyBytes : 0);
  }
  std::size_t key_offset() const { return size_offset() + kFieldBytes[flags() & 7U]; }
  std::size_t expiry_offset() const { return key_offset() - kExpiryBytes; }

  std::size_t key_bytes() const {
    const std::size_t byte = key_size_byte();
    return byte != kLongKey ? byte : load_le<std::uint32_t>(at_ + kFixedBytes);
  }
  void write_key_size(std::size_t size) {
    const bool is_long = size >= kLongKey;
    at_[kKeySizeOffset] = static_cast<char>(is_long ? kLongKey : size);
    if (is_long) store_le(at_ + kFixedBytes, static_cast<std::uint32_t>(size));
  }

  char* at_ = nullptr;
};

std::size_t EntryShape::size_bytes() const {
  const std::size_t fields =
      Entry::kFieldBytes[static_cast<unsigned>(kind) | (has_expiry ? Entry::kHasExpiry : 0U)];
  return Entry::kFixedBytes + (key_bytes >= Entry::kLongKey ? Entry::kLongKeyBytes : 0) + fields +
         key_bytes + value_bytes;
}

}  // namespace phoenix::engine
