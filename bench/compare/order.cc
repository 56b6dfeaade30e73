#include "bench/compare/order.h"

namespace phoenix::bench::compare {

std::vector<std::size_t> order_of_pass(std::size_t pass, std::size_t count) {
  std::vector<std::size_t> order;
  const bool backwards = pass % 2 == 1;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t step = backwards ? count - i : i;
    order.push_back((pass + step) % count);
  }
  return order;
}

}  // namespace phoenix::bench::compare
