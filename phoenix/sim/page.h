// The bytes of simulated files, in counted pages that are copied when they are written, so that a
// whole disk can be copied at every crash point of a run for the price of its page tables.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace phoenix::sim {

inline constexpr std::size_t kPageBytes = 4096;
inline constexpr std::size_t kSectorBytes = 512;
inline constexpr std::size_t kSectorsPerPage = kPageBytes / kSectorBytes;

struct Page {
  std::uint32_t references = 0;
  std::array<std::byte, kPageBytes> bytes;
};

/// Shares a page; an empty one stands for zeros. Only one thread may hold references to a page.
class PageRef final {
 public:
  PageRef() = default;
  PageRef(const PageRef& other) : page_(other.page_) {
    if (page_ != nullptr) ++page_->references;
  }
  PageRef(PageRef&& other) noexcept : page_(std::exchange(other.page_, nullptr)) {}
  PageRef& operator=(PageRef other) noexcept {
    std::swap(page_, other.page_);
    return *this;
  }
  ~PageRef() { drop(); }

  bool is_zeros() const { return page_ == nullptr; }
  std::span<const std::byte, kPageBytes> bytes() const;
  /// The page for writing: this reference's own from now on.
  std::span<std::byte, kPageBytes> edit();

 private:
  void drop() noexcept;

  Page* page_ = nullptr;
};

}  // namespace phoenix::sim
