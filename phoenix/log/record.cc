// Records: what a batch is made of. Declared in format.h.
//
//   kind u8 | flags u8 | key size varint | value size varint | [expiry 48 bits] | [born_lsn u64]
//   | [transaction u64 | parts u16] | [patch offset varint] | key | value | crc u32 | zeros to 8
//
// The crc stands behind what it covers, so that a large value is checked while it streams by and
// nothing waits for a pass over half a gigabyte.
#include <cstring>

#include "phoenix/base/bytes.h"
#include "phoenix/base/check.h"
#include "phoenix/base/crc32c.h"
#include "phoenix/log/format.h"

namespace phoenix::log {
namespace {

constexpr std::size_t kExpiryBytes = 6;
// The only kind with a field of its own; its part ends where a value may end at the latest.
constexpr auto kPatch = static_cast<std::uint8_t>(RecordKind::patch);

std::size_t varint_bytes(std::uint64_t value) {
  std::size_t size = 1;
  for (; value >= 0x80; value >>= 7U) ++size;
  return size;
}

inline std::byte* put_varint(std::byte* out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) *out++ = static_cast<std::byte>(value | 0x80U);
  *out++ = static_cast<std::byte>(value);
  return out;
}

template <typename T>
std::byte* put(std::byte* out, T value) {
  store_le(out, value);
  return out + sizeof value;
}

std::byte* put_bytes(std::byte* out, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
  return out + bytes.size();
}

std::size_t head_bytes(const Record& record) {
  std::size_t size = 2 + varint_bytes(record.key.size()) + varint_bytes(record.value.size());
  if ((record.flags & kRecordExpiry) != 0) size += kExpiryBytes;
  if ((record.flags & kRecordBorn) != 0) size += sizeof record.born_lsn;
  if ((record.flags & kRecordPart) != 0) size += sizeof record.transaction + sizeof record.parts;
  if (record.kind == kPatch) size += varint_bytes(record.patch_offset);
  return size + record.key.size();
}

// Reads forward over untrusted bytes; after the first overrun every value is 0 and ok() is false.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  std::size_t place() const { return place_; }
  std::size_t left() const { return bytes_.size() - place_; }

  template <typename T>
  T take() {
    if (!has(sizeof(T))) return T{};
    const T value = load_le<T>(bytes_.data() + place_);
    place_ += sizeof(T);
    return value;
  }

  // One encoding per value: a longer one than necessary is refused.
  std::uint64_t take_varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
      const auto byte = take<std::uint8_t>();
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) {
        if (byte == 0 && shift > 0) ok_ = false;
        return value;
      }
    }
    ok_ = false;
    return 0;
  }

  std::int64_t take_expiry() {
    const std::uint64_t low = take<std::uint32_t>();
    const std::uint64_t high = take<std::uint16_t>();
    return static_cast<std::int64_t>(high << 32U | low);
  }

  std::string_view take_bytes(std::uint64_t size) {
    if (!has(size)) return {};
    const auto* data = reinterpret_cast<const char*>(bytes_.data() + place_);
    place_ += static_cast<std::size_t>(size);
    return {data, static_cast<std::size_t>(size)};
  }

 private:
  bool has(std::uint64_t size) {
    if (size > left()) ok_ = false;
    return ok_;
  }

  std::span<const std::byte> bytes_;
  std::size_t place_ = 0;
  bool ok_ = true;
};

}  // namespace

std::uint64_t record_bytes(const Record& record) {
  return align_up(head_bytes(record) + record.value.size() + sizeof(std::uint32_t), 8);
}

