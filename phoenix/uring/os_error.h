// From an errno to an Error that a person can act on.
#pragma once

#include <string>
#include <string_view>

#include "phoenix/base/result.h"

namespace phoenix::uring {

/// "<what was tried>: <what the system said>", with the code that fits the errno.
Error os_error(std::string_view what, int error_number);

/// The same as a failed Result.
inline tl::unexpected<Error> os_failure(std::string_view what, int error_number) {
  return tl::unexpected<Error>(os_error(what, error_number));
}

}  // namespace phoenix::uring
