// Which server is measured when. The machine gets slower and faster while it measures, so no server
// may always be the first, nor always follow the same other one.
#pragma once

#include <cstddef>
#include <vector>

namespace phoenix::bench::compare {

/// The servers 0 .. count-1 in the order of this pass (from 0): each pass begins with the next one,
/// and every second pass goes backwards.
std::vector<std::size_t> order_of_pass(std::size_t pass, std::size_t count);

}  // namespace phoenix::bench::compare
