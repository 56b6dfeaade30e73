#include "tests/unit/server/support.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/unit/commands/harness.h"

namespace phoenix::server::test {

using commands::test::quoted;
using protocol::Kind;
using protocol::Status;

engine::LargeValueRef block_of(std::string_view bytes) {
  const auto block = std::make_shared<engine::LargeValue>();
  REQUIRE(block->append(bytes));
  return block;
}

std::string shown(const protocol::Value& value) {
  std::string text;
  switch (value.kind) {
    case Kind::none:
    case Kind::nil:
    case Kind::error:
      if (value.status == Status::nil) return "(nil)";
      if (value.status == Status::ok) return "OK";
      return fmt::format("(error) {} {}", protocol::error_prefix(value.status), value.bytes);
    case Kind::bytes:
      return quoted(value.bytes);
    case Kind::integer:
      return fmt::format("(integer) {}", value.integer);
    case Kind::text:
      return std::string(value.bytes);
    case Kind::list:
    case Kind::map:
      break;
  }
  const bool is_map = value.kind == Kind::map;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (i > 0) text += is_map && i % 2 == 1 ? ": " : ", ";
    text += shown(value.items[i]);
  }
  return is_map ? "{" + text + "}" : "[" + text + "]";
}

std::vector<Reply> decode_replies(std::string_view bytes) {
  std::vector<Reply> replies;
  while (!bytes.empty()) {
    REQUIRE(bytes.size() >= protocol::kHeaderBytes);
    protocol::ReplyHeader header;
    REQUIRE(protocol::decode_reply_header(bytes.data(), header).ok());
    REQUIRE(bytes.size() >= header.frame_bytes());
    protocol::Value value;
    const auto error = protocol::decode_reply_value(
        header, bytes.substr(protocol::kHeaderBytes, header.value_bytes), value);
    REQUIRE_MESSAGE(error.ok(), error.text);
    replies.push_back({header.id, header.status, header.more_follows, shown(value)});
    bytes.remove_prefix(header.frame_bytes());
  }
  return replies;
}

std::string decode_reply(std::string_view bytes) {
  const auto replies = decode_replies(bytes);
  REQUIRE(replies.size() == 1);
  return replies[0].text;
}

std::string frame_of(std::uint32_t id, const ShortRequest& request) {
  std::string frame;
  protocol::append_request(frame, request.type, request.flags, id, request.key, request.value,
                           request.ttl_ms);
  return frame;
}

std::string frame_of(std::uint32_t id, const std::vector<std::string_view>& words,
                     std::uint16_t flags) {
  std::string frame;
  protocol::append_argv_request(frame, flags, id, words);
  return frame;
}

}  // namespace phoenix::server::test
