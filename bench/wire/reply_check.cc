#include "bench/wire/reply_check.h"

#include <algorithm>

#include <fmt/format.h>

#include "protocol/error.h"

namespace phoenix::bench {

void Counts::add(const Counts& other) {
  replies += other.replies;
  hits += other.hits;
  misses += other.misses;
  errors += other.errors;
  mismatches += other.mismatches;
}

std::string ReplyCheck::request_text() const {
  const Request& request = batch_[place_];
  std::string key(shape_.keys.key_bytes(), '\0');
  shape_.keys.write(key.data(), request.key);
  constexpr std::size_t kShown = 64;  // Long keys differ in their last digits.
  if (key.size() > kShown) key = "..." + key.substr(key.size() - kShown);
  return fmt::format("{} {}", request.verb == Verb::get ? "GET" : "SET", key);
}

// An error without a request is about the connection, and says why it ends.
bool ReplyCheck::unexpected(const char* header, std::size_t& payload_bytes) {
  protocol::ReplyHeader reply;
  const protocol::DecodeError error = decode_reply_header(header, reply);
  if (error.ok() && reply.id == 0 && is_error(reply.status)) {
    ends_connection_ = true;
    status_ = reply.status;
    comparing_ = false;
    text_.clear();
    payload_bytes = reply.frame_bytes() - protocol::kHeaderBytes;
    return true;
  }
  if (!error.text.empty()) {
    fatal_ = fmt::format("what came is no reply of the native protocol: {}", error.text);
  } else if (place_ >= batch_.size()) {
    fatal_ = fmt::format("a reply with id {} came to no request", reply.id);
  } else {
    fatal_ = fmt::format("replies are out of order: id {} came, {} was next", reply.id,
                         RequestBatch::id_of(place_));
  }
  return false;
}

bool ReplyCheck::last_words() {
  fatal_ = fmt::format("the server ended a connection: {} {}", error_prefix(status_),
                       protocol::printable(text_));
  return false;
}

void ReplyCheck::keep_text(std::string_view bytes) {
  const std::size_t room = protocol::kErrorTextBytesMax -
                           std::min<std::size_t>(text_.size(), protocol::kErrorTextBytesMax);
  text_.append(bytes.substr(0, room));
}

void ReplyCheck::complain_of_value() {
  ++counts_.mismatches;
  if (complaints_.full()) return;
  if (value_bytes_ != shape_.value_bytes) {
    complaints_.add(fmt::format(
        "{}: a value of {} bytes, expected {} (stored with another --value-size? --preload stores "
        "all keys anew, --no-verify accepts any value)",
        request_text(), value_bytes_, shape_.value_bytes));
    return;
  }
  complaints_.add(fmt::format("{}: the value is not what this key must hold", request_text()));
}

void ReplyCheck::complain_of_miss() {
  ++counts_.errors;
  if (complaints_.full()) return;
  complaints_.add(fmt::format("{}: not found, though it was stored before", request_text()));
}

void ReplyCheck::complain_of_status() {
  ++counts_.errors;
  if (complaints_.full()) return;
  if (is_error(status_)) {
    complaints_.add(fmt::format("{}: {} {}", request_text(), error_prefix(status_),
                                protocol::printable(text_)));
    return;
  }
  complaints_.add(
      fmt::format("{}: unexpected status {}", request_text(), static_cast<unsigned>(status_)));
}

}  // namespace phoenix::bench
