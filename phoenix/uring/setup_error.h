// Why the kernel refused a ring, in a sentence for whoever has to change something. Apart from the
// ring so that every text can be tested without a kernel that refuses.
#pragma once

#include <string>

#include "phoenix/base/result.h"

namespace phoenix::uring {

/// What is known about a refusal.
struct SetupFailure {
  std::string step;         // What was asked for: "io_uring_setup", "a ring of receive buffers" ...
  int error_number = 0;     // Positive errno.
  int disabled_sysctl = 0;  // kernel.io_uring_disabled; 0 also where the kernel has no such switch.
  std::string kernel_release;  // As `uname -r` prints it.
};

/// not_permitted: a switch, a profile or a limit stands in the way. unsupported: the kernel lacks
/// it. io: anything else.
Error explain(const SetupFailure& failure);

/// `explain` with what this machine says about itself.
Error explain_here(std::string step, int error_number);

}  // namespace phoenix::uring
