// Errors of the client library are values, with a sentence for the person who has to act on them.
// The library is installed and includes protocol/ only, so it has an alias of its own.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <tl/expected.hpp>

#include "protocol/error.h"

namespace phoenix::client {

/// A new code only where a caller would act differently.
enum class ErrorCode : std::uint8_t {
  invalid,          // The caller asked for what cannot be: nothing was sent.
  unreachable,      // No connection could be made.
  refused,          // The server answered, and does not want this client (password, busy).
  version,          // The peer is no Phoenix, or speaks another version of the protocol.
  disconnected,     // The connection broke; requests without a reply may have been executed.
  bad_reply,        // The peer broke the protocol; the connection is of no more use.
  timed_out,        // Nothing moved for too long. Receiving may be tried again.
  interrupted,      // Options::interrupt_fd became readable. Receiving may be tried again.
  replies_waiting,  // A bound is reached: receive() some replies, then go on.
  error_reply,      // Of Client: the server refused this request; `status` says why.
};

struct Error {
  ErrorCode code = ErrorCode::invalid;
  std::string message;
  /// What the server said, when it is the server that refused.
  protocol::Status status = protocol::Status::ok;
};

template <typename T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace phoenix::client
