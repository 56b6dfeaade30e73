// Memory for direct IO: aligned, owned, movable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

namespace phoenix::log {

class AlignedBuffer final {
 public:
  AlignedBuffer() = default;
  /// Uninitialised. `alignment` is a power of two.
  AlignedBuffer(std::size_t size_bytes, std::size_t alignment)
      : data_(static_cast<std::byte*>(::operator new (size_bytes, std::align_val_t{alignment}))),
        size_bytes_(size_bytes),
        alignment_(alignment) {}
  AlignedBuffer(AlignedBuffer&& other) noexcept { swap(other); }
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    AlignedBuffer taken(std::move(other));
    swap(taken);
    return *this;
  }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  ~AlignedBuffer() {
    if (data_ != nullptr) ::operator delete (data_, std::align_val_t{alignment_});
  }

  std::byte* data() const { return data_; }
  std::size_t size_bytes() const { return size_bytes_; }
  std::span<std::byte> bytes() const { return {data_, size_bytes_}; }

 private:
  void swap(AlignedBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_bytes_, other.size_bytes_);
    std::swap(alignment_, other.alignment_);
  }

  std::byte* data_ = nullptr;
  std::size_t size_bytes_ = 0;
  std::size_t alignment_ = 1;
};

}  // namespace phoenix::log
