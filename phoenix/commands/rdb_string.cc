#include "phoenix/commands/rdb_string.h"

#include <algorithm>
#include <limits>

#include "phoenix/base/bytes.h"
#include "phoenix/base/check.h"
#include "phoenix/base/crc64.h"
#include "phoenix/commands/words.h"
#include "phoenix/engine/entry.h"

namespace phoenix::commands {
namespace {

constexpr std::uint16_t kVersion = 10;  // Redis 7.0's.
constexpr std::size_t kVersionBytes = sizeof kVersion;
constexpr std::size_t kFooterBytes = kSerializedFooterBytes;
static_assert(kFooterBytes == kVersionBytes + kSerializedCrcBytes);

constexpr unsigned kStringType = 0;
// Lists, sets, sorted sets, hashes, modules and streams, in all their forms of Redis 7.0.
constexpr unsigned kOtherTypeMax = 21;

// The two upper bits of a length's first byte, or the whole byte, tell how it goes on.
constexpr unsigned kSixBits = 0;
constexpr unsigned kFourteenBits = 1;
constexpr unsigned kThirtyTwoBits = 0x80;
constexpr unsigned kSixtyFourBits = 0x81;
constexpr unsigned kInt8 = 0xC0;
constexpr unsigned kInt16 = 0xC1;
constexpr unsigned kInt32 = 0xC2;
constexpr unsigned kLzf = 0xC3;

// Two bytes of LZF become nine at most, three of them 264: what promises more is not believed.
constexpr std::uint64_t kLzfRatioMax = 88;
constexpr std::size_t kIntegerBytesMax = 11;

/// Takes from the beginning of some bytes; what is not there is nothing.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::optional<std::string_view> bytes(std::uint64_t count) {
    if (count > rest_.size()) return std::nullopt;
    const auto taken = rest_.substr(0, static_cast<std::size_t>(count));
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::optional<unsigned> byte() {
    const auto one = bytes(1);
    if (!one) return std::nullopt;
    return static_cast<unsigned char>((*one)[0]);
  }
  template <typename Signed>
  std::optional<std::int32_t> integer() {
    const auto all = bytes(sizeof(Signed));
    if (!all) return std::nullopt;
    return load_le<Signed>(all->data());
  }
  std::optional<std::uint64_t> big_endian(std::size_t count) {
    const auto all = bytes(count);
    if (!all) return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : *all) value = value << 8U | static_cast<unsigned char>(c);
    return value;
  }
  /// The length that `first` begins; nothing where it begins none.
  std::optional<std::uint64_t> length(unsigned first) {
    if (first == kThirtyTwoBits) return big_endian(sizeof(std::uint32_t));
    if (first == kSixtyFourBits) return big_endian(sizeof(std::uint64_t));
    const std::uint64_t low = first & 0x3FU;
    if (first >> 6U == kSixBits) return low;
    if (first >> 6U != kFourteenBits) return std::nullopt;
    const auto next = byte();
    if (!next) return std::nullopt;
    return low << 8U | *next;
  }
  std::optional<std::uint64_t> length() {
    const auto first = byte();
    return first ? length(*first) : std::nullopt;
  }

 private:
  std::string_view rest_;
};

std::optional<SerializedString> of_integer(std::optional<std::int32_t> integer) {
  if (!integer) return std::nullopt;
  return SerializedString{SerializedString::Form::integer, {}, *integer, kIntegerBytesMax};
}

std::optional<SerializedString> read_compressed(Reader& reader) {
  const auto compressed_bytes = reader.length();
  const auto size_bytes = reader.length();
  if (!compressed_bytes || !size_bytes) return std::nullopt;
  const auto bytes = reader.bytes(*compressed_bytes);
  if (!bytes || *size_bytes > engine::kEntryValueBytesMax) return std::nullopt;
  if (*size_bytes > bytes->size() * kLzfRatioMax) return std::nullopt;
  return SerializedString{SerializedString::Form::compressed, *bytes, 0, *size_bytes};
}

std::optional<SerializedString> read_string(Reader& reader) {
  const auto first = reader.byte();
  if (!first) return std::nullopt;
  if (*first == kInt8) return of_integer(reader.integer<std::int8_t>());
  if (*first == kInt16) return of_integer(reader.integer<std::int16_t>());
  if (*first == kInt32) return of_integer(reader.integer<std::int32_t>());
  if (*first == kLzf) return read_compressed(reader);
  const auto size_bytes = reader.length(*first);
  if (!size_bytes || *size_bytes > engine::kEntryValueBytesMax) return std::nullopt;
  const auto bytes = reader.bytes(*size_bytes);
  if (!bytes) return std::nullopt;
  return SerializedString{SerializedString::Form::plain, *bytes, 0, *size_bytes};
}

std::string_view without_footer(std::string_view payload) {
  return payload.substr(0, payload.size() < kFooterBytes ? 0 : payload.size() - kFooterBytes);
}

