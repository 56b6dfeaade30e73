// What one core holds in memory, and how much it may: its share of --max-memory. Whoever takes
// memory that can grow counts it here, where it is taken and where it is given back, so that the
// budget is true at any time within a turn.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "phoenix/engine/keyspace.h"

namespace phoenix::server {

/// What a core holds beside its entries.
struct BufferBytes {
  std::uint64_t output = 0;    // Chunks, and replies that lie in none.
  std::uint64_t input = 0;     // Of sessions: what is unparsed, and the places of their replies.
  std::uint64_t hops = 0;      // Requests of other cores, and answers that are being joined.
  std::uint64_t channels = 0;  // Subscriptions, and what is told of keys and has to wait.
  std::uint64_t log = 0;       // Open batches and those in flight.
  std::uint64_t receive = 0;   // The ring's.
  // Large values, stored or not: those that arrive, and old ones that are still being sent.
  engine::LargeMeterRef large = std::make_shared<engine::LargeMeter>();
};

inline constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

struct MemoryShare {
  unsigned core = 0;
  std::uint64_t bytes_max = kNoLimit;  // Of this core.
  std::uint64_t all_bytes_max = 0;     // Of all cores: --max-memory; 0: no limit.
};

/// What core `core` of `cores` gets of `all_bytes_max`; 0: no limit.
inline MemoryShare share_of(std::uint64_t all_bytes_max, unsigned core, unsigned cores) {
  const std::uint64_t bytes_max = all_bytes_max == 0 ? kNoLimit : all_bytes_max / cores;
  return {core, bytes_max, all_bytes_max};
}

class MemoryBudget final {
 public:
  /// Both are this core's and outlive this.
  MemoryBudget(const engine::Keyspace& keyspace, const BufferBytes& buffers,
               const MemoryShare& share)
      : keyspace_(keyspace), buffers_(buffers), share_(share) {}

  std::uint64_t buffer_bytes() const {
    const std::uint64_t unstored = buffers_.large->bytes() - keyspace_.large_value_bytes();
    return buffers_.output + buffers_.input + buffers_.hops + buffers_.channels + buffers_.log +
           buffers_.receive + unstored;
  }
  /// All that the core holds.
  std::uint64_t memory_bytes() const { return keyspace_.memory_bytes() + buffer_bytes(); }
  /// What counts against the budget: what is in use, so that deletes make room at once.
  std::uint64_t used_bytes() const {
    return keyspace_.used_bytes() + buffer_bytes() - buffers_.large->bytes_to_free();
  }

  /// Whether there is no room, with `more_bytes` that somebody holds and has not counted yet. What
  /// is being given back to the system does not count; pages that deletes left partly empty may
  /// hold up to a quarter more before they count as well.
  bool is_full(std::uint64_t more_bytes = 0) const {
    if (share_.bytes_max == kNoLimit) return false;  // Most servers: before every write.
    const std::uint64_t held = memory_bytes() - buffers_.large->bytes_to_free() + more_bytes;
    const bool holds_too_much =
        held > share_.bytes_max && held - share_.bytes_max >= share_.bytes_max / 4;
    return used_bytes() + more_bytes >= share_.bytes_max || holds_too_much;
  }
  std::uint64_t bytes_max() const { return share_.bytes_max; }
  void set_share(const MemoryShare& share) { share_ = share; }

  /// The error's text, which says whose share is used up. `more_bytes`: what was not counted and
  /// would have been too much; 0: unknown, or not worth telling.
  std::string refusal(std::uint64_t more_bytes = 0) const;

 private:
  const engine::Keyspace& keyspace_;
  const BufferBytes& buffers_;
  MemoryShare share_;
};

}  // namespace phoenix::server
