#include "phoenix/server/resp_large.h"

#include <algorithm>

#include "phoenix/base/check.h"
#include "protocol/limits.h"

namespace phoenix::server {

RespLarge::RespLarge(const std::vector<std::string_view>& words, std::uint32_t words_left,
                     engine::LargeMeterRef meter)
    : meter_(std::move(meter)), words_(meter_), words_left_(words_left) {
  for (const auto word : words) {
    bytes_ += word.size();
    words_.begin_word(word.size());
    if (words_.append(word)) continue;
    discard();
    return;
  }
}

void RespLarge::begin_word(std::size_t size_bytes) {
  PHX_CHECK(words_left_ > 0 && !in_word_);
  --words_left_;
  in_word_ = true;
  missing_bytes_ = size_bytes;
  bytes_ += size_bytes;
  has_large_ = has_large_ || size_bytes > engine::kSmallValueBytesMax;
  if (!discards_) words_.begin_word(size_bytes);
}

void RespLarge::discard() {
  discards_ = true;
  words_ = WordSlices(meter_);
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
    if (!discards_ && !words_.append(bytes.substr(0, taken))) discard();
    missing_bytes_ -= taken;
    return taken;
  }
  if (bytes.size() < 2) return 0;
  if (bytes.substr(0, 2) != "\r\n") {
    error_ = "Protocol error: a bulk string does not end in CR LF";
    return 0;
  }
  in_word_ = false;
  return 2;
}

}  // namespace phoenix::server
