// Values on their way in and out of the engine. Small ones are copied into their entry; large ones
// are shared blocks, so that storing, logging and sending half a gigabyte needs no copy, and a
// reader keeps what it is sending when the key is overwritten meanwhile.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace phoenix::engine {

/// Values above this are stored as LargeValue. Well below an output chunk (64 KiB), so that a
/// copied value always fits in one.
inline constexpr std::size_t kSmallValueBytesMax = std::size_t{32} << 10U;

/// What the large values of one core hold, wherever they are held: in entries, by the log's batches
/// in flight, and by sessions of any core that receive or send them. A block counts once, from its
/// first byte until it is freed. The last who holds it lets go on any thread; to give hundreds of
/// megabytes back to the system takes a core a tenth of a second, so that is left to this core, bit
/// by bit.
class LargeMeter final {
 public:
  LargeMeter() = default;
  LargeMeter(const LargeMeter&) = delete;
  LargeMeter& operator=(const LargeMeter&) = delete;
  ~LargeMeter();

  void add(std::uint64_t bytes) { bytes_.fetch_add(bytes, std::memory_order_relaxed); }
  void subtract(std::uint64_t bytes) { bytes_.fetch_sub(bytes, std::memory_order_relaxed); }
  /// With what is still to be freed.
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

  /// Takes a block of map_block() that nobody holds any more. From any thread.
  void free_later(char* block, std::size_t size_bytes);
  /// Frees about so many bytes of them, and returns how many. Only by the core whose meter it is.
  std::uint64_t free_some(std::uint64_t bytes_max);
  std::uint64_t bytes_to_free() const { return bytes_to_free_.load(std::memory_order_relaxed); }

 private:
  /// Stands at the front of the block that is to be freed.
  struct Freed {
    Freed* next;
    std::size_t size_bytes;
  };

  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> bytes_to_free_{0};
  std::atomic<Freed*> given_{nullptr};  // By any thread, the latest first;
  Freed* taken_ = nullptr;              // and taken from there.
};
using LargeMeterRef = std::shared_ptr<LargeMeter>;

class LargeValue;

/// Shared between the entry, the log's batch in flight and sessions that send it, on any core.
using LargeValueRef = std::shared_ptr<const LargeValue>;

/// A growing block of bytes; immutable while it is shared. Long ones have pages of their own:
/// growth moves pages and not bytes, so memory follows what has arrived, not what was promised, and
/// zeros that nobody wrote take neither time nor memory.
class LargeValue final {
 public:
  LargeValue() = default;
  explicit LargeValue(const LargeMeterRef& meter) { count_by(meter); }
  /// A part of another block, which it keeps; nothing is copied. Never to be stored or written.
  LargeValue(LargeValueRef whole, std::size_t offset, std::size_t size_bytes);
  LargeValue(const LargeValue&) = delete;
  LargeValue& operator=(const LargeValue&) = delete;
  ~LargeValue();

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
  // From here on a block has pages of its own, all zeros behind its content.
  static constexpr std::size_t kMappedBytesMin = std::size_t{1} << 20U;
  // What is less is freed on the spot, in at most some milliseconds.
  static constexpr std::size_t kFreedLaterBytesMin = std::size_t{16} << 20U;

  bool is_mapped() const { return capacity_bytes_ >= kMappedBytesMin; }
  [[nodiscard]] bool grow(std::size_t needed_bytes);
  /// A block of so many bytes with the same content; null when the system has no memory.
  char* moved_to(std::size_t capacity_bytes);

  char* data_ = nullptr;
  std::size_t size_bytes_ = 0;
  std::size_t capacity_bytes_ = 0;
  mutable LargeMeterRef meter_;
  LargeValueRef whole_;  // Whose part it is; else null.
};

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
