#include "phoenix/server/hop.h"

#include <cstring>
#include <utility>

namespace phoenix::server {

void HopBatch::add_word(std::string_view word) {
  bytes_ += sizeof(std::string_view) + word.size();  // Empty words take memory, too.
  if (word.empty()) {
    words.emplace_back();
    return;
  }
  char* place = nullptr;
  if (block_used_ + word.size() <= kBlockBytes) {
    if (!block_) block_ = std::make_unique_for_overwrite<char[]>(kBlockBytes);
    place = block_.get() + block_used_;
    block_used_ += word.size();
  } else {
    own_blocks_.push_back(std::make_unique_for_overwrite<char[]>(word.size()));
    place = own_blocks_.back().get();
    own_bytes_ += word.size();
  }
  std::memcpy(place, word.data(), word.size());
  words.emplace_back(place, word.size());
}

void HopBatch::add_job(HopPart& part, std::unique_ptr<TransactionJob> job, std::size_t size_bytes) {
  part.job = std::move(job);
  job_bytes_ += size_bytes;
  bytes_ += size_bytes;
}

void HopBatch::clear() {
  constexpr std::size_t kKeptReplyBytes = std::size_t{256} << 10U;
  constexpr std::size_t kKeptWords = std::size_t{16} << 10U;
  parts.clear();
  words.clear();
  if (words.capacity() > kKeptWords) words.shrink_to_fit();
  own_blocks_.clear();
  own_bytes_ = 0;
  job_bytes_ = 0;
  replies.clear();
  if (replies.capacity() > kKeptReplyBytes) replies.shrink_to_fit();
  block_used_ = 0;
  bytes_ = 0;
  executed = 0;
  position_max = 0;
  was_given_back_in_part = false;
}

void HopBatch::release_memory() {
  std::vector<HopPart>().swap(parts);
  std::vector<std::string_view>().swap(words);
  std::string().swap(replies);
  block_.reset();
}

}  // namespace phoenix::server
