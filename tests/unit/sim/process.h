// A process with one core on a simulated machine, for the tests of the simulator itself: operations
// are submitted by hand and awaited one by one, or several are left in flight.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "phoenix/sim/host.h"
#include "phoenix/sim/ring.h"
#include "phoenix/sim/world.h"

namespace phoenix::sim_test {

using Kind = io::Operation::Kind;

inline constexpr const char* kData = "/data";
inline constexpr std::int32_t kPending = -1'000'000;  // No completion came.

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Memory aligned for direct writes.
class Aligned final {
 public:
  explicit Aligned(std::string_view text) : size_(text.size()) {
    memory_.resize(size_ + kAlignment);
    const auto at = reinterpret_cast<std::uintptr_t>(memory_.data());
    start_ = memory_.data() + (kAlignment - at % kAlignment) % kAlignment;
    std::memcpy(start_, text.data(), text.size());
  }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;

  std::span<std::byte> bytes() { return {start_, size_}; }

 private:
  static constexpr std::size_t kAlignment = 4096;
  std::size_t size_;
  std::vector<std::byte> memory_;
  std::byte* start_ = nullptr;
};

class Process final {
 public:
  explicit Process(sim::World& w) : world(w), host(w), ring(w), failure(w) {
    const auto opened = host.open_directory(kData);
    REQUIRE(opened.has_value());
    directory = *opened;
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Hands the operation to the kernel and leaves it in flight; returns its token.
  io::Token begin(io::Operation operation) {
    operation.token = io::make_token(io::TokenKind::waiter, ++tokens_);
    ring.submit(operation);
    return operation.token;
  }
  /// The result of its (next) completion, or kPending when none will come.
  std::int32_t await(io::Token token) {
    while (true) {
      for (std::size_t i = 0; i < seen.size(); ++i) {
        if (seen[i].token != token) continue;
        const std::int32_t result = seen[i].result;
        seen.erase(seen.begin() + static_cast<std::ptrdiff_t>(i));
        return result;
      }
      if (turn() == 0 && !world.advance_events()) return kPending;
    }
  }
  /// One turn of the core; what completed goes to `seen`.
  std::size_t turn() {
    std::array<io::Completion, 16> out;
    const std::size_t count = ring.run_once(out, io::kNoDeadline);
    seen.insert(seen.end(), out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }
  std::int32_t call(const io::Operation& operation) { return await(begin(operation)); }

  int create(const char* name, std::uint8_t flags = 0) {
    return call(on(Kind::open, directory, name, flags | io::Operation::kOpenCreate));
  }
  int open(const char* name, std::uint8_t flags = 0) {
    return call(on(Kind::open, directory, name, flags));
  }
  std::int32_t unlink(const char* name) { return call(on(Kind::unlink, directory, name, 0)); }
  std::int32_t sync(int fd) { return call(sync_of(fd)); }
  std::int32_t close(int fd) { return call(on(Kind::close, fd, nullptr, 0)); }
  std::int32_t write(int fd, std::uint64_t offset, std::string_view text) {
    return call(write_of(fd, offset, bytes_of(text)));
  }
  std::int32_t write_durably(int fd, std::uint64_t offset, std::string_view text) {
    io::Operation operation = write_of(fd, offset, bytes_of(text));
    operation.durable = true;
    return call(operation);
  }
  std::int32_t allocate(int fd, std::uint64_t length) {
    io::Operation operation = on(Kind::allocate, fd, nullptr, 0);
    operation.length = length;
    return call(operation);
  }
  /// What was read; "error N" for a failure.
  std::string read(int fd, std::uint64_t offset, std::size_t size) {
    Aligned memory(std::string(size, '?'));
    io::Operation operation = on(Kind::read, fd, nullptr, 0);
    operation.offset = offset;
    operation.target = memory.bytes();
    const std::int32_t result = call(operation);
    if (result < 0) return "error " + std::to_string(result);
    return std::string(reinterpret_cast<const char*>(memory.bytes().data()),
                       static_cast<std::size_t>(result));
  }

  static io::Operation on(Kind kind, int fd, const char* path, int flags) {
    io::Operation operation;
    operation.kind = kind;
    operation.fd = fd;
    operation.path = path;
    operation.open_flags = static_cast<std::uint8_t>(flags);
    return operation;
  }
  static io::Operation sync_of(int fd) { return on(Kind::sync, fd, nullptr, 0); }
  static io::Operation write_of(int fd, std::uint64_t offset, std::span<const std::byte> source) {
    io::Operation operation = on(Kind::write, fd, nullptr, 0);
    operation.offset = offset;
    operation.source = source;
    return operation;
  }

  sim::World& world;
  sim::Host host;
  sim::Ring ring;
  sim::Failure failure;
  int directory = -1;
  std::vector<io::Completion> seen;

 private:
  std::uint64_t tokens_ = 0;
};

}  // namespace phoenix::sim_test
