#include "phoenix/log/preparer.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "phoenix/base/check.h"
#include "phoenix/io/ring.h"
#include "phoenix/log/file.h"

namespace phoenix::log {
namespace {

constexpr std::uint64_t kRetryNs = kNanosPerSecond;
constexpr std::uint64_t kExhaustedNs = kNanosPerSecond / 10;
constexpr std::uint64_t kLargeKeptNs = 10 * kNanosPerSecond;

}  // namespace

Preparer::Preparer(LogContext& context)
    : context_(context), next_bytes_(context.options.segment_bytes_min) {}

Preparer::~Preparer() {
  for (const Shelf& shelf : shelves_) {
    for (const auto& segment : shelf.ready) context_.host.close(segment->fd);
  }
  for (const int fd : to_close_) context_.host.close(fd);
}

void Preparer::start() {
  stopped_ = false;
  task_ = run();
  task_.start();
}

void Preparer::stop() {
  stopping_ = true;
  work_.notify();
}

bool Preparer::has(Purpose purpose, std::uint64_t batch_bytes) const {
  const auto fits = [&](const auto& segment) { return segment->room_bytes() >= batch_bytes; };
  const auto& ready = shelf(purpose).ready;
  return std::any_of(ready.begin(), ready.end(), fits);
}

std::unique_ptr<Segment> Preparer::take(Purpose purpose, std::uint64_t batch_bytes) {
  const auto fits = [&](const auto& segment) { return segment->room_bytes() >= batch_bytes; };
  auto& ready = shelf(purpose).ready;
  const auto found = std::find_if(ready.begin(), ready.end(), fits);
  PHX_CHECK(found != ready.end());
  std::unique_ptr<Segment> segment = std::move(*found);
  ready.erase(found);
  work_.notify();
  return segment;
}

void Preparer::demand(Purpose purpose, std::uint64_t batch_bytes) {
  Shelf& wanted = shelf(purpose);
  wanted.wanted = true;
  wanted.demand_bytes = std::max(wanted.demand_bytes, batch_bytes);
  work_.notify();
}

void Preparer::keep_large() {
  large_kept_until_ns_ = context_.now_ns() + kLargeKeptNs;
}

bool Preparer::is_full(Purpose purpose, std::uint64_t batch_bytes) const {
  const Shelf& asked = shelf(purpose);
  return asked.full && context_.now_ns() < asked.retry_ns &&
         least_bytes(purpose, batch_bytes) >= asked.full_bytes;
}

void Preparer::closed_early(std::uint64_t used_bytes) {
  next_bytes_ = std::clamp(std::bit_ceil(used_bytes), context_.options.segment_bytes_min,
                           context_.options.segment_bytes_max);
  grows_ = false;
}

void Preparer::close_file(int fd) {
  to_close_.push_back(fd);
  work_.notify();
}

bool Preparer::wants(Purpose purpose) const {
  const Shelf& asked = shelf(purpose);
  if (asked.wanted) return !has(purpose, asked.demand_bytes);
  return purpose != Purpose::large && asked.ready.empty();
}

// Normal segments first: the reserve for deletes matters only once there are none.
bool Preparer::choose(Purpose& purpose) const {
  for (const Purpose candidate : {Purpose::normal, Purpose::large, Purpose::deletes}) {
    if (!wants(candidate) || rests(candidate)) continue;
    purpose = candidate;
    return true;
  }
  return false;
}

// Nothing is to be gained by trying before retry_ns.
bool Preparer::rests(Purpose purpose) const {
  return is_full(purpose, shelf(purpose).demand_bytes);
}

std::uint64_t Preparer::next_retry_ns() const {
  std::uint64_t earliest = io::kNoDeadline;
  for (const Purpose purpose : {Purpose::normal, Purpose::large, Purpose::deletes}) {
    if (wants(purpose) && rests(purpose)) {
      earliest = std::min(earliest, shelf(purpose).retry_ns);
    }
  }
  return earliest;
}

// The room of one that nobody has asked for lately is of use to others.
std::uint64_t Preparer::large_kept_until_ns() const {
  return shelf(Purpose::large).ready.empty() ? io::kNoDeadline : large_kept_until_ns_;
}

io::Task<void> Preparer::run() {
  while (!stopping_ && !context_.dead) {
    co_await close_files();
    Purpose purpose = Purpose::normal;
    if (choose(purpose)) {
      co_await prepare(purpose);
      context_.changed.notify();
      continue;
    }
    if (stopping_ || !to_close_.empty()) continue;
    const std::uint64_t large_until_ns = large_kept_until_ns();
    if (large_until_ns <= context_.now_ns()) {
      co_await drop_ready(Purpose::large);
      continue;
    }
    const std::uint64_t next_ns = std::min(next_retry_ns(), large_until_ns);
    if (next_ns == io::kNoDeadline) {
      co_await work_.wait();
    } else {
      co_await work_.wait_until(context_.io.timers(), next_ns);
    }
  }
  co_await close_files();
  stopped_ = true;
  context_.changed.notify();
}

io::Task<void> Preparer::close_files() {
  while (!to_close_.empty() && !context_.dead) {
    const int fd = to_close_.back();
    to_close_.pop_back();
    const std::int32_t closed = co_await context_.io.close(fd);
    if (closed < 0) context_.fail("closing a segment: " + errno_text(closed));
  }
}

std::uint64_t Preparer::least_bytes(Purpose purpose, std::uint64_t batch_bytes) const {
  const std::uint64_t bytes =
      segment_bytes_for(batch_bytes + kBatchHeaderBytes, context_.alignment());
  return purpose == Purpose::large ? bytes : std::max(bytes, context_.options.segment_bytes_min);
}

// The largest size that the disk has room for, down to the least that is of use; 0 when there is
// not even that.
std::uint64_t Preparer::choose_size(Purpose purpose) {
  const auto space = context_.host.space(context_.store.access.directory);
  if (!space) {
    context_.fail(space.error().message);
    return 0;
  }
  const std::uint64_t kept =
      purpose == Purpose::deletes ? 0 : kept_free_bytes(context_.options, *space);
  const std::uint64_t room = space->available_bytes - std::min(space->available_bytes, kept);
  const std::uint64_t least = least_bytes(purpose, shelf(purpose).demand_bytes);
  std::uint64_t size = least;
  if (purpose == Purpose::normal) {
    // Some records of the size that was asked for should fit.
    size = std::max(next_bytes_, std::bit_ceil(least));
    while (size > room && size / 2 >= least) size /= 2;
  }
  return size <= room ? align_up(size, context_.alignment()) : 0;
}

void Preparer::note_full(Purpose purpose, std::uint64_t size_bytes) {
  Shelf& asked = shelf(purpose);
  asked.full = true;
  asked.full_bytes = size_bytes;
  asked.wanted = false;  // Who still needs it asks again, and is told.
  asked.demand_bytes = 0;
  asked.retry_ns = context_.now_ns() + kRetryNs;
}

void Preparer::shelve(Purpose purpose, std::unique_ptr<Segment> segment) {
  Shelf& asked = shelf(purpose);
  if (purpose == Purpose::normal) {
    if (grows_) next_bytes_ = std::min(segment->size_bytes * 2, context_.options.segment_bytes_max);
    grows_ = true;
  }
  if (purpose == Purpose::large) keep_large();
  segment->purpose = purpose;
  segment->ordinal = context_.store.cores[context_.core].next_ordinal++;
  ++context_.statistics.segments;
  context_.statistics.log_bytes += segment->size_bytes;
  asked.ready.push_back(std::move(segment));
  asked.full = asked.wanted = false;
  asked.demand_bytes = 0;
}

// What is ready is too small for what is asked for now, or needed elsewhere, and whoever asked for
// it has gone. Its room is free once the file is closed and its name is durably gone.
io::Task<void> Preparer::drop_ready(Purpose purpose) {
  if (shelf(purpose).ready.empty()) co_return;
  while (!shelf(purpose).ready.empty() && !context_.dead) {
    const std::unique_ptr<Segment> segment = std::move(shelf(purpose).ready.back());
    shelf(purpose).ready.pop_back();
    --context_.statistics.segments;
    context_.statistics.log_bytes -= segment->size_bytes;
    to_close_.push_back(segment->fd);
    const std::string name = segment_name(segment->uid);
    const int directory = context_.store.access.directory;
    const std::int32_t unlinked = co_await context_.io.unlink(directory, name.c_str());
    if (unlinked < 0) context_.fail("removing segment " + name + ": " + errno_text(unlinked));
  }
  co_await close_files();
  const std::int32_t synced = co_await context_.io.sync(context_.store.access.directory);
  if (synced < 0) context_.fail("syncing the directory: " + errno_text(synced));
}

// Large ones that are kept for nobody may be what takes the room of all others: once they are gone
// it is tried again.
io::Task<void> Preparer::found_full(Purpose purpose, std::uint64_t size_bytes) {
  if (purpose == Purpose::large || shelf(Purpose::large).ready.empty()) {
    note_full(purpose, size_bytes);
  } else {
    co_await drop_ready(Purpose::large);
  }
}

io::Task<void> Preparer::prepare(Purpose purpose) {
  if (purpose == Purpose::large) {
    co_await drop_ready(purpose);
  }
  const std::uint64_t least = least_bytes(purpose, shelf(purpose).demand_bytes);
  const std::uint64_t size_bytes = choose_size(purpose);
  if (context_.dead) co_return;
  const bool ordinals_left = context_.store.cores[context_.core].next_ordinal <= kSegmentOrdinalMax;
  if (size_bytes == 0 || !ordinals_left) {
    co_await found_full(purpose, least);
    co_return;
  }
  auto segment = co_await prepare_segment(context_, size_bytes, stopping_);
  if (context_.dead || (segment && *segment == nullptr)) co_return;
  exhausted_.clear();
  if (segment) {
    shelve(purpose, std::move(*segment));
  } else if (segment.error().code == ErrorCode::disk_full) {
    co_await found_full(purpose, least);
  } else if (segment.error().code == ErrorCode::exhausted) {
    // Who writes waits meanwhile: descriptors come back when connections end.
    exhausted_ = segment.error().message;
    co_await context_.io.sleep_until(context_.now_ns() + kExhaustedNs);
  } else {
    context_.fail(segment.error().message);
  }
}

}  // namespace phoenix::log
