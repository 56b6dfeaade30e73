#include "phoenix/server/encoder.h"

#include "phoenix/server/command_meter.h"

namespace phoenix::server {

using protocol::Kind;
using protocol::Status;

// A list that was refused once stays refused.
bool Encoder::may_grow(std::size_t bytes) {
  if (is_refused()) return false;
  const std::size_t reply_bytes = size_bytes() + bytes;
  if (reply_bytes > kReplyBytesMax) {
    refused_ = Status::too_large;
  } else if (reply_bytes > kReplyBytesWhenFullMax && budget_ != nullptr &&
             budget_->is_full(out_->capacity() + bytes)) {
    refused_ = Status::out_of_memory;
  }
  return refused_ == Status::ok;
}

void Encoder::count_error(Status status) {
  if (meter_ != nullptr && !head_.is_part) meter_->count_error(status);
}

void Encoder::encoded_item(std::string_view item) {
  PHX_CHECK(!is_closed());
  if (may_grow(item.size())) out_->append(item);
}

void Encoder::close_list() {
  PHX_CHECK(is_closed());
  if (refused_ == Status::ok) {
    answered_ = true;
    return;
  }
  out_->resize(base_);
  if (base_ == 0) std::string().swap(*out_);  // What was built must not stay.
  if (refused_ == Status::out_of_memory) return error(refused_, budget_->refusal());
  error(refused_, too_large_);
}

// -- Native

void NativeEncoder::put_header(Status status, Kind kind, std::size_t value_bytes) {
  char header_bytes[protocol::kHeaderBytes];
  protocol::ReplyHeader header;
  header.status = status;
  header.kind = kind;
  header.id = head_.id;
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

void NativeEncoder::large(const engine::LargeValueRef& value) {
  if (!open_.empty()) return bytes(value->view());
  put_header(Status::ok, Kind::bytes, value->size_bytes());
  large_ = value;
  answered_ = true;
}

void NativeEncoder::error(Status status, std::string_view text) {
  count_error(status);
  // It may echo words of the request, which are any bytes.
  const std::string shown = protocol::printable(text).substr(0, protocol::kErrorTextBytesMax);
  if (open_.empty()) return scalar(status, Kind::none, shown);
  std::string value(1, static_cast<char>(status));
  value.append(shown);
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
  if (open_.empty()) close_list();
}

// -- RESP

bool RespEncoder::takes(std::size_t bytes) {
  PHX_DCHECK(!answered_);
  if (depth_ > 0) return may_grow(bytes);
  answered_ = true;
  return true;
}

void RespEncoder::raw(std::string_view encoded) {
  if (takes(encoded.size())) out_->append(encoded);
}

void RespEncoder::integer(std::int64_t value) {
  if (takes(kHeadBytesMax)) protocol::append_resp_number(*out_, ':', value);
}

void RespEncoder::bytes(std::string_view value) {
  if (takes(kHeadBytesMax + value.size())) protocol::append_resp_bulk(*out_, '$', value);
}

void RespEncoder::large(const engine::LargeValueRef& value) {
  if (depth_ > 0) return bytes(value->view());
  protocol::append_resp_number(*out_, '$', static_cast<std::int64_t>(value->size_bytes()));
  large_ = value;
  answered_ = true;
}

void RespEncoder::line(std::string_view value) {
  if (takes(kHeadBytesMax + value.size())) protocol::append_resp_line(*out_, '+', value);
}

void RespEncoder::text(std::string_view value) {
  constexpr std::string_view kFormat = "txt:";
  if (!is_resp3()) return bytes(value);
  if (!takes(kHeadBytesMax + kFormat.size() + value.size())) return;
  const std::size_t size = kFormat.size() + value.size();
  protocol::append_resp_number(*out_, '=', static_cast<std::int64_t>(size));
  out_->append(kFormat).append(value).append("\r\n");
}

void RespEncoder::real(double value) {
  if (!is_resp3()) return ReplySink::real(value);
  std::array<char, 40> room{};
  if (takes(kHeadBytesMax + room.size())) {
    protocol::append_resp_line(*out_, ',', commands::format_real(value, room));
  }
}

void RespEncoder::boolean(bool value) {
  if (!is_resp3()) return integer(value ? 1 : 0);
  raw(value ? "#t\r\n" : "#f\r\n");
}

void RespEncoder::big_number(std::string_view digits) {
  if (!is_resp3()) return bytes(digits);
  if (takes(kHeadBytesMax + digits.size())) protocol::append_resp_line(*out_, '(', digits);
}

void RespEncoder::error(Status status, std::string_view text) {
  count_error(status);
  if (!takes(kHeadBytesMax + text.size())) return;
  std::string line(protocol::error_prefix(status));
  line += ' ';
  line += text.substr(0, protocol::kErrorTextBytesMax);
  protocol::append_resp_line(*out_, '-', line);
}

void RespEncoder::open(char type, std::uint64_t count) {
  PHX_CHECK(depth_ < protocol::kReplyDepthMax);
  PHX_DCHECK(!answered_);
  if (depth_ == 0 || may_grow(kHeadBytesMax)) {
    protocol::append_resp_number(*out_, type, static_cast<std::int64_t>(count));
  }
  ++depth_;
}

void RespEncoder::end() {
  PHX_CHECK(depth_ > 0);
  if (--depth_ == 0) close_list();
}

}  // namespace phoenix::server
