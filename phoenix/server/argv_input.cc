#include "phoenix/server/argv_input.h"

#include <algorithm>

namespace phoenix::server {

using protocol::DecodeError;
using protocol::Status;

bool ArgvInput::feed(std::string_view bytes) {
  while (!bytes.empty() && error_.ok()) {
    if (missing_bytes_ == 0) {
      if (!take_size(bytes)) break;
      continue;
    }
    const std::size_t taken = std::min(missing_bytes_, bytes.size());
    if (!words_.append(bytes.substr(0, taken))) return false;
    missing_bytes_ -= taken;
    bytes.remove_prefix(taken);
  }
  return true;
}

// False: no word begins here.
bool ArgvInput::take_size(std::string_view& bytes) {
  if (words_left_ == 0) {
    error_ = {Status::bad_frame, "bad argv: bytes left over after the last word"};
    return false;
  }
  const std::size_t taken = std::min(size_.size() - size_taken_, bytes.size());
  std::copy_n(bytes.data(), taken, size_.data() + size_taken_);
  size_taken_ += taken;
  bytes.remove_prefix(taken);
  if (size_taken_ < size_.size()) return true;
  size_taken_ = 0;
  const auto size = protocol::load_le<std::uint32_t>(size_.data());
  if (size > protocol::kValueBytesMax) {
    error_ = {Status::too_large, "word size over 512 MiB"};
    return false;
  }
  words_.begin_word(size);
  --words_left_;
  missing_bytes_ = size;
  return true;
}

DecodeError ArgvInput::error() const {
  if (!error_.ok()) return error_;
  if (missing_bytes_ > 0) return {Status::bad_frame, "bad argv: it ends inside a word"};
  if (words_left_ > 0) return {Status::bad_frame, "bad argv: it ends before a word's size"};
  return error_;
}

}  // namespace phoenix::server
