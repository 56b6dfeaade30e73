// Which server is measured when. The machine gets slower and faster while it measures, so no server
// may always be the first, nor always follow the same other one.
#pragma once

#include <cstddef>
#include <vector>

namespace phoenix::bench::compare {

/// The servers 0 .. count-1 in the order of this pass (from 0): each pair of passes begins with
/// another one, and its second pass is the first one backwards. So after every second pass all
/// servers have stood equally late on the average, whatever their number.
std::vector<std::size_t> order_of_pass(std::size_t pass, std::size_t count);

}  // namespace phoenix::bench::compare
