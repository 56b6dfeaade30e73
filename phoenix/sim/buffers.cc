#include "phoenix/sim/buffers.h"

#include <algorithm>

#include "phoenix/base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#define PHX_SIM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PHX_SIM_ASAN 1
#endif
#endif
#ifdef PHX_SIM_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace phoenix::sim {
namespace {

void poison([[maybe_unused]] const std::byte* memory, [[maybe_unused]] std::size_t bytes) {
#ifdef PHX_SIM_ASAN
  __asan_poison_memory_region(memory, bytes);
#endif
}

void unpoison([[maybe_unused]] const std::byte* memory, [[maybe_unused]] std::size_t bytes) {
#ifdef PHX_SIM_ASAN
  __asan_unpoison_memory_region(memory, bytes);
#endif
}

}  // namespace

bool Buffers::poisons() {
#ifdef PHX_SIM_ASAN
  return true;
#else
  return false;
#endif
}

Buffers::Buffers(std::uint16_t count, std::size_t bytes, bool incremental)
    : bytes_(bytes), incremental_(incremental), buffers_(count) {
  PHX_CHECK(bytes > 0);
  PHX_CHECK(count > 0);
  PHX_CHECK(count < io::kNoBuffer);
  for (io::BufferId id = 0; id < count; ++id) free_.push_back(id);
}

Buffers::~Buffers() {
  for (const Buffer& buffer : buffers_) {
    unpoison(buffer.memory.data(), buffer.memory.size());
  }
}

std::optional<Buffers::Loan> Buffers::lend(std::size_t bytes_most) {
  PHX_CHECK(bytes_most > 0);
  if (free_.empty()) return std::nullopt;
  const io::BufferId id = free_.front();
  Buffer& buffer = buffers_[id];
  if (buffer.memory.empty()) {
    buffer.memory.resize(bytes_);
    wipe(buffer);
  }
  const std::size_t size = std::min(bytes_most, bytes_ - buffer.used);
  std::byte* const start = buffer.memory.data() + buffer.used;
  unpoison(start, size);
  buffer.used += size;
  ++buffer.loans;
  ++lent_;
  if (!incremental_ || buffer.used == bytes_) {
    buffer.retired = true;
    free_.pop_front();
  }
  return Loan{id, std::span(start, size)};
}

void Buffers::release(io::BufferId id) {
  PHX_CHECK(id < buffers_.size());
  Buffer& buffer = buffers_[id];
  PHX_CHECK(buffer.loans > 0);
  --lent_;
  if (--buffer.loans != 0) return;
  wipe(buffer);
  if (buffer.retired) free_.push_back(id);
  buffer.retired = false;
}

void Buffers::wipe(Buffer& buffer) {
  unpoison(buffer.memory.data(), buffer.memory.size());
  std::fill(buffer.memory.begin(), buffer.memory.end(), kReleased);
  poison(buffer.memory.data(), buffer.memory.size());
  buffer.used = 0;
}

}  // namespace phoenix::sim
