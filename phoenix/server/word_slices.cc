#include "phoenix/server/word_slices.h"

#include <algorithm>

#include "phoenix/base/check.h"
#include "phoenix/server/limits.h"
#include "protocol/limits.h"

namespace phoenix::server {

bool WordSlices::is_full(const Slice& slice) const {
  const bool is_between_keys = count_ % 2 == 1;  // Behind the name, and pairs.
  return is_between_keys && (slice.words.size() >= kSliceWords ||
                             slice.bytes.size() >= kSliceBytes || !slice.large.empty());
}

void WordSlices::begin_word(std::size_t size_bytes) {
  static_assert(protocol::kArgvBytesMax < Word::kIsLarge);
  if (slices_.empty() || is_full(slices_.back())) {
    if (!slices_.empty()) closed_bytes_ += memory_of(slices_.back());
    slices_.emplace_back();
  }
  Slice& slice = slices_.back();
  arriving_.reset();
  std::size_t place = slice.bytes.size();
  if (size_bytes > engine::kSmallValueBytesMax) {
    arriving_ = std::make_shared<engine::LargeValue>(meter_);
    place = Word::kIsLarge | slice.large.size();
    slice.large.push_back(arriving_);
  }
  slice.words.push_back(
      {static_cast<std::uint32_t>(place), static_cast<std::uint32_t>(size_bytes)});
  if (count_ > 0) {
    std::size_t& longest_bytes = longest_bytes_[(count_ - 1) % 2];
    longest_bytes = std::max(longest_bytes, size_bytes);
  }
  ++count_;
}

bool WordSlices::append(std::string_view bytes) {
  if (arriving_) return arriving_->append(bytes);
  slices_.back().bytes.append(bytes);
  return true;
}

std::size_t WordSlices::longest_key_bytes(std::size_t step) const {
  return step == 2 ? longest_bytes_[0] : std::max(longest_bytes_[0], longest_bytes_[1]);
}

std::string_view WordSlices::word_of(const Slice& slice, std::size_t index) {
  const Word& word = slice.words[index];
  if ((word.place & Word::kIsLarge) != 0) return slice.large[word.place & ~Word::kIsLarge]->view();
  return std::string_view(slice.bytes).substr(word.place, word.size_bytes);
}

void WordSlices::append_to(std::vector<std::string_view>& words) const {
  for (const Slice& slice : slices_) {
    for (std::size_t i = 0; i < slice.words.size(); ++i) words.push_back(word_of(slice, i));
  }
}

const engine::LargeValueRef* WordSlices::first_large() const {
  const auto found = std::find_if(slices_.begin(), slices_.end(),
                                  [](const Slice& slice) { return !slice.large.empty(); });
  return found == slices_.end() ? nullptr : found->large.data();
}

void WordSlices::append_slice_to(std::vector<std::string_view>& words) const {
  const Slice& slice = slices_.front();
  for (std::size_t i = has_name_ ? 1 : 0; i < slice.words.size(); ++i) {
    words.push_back(word_of(slice, i));
  }
}

const engine::LargeValueRef* WordSlices::large_of_slice() const {
  const Slice& slice = slices_.front();
  return (slice.words.back().place & Word::kIsLarge) != 0 ? &slice.large.back() : nullptr;
}

void WordSlices::drop_slice() {
  PHX_CHECK(!slices_.empty());
  if (slices_.size() > 1) closed_bytes_ -= memory_of(slices_.front());
  slices_.pop_front();
  has_name_ = false;
}

std::uint64_t WordSlices::memory_of(const Slice& slice) {
  return sizeof slice + slice.bytes.capacity() + slice.words.capacity() * sizeof(Word) +
         slice.large.capacity() * sizeof(engine::LargeValueRef);
}

}  // namespace phoenix::server
