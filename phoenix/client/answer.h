// A reply that owns its bytes, for callers who keep it beyond the next request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "phoenix/client/result.h"
#include "protocol/binary.h"

namespace phoenix::client {

struct Answer {
  protocol::Kind kind = protocol::Kind::none;
  protocol::Status status = protocol::Status::ok;
  std::int64_t integer = 0;
  std::string bytes;          // Of bytes and text; the line of an error inside a list.
  std::vector<Answer> items;  // A list's values; a map's keys and values in turn.

  /// There is no such key, or a condition was not met.
  bool is_nil() const { return status == protocol::Status::nil; }

  static Answer copy_of(const protocol::Value& value);
};

/// What an answer means to who expects one thing of it: `bad_reply` for any other.
Result<std::optional<std::string>> to_value(Result<Answer> answer);
Result<std::int64_t> to_integer(const Result<Answer>& answer);
/// Whether the integer is 1, for commands that answer 1 or 0.
Result<bool> to_flag(const Result<Answer>& answer);

}  // namespace phoenix::client
