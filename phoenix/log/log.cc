#include "phoenix/log/log.h"

#include <algorithm>

#include "phoenix/base/check.h"
#include "phoenix/log/log_parts.h"

namespace phoenix::log {
namespace {

/// A write waits for the next batch rather than make one longer than this.
constexpr std::uint64_t kBatchBytesSoft = std::uint64_t{1} << 20U;
/// A larger write gets a segment of its own, streamed.
constexpr std::uint64_t kLargeBytes = std::uint64_t{4} << 20U;

/// A start that finds no descriptor or memory for its first segment ends with an error then.
constexpr std::uint64_t kStartPatienceNs = 10 * kNanosPerSecond;

/// Rule 4: one commit in flight while less than this is pending.
constexpr std::uint32_t kFewRecords = 16;
constexpr std::uint64_t kFewBytes = std::uint64_t{8} << 10U;

CoreBase base_of(const Store::Parts& store, unsigned core) {
  return store.off() ? CoreBase() : store.current.bases.at(core);
}

}  // namespace

Log::Parts::Parts(io::Context& io, Store::Parts& store, io::Host& host, io::Failure& failure,
                  unsigned core)
    : context(io, host, failure, store, core),
      off(store.off()),
      base(base_of(store, core)),
      large_threshold(std::min(store.options.segment_bytes_max / 4, kLargeBytes)),
      open(context.alignment()),
      preparer(context),
      committer(context, open.pool(), preparer, base.user_seq, store.current.stamp_high_water_ms),
      next_seq(base.user_seq),
      next_lsn(base.lsn),
      last_record_seq(base.user_seq - 1),
      stamp_ms(store.current.stamp_high_water_ms) {
  context.statistics.segments = store.cores[core].segments;
  context.statistics.log_bytes = store.cores[core].log_bytes;
}

// -- Reserving
// --------------------------------------------------------------------------------------

Reservation Log::Parts::reserve(std::uint64_t worst_bytes, bool is_delete) {
  large_bytes_granted = 0;
  if (context.dead || closing || open.is_large()) return Reservation::wait;
  if (worst_bytes > large_threshold) return reserve_large(worst_bytes);
  if (!accepts(worst_bytes, is_delete)) return change_segment(worst_bytes, is_delete);
  if (open.count() > 0 && open.bytes() + worst_bytes > kBatchBytesSoft) return Reservation::wait;
  open.ensure(worst_bytes, false);
  return Reservation::granted;
}

bool Log::Parts::accepts(std::uint64_t worst_bytes, bool is_delete) const {
  if (current == nullptr) return false;
  if (current->purpose == Purpose::deletes && !is_delete) return false;
  const std::uint64_t batch = align_up(open.bytes() + worst_bytes, current->alignment);
  return batch <= current->room_bytes();
}

// What does not fit into the current segment waits until that is closed; it is closed only when
// another is ready.
Reservation Log::Parts::change_segment(std::uint64_t worst_bytes, bool is_delete) {
  const std::uint64_t bytes = worst_bytes + kBatchHeaderBytes;
  Purpose purpose = Purpose::normal;
  bool ready = preparer.has(purpose, bytes);
  if (!ready && preparer.is_full(purpose, bytes)) {
    if (!is_delete) return Reservation::disk_full;
    purpose = Purpose::deletes;
    ready = preparer.has(purpose, bytes);
    if (!ready && preparer.is_full(purpose, bytes)) return Reservation::disk_full;
  }
  if (!ready) {
    preparer.demand(purpose, bytes);
    return Reservation::wait;
  }
  if (current != nullptr) {
    closing = true;
    return Reservation::wait;
  }
  enter(preparer.take(purpose, bytes));
  open.ensure(worst_bytes, false);
  return Reservation::granted;
}

// Only looks that all is there. The write may change nothing after all (its condition fails, say):
// then nothing is used up, neither the large segment nor what is left of the current one.
Reservation Log::Parts::reserve_large(std::uint64_t worst_bytes) {
  const std::uint64_t bytes = worst_bytes + kBatchHeaderBytes;
  if (!preparer.has(Purpose::large, bytes)) {
    if (preparer.is_full(Purpose::large, bytes)) return Reservation::disk_full;
    preparer.demand(Purpose::large, bytes);
    return Reservation::wait;
  }
  // The first effect seals what is open, and cannot wait then.
  const bool may_seal = committer.in_flight() < context.options.commits_in_flight_max;
  if (current != nullptr && !may_seal) return Reservation::wait;
  preparer.keep_large();
  large_bytes_granted = worst_bytes;
  return Reservation::granted;
}

// The first effect of a large write: the current segment is closed, with all that is open, and the
// large one entered.
void Log::Parts::begin_large() {
  if (current != nullptr) {
    preparer.closed_early(current->write_offset + open.bytes());
    closing = true;
    seal_now();
  }
  enter(preparer.take(Purpose::large, large_bytes_granted + kBatchHeaderBytes));
  open.ensure(large_bytes_granted, true);
  large_bytes_granted = 0;
}

// Where there is room for it.
void Log::Parts::add_half(const engine::Effect& effect) {
  const std::string_view part = effect.value.bytes;
  engine::Effect half = effect;
  half.value = engine::NewValue::copy_of(part.substr(0, part.size() / 2));
  const std::uint64_t worst_bytes = half.key.size() + half.value.bytes.size() + kPlainOverheadMax;
  if (effect.kind != RecordKind::patch || !accepts(worst_bytes, false)) return;
  open.ensure(worst_bytes, false);
  open.add(half);
}

void Log::Parts::enter(std::unique_ptr<Segment> segment) {
  PHX_CHECK(current == nullptr && open.count() == 0);
  current = segment.get();
  committer.adopt(std::move(segment));
  // Before the first batch of this process the header can wait until there is one: a server that
  // is only read leaves nothing behind.
  if (next_seq != base.user_seq) activate();
}

void Log::Parts::activate() {
  current->activated = true;
  SegmentHeader header;
  header.database = context.store.current.database;
  header.uid = current->uid;
  header.size_bytes = current->size_bytes;
  header.write_alignment = current->alignment;
  header.core = static_cast<std::uint16_t>(context.core);
  header.stream = static_cast<std::uint8_t>(Stream::user);
  header.epoch = context.store.current.epoch;
  header.first_seq = next_seq;
  header.first_lsn = next_lsn;
  header.stable_user_seq = committer.commit_seq();
  header.stable_survivor_seq = base.survivor_seq - 1;
  current->activation = activate_segment(context, *current, header);
  current->activation.start();
}

// -- Sealing
// ----------------------------------------------------------------------------------------

std::size_t Log::Parts::depth() const {
  const bool few = open.count() < kFewRecords && open.bytes() < kFewBytes && !closing;
  return few ? 1 : context.options.commits_in_flight_max;
}

void Log::Parts::seal() {
  if (context.dead) return;
  const bool wanted = open.count() > 0 || required || closing;
  if (wanted && committer.in_flight() >= depth()) return;
  if (!wanted || (open.count() == 0 && !make_place_for_empty())) return;
  seal_now();
}

// An empty batch needs a block: in the current segment, else the one that is kept in it (it is
// closed then), else in the next, even if that is the reserve for deletes.
bool Log::Parts::make_place_for_empty() {
  if (current != nullptr) {
    if (current->room_bytes() < current->alignment) closing = true;
    return true;
  }
  Purpose purpose = Purpose::normal;
  const std::uint64_t bytes = kBatchHeaderBytes;
  if (!preparer.has(purpose, bytes)) {
    if (!preparer.is_full(purpose, bytes)) return false;
    purpose = Purpose::deletes;
    if (!preparer.has(purpose, bytes)) return false;
  }
  closing = false;
  enter(preparer.take(purpose, bytes));
  return true;
}

BatchHeader Log::Parts::next_header() const {
  BatchHeader header;
  header.offset = static_cast<std::uint32_t>(current->write_offset);
  header.stream = static_cast<std::uint8_t>(Stream::user);
  if (closing || open.is_large()) header.flags |= kBatchLast;
  header.seq = next_seq;
  header.first_lsn = next_lsn;
  // Rule 5 rests on this: only what is durable, contiguously, when the batch is sealed.
  header.stable_user_seq =
      context.options.mutations.stable_from_in_flight ? next_seq - 1 : committer.commit_seq();
  header.stable_survivor_seq = base.survivor_seq - 1;
  header.stamp = make_stamp(stamp_ms);
  return header;
}

void Log::Parts::seal_now() {
  if (!current->activated) activate();
  const BatchHeader header = next_header();
  const std::uint32_t count = open.count();
  const std::uint64_t bytes = open.bytes();
  auto batch = open.seal(header, context.store.access.seed_of(current->uid));
  batch->segment = current;
  batch->sealed_ns = context.now_ns();
  sealed_ns = batch->sealed_ns;
  current->write_offset += align_up(bytes, current->alignment);
  ++next_seq;
  next_lsn += std::max<std::uint32_t>(count, 1);
  if ((header.flags & kBatchLast) != 0) {
    current->closed = true;
    current = nullptr;
  }
  required = closing = false;
  ++context.statistics.batches;
  context.statistics.records += count;
  context.statistics.record_bytes += bytes - kBatchHeaderBytes;
  if (count > 0) {
    const bool was_covered = records_covered();
    last_record_seq = header.seq;
    if (was_covered) uncovered.notify();
  }
  committer.submit(std::move(batch));
}

// -- The end of the log: no guess left about the tail (rule 5)
// -----------------------------------------

bool Log::Parts::quiet_but_uncovered() const {
  return !records_covered() && all_durable() && open.count() == 0 && !required && !closing;
}

io::Task<void> Log::Parts::cover_when_idle() {
  while (!stopping && !context.dead) {
    if (records_covered()) {
      co_await uncovered.wait();
      continue;
    }
    const std::uint64_t due_ns = std::max(sealed_ns, context.now_ns()) + kNanosPerSecond;
    co_await uncovered.wait_until(context.io.timers(), due_ns);
    const bool idle_long = context.now_ns() >= sealed_ns + kNanosPerSecond;
    if (stopping || context.dead || !idle_long || !quiet_but_uncovered()) continue;
    if (make_place_for_empty()) seal_now();
  }
}

io::Task<void> Log::Parts::close() {
  stopping = true;
  uncovered.notify();
  while (!context.dead) {
    const bool pending = open.count() > 0 || required || closing;
    const bool cover = quiet_but_uncovered();
    if (pending || cover) {
      const bool placed = open.count() > 0 || make_place_for_empty();
      // Without any room left the last batch stays uncovered: the next start can still tell.
      if (!placed && (cover || preparer.is_full(Purpose::normal, kBatchHeaderBytes))) break;
      if (placed) seal_now();
      if (placed) continue;
    } else if (all_durable()) {
      break;
    }
    committer.sync_soon(next_seq - 1);
    co_await context.changed.wait();
  }
  preparer.stop();
  committer.stop();
  while (!context.dead && (!preparer.stopped() || !committer.stopped())) {
    co_await context.changed.wait();
  }
  // The caller may destroy the log next, and this may run within one of its coroutines.
  co_await context.io.sleep_until(0);
}

// -- Log
// ----------------------------------------------------------------------------------------------

Log::Log(io::Context& io, Store& store, io::Host& host, io::Failure& failure, unsigned core)
    : parts_(std::make_unique<Parts>(io, store.parts(), host, failure, core)) {}

Log::~Log() = default;

io::Task<Result<void>> Log::start() {
  Parts& p = *parts_;
  if (p.off) co_return Result<void>();
  p.preparer.start();
  p.committer.start();
  p.idle_task = p.cover_when_idle();
  p.idle_task.start();
  const std::uint64_t bytes = kBatchHeaderBytes;
  const std::uint64_t patient_until_ns = p.context.now_ns() + kStartPatienceNs;
  while (!p.context.dead && !p.preparer.has(Purpose::normal, bytes) &&
         !p.preparer.is_full(Purpose::normal, bytes)) {
    const std::string& exhausted = p.preparer.exhausted();
    if (!exhausted.empty() && p.context.now_ns() >= patient_until_ns) {
      const std::string message = "the log could not be prepared: " + exhausted;
      co_await p.close();
      co_return fail(ErrorCode::exhausted, message);
    }
    co_await p.context.changed.wait();
  }
  if (p.context.dead) co_return fail(ErrorCode::io, "the log could not be prepared");
  if (p.preparer.has(Purpose::normal, bytes)) p.enter(p.preparer.take(Purpose::normal, bytes));
  co_return Result<void>();
}

Reservation Log::reserve(std::uint64_t payload_bytes, std::uint32_t effects, bool is_delete) {
  if (parts_->off) return Reservation::granted;
  return parts_->reserve(payload_bytes + effects * kPlainOverheadMax, is_delete);
}

namespace {

engine::Effect at_the_front(engine::Effect effect) {
  effect.patch_offset = 0;
  return effect;
}

}  // namespace

engine::LogPosition Log::emit(const engine::Effect& effect) {
  Parts& p = *parts_;
  if (p.off) return {};
  if (p.large_bytes_granted > 0) {
    if (p.context.options.mutations.parts_are_split) p.add_half(effect);
    p.begin_large();
  }
  PHX_CHECK(p.current != nullptr);  // A grant came before.
  const bool is_canary = p.context.options.mutations.patches_at_the_front;
  const std::uint64_t place = is_canary ? p.open.add(at_the_front(effect)) : p.open.add(effect);
  p.emitted_seq = p.next_seq;
  return make_position(p.current->ordinal, p.current->write_offset + place);
}

Position Log::emitted_position() const {
  return parts_->emitted_seq;
}

Position Log::open_position() const {
  return parts_->off ? 0 : parts_->next_seq;
}

void Log::require_seal(std::int64_t stamp_ms) {
  Parts& p = *parts_;
  if (p.off) return;
  p.required = true;
  p.stamp_ms = std::max(p.stamp_ms, stamp_ms);
}

void Log::seal(std::int64_t stamp_ms) {
  if (parts_->off) return;
  parts_->stamp_ms = std::max(parts_->stamp_ms, stamp_ms);
  parts_->seal();
}

void Log::sync_soon() {
  Parts& p = *parts_;
  if (p.off) return;
  const bool open = p.open.count() > 0 || p.required;
  p.committer.sync_soon(open ? p.next_seq : p.next_seq - 1);
}

Position Log::commit_position() const {
  return parts_->off ? 0 : parts_->committer.commit_seq();
}

std::int64_t Log::durable_stamp_ms() const {
  return parts_->committer.durable_stamp_ms();
}

bool Log::idle() const {
  const Parts& p = *parts_;
  return p.off || (p.open.count() == 0 && !p.required && p.all_durable());
}

io::Task<void> Log::close(std::int64_t stamp_ms) {
  Parts& p = *parts_;
  if (p.off) co_return;
  p.stamp_ms = std::max(p.stamp_ms, stamp_ms);
  co_await p.close();
}

std::uint64_t Log::commit_ns_last() const {
  return parts_->context.statistics.commit_ns_last;
}

LogStatistics Log::statistics() const {
  LogStatistics statistics = parts_->context.statistics;
  statistics.buffer_bytes = buffer_bytes();
  return statistics;
}

std::uint64_t Log::buffer_bytes() const {
  return parts_->open.pool().memory_bytes();
}

}  // namespace phoenix::log
