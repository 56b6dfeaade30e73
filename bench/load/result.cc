#include "bench/load/result.h"

namespace phoenix::bench {
namespace {

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

}  // namespace

double RunResult::server_busy() const {
  return ratio(static_cast<double>(server_cpu_ns.value_or(0)) / 1e9, seconds * server.cores);
}

double RunResult::client_busy(std::uint32_t threads) const {
  return ratio(static_cast<double>(client_cpu_ns) / 1e9, seconds * threads);
}

double RunResult::server_cpu_us_per_operation() const {
  return ratio(static_cast<double>(server_cpu_ns.value_or(0)) / 1e3,
               static_cast<double>(window.replies));
}

double RunResult::client_cpu_us_per_operation() const {
  return ratio(static_cast<double>(client_cpu_ns) / 1e3, static_cast<double>(window.replies));
}

}  // namespace phoenix::bench
