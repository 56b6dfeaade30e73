#include "phoenix/client/codec.h"

#include "protocol/reader.h"
#include "protocol/resp.h"

namespace phoenix::client {

namespace {

using protocol::Status;

constexpr std::uint16_t kFlagsAllowed = protocol::kWaitDurable | protocol::kDoNotWait;

tl::unexpected<Error> broken(std::string_view why) {
  return fail(ErrorCode::bad_reply, " broke the protocol: " + std::string(why));
}

/// Requests and replies are matched by id.
class NativeCodec final : public Codec {
 public:
  Result<void> check_flags(std::uint16_t flags) const override {
    if ((flags & ~kFlagsAllowed) == 0 && flags != kFlagsAllowed) return {};
    return fail(ErrorCode::invalid, "a request takes wait-durable or do-not-wait, and not both");
  }

  bool append_greeting(std::string& out, std::string_view client_name) override {
    protocol::append_request(out, protocol::Opcode::hello, 0, next_id(), {}, client_name);
    return true;
  }

  void append_request(std::string& out, const Words& words, std::uint16_t flags) override {
    protocol::append_argv_request(out, flags, next_id(), words);
  }

  Result<bool> next(Reply& reply) override {
    protocol::ReplyFrame frame;
    switch (reader_.next(frame)) {
      case protocol::FrameReader::Outcome::need_more:
        return false;
      case protocol::FrameReader::Outcome::malformed:
        return broken(reader_.error().text);
      case protocol::FrameReader::Outcome::frame:
        break;
    }
    const auto error = protocol::decode_reply_value(frame.header, frame.value, reply.value);
    if (!error.ok()) return broken(error.text);
    reply.more_follows = frame.header.more_follows;
    reply.value.is_push = frame.header.id == 0 && !reply.is_error();
    if (reply.value.is_push) return true;
    const Result<void> expected = check_id(frame.header.id, reply);
    if (!expected) return tl::unexpected<Error>(expected.error());
    return true;
  }

  protocol::ReplyReader& inbox() override { return reader_; }

 private:
  static std::uint32_t id_after(std::uint32_t id) {
    // 0 is for what the server sends unasked.
    return ++id == 0 ? 1 : id;
  }

  std::uint32_t next_id() { return last_id_ = id_after(last_id_); }

  Result<void> check_id(std::uint32_t id, const Reply& reply) {
    // Both are about the connection, whatever id the server made of it.
    const bool is_unasked = id == 0 && reply.is_error();
    if (is_unasked || reply.value.status == Status::bad_frame) {
      return tl::unexpected<Error>(
          Error{ErrorCode::refused,
                " ended the connection: " + protocol::printable(error_line(reply.value)),
                reply.value.status});
    }
    const std::uint32_t due = id_after(answered_id_);
    if (id != due) {
      return broken("it answered request " + std::to_string(id) + " when request " +
                    std::to_string(due) + " was due");
    }
    if (!reply.more_follows) answered_id_ = due;
    return {};
  }

  protocol::FrameReader reader_;
  std::uint32_t last_id_ = 0;      // Of the newest request.
  std::uint32_t answered_id_ = 0;  // Of the newest request that is answered to its end.
};

/// Replies have nothing but their order.
class RespCodec final : public Codec {
 public:
  Result<void> check_flags(std::uint16_t flags) const override {
    if (flags == 0) return {};
    return fail(ErrorCode::invalid, "only the native protocol says how durable one request is");
  }

  bool append_greeting(std::string&, std::string_view) override { return false; }

  void append_request(std::string& out, const Words& words, std::uint16_t) override {
    protocol::append_resp_request(out, words);
  }

  Result<bool> next(Reply& reply) override {
    reply.more_follows = false;
    const auto outcome = reader_.next(reply.value);
    if (outcome == protocol::RespReader::Outcome::malformed) return broken(reader_.error().text);
    return outcome == protocol::RespReader::Outcome::frame;
  }

  protocol::ReplyReader& inbox() override { return reader_; }

 private:
  protocol::RespReader reader_;
};

}  // namespace

std::unique_ptr<Codec> Codec::make(Wire wire) {
  if (wire == Wire::resp) return std::make_unique<RespCodec>();
  return std::make_unique<NativeCodec>();
}

}  // namespace phoenix::client
