#include "phoenix/sim/page.h"

#include <memory>
#include <vector>

namespace phoenix::sim {
namespace {

constexpr std::array<std::byte, kPageBytes> kZeros{};
constexpr std::size_t kFreePagesMost = 4096;  // 16 MiB per thread.

std::vector<std::unique_ptr<Page>>& free_pages() {
  static thread_local std::vector<std::unique_ptr<Page>> pages;
  return pages;
}

Page* take_page() {
  auto& pages = free_pages();
  if (pages.empty()) return std::unique_ptr<Page>(new Page).release();
  Page* const page = pages.back().release();
  pages.pop_back();
  return page;
}

}  // namespace

std::span<const std::byte, kPageBytes> PageRef::bytes() const {
  return page_ == nullptr ? kZeros : page_->bytes;
}

std::span<std::byte, kPageBytes> PageRef::edit() {
  if (page_ != nullptr && page_->references == 1) return page_->bytes;
  Page* const own = take_page();
  own->bytes = page_ == nullptr ? kZeros : page_->bytes;
  own->references = 1;
  drop();
  page_ = own;
  return page_->bytes;
}

void PageRef::drop() noexcept {
  if (page_ == nullptr || --page_->references != 0) return;
  std::unique_ptr<Page> page(page_);
  page_ = nullptr;
  if (free_pages().size() < kFreePagesMost) free_pages().push_back(std::move(page));
}

}  // namespace phoenix::sim
