// The receive buffers that a ring lends with its completions. What is given back is overwritten at
// once (and poisoned under AddressSanitizer), so that a use after release shows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "phoenix/io/operation.h"

namespace phoenix::sim {

class Buffers final {
 public:
  static constexpr std::byte kReleased{0xDD};

  /// Whether a read of a released buffer ends the process: in builds with AddressSanitizer.
  static bool poisons();

  /// `incremental`: a buffer is lent piece by piece, each to be released, until it is used up.
  Buffers(std::uint16_t count, std::size_t bytes, bool incremental);
  Buffers(const Buffers&) = delete;
  Buffers& operator=(const Buffers&) = delete;
  ~Buffers();

  struct Loan {
    io::BufferId buffer = io::kNoBuffer;
    std::span<std::byte> bytes;  // At least one.
  };
  /// Up to `bytes_most` bytes; nullopt when all buffers are lent.
  std::optional<Loan> lend(std::size_t bytes_most);
  /// Ends one loan of that buffer; there must be one.
  void release(io::BufferId buffer);

  std::uint64_t memory_bytes() const { return buffers_.size() * bytes_; }
  /// Loans not yet released.
  std::size_t lent() const { return lent_; }

 private:
  struct Buffer {
    std::vector<std::byte> memory;  // Empty until it is first lent.
    std::size_t used = 0;
    std::uint32_t loans = 0;
    bool retired = false;  // Lends no more until all its loans are back.
  };

  static void wipe(Buffer& buffer);

  std::size_t bytes_;
  bool incremental_;
  std::size_t lent_ = 0;
  std::vector<Buffer> buffers_;
  std::deque<io::BufferId> free_;  // Its front is the one that lends.
};

}  // namespace phoenix::sim
