// Changes of a part of a value: written where the value stands, and told to the log as that part
// alone where a record of the whole would be much longer.
#include <atomic>
#include <memory>
#include <utility>

#include "phoenix/base/check.h"
#include "phoenix/engine/keyspace_parts.h"

namespace phoenix::engine {
namespace {

// Below this a record of the whole value is about as small: a batch is padded to blocks of at least
// 512 bytes, and to load it takes one step instead of two.
constexpr std::size_t kPatchedValueBytesMin = 512;
// A longer part has a segment of its own in any case, and would be copied into the batch, which the
// whole value, a shared block, is not; nor is a part that came as one.
constexpr std::size_t kCopiedPatchBytesMax = std::size_t{4} << 20U;

std::size_t size_after(std::string_view value, std::size_t offset, std::size_t part_bytes) {
  return std::max(value.size(), offset + part_bytes);
}

bool is_told_as_part(std::size_t value_bytes, std::size_t part_bytes, bool is_block) {
  return value_bytes > kPatchedValueBytesMin && part_bytes <= value_bytes / 2 &&
         (part_bytes <= kCopiedPatchBytesMax || is_block);
}

// The value that a part makes where there was none.
NewValue part_as_value(std::size_t offset, const NewValue& part) {
  if (offset == 0) return part;
  const std::string_view bytes = part.bytes;
  auto block = std::make_shared<LargeValue>();
  PHX_CHECK(block->reserve(offset + bytes.size()));
  PHX_CHECK(block->write(offset, bytes));
  return NewValue::adopt(std::move(block));
}

// Whoever let go of the block last, on another core perhaps, has read it before.
bool is_held_by_others(const LargeValueRef& large) {
  const bool is_shared = large.use_count() > 1;
  std::atomic_thread_fence(std::memory_order_acquire);
  return is_shared;
}

}  // namespace

void check_part(std::size_t offset, std::string_view bytes) {
  PHX_CHECK(!bytes.empty());
  PHX_CHECK(bytes.size() <= kEntryValueBytesMax);
  PHX_CHECK(offset <= kEntryValueBytesMax - bytes.size());
}

void Keyspace::Parts::replace_large(LargeValueRef& large, LargeValueRef by) {
  by->count_by(large_meter);
  large_value_bytes -= large->memory_bytes();
  large_value_bytes += by->memory_bytes();
  large = std::move(by);
}

// Readers and the log's batches keep the block that they hold; then the entry gets a copy.
void Keyspace::Parts::patch_large(LargeValueRef& large, std::size_t offset,
                                  std::string_view bytes) {
  if (is_held_by_others(large) && !patches_held_values) {
    const auto copy = std::make_shared<LargeValue>(large_meter);
    PHX_CHECK(copy->reserve(size_after(large->view(), offset, bytes.size())));
    PHX_CHECK(copy->append(large->view()));
    replace_large(large, copy);
  }
  const std::uint64_t before = large->memory_bytes();
  // Every block is made to be written; that it is const here is for those who share it.
  PHX_CHECK(const_cast<LargeValue&>(*large).write(offset, bytes));
  large_value_bytes += large->memory_bytes() - before;
}

Entry Keyspace::Parts::patch(Index::Place place, std::size_t offset, std::string_view bytes) {
  Entry entry(Index::entry_at(place));
  if (entry.is_large()) {
    patch_large(*entry.large(), offset, bytes);
    return entry;
  }
  const std::size_t old_bytes = entry.stored_value_bytes();
  const std::size_t new_bytes = size_after(entry.value(), offset, bytes.size());
  const EntryShape old_shape = entry.shape();
  const EntryShape shape = EntryShape::of(old_shape.key_bytes, new_bytes, entry.has_expiry_field());
  if (shape.kind == ValueKind::large) {
    const auto block = std::make_shared<LargeValue>(large_meter);
    PHX_CHECK(block->reserve(new_bytes));
    PHX_CHECK(block->append(entry.value()));
    PHX_CHECK(block->write(offset, bytes));
    large_value_bytes += block->memory_bytes();
    entry = reshape(place, shape);
    entry.set_large(std::make_unique<LargeValueRef>(block).release());
    return entry;
  }
  const bool fits =
      shape.kind == old_shape.kind && Slab::same_slot(shape.size_bytes(), old_shape.size_bytes());
  if (fits) {
    entry.set_value_bytes(new_bytes);
  } else {
    entry = reshape(place, shape);
  }
  if (offset > old_bytes) std::memset(entry.stored_value() + old_bytes, 0, offset - old_bytes);
  std::memcpy(entry.stored_value() + offset, bytes.data(), bytes.size());
  return entry;
}

// A part of what has expired must not be told as one: who replays it knows no time.
void Keyspace::patch(const Key& key, std::size_t offset, const NewValue& part,
                     std::int64_t now_ms) {
  check_part(offset, part.bytes);
  const Index::Place place = parts_->find_live(key, now_ms);
  if (!place) return put(key, part_as_value(offset, part), kNoExpiry);
  Entry entry = parts_->patch(place, offset, part.bytes);
  Effect effect{.kind = Effect::Kind::put, .key = entry.key(), .hash = key.hash, .value = {}};
  const std::string_view value = entry.value();
  if (is_told_as_part(value.size(), part.bytes.size(), part.large != nullptr)) {
    effect.kind = Effect::Kind::patch;
    effect.value = part;
    effect.patch_offset = offset;
  } else {
    effect.value.bytes = value;
    if (entry.is_large()) effect.value.large = *entry.large();
    effect.expires_at_ms = entry.expiry();
  }
  entry.set_position(sink_.emit(effect));
}

void Keyspace::use_copy(const Key& key, const LargeValueRef& block, LargeValueRef copy) {
  const Index::Place place = parts_->find(key);
  if (!place) return;
  const Entry entry(Index::entry_at(place));
  if (!entry.is_large() || *entry.large() != block) return;
  PHX_CHECK(copy->size_bytes() == block->size_bytes());
  parts_->replace_large(*entry.large(), std::move(copy));
}

void Keyspace::patch_held_values() {
  parts_->patches_held_values = true;
}

std::size_t Keyspace::patch_effect_bytes(const Key& key, std::size_t offset, std::size_t part_bytes,
                                         std::int64_t now_ms, bool is_block) const {
  const Index::Place place = parts_->find(key);
  const bool is_live = place && !Entry(Index::entry_at(place)).expired_at(now_ms);
  const std::string_view value = is_live ? Entry(Index::entry_at(place)).value() : "";
  const std::size_t value_bytes = size_after(value, offset, part_bytes);
  return is_live && is_told_as_part(value_bytes, part_bytes, is_block) ? part_bytes : value_bytes;
}

}  // namespace phoenix::engine
