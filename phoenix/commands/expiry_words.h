// Times to live as commands take them: a number and a unit, relative or absolute.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "phoenix/engine/effect.h"

namespace phoenix::commands {

enum class TimeUnit : std::uint8_t { seconds, milliseconds };

/// The absolute expiry of `amount` units from `now_ms`, or from the epoch when `is_absolute`.
/// Nothing when it is not representable (48 bits). May lie in the past, then at least 1.
inline std::optional<engine::ExpiryMs> expiry_from(std::int64_t amount, TimeUnit unit,
                                                   bool is_absolute, std::int64_t now_ms) {
  constexpr std::int64_t kMsPerSecond = 1000;
  std::int64_t amount_ms = amount;
  if (unit == TimeUnit::seconds && __builtin_mul_overflow(amount, kMsPerSecond, &amount_ms)) {
    return std::nullopt;
  }
  std::int64_t at_ms = amount_ms;
  if (!is_absolute && __builtin_add_overflow(amount_ms, now_ms, &at_ms)) return std::nullopt;
  if (at_ms > engine::kExpiryMsMax) return std::nullopt;
  return at_ms < 1 ? 1 : at_ms;
}

}  // namespace phoenix::commands
