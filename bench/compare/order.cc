#include "bench/compare/order.h"

#include <algorithm>

namespace phoenix::bench::compare {

std::vector<std::size_t> order_of_pass(std::size_t pass, std::size_t count) {
  std::vector<std::size_t> order;
  const std::size_t first = pass - pass % 2;
  for (std::size_t i = 0; i < count; ++i) order.push_back((first + i) % count);
  if (pass != first) std::reverse(order.begin(), order.end());
  return order;
}

}  // namespace phoenix::bench::compare
