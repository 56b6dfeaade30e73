// Where a handler writes its answer. One final class per protocol encodes straight into the
// session's output; handlers do not know which.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "phoenix/engine/value.h"
#include "protocol/error.h"

namespace phoenix::commands {

/// A handler answers exactly once: one scalar, or one list, set or map with its items between begin
/// and end. They nest up to protocol::kReplyDepthMax. Those below that a protocol lacks become
/// what comes nearest to them, as RESP2 does it: a double and a big number are bytes, a boolean is
/// an integer, a set is a list, a line is a text.
class ReplySink {
 public:
  ReplySink() = default;
  ReplySink(const ReplySink&) = delete;
  ReplySink& operator=(const ReplySink&) = delete;
  virtual ~ReplySink() = default;

  virtual void ok() = 0;
  virtual void nil() = 0;
  /// Where a list was asked for and there is none: RESP2 tells the two apart.
  virtual void nil_list() { nil(); }
  virtual void integer(std::int64_t value) = 0;
  virtual void bytes(std::string_view value) = 0;
  /// Like bytes, but sent from the shared block without a copy where the protocol allows.
  virtual void large(const engine::LargeValueRef& value) = 0;
  /// One short line without line ends: PONG, QUEUED, the name of a type. RESP's simple string.
  virtual void line(std::string_view value) { text(value); }
  /// A page for people (INFO, HELP). RESP3's verbatim string, else as bytes.
  virtual void text(std::string_view value) = 0;
  virtual void real(double value);
  virtual void boolean(bool value) { integer(value ? 1 : 0); }
  /// Decimal digits, perhaps behind a '-'.
  virtual void big_number(std::string_view digits) { bytes(digits); }
  virtual void error(protocol::Status status, std::string_view text) = 0;

  virtual void begin_list(std::uint32_t items) = 0;
  virtual void begin_set(std::uint32_t items) { begin_list(items); }
  virtual void begin_map(std::uint32_t pairs) = 0;
  /// What nobody asked for at this moment: a message of a channel.
  virtual void begin_push(std::uint32_t items) { begin_list(items); }
  /// What RESP3 puts before a reply to say something of it. Only of a session that speaks it, and
  /// between begin_replies and end_replies, as the reply follows.
  virtual void begin_attribute(std::uint32_t pairs) { begin_map(pairs); }
  /// Several replies to one request (SUBSCRIBE: one for each channel): begin, the replies, end.
  /// Where a request must have one reply, they are the items of a list.
  virtual void begin_replies(std::uint32_t count) { begin_list(count); }
  virtual void end_replies() { end(); }
  /// Ends the innermost list, set, map or push, which must have all its items.
  virtual void end() = 0;
};

/// The shortest digits that read back as `value`, as Redis prints doubles: 3, 0.1, 1e+300, inf,
/// nan.
std::string_view format_real(double value, std::span<char, 40> room);

}  // namespace phoenix::commands
