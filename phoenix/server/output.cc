#include "phoenix/server/output.h"

#include <algorithm>
#include <utility>

#include "phoenix/base/check.h"

namespace phoenix::server {
namespace {

// What is left of a run: its bytes, then its large value, then its tail.
std::string_view rest_of(const Run& run) {
  if (run.size_bytes > 0) return {run.data, run.size_bytes};
  if (!run.extra || !run.extra->large) return {};
  const auto rest = run.extra->large->view().substr(run.extra->large_sent);
  return rest.empty() ? run.extra->tail : rest;
}

bool is_last_piece(const Run& run) {
  return run.size_bytes == 0 || !run.extra || !run.extra->large;
}

}  // namespace

void ChunkPool::next_chunk() {
  Chunk* const previous = current_;
  if (free_.empty()) {
    chunks_.push_back(std::make_unique<Chunk>());
    buffers_.output += sizeof(Chunk);
    current_ = chunks_.back().get();
  } else {
    current_ = free_.back();
    free_.pop_back();
  }
  if (previous != nullptr && previous->references == 0) recycle(*previous);
}

void ChunkPool::recycle(Chunk& chunk) {
  constexpr std::size_t kFreeMax = 64;  // 4 MiB kept for the next burst.
  chunk.used = 0;
  if (&chunk == current_) return;
  if (free_.size() < kFreeMax) {
    free_.push_back(&chunk);
    return;
  }
  const auto owner = std::find_if(chunks_.begin(), chunks_.end(),
                                  [&](const auto& owned) { return owned.get() == &chunk; });
  PHX_CHECK(owner != chunks_.end());
  std::swap(*owner, chunks_.back());
  chunks_.pop_back();
  buffers_.output -= sizeof(Chunk);
}

Run& Output::add_run() {
  ++run_count_;
  return runs_.emplace_back();
}

void Output::drop_first() {
  release(runs_.front());
  runs_.pop_front();
  --run_count_;
}

inline void Output::append_in(Chunk& chunk, const char* data, std::size_t size_bytes,
                              log::Position position) {
  queued_bytes_ += size_bytes;
  if (!runs_.empty()) {
    Run& last = runs_.back();
    const bool adjoins = last.chunk == &chunk && last.data + last.size_bytes == data;
    if (adjoins && last.position == position && !last.awaited && !last.extra) {
      last.size_bytes += size_bytes;
      return;
    }
  }
  ++chunk.references;
  Run& run = add_run();
  run.data = data;
  run.size_bytes = size_bytes;
  run.chunk = &chunk;
  run.position = position;
}

void Output::append_committed(const char* data, std::size_t size_bytes, log::Position position) {
  append_in(*pool_.current(), data, size_bytes, position);
}

void Output::append_shared(Chunk& chunk, std::string_view bytes) {
  append_in(chunk, bytes.data(), bytes.size(), 0);
}

void Output::append_owned(std::string bytes, engine::LargeValueRef large, log::Position position,
                          std::string_view tail) {
  Run& run = add_run();
  run.awaited = true;
  fill(run, std::move(bytes), std::move(large), position, tail);
}

void Output::append_copied(std::string_view bytes) {
  Run* const last = runs_.size() > 1 ? &runs_.back() : nullptr;  // The first may be in flight.
  const bool is_own = last != nullptr && !last->awaited && last->position == 0 && last->extra &&
                      !last->extra->large;
  if (!is_own || last->size_bytes + bytes.size() > kChunkBytes) {
    return append_owned(std::string(bytes), {}, 0);
  }
  std::string& owned = last->extra->owned;
  pool_.buffers().output -= last->extra->memory_bytes();
  owned.append(bytes);
  pool_.buffers().output += last->extra->memory_bytes();
  last->data = owned.data();
  last->size_bytes = owned.size();
  queued_bytes_ += bytes.size();
}

Run* Output::append_awaited(std::uint32_t bytes) {
  Run& run = add_run();
  run.awaited = true;
  run.awaited_bytes = bytes;
  awaited_bytes_ += bytes;
  return &run;
}

void Output::arrive(Run& run) {
  PHX_CHECK(run.awaited);
  run.awaited = false;
  awaited_bytes_ -= std::exchange(run.awaited_bytes, 0U);
}

void Output::fill(Run& run, std::string bytes, engine::LargeValueRef large, log::Position position,
                  std::string_view tail) {
  arrive(run);
  if (run.is_muted) [[unlikely]]
    return drop_empty();
  own(run, std::move(bytes));
  run.position = position;
  queued_bytes_ += run.size_bytes;
  if (!large) return;
  queued_bytes_ += large->size_bytes() + tail.size();
  run.extra->large = std::move(large);
  run.extra->tail = tail;
}

// The bytes that lie in no chunk; counted until the run is released.
void Output::own(Run& run, std::string bytes) {
  run.extra = std::make_unique<Run::Extra>();
  run.extra->owned = std::move(bytes);
  run.data = run.extra->owned.data();
  run.size_bytes = run.extra->owned.size();
  pool_.buffers().output += run.extra->memory_bytes();
}

void Output::fill_copy(Run& run, std::string_view bytes) {
  arrive(run);
  if (run.is_muted) [[unlikely]]
    return drop_empty();
  char* const place = pool_.reserve(bytes.size());
  std::copy(bytes.begin(), bytes.end(), place);
  pool_.commit(bytes.size());
  run.chunk = pool_.current();
  ++run.chunk->references;
  run.data = place;
  run.size_bytes = bytes.size();
  queued_bytes_ += bytes.size();
}

std::string_view Output::sendable(log::Position committed, std::size_t size_max) const {
  if (runs_.empty()) return {};
  const Run& first = runs_.front();
  if (first.awaited || first.position > committed) return {};
  std::string_view bytes = rest_of(first);
  if (is_last_piece(first)) {
    // Runs that adjoin in a chunk leave together.
    for (std::size_t i = 1; i < runs_.size() && bytes.size() < size_max; ++i) {
      const Run& next = runs_[i];
      if (next.awaited || next.position > committed) break;
      if (next.size_bytes == 0 || next.data != bytes.data() + bytes.size()) break;
      if (next.chunk != first.chunk || next.chunk == nullptr) break;
      bytes = {bytes.data(), bytes.size() + next.size_bytes};
    }
  }
  return bytes.substr(0, size_max);
}

void Output::consume(std::size_t size_bytes) {
  PHX_CHECK(size_bytes <= queued_bytes_);
  queued_bytes_ -= size_bytes;
  while (!runs_.empty()) {
    Run& run = runs_.front();
    if (run.awaited) break;
    const std::size_t of_bytes = std::min(size_bytes, run.size_bytes);
    run.data += of_bytes;
    run.size_bytes -= of_bytes;
    size_bytes -= of_bytes;
    if (run.size_bytes == 0 && run.extra && run.extra->large) {
      auto& extra = *run.extra;
      const std::size_t of_large =
          std::min(size_bytes, extra.large->size_bytes() - extra.large_sent);
      extra.large_sent += of_large;
      size_bytes -= of_large;
      const std::size_t of_tail = std::min(size_bytes, extra.tail.size());
      extra.tail.remove_prefix(of_tail);
      size_bytes -= of_tail;
    }
    if (!rest_of(run).empty()) break;
    drop_first();
    if (size_bytes == 0) break;
  }
  PHX_CHECK(size_bytes == 0);
  drop_empty();
}

// A muted reply that has come keeps its place until it is the first.
void Output::drop_empty() {
  while (!runs_.empty() && !runs_.front().awaited && rest_of(runs_.front()).empty()) {
    drop_first();
  }
}

void Output::leave_chunks() {
  for (auto& run : runs_) {
    if (run.chunk == nullptr) continue;
    std::string bytes(run.data, run.size_bytes);
    release(run);
    own(run, std::move(bytes));
  }
}

void Output::clear() {
  for (auto& run : runs_) release(run);
  runs_.clear();
  run_count_ = 0;
  queued_bytes_ = 0;
  awaited_bytes_ = 0;
}

void Output::release(Run& run) {
  if (run.chunk != nullptr) pool_.release(*std::exchange(run.chunk, nullptr));
  if (run.extra) {
    pool_.buffers().output -= run.extra->memory_bytes();
    run.extra.reset();
  }
}

}  // namespace phoenix::server
