// Values on their way in and out of the engine. Small ones are copied into their entry; large ones
// are shared blocks, so that storing, logging and sending half a gigabyte needs no copy, and a
// reader keeps what it is sending when the key is overwritten meanwhile.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

namespace phoenix::engine {

/// Values above this are stored as LargeValue. Well below an output chunk (64 KiB), so that a
/// copied value always fits in one.
inline constexpr std::size_t kSmallValueBytesMax = std::size_t{32} << 10U;

/// What the large values of one core hold, wherever they are held: in entries, by the log's batches
/// in flight, and by sessions of any core that receive or send them. A block counts once, from its
/// first byte until the last who holds it lets go, which may be another thread.
class LargeMeter final {
 public:
  void add(std::uint64_t bytes) { bytes_.fetch_add(bytes, std::memory_order_relaxed); }
  void subtract(std::uint64_t bytes) { bytes_.fetch_sub(bytes, std::memory_order_relaxed); }
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> bytes_{0};
};
using LargeMeterRef = std::shared_ptr<LargeMeter>;

/// A growing block of bytes; immutable while it is shared. Growth is realloc's, which moves pages
/// and not bytes for blocks of this size, so memory follows what has arrived, not what was
/// promised.
class LargeValue final {
 public:
  LargeValue() = default;
  explicit LargeValue(const LargeMeterRef& meter) { count_by(meter); }
  LargeValue(const LargeValue&) = delete;
  LargeValue& operator=(const LargeValue&) = delete;
  ~LargeValue() {
    count_by(nullptr);
    std::free(data_);
  }

  /// It counts as memory of `meter`'s core from now on. Only by whoever stores it, before others
  /// can see it there.
  void count_by(const LargeMeterRef& meter) const;

  /// False when the system has no memory; the content stays as it was.
  [[nodiscard]] bool append(std::string_view bytes);
  /// Overwrites from `offset` on and grows where it must; what lies between the end and `offset`
  /// becomes zeros. False when the system has no memory; the content stays as it was. Only while
  /// nobody else holds it.
  [[nodiscard]] bool write(std::size_t offset, std::string_view bytes);
  /// Makes room for `size_bytes` in all at once: for sizes that are known to come.
  [[nodiscard]] bool reserve(std::size_t size_bytes);

  std::string_view view() const { return {data_, size_bytes_}; }
  std::size_t size_bytes() const { return size_bytes_; }
  std::size_t capacity_bytes() const { return capacity_bytes_; }
  /// With what it costs beside its bytes: its block, the references, their overhead.
  std::uint64_t memory_bytes() const { return capacity_bytes_ + kOverheadBytes; }

 private:
  static constexpr std::uint64_t kOverheadBytes = 128;

  [[nodiscard]] bool grow(std::size_t needed_bytes);

  char* data_ = nullptr;
  std::size_t size_bytes_ = 0;
  std::size_t capacity_bytes_ = 0;
  mutable LargeMeterRef meter_;
};

/// Shared between the entry, the log's batch in flight and sessions that send it, on any core.
using LargeValueRef = std::shared_ptr<const LargeValue>;

/// A value to store. Either plain bytes, which are copied, or a large block, which is adopted;
/// then `bytes` views it.
struct NewValue {
  std::string_view bytes;
  LargeValueRef large{};

  static NewValue copy_of(std::string_view bytes) { return {bytes, {}}; }
  static NewValue adopt(LargeValueRef large) {
    const std::string_view bytes = large->view();
    return {bytes, std::move(large)};
  }
};

}  // namespace phoenix::engine
