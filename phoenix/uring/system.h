// The machine's time, chance and end: what main hands to everything else.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "phoenix/base/clock.h"
#include "phoenix/base/random.h"
#include "phoenix/io/host.h"

namespace phoenix::uring {

/// CLOCK_REALTIME and CLOCK_MONOTONIC. Any thread.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t wall_ms() const override;
  [[nodiscard]] std::uint64_t monotonic_ns() const override;
};

/// The kernel's random source (getrandom), fetched in blocks. One per thread.
class SystemRandom final : public Random {
 public:
  std::uint64_t next() override;

 private:
  static constexpr std::size_t kBlock = 32;  // 256 bytes: what getrandom gives uninterrupted.

  std::array<std::uint64_t, kBlock> block_{};
  std::size_t used_ = kBlock;
};

/// Exit status of a process that stopped itself because it could not keep its promises.
inline constexpr int kFatalExitStatus = 70;

/// Prints the message to standard error and ends the process at once: no destructor runs and
/// nothing that was held back is sent. Any thread.
class ExitOnFailure final : public io::Failure {
 public:
  void raise(const std::string& message) override;
};

}  // namespace phoenix::uring
