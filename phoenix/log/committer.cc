#include "phoenix/log/committer.h"

#include <algorithm>

#include "phoenix/base/check.h"
#include "phoenix/base/crc32c.h"
#include "phoenix/log/file.h"

namespace phoenix::log {

void Committer::Prefix::extend(const Batch& batch) {
  PHX_CHECK(batch.header.seq == seq + 1);
  seq = batch.header.seq;
  stable_seq = std::max(stable_seq, batch.header.stable_user_seq);
  stamp_ms = std::max(stamp_ms, log::stamp_ms(batch.header.stamp));
  sealed_ns = batch.sealed_ns;
}

Committer::Committer(LogContext& context, BufferPool& pool, Preparer& preparer,
                     std::uint64_t first_seq, std::int64_t stamp_ms)
    : context_(context), pool_(pool), preparer_(preparer) {
  written_ = {first_seq - 1, first_seq - 1, stamp_ms, 0};
  durable_ = written_;
}

Committer::~Committer() {
  for (const auto& segment : segments_) context_.host.close(segment->fd);
}

void Committer::start() {
  if (context_.options.durability != Durability::interval) return;
  stopped_ = false;
  synced_ns_ = context_.now_ns();
  sync_task_ = sync_loop();
  sync_task_.start();
}

void Committer::stop() {
  stopping_ = true;
  context_.changed.notify();
}

void Committer::sync_soon(std::uint64_t seq) {
  if (seq <= sync_soon_seq_) return;
  sync_soon_seq_ = seq;
  context_.changed.notify();
}

void Committer::submit(std::unique_ptr<Batch> batch) {
  std::erase_if(done_, [](const auto& done) { return done->task.done(); });
  ++batch->segment->batches_pending;
  if (context_.options.mutations.acknowledge_before_durable) {
    durable_.seq = std::max(durable_.seq, batch->header.seq);
  }
  if (context_.options.mutations.stamp_not_durable) {
    durable_.stamp_ms = std::max(durable_.stamp_ms, stamp_ms(batch->header.stamp));
  }
  in_flight_.push_back(std::move(batch));
  Batch& submitted = *in_flight_.back();
  submitted.task = write_batch(submitted);
  submitted.task.start();
}

io::Task<void> Committer::write_batch(Batch& batch) {
  // Rule 6 (5): until then a crash could leave batches that nothing can be made of.
  while (!batch.segment->header_durable && !context_.options.mutations.header_not_awaited) {
    co_await context_.changed.wait();
    if (context_.dead) co_return;
  }
  bool written = false;
  if (batch.large) {
    const bool done = co_await write_large(batch);
    written = done;
  } else {
    const bool done = co_await write_shared(batch);
    written = done;
  }
  if (!written || context_.dead) co_return;
  batch.written = true;
  batch.segment->unsynced = true;
  advance();
}

io::Task<bool> Committer::write_shared(Batch& batch) {
  const auto padded =
      static_cast<std::size_t>(align_up(batch.buffer_bytes_used, context_.alignment()));
  const auto bytes = std::span<const std::byte>(batch.buffer.bytes()).first(padded);
  if (context_.options.durability == Durability::interval) {
    co_return co_await write_slice(batch, bytes, batch.header.offset);
  }
  const bool one_write =
      context_.store.direct() && context_.options.scheme == CommitScheme::durable_write;
  if (!one_write) {
    co_return co_await write_linked(batch, bytes);
  }
  const std::int32_t result =
      co_await context_.io.write_durably(batch.segment->fd, bytes, batch.header.offset);
  context_.statistics.written_bytes += bytes.size();
  if (result >= 0 && static_cast<std::size_t>(result) == bytes.size()) co_return true;
  if (context_.options.mutations.retry_failed_sync) {
    co_return co_await retry_sync(*batch.segment);
  }
  failed(batch, result);
  co_return false;
}

io::Task<bool> Committer::write_slice(Batch& batch, std::span<const std::byte> slice,
                                      std::uint64_t offset) {
  const std::int32_t result = co_await context_.io.write(batch.segment->fd, slice, offset);
  context_.statistics.written_bytes += slice.size();
  if (result >= 0 && static_cast<std::size_t>(result) == slice.size()) co_return true;
  failed(batch, result);
  co_return false;
}

// Both are handed to the kernel at once; the sync starts when the write has ended in full.
io::Task<bool> Committer::write_linked(Batch& batch, std::span<const std::byte> bytes) {
  io::Operation write;
  write.kind = io::Operation::Kind::write;
  write.fd = batch.segment->fd;
  write.source = bytes;
  write.offset = batch.header.offset;
  write.linked = true;
  io::Operation sync;
  sync.kind = io::Operation::Kind::sync;
  sync.fd = batch.segment->fd;
  batch.halves_pending = 2;
  batch.write_half = write_half(batch, write);
  batch.sync_half = sync_half(batch, sync);
  batch.write_half.start();
  batch.sync_half.start();
  while (batch.halves_pending > 0) {
    co_await batch.halves_done.wait();
  }
  context_.statistics.written_bytes += bytes.size();
  co_return !context_.dead;
}

io::Task<void> Committer::write_half(Batch& batch, io::Operation operation) {
  io::PendingOperation pending(context_.io, operation);
  const std::int32_t result = co_await pending;
  const bool whole = result >= 0 && static_cast<std::size_t>(result) == operation.source.size();
  if (!whole) failed(batch, result);
  if (--batch.halves_pending == 0) batch.halves_done.notify();
}

io::Task<void> Committer::sync_half(Batch& batch, io::Operation operation) {
  io::PendingOperation pending(context_.io, operation);
  const std::int32_t result = co_await pending;
  if (result < 0 && context_.options.mutations.retry_failed_sync) {
    co_await retry_sync(*batch.segment);
  } else if (result < 0) {
    failed(batch, result);
  }
  if (--batch.halves_pending == 0) batch.halves_done.notify();
}

// A batch in a segment of its own: slices as they come, the block with the header last, because
// only then its checksum is known; a crash before that leaves no batch.
io::Task<bool> Committer::write_large(Batch& batch) {
  const std::size_t block_bytes = std::max<std::size_t>(context_.alignment(), kBlockBytes);
  const AlignedBuffer first(block_bytes, block_bytes);
  const AlignedBuffer slice(context_.options.slice_bytes, block_bytes);
  BatchStream stream(batch);
  stream.fill(first.bytes());
  std::uint32_t crc =
      begin_batch_crc(batch.header, context_.store.access.seed_of(batch.segment->uid));
  std::uint64_t done = std::min<std::uint64_t>(block_bytes, batch.header.bytes);
  crc = crc32c(crc, first.bytes().first(static_cast<std::size_t>(done)).subspan(kBatchHeaderBytes));
  while (done < batch.header.bytes) {
    const std::size_t count = stream.fill(slice.bytes());
    crc = crc32c(crc, slice.bytes().first(count));
    const auto padded = static_cast<std::size_t>(align_up(count, context_.alignment()));
    const auto bytes = std::span<const std::byte>(slice.bytes()).first(padded);
    const bool written = co_await write_slice(batch, bytes, batch.header.offset + done);
    if (!written || context_.dead) co_return false;
    done += count;
  }
  batch.header.crc = crc;
  store_batch_header(batch.header, first.bytes());
  const bool written = co_await write_slice(batch, first.bytes(), batch.header.offset);
  if (!written || context_.dead) co_return false;
  if (context_.options.durability == Durability::interval) co_return true;
  co_return co_await sync_segment(*batch.segment);
}

io::Task<bool> Committer::sync_segment(Segment& segment) {
  const std::int32_t result = co_await context_.io.sync(segment.fd);
  if (result >= 0) co_return true;
  if (context_.options.mutations.retry_failed_sync) {
    co_return co_await retry_sync(segment);
  }
  context_.fail("syncing segment " + segment_name(segment.uid) + ": " + errno_text(result));
  co_return false;
}

io::Task<bool> Committer::retry_sync(Segment& segment) {
  const std::int32_t result = co_await context_.io.sync(segment.fd);
  if (result < 0) context_.fail("syncing again: " + errno_text(result));
  co_return result >= 0;
}

void Committer::failed(const Batch& batch, std::int32_t result) {
  context_.fail("writing a batch to segment " + segment_name(batch.segment->uid) + " at offset " +
                std::to_string(batch.header.offset) + ": " +
                (result < 0 ? errno_text(result) : "only a part of it was written") +
                "; what was not acknowledged may or may not be there after a restart");
}

void Committer::advance() {
  if (context_.options.mutations.no_contiguous_prefix) {
    for (const auto& batch : in_flight_) {
      if (batch->written) durable_.seq = std::max(durable_.seq, batch->header.seq);
    }
  }
  while (!in_flight_.empty() && in_flight_.front()->written) {
    std::unique_ptr<Batch> batch = std::move(in_flight_.front());
    in_flight_.pop_front();
    written_.extend(*batch);
    retire(std::move(batch));
  }
  if (context_.options.durability == Durability::always) make_durable(written_);
  context_.changed.notify();
}

void Committer::retire(std::unique_ptr<Batch> batch) {
  --batch->segment->batches_pending;
  batch->segment = nullptr;
  pool_.give(std::move(batch->buffer), batch->buffer_bytes_used);
  batch->streamed.clear();
  done_.push_back(std::move(batch));
}

void Committer::make_durable(const Prefix& prefix) {
  if (prefix.seq > durable_.seq && prefix.sealed_ns != 0) {
    const std::uint64_t took_ns = context_.now_ns() - prefix.sealed_ns;
    context_.statistics.commit_ns_last = took_ns;
    context_.statistics.commit_ns_max = std::max(context_.statistics.commit_ns_max, took_ns);
  }
  durable_.seq = std::max(durable_.seq, prefix.seq);
  durable_.stable_seq = std::max(durable_.stable_seq, prefix.stable_seq);
  durable_.stamp_ms = std::max(durable_.stamp_ms, prefix.stamp_ms);
  forget_closed_segments();
}

// A segment goes when its last batch is durable; its file is closed in the background.
void Committer::forget_closed_segments() {
  const bool interval = context_.options.durability == Durability::interval;
  const auto finished = [&](const std::unique_ptr<Segment>& segment) {
    if (!segment->closed || segment->batches_pending > 0 || !segment->header_durable) return false;
    if (interval && segment->unsynced) return false;
    preparer_.close_file(segment->fd);
    return true;
  };
  std::erase_if(segments_, finished);
}

io::Task<void> Committer::sync_loop() {
  const Mutations& mutations = context_.options.mutations;
  constexpr std::uint64_t kNeverNs = std::uint64_t{1} << 60U;
  const std::uint64_t interval_ns =
      mutations.interval_never_syncs ? kNeverNs : context_.options.interval_ms * kNanosPerMs;
  while (!context_.dead) {
    if (written_.seq == durable_.seq) {
      if (stopping_) break;
      co_await context_.changed.wait();
      continue;
    }
    const bool soon = durable_.seq < sync_soon_seq_ || stopping_;
    if (!soon && context_.now_ns() < synced_ns_ + interval_ns) {
      co_await context_.changed.wait_until(context_.io.timers(), synced_ns_ + interval_ns);
      continue;
    }
    synced_ns_ = context_.now_ns();
    if (soon && mutations.asked_sync_is_none) {
      make_durable(written_);
      context_.changed.notify();
      continue;
    }
    const bool synced = co_await sync_all();
    if (!synced) co_return;
    context_.changed.notify();
  }
  stopped_ = true;
  context_.changed.notify();
}

// What was written before the syncs began is durable after them.
io::Task<bool> Committer::sync_all() {
  const Prefix target = written_;
  std::vector<Segment*> segments;
  for (const auto& segment : segments_) {
    if (!segment->unsynced) continue;
    segment->unsynced = false;
    segments.push_back(segment.get());
  }
  for (Segment* segment : segments) {
    const bool synced = co_await sync_segment(*segment);
    if (!synced || context_.dead) co_return false;
  }
  make_durable(target);
  co_return true;
}

}  // namespace phoenix::log
