#include "phoenix/server/budget.h"

#include <fmt/format.h>

namespace phoenix::server {
namespace {

double mebibytes(std::uint64_t bytes) {
  return static_cast<double>(bytes) / (1U << 20U);
}

}  // namespace

std::string MemoryBudget::refusal(std::uint64_t more_bytes) const {
  if (share_.bytes_max == kNoLimit) {
    return "the system has no memory for this request: give the server more, or set --max-memory";
  }
  const std::string more =
      more_bytes == 0 ? "" : fmt::format(", and this takes {:.1f} MiB more", mebibytes(more_bytes));
  return fmt::format(
      "command not allowed when used memory > 'maxmemory': core {} uses {:.1f} MiB of its share of "
      "{:.1f} MiB of --max-memory {:.0f} MiB{}: delete keys, or start the server with a larger one",
      share_.core, mebibytes(used_bytes()), mebibytes(share_.bytes_max),
      mebibytes(share_.all_bytes_max), more);
}

}  // namespace phoenix::server
