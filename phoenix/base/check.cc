#include "phoenix/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace phoenix {

void check_failed(const char* condition, const char* file, int line) noexcept {
  // The process ends in the next line, so a failing print has nowhere to be reported.
  (void)std::fprintf(stderr, "phoenix: broken invariant: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace phoenix
