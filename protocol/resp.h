// RESP, the text protocol of Redis and its relatives, from the side of a client: requests are
// arrays of bulk strings, replies are RESP2, or the types of RESP3 where a peer sends them. Pure
// functions of bytes, like the native codec, and with the same bounds.
//
//   request   *2 $3 GET $1 k          (every word here ends in CR LF)
//   reply     +text  -ERR text  :integer  $size bytes  *count values  %pairs ...
//
// What becomes of the types: + and = are text; $, a double and a big number are bytes; : and a
// boolean (1, 0) are integers; - and ! are errors; *, ~ are lists; % is a map; null in each of its
// forms is nil. Attributes are skipped. A push (>) is a list that says so: it answers nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/binary.h"
#include "protocol/reply_reader.h"

namespace phoenix::protocol {

/// Appends a request. What its words may be is for the server to say.
void append_resp_request(std::string& out, const std::vector<std::string_view>& words);

/// The receiving end: bytes go in as they arrive, whole replies come out. A reply's end is only
/// known where its last part is, so this remembers how far it has looked: however small the pieces,
/// no part is looked at again once it is whole.
class RespReader final : public ReplyReader {
 public:
  /// `reply_bytes_max`: larger replies are refused as too_large.
  explicit RespReader(std::size_t reply_bytes_max = kReplyBytesMax);

  /// The next whole reply. Its views live until the next prepare() or append(). As in the native
  /// protocol, nil and an error have kind none, and kinds of their own inside lists and maps.
  [[nodiscard]] Outcome next(Value& value);

 private:
  DecodeError count(char type, std::int64_t number);
  void start_reply();

  std::size_t scanned_bytes_ = 0;  // Of the reply that is coming in: its parts that are whole.
  std::uint32_t depth_ = 0;        // Of what comes next; the reply itself is at 0.
  std::uint32_t items_left_ = 0;   // That the reply may still have.
  /// Values that are still to come, for each level of lists that are open.
  std::array<std::uint32_t, kRespDepthMax + 1> due_{};
};

}  // namespace phoenix::protocol
