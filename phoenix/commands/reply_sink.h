// Where a handler writes its answer. One final class per protocol encodes straight into the
// session's output; handlers do not know which.
#pragma once

#include <cstdint>
#include <string_view>

#include "phoenix/engine/value.h"
#include "protocol/error.h"

namespace phoenix::commands {

/// A handler answers exactly once: one scalar, or one list or map with its items between begin and
/// end. Lists nest up to protocol::kReplyDepthMax.
class ReplySink {
 public:
  ReplySink() = default;
  ReplySink(const ReplySink&) = delete;
  ReplySink& operator=(const ReplySink&) = delete;
  virtual ~ReplySink() = default;

  virtual void ok() = 0;
  virtual void nil() = 0;
  virtual void integer(std::int64_t value) = 0;
  virtual void bytes(std::string_view value) = 0;
  /// Like bytes, but sent from the shared block without a copy where the protocol allows.
  virtual void large(const engine::LargeValueRef& value) = 0;
  /// A line or a page for people.
  virtual void text(std::string_view value) = 0;
  virtual void error(protocol::Status status, std::string_view text) = 0;

  virtual void begin_list(std::uint32_t items) = 0;
  virtual void begin_map(std::uint32_t pairs) = 0;
  /// Ends the innermost list or map, which must have all its items.
  virtual void end() = 0;
};

}  // namespace phoenix::commands
