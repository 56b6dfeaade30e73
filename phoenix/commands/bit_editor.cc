#include "phoenix/commands/bit_editor.h"

#include <algorithm>

#include "phoenix/base/check.h"
#include "phoenix/commands/string_words.h"

namespace phoenix::commands {
namespace {

// A longer range is not copied: then every write is a patch of its own.
constexpr std::uint64_t kWindowBytesMax = std::uint64_t{32} << 10U;

bool fits_window(const WrittenRange& range) {
  return range.end - range.begin <= kWindowBytesMax;
}

}  // namespace

void WrittenRange::include(const BitField& field) {
  begin = empty() ? field.first_byte() : std::min(begin, field.first_byte());
  end = std::max(end, field.end_byte());
}

BitEditor::BitEditor(Context& context, const engine::Key& key, const WrittenRange& range)
    : context_(context), key_(key) {
  value_ = range.empty() ? value_to_read(context, key) : value_of(context, key);
  if (range.empty()) return;
  if (fits_window(range)) {
    open(range.begin, range.end);
  } else if (range.end > value_.size()) {
    patch(range.end - 1, {"\0", 1});
  }
}

void BitEditor::open(std::uint64_t begin, std::uint64_t end) {
  window_begin_ = begin;
  window_.assign(end - begin, '\0');
  if (begin >= value_.size()) return;
  const std::string_view stored = value_.substr(begin, end - begin);
  std::copy(stored.begin(), stored.end(), window_.begin());
}

unsigned BitEditor::byte_at(std::uint64_t place) const {
  const std::uint64_t in_window = place - window_begin_;
  if (in_window < window_.size()) return static_cast<unsigned char>(window_[in_window]);
  return place < value_.size() ? static_cast<unsigned char>(value_[place]) : 0U;
}

std::int64_t BitEditor::read(const BitField& field) const {
  std::uint64_t pattern = 0;
  for (std::uint64_t bit = field.offset; bit < field.offset + field.type.bits; ++bit) {
    pattern = pattern << 1U | ((byte_at(bit / 8) >> (7 - bit % 8)) & 1U);
  }
  return field.type.value_of(pattern);
}

void BitEditor::write(const BitField& field, std::int64_t value) {
  const bool is_open =
      field.first_byte() >= window_begin_ && field.end_byte() <= window_begin_ + window_.size();
  if (!is_open) {
    flush();
    open(field.first_byte(), field.end_byte());
  }
  auto pattern = static_cast<std::uint64_t>(value);
  for (std::uint64_t bit = field.offset + field.type.bits; bit-- > field.offset; pattern >>= 1U) {
    char& byte = window_[bit / 8 - window_begin_];
    const unsigned mask = 0x80U >> (bit % 8);
    const auto old = static_cast<unsigned char>(byte);
    byte = static_cast<char>((pattern & 1U) != 0 ? old | mask : old & ~mask);
  }
}

// Of the window only what differs, and all of it that is new.
void BitEditor::flush() {
  std::size_t begin = 0;
  std::size_t end = window_.size();
  const auto is_same = [&](std::size_t i) {
    const std::uint64_t place = window_begin_ + i;
    return place < value_.size() && value_[place] == window_[i];
  };
  while (begin < end && is_same(begin)) ++begin;
  while (begin < end && is_same(end - 1)) --end;
  if (begin < end)
    patch(window_begin_ + begin, std::string_view(window_).substr(begin, end - begin));
  window_.clear();
}

void BitEditor::patch(std::uint64_t begin, std::string_view bytes) {
  patch_value(context_, key_, begin, bytes);
  value_ = value_of(context_, key_);
  has_changed_ = true;
}

bool BitEditor::finish() {
  flush();
  return has_changed_;
}

std::uint64_t BitEditor::extra_bytes(const Context& context, const engine::Key& key,
                                     const WrittenRange& range, std::uint64_t writes) {
  if (range.empty()) return 0;
  if (fits_window(range)) {
    return context.keyspace.patch_effect_bytes(key, range.begin, range.end - range.begin,
                                               context.now_ms);
  }
  constexpr std::uint64_t kPatchBytesMax = 128;  // A record of 9 bytes at most, without its key.
  const std::uint64_t growth =
      value_of(context, key).size() < range.end
          ? context.keyspace.patch_effect_bytes(key, range.end - 1, 1, context.now_ms)
          : 0;
  return growth + (writes + 1) * (key.bytes.size() + kPatchBytesMax);
}

}  // namespace phoenix::commands
