#include "phoenix/server/resp_large.h"

#include <algorithm>

#include "phoenix/base/check.h"
#include "protocol/limits.h"

namespace phoenix::server {

RespLarge::RespLarge(const std::vector<std::string_view>& words, std::uint32_t words_left,
                     engine::LargeMeterRef meter)
    : words_(words.begin(), words.end()), meter_(std::move(meter)), words_left_(words_left) {
  for (const auto word : words) bytes_ += word.size();
  kept_bytes_ = bytes_;
}

void RespLarge::begin_word(std::size_t size_bytes) {
  PHX_CHECK(words_left_ > 0 && !in_word_);
  --words_left_;
  in_word_ = true;
  missing_bytes_ = size_bytes;
  bytes_ += size_bytes;
  if (discards_) return;
  words_.emplace_back();
  if (large_index_ == kNone && size_bytes > engine::kSmallValueBytesMax) {
    large_index_ = words_.size() - 1;
    arriving_ = std::make_shared<engine::LargeValue>(meter_);
  }
}

void RespLarge::discard() {
  discards_ = true;
  std::vector<std::string>().swap(words_);
  arriving_.reset();
  large_.reset();
  kept_bytes_ = 0;
}

std::size_t RespLarge::feed(std::string_view bytes) {
  std::size_t used = 0;
  while (!is_complete() && error_.empty()) {
    const std::string_view rest = bytes.substr(used);
    const std::size_t taken = in_word_ ? take_bytes(rest) : take_header(rest);
    if (taken == 0) break;
    used += taken;
  }
  return used;
}

std::size_t RespLarge::take_header(std::string_view bytes) {
  if (bytes.empty()) return 0;
  if (bytes[0] != '$') {
    error_ = std::string("Protocol error: expected '$', got '") + bytes[0] + "'";
    return 0;
  }
  const protocol::RespCount size = protocol::read_resp_count(bytes);
  if (size.outcome == protocol::RespCount::Outcome::broken || size.number < 0) {
    error_ = "Protocol error: invalid bulk length";
    return 0;
  }
  if (size.outcome == protocol::RespCount::Outcome::need_more) return 0;
  const auto size_bytes = static_cast<std::uint64_t>(size.number);
  if (size_bytes > protocol::kValueBytesMax || bytes_ + size_bytes > protocol::kArgvBytesMax) {
    error_ = "Protocol error: invalid bulk length";
    return 0;
  }
  begin_word(static_cast<std::size_t>(size_bytes));
  return size.bytes;
}

// Bytes of the word, or the line end behind it.
std::size_t RespLarge::take_bytes(std::string_view bytes) {
  if (missing_bytes_ > 0) {
    const std::size_t taken = std::min(missing_bytes_, bytes.size());
    if (!discards_) keep(bytes.substr(0, taken));
    missing_bytes_ -= taken;
    return taken;
  }
  if (bytes.size() < 2) return 0;
  if (bytes.substr(0, 2) != "\r\n") {
    error_ = "Protocol error: a bulk string does not end in CR LF";
    return 0;
  }
  in_word_ = false;
  if (arriving_ && words_.size() - 1 == large_index_) large_ = std::move(arriving_);
  return 2;
}

void RespLarge::keep(std::string_view bytes) {
  if (words_.size() - 1 != large_index_) {
    words_.back().append(bytes);
    kept_bytes_ += bytes.size();
  } else if (!arriving_->append(bytes)) {
    discard();
  }
}

void RespLarge::append_words(std::vector<std::string_view>& words) const {
  for (std::size_t i = 0; i < words_.size(); ++i) {
    words.push_back(i == large_index_ ? large_->view() : std::string_view(words_[i]));
  }
}

std::uint64_t RespLarge::memory_bytes() const {
  return sizeof *this + words_.capacity() * sizeof(std::string) + kept_bytes_;
}

}  // namespace phoenix::server
