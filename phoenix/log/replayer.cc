#include "phoenix/log/replayer.h"

#include <algorithm>

#include "phoenix/base/bytes.h"
#include "phoenix/base/check.h"
#include "phoenix/base/crc32c.h"
#include "phoenix/log/file.h"

namespace phoenix::log {
namespace {

constexpr auto kClear = static_cast<std::uint8_t>(RecordKind::clear);

// What this build applies; the rest has its place in the format. A CLEAR that was written anew,
// born before its own LSN, would have to leave alone what came between.
bool is_known(const Record& record) {
  if ((record.flags & kRecordPart) != 0 || record.flags >> kNamespaceShift != 0) return false;
  switch (static_cast<RecordKind>(record.kind)) {
    case RecordKind::put:
    case RecordKind::erase:
    case RecordKind::expired:
    case RecordKind::expiry:
    case RecordKind::patch:
      return true;
    case RecordKind::clear:
      return (record.flags & kRecordBorn) == 0;
  }
  return false;
}

tl::unexpected<Error> newer_record(const BatchCursor& cursor, const Record& record) {
  return fail(ErrorCode::unsupported,
              "segment " + segment_name(cursor.segment().uid) + " holds a record of kind " +
                  std::to_string(record.kind) + " with flags " + std::to_string(record.flags) +
                  ", written by a newer version of Phoenix; start that version");
}

tl::unexpected<Error> no_memory(std::uint64_t bytes) {
  return fail(ErrorCode::io, "not enough memory to load a value of " + std::to_string(bytes) +
                                 " bytes from the log");
}

std::span<const std::byte> first_of(std::span<const std::byte> bytes, std::uint64_t count) {
  return bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(count, bytes.size())));
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Replayer::Replayer(io::Context& io, const SegmentAccess& access, const ReplayFilter& filter,
                   ReplaySink& sink, Progress& progress)
    : io_(io), access_(access), filter_(filter), sink_(sink), progress_(progress) {}

io::Task<Result<void>> Replayer::run(const CoreLog& log) {
  next_lsn_ = 0;
  for (const EpochLog& epoch : log.epochs) {
    const Result<void> done = co_await run_epoch(epoch);
    if (!done) co_return done;
  }
  co_return Result<void>();
}

io::Task<Result<void>> Replayer::run_epoch(const EpochLog& log) {
  BatchCursor user(io_, access_, log.streams[0], *this);
  BatchCursor survivor(io_, access_, log.streams[1], *this);
  user.reader().count_into(progress_.bytes_done);
  survivor.reader().count_into(progress_.bytes_done);
  const std::array<BatchCursor*, 2> cursors = {&user, &survivor};
  const Result<void> merged = co_await merge(cursors);
  flush();
  co_await user.stop();
  co_await survivor.stop();
  co_return merged;
}

io::Task<Result<void>> Replayer::merge(std::array<BatchCursor*, 2> cursors) {
  steps_.fill(BatchCursor::Step::load);
  while (true) {
    const Result<void> pumped = pump(cursors);
    if (!pumped || waiting_ == nullptr) co_return pumped;
    BatchCursor& cursor = *waiting_;
    const bool is_batch = steps_[waiting_ == cursors[0] ? 0 : 1] == BatchCursor::Step::batch;
    if (is_batch) {
      const Result<void> applied = co_await apply_large(cursor);
      if (!applied) co_return applied;
      steps_[waiting_ == cursors[0] ? 0 : 1] = BatchCursor::Step::load;
    } else {
      const Result<void> loaded = co_await cursor.load();
      if (!loaded) co_return loaded;
    }
  }
}

// Applies what is in memory, the lower LSN first. Ends with waiting_ at a cursor that has to load
// or stands on a large batch, or null at the end of both.
Result<void> Replayer::pump(const std::array<BatchCursor*, 2>& cursors) {
  using Step = BatchCursor::Step;
  waiting_ = nullptr;
  while (true) {
    for (std::size_t i = 0; i < 2; ++i) {
      if (steps_[i] != Step::load) continue;
      const Result<Step> step = cursors[i]->step();
      if (!step) return tl::unexpected<Error>(step.error());
      steps_[i] = *step;
      if (*step == Step::load) waiting_ = cursors[i];
      if (*step == Step::load) return {};
    }
    if (steps_[0] == Step::end && steps_[1] == Step::end) return {};
    const bool second =
        steps_[0] == Step::end || (steps_[1] == Step::batch &&
                                   cursors[1]->header().first_lsn < cursors[0]->header().first_lsn);
    BatchCursor& cursor = *cursors[second ? 1 : 0];
    const Result<void> begun = begin_batch(cursor);
    if (!begun) return begun;
    if (cursor.is_large()) waiting_ = &cursor;
    if (cursor.is_large()) return {};
    const Result<void> applied = apply_shared(cursor);
    if (!applied) return applied;
    steps_[second ? 1 : 0] = Step::load;
  }
}

Result<void> Replayer::begin_batch(BatchCursor& cursor) {
  const BatchHeader& header = cursor.header();
  if (header.first_lsn < next_lsn_) return cursor.damaged("repeats record numbers");
  next_lsn_ = header.first_lsn + std::max<std::uint64_t>(header.count, 1);
  return {};
}

Result<void> Replayer::apply_shared(BatchCursor& cursor) {
  const auto records = cursor.records();
  std::uint32_t count = 0;
  std::size_t place = 0;
  for (; place < records.size(); ++count) {
    Record record;
    const std::size_t size = decode_record(records.subspan(place), record);
    if (size == 0) return cursor.damaged("holds a record that cannot be decoded");
    engine::LargeValueRef large;
    if (record.value.size() > engine::kSmallValueBytesMax) {
      auto block = std::make_shared<engine::LargeValue>();
      if (!block->append(record.value)) return no_memory(record.value.size());
      large = std::move(block);
    }
    const std::uint64_t offset = cursor.header().offset + kBatchHeaderBytes + place;
    const Result<void> taken = take(cursor, record, offset, std::move(large));
    if (!taken) return taken;
    place += size;
  }
  if (count != cursor.header().count) return cursor.damaged("holds another number of records");
  return {};
}

// A batch that is too large for the window: its records pass through it one after the other.
io::Task<Result<void>> Replayer::apply_large(BatchCursor& cursor) {
  const std::uint64_t bytes = cursor.header().bytes;
  while (cursor.consumed() < bytes) {
    const std::uint64_t left = bytes - cursor.consumed();
    const std::uint64_t head_max = kKeyBytesMax + kRecordOverheadMax;
    const Result<void> arrived = co_await cursor.need(std::min(left, head_max));
    if (!arrived) co_return arrived;
    Record record;
    std::uint64_t value_bytes = 0;
    const auto view = first_of(cursor.view(), left);
    const std::size_t head = decode_record_head(view, record, value_bytes);
    if (head == 0 || head + value_bytes + sizeof(std::uint32_t) > left) {
      co_return cursor.damaged("holds a record that cannot be decoded");
    }
    const Result<void> applied = co_await apply_large_value(cursor, head, value_bytes);
    if (!applied) co_return applied;
  }
  co_return Result<void>();
}

io::Task<Result<void>> Replayer::apply_large_value(BatchCursor& cursor, std::size_t head_bytes,
                                                   std::uint64_t value_bytes) {
  const std::uint64_t offset = cursor.header().offset + cursor.consumed();
  const std::string head(text_of(cursor.view().first(head_bytes)));
  std::uint32_t crc = crc32c(0, cursor.view().first(head_bytes));
  cursor.consume(head_bytes);
  auto value = std::make_shared<engine::LargeValue>();
  if (!value->reserve(static_cast<std::size_t>(value_bytes))) co_return no_memory(value_bytes);
  while (value->size_bytes() < value_bytes) {
    const Result<void> arrived = co_await cursor.need(1);
    if (!arrived) co_return arrived;
    const auto slice = first_of(cursor.view(), value_bytes - value->size_bytes());
    crc = crc32c(crc, slice);
    if (!value->append(text_of(slice))) co_return no_memory(value_bytes);
    cursor.consume(slice.size());
  }
  const std::uint64_t body = head_bytes + value_bytes;
  const std::uint64_t tail = align_up(body + sizeof crc, 8) - body;
  const Result<void> arrived = co_await cursor.need(tail);
  if (!arrived) co_return arrived;
  if (load_le<std::uint32_t>(cursor.view().data()) != crc) {
    co_return cursor.damaged("changed while it was read");
  }
  cursor.consume(tail);
  Record record;
  std::uint64_t ignored = 0;
  PHX_CHECK(decode_record_head(std::as_bytes(std::span(head)), record, ignored) == head_bytes);
  record.value = value->view();
  const bool is_large = value_bytes > engine::kSmallValueBytesMax;
  const engine::LargeValueRef adopted = is_large ? std::move(value) : nullptr;
  const Result<void> taken = take(cursor, record, offset, adopted);
  flush();  // The key's copy, and a small value's, live in this frame.
  co_return taken;
}

Result<void> Replayer::take(const BatchCursor& cursor, const Record& record, std::uint64_t offset,
                            engine::LargeValueRef large) {
  if (!is_known(record)) {
    if ((record.flags & kRecordSkip) != 0) return {};
    return newer_record(cursor, record);
  }
  const bool is_of_a_key = record.kind != kClear;
  if (is_of_a_key && filter_.slots != nullptr &&
      (*filter_.slots)[protocol::slot_of(record.key)] != filter_.core) {
    return {};
  }
  ReplayRecord& out = records_[count_++];
  out.effect.kind = static_cast<RecordKind>(record.kind);
  out.effect.key = record.key;
  out.effect.hash = hash_bytes(*filter_.hash_key, record.key);
  out.effect.value.bytes = large ? large->view() : record.value;
  out.effect.value.large = std::move(large);
  out.effect.expires_at_ms = record.expires_at_ms;
  out.effect.patch_offset = static_cast<std::size_t>(record.patch_offset);
  out.position = make_position(cursor.segment().ordinal, offset);
  if (count_ == kBatchRecords) flush();
  return {};
}

void Replayer::flush() {
  if (count_ == 0) return;
  sink_.replay(std::span(records_).first(count_));
  progress_.records.fetch_add(count_, std::memory_order_relaxed);
  for (std::size_t i = 0; i < count_; ++i) records_[i].effect.value.large.reset();
  count_ = 0;
}

}  // namespace phoenix::log
