// How much one turn does. Work is counted in bytes that are copied, about a nanosecond each, and
// everything else is measured by that; what is left over when the budget is spent waits for the
// next turn. Counting must cost next to nothing: words and bytes are known anyway.
//
// Nothing that has begun is broken off, so a budget may be overdrawn, by one request.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "phoenix/server/limits.h"

namespace phoenix::server {

/// A word of a request stands for its key, which may have to be fetched from memory.
inline constexpr std::size_t kWorkPerWord = 64;

class TurnWork final {
 public:
  /// For what comes next there is so much, and what the others have left. A debt is forgiven: else
  /// who comes last would never get a turn.
  void grant(std::size_t work) { left_ = std::max<std::int64_t>(left_, 0) + signed_of(work); }
  /// But no more than this.
  void limit(std::size_t work) { left_ = std::min(left_, signed_of(work)); }
  void begin() { left_ = 0; }

  void take(std::size_t work) { left_ -= signed_of(work); }
  bool is_spent() const { return left_ <= 0; }
  std::size_t left() const { return static_cast<std::size_t>(std::max<std::int64_t>(left_, 0)); }

 private:
  static std::int64_t signed_of(std::size_t work) { return static_cast<std::int64_t>(work); }

  std::int64_t left_ = 0;
};

}  // namespace phoenix::server