// Bytes from `back` before the end on, which may run into those that they have become. Memory for
// all of it is there: what is viewed does not move.
bool repeat(engine::LargeValue& out, std::size_t back, std::size_t count) {
  if (back > out.size_bytes()) return false;
  while (count > 0) {
    const std::size_t step = std::min(back, count);
    if (!out.append(out.view().substr(out.size_bytes() - back, step))) return false;
    count -= step;
  }
  return true;
}

// One element: a run of up to 32 bytes as they are, or a repetition of 3 to 264 from up to 8 KiB
// back.
bool decompress_element(Reader& reader, unsigned control, std::size_t left,
                        engine::LargeValue& out) {
  constexpr unsigned kRunMax = 32;
  constexpr std::size_t kLongCount = 7;
  if (control < kRunMax) {
    const auto run = reader.bytes(control + 1);
    return run && run->size() <= left && out.append(*run);
  }
  std::size_t count = control >> 5U;
  if (count == kLongCount) {
    const auto more = reader.byte();
    if (!more) return false;
    count += *more;
  }
  const auto low = reader.byte();
  if (!low) return false;
  const std::size_t back = (std::size_t{control & 0x1FU} << 8U | *low) + 1;
  return count + 2 <= left && repeat(out, back, count + 2);
}

template <typename T>
void append_little_endian(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string head_of_integer(std::int64_t number) {
  std::string head(1, static_cast<char>(kStringType));
  const auto append = [&](unsigned form, auto value) {
    head.push_back(static_cast<char>(form));
    append_little_endian(head, value);
  };
  if (number == static_cast<std::int8_t>(number)) {
    append(kInt8, static_cast<std::int8_t>(number));
  } else if (number == static_cast<std::int16_t>(number)) {
    append(kInt16, static_cast<std::int16_t>(number));
  } else {
    append(kInt32, static_cast<std::int32_t>(number));
  }
  return head;
}

}  // namespace

bool has_valid_footer(std::string_view payload, std::uint64_t crc) {
  if (payload.size() < kFooterBytes) return false;
  const char* const footer = payload.data() + payload.size() - kFooterBytes;
  return load_le<std::uint16_t>(footer) <= kVersion &&
         load_le<std::uint64_t>(footer + kVersionBytes) == crc;
}

bool has_valid_footer(std::string_view payload) {
  if (payload.size() < kFooterBytes) return false;
  const auto checked = payload.substr(0, payload.size() - kSerializedCrcBytes);
  return has_valid_footer(payload, crc64(0, checked));
}

std::optional<SerializedString> read_payload(std::string_view payload) {
  Reader reader(without_footer(payload));
  if (reader.byte() != kStringType) return std::nullopt;
  return read_string(reader);
}

bool is_of_other_type(std::string_view payload) {
  const auto type = Reader(without_footer(payload)).byte();
  return type && *type != kStringType && *type <= kOtherTypeMax;
}

bool decompress(const SerializedString& string, engine::LargeValue& out) {
  PHX_CHECK(string.form == SerializedString::Form::compressed);
  const auto size_bytes = static_cast<std::size_t>(string.size_bytes);
  if (!out.reserve(size_bytes)) return false;
  Reader reader(string.bytes);
  for (auto control = reader.byte(); control; control = reader.byte()) {
    if (!decompress_element(reader, *control, size_bytes - out.size_bytes(), out)) return false;
  }
  return out.size_bytes() == size_bytes;
}

std::string serialized_head(std::size_t value_bytes) {
  constexpr std::size_t kSixBitsEnd = 1U << 6U;
  constexpr std::size_t kFourteenBitsEnd = 1U << 14U;
  PHX_CHECK(value_bytes <= std::numeric_limits<std::uint32_t>::max());
  std::string head(1, static_cast<char>(kStringType));
  if (value_bytes < kSixBitsEnd) {
    head.push_back(static_cast<char>(value_bytes));
  } else if (value_bytes < kFourteenBitsEnd) {
    head.push_back(static_cast<char>(kFourteenBits << 6U | value_bytes >> 8U));
    head.push_back(static_cast<char>(value_bytes));
  } else {
    head.push_back(static_cast<char>(kThirtyTwoBits));
    append_little_endian(head, __builtin_bswap32(static_cast<std::uint32_t>(value_bytes)));
  }
  return head;
}

std::string serialized_footer(std::uint64_t crc) {
  std::string footer;
  append_little_endian(footer, kVersion);
  append_little_endian(footer, crc64(crc, footer));
  return footer;
}

std::string serialize(std::string_view value) {
  const auto number = parse_integer(value);
  const bool is_integer = number && *number == static_cast<std::int32_t>(*number);
  std::string payload = is_integer ? head_of_integer(*number) : serialized_head(value.size());
  if (!is_integer) payload.append(value);
  return payload + serialized_footer(crc64(0, payload));
}

}  // namespace phoenix::commands
