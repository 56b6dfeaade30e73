// Errors are values. One alias, so that std::expected can take over one day.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace phoenix {

/// A new code only where a caller would act differently.
enum class ErrorCode : std::uint8_t {
  invalid,        // An argument, flag or file content that cannot be right.
  io,             // The operating system refused or failed an operation.
  not_permitted,  // It refused for want of a right or a feature.
  disk_full,      // No room for what has to be written.
  exhausted,      // Descriptors or memory have run out for the moment.
  in_use,         // Somebody else holds what is exclusive.
  damaged,        // Data that was durable is missing or changed.
  unsupported,    // A format or a kernel that this build does not know.
};

/// What went wrong, in a sentence for the person who has to act on it.
struct Error {
  ErrorCode code = ErrorCode::invalid;
  std::string message;
};

template <typename T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace phoenix