std::size_t encode_record_head(const Record& record, std::byte* out) {
  PHX_CHECK(record.key.size() <= kKeyBytesMax);
  PHX_CHECK(record.value.size() <= kValueBytesMax);
  PHX_CHECK(record.expires_at_ms >= 0 && record.expires_at_ms <= engine::kExpiryMsMax);
  std::byte* p = out;
  p = put(p, record.kind);
  p = put(p, record.flags);
  p = put_varint(p, record.key.size());
  p = put_varint(p, record.value.size());
  if ((record.flags & kRecordExpiry) != 0) {
    const auto expiry = static_cast<std::uint64_t>(record.expires_at_ms);
    p = put(p, static_cast<std::uint32_t>(expiry));
    p = put(p, static_cast<std::uint16_t>(expiry >> 32U));
  }
  if ((record.flags & kRecordBorn) != 0) p = put(p, record.born_lsn);
  if ((record.flags & kRecordPart) != 0) {
    p = put(p, record.transaction);
    p = put(p, record.parts);
  }
  if (record.kind == kPatch) {
    PHX_CHECK(record.patch_offset <= kValueBytesMax - record.value.size());
    p = put_varint(p, record.patch_offset);
  }
  p = put_bytes(p, record.key);
  return static_cast<std::size_t>(p - out);
}

std::size_t encode_record_tail(std::uint64_t head_and_value_bytes, std::uint32_t crc,
                               std::byte* out) {
  const std::uint64_t end = head_and_value_bytes + sizeof crc;
  const auto padding = static_cast<std::size_t>(align_up(end, 8) - end);
  store_le(out, crc);
  std::memset(out + sizeof crc, 0, padding);
  return sizeof crc + padding;
}

std::size_t encode_record(const Record& record, std::byte* out) {
  std::byte* const value = out + encode_record_head(record, out);
  std::byte* const tail = put_bytes(value, record.value);
  const std::uint32_t crc = crc32c(0, {out, tail});
  return static_cast<std::size_t>(tail - out) +
         encode_record_tail(static_cast<std::uint64_t>(tail - out), crc, tail);
}

std::size_t decode_record_head(std::span<const std::byte> bytes, Record& record,
                               std::uint64_t& value_bytes) {
  Cursor cursor(bytes);
  record = Record();
  record.kind = cursor.take<std::uint8_t>();
  record.flags = cursor.take<std::uint8_t>();
  const std::uint64_t key_bytes = cursor.take_varint();
  value_bytes = cursor.take_varint();
  if ((record.flags & kRecordExpiry) != 0) record.expires_at_ms = cursor.take_expiry();
  if ((record.flags & kRecordBorn) != 0) record.born_lsn = cursor.take<std::uint64_t>();
  if ((record.flags & kRecordPart) != 0) {
    record.transaction = cursor.take<std::uint64_t>();
    record.parts = cursor.take<std::uint16_t>();
  }
  if (record.kind == kPatch) record.patch_offset = cursor.take_varint();
  record.key = cursor.take_bytes(key_bytes);
  if (!cursor.ok() || key_bytes > kKeyBytesMax || value_bytes > kValueBytesMax) return 0;
  if (record.kind == 0 || record.patch_offset > kValueBytesMax - value_bytes) return 0;
  if (record.kind == kPatch && value_bytes == 0) return 0;
  return cursor.place();
}

std::size_t decode_record(std::span<const std::byte> bytes, Record& record) {
  std::uint64_t value_bytes = 0;
  const std::size_t head = decode_record_head(bytes, record, value_bytes);
  if (head == 0) return 0;
  Cursor cursor(bytes.subspan(head));
  record.value = cursor.take_bytes(value_bytes);
  const std::size_t body = head + cursor.place();
  const auto crc = cursor.take<std::uint32_t>();
  if (!cursor.ok() || crc32c(0, bytes.first(body)) != crc) return 0;
  const auto size = static_cast<std::size_t>(align_up(body + sizeof crc, 8));
  if (size > bytes.size()) return 0;
  for (std::size_t i = body + sizeof crc; i < size; ++i) {
    if (bytes[i] != std::byte{0}) return 0;
  }
  return size;
}

}  // namespace phoenix::log
