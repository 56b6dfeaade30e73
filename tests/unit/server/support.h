// What the server's tests share: replies decoded and shown as text (in the form of the table's
// examples, see tests/unit/commands/harness.h), request frames, and large values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/engine/value.h"
#include "protocol/binary.h"

namespace phoenix::server::test {

engine::LargeValueRef block_of(std::string_view bytes);

/// A value of a reply as text.
std::string shown(const protocol::Value& value);

struct Reply {
  std::uint32_t id = 0;
  protocol::Status status = protocol::Status::ok;
  bool more_follows = false;
  std::string text;
};

/// All replies in `bytes`, which must hold nothing else.
std::vector<Reply> decode_replies(std::string_view bytes);

/// The one reply that `bytes` hold, as text.
std::string decode_reply(std::string_view bytes);

/// A request in the short form.
struct ShortRequest {
  protocol::Opcode type = protocol::Opcode::get;
  std::uint16_t flags = 0;
  std::string_view key;
  std::string_view value;
  std::uint64_t ttl_ms = 0;
};
std::string frame_of(std::uint32_t id, const ShortRequest& request);
/// A request as words.
std::string frame_of(std::uint32_t id, const std::vector<std::string_view>& words,
                     std::uint16_t flags = 0);

}  // namespace phoenix::server::test
