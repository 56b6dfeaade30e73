// Values on their way in and out of the engine. Small ones are copied into their entry; large ones
// are shared blocks, so that storing, logging and sending half a gigabyte needs no copy, and a
// reader keeps what it is sending when the key is overwritten meanwhile.
#pragma once

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

/// A growing block of bytes; immutable once it is shared. Growth is realloc's, which moves pages
/// and not bytes for blocks of this size, so memory follows what has arrived, not what was
/// promised.
class LargeValue final {
 public:
  LargeValue() = default;
  LargeValue(const LargeValue&) = delete;
  LargeValue& operator=(const LargeValue&) = delete;
  ~LargeValue() { std::free(data_); }

  /// False when the system has no memory; the content stays as it was.
  [[nodiscard]] bool append(std::string_view bytes);
  /// Makes room for `size_bytes` in all at once: for sizes that are known to come.
  [[nodiscard]] bool reserve(std::size_t size_bytes);

  std::string_view view() const { return {data_, size_bytes_}; }
  std::size_t size_bytes() const { return size_bytes_; }
  std::size_t capacity_bytes() const { return capacity_bytes_; }

 private:
  char* data_ = nullptr;
  std::size_t size_bytes_ = 0;
  std::size_t capacity_bytes_ = 0;
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
