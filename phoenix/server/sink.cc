#include "phoenix/server/sink.h"

namespace phoenix::server {

using protocol::Kind;
using protocol::Status;

void NativeEncoder::put_header(Status status, Kind kind, std::size_t value_bytes) {
  char header_bytes[protocol::kHeaderBytes];
  protocol::ReplyHeader header;
  header.status = status;
  header.kind = kind;
  header.id = id_;
  header.value_bytes = static_cast<std::uint32_t>(value_bytes);
  protocol::store_reply_header(header_bytes, header);
  out_->append(header_bytes, sizeof header_bytes);
}

void NativeEncoder::scalar(Status status, Kind kind, std::string_view value) {
  PHX_DCHECK(!answered_);
  if (open_.empty()) {
    put_header(status, kind, value.size());
    out_->append(value);
    answered_ = true;
    return;
  }
  if (!may_grow(value.size())) return;
  char header[kValueHeaderBytes];
  header[0] = static_cast<char>(kind);
  protocol::store_le(header + 1, static_cast<std::uint32_t>(value.size()));
  out_->append(header, sizeof header);
  out_->append(value);
}

void NativeEncoder::encoded_item(std::string_view item) {
  PHX_CHECK(!open_.empty());
  if (may_grow(item.size())) out_->append(item);
}

// A list that was refused once stays refused.
bool NativeEncoder::may_grow(std::size_t bytes) {
  if (refused_ != Status::ok) return false;
  const std::size_t reply_bytes = out_->size() - base_ + bytes;
  if (reply_bytes > kReplyBytesMax) {
    refused_ = Status::too_large;
  } else if (reply_bytes > kReplyBytesWhenFullMax && budget_ != nullptr &&
             budget_->is_full(out_->capacity() + bytes)) {
    refused_ = Status::out_of_memory;
  }
  return refused_ == Status::ok;
}

void NativeEncoder::error(Status status, std::string_view text) {
  text = text.substr(0, protocol::kErrorTextBytesMax);
  if (open_.empty()) return scalar(status, Kind::none, text);
  std::string value(1, static_cast<char>(status));
  value.append(text);
  scalar(status, Kind::error, value);
}

void NativeEncoder::open(Kind kind, std::uint32_t count) {
  PHX_CHECK(open_.size() < protocol::kReplyDepthMax);
  if (open_.empty()) {
    put_header(Status::ok, kind, 0);
  } else {
    out_->push_back(static_cast<char>(kind));
    out_->append(4, '\0');
  }
  open_.push_back(out_->size());
  char bytes[4];
  protocol::store_le(bytes, count);
  out_->append(bytes, sizeof bytes);
}

// Every open list was left room for its size: in the frame's header, or right before its bytes.
void NativeEncoder::end() {
  PHX_CHECK(!open_.empty());
  const std::size_t begin = open_.back();
  open_.pop_back();
  const auto size = static_cast<std::uint32_t>(out_->size() - begin);
  protocol::store_le(out_->data() + begin - 4, size);
  if (!open_.empty()) return;
  if (refused_ != Status::ok) {
    out_->resize(base_);
    if (base_ == 0) std::string().swap(*out_);  // What was built must not stay.
    if (refused_ == Status::out_of_memory) return error(refused_, budget_->refusal());
    return error(refused_, "reply over 16 MiB: ask for fewer keys at a time");
  }
  answered_ = true;
}

}  // namespace phoenix::server
