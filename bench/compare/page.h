// A comparison as a page with plots that needs nothing but itself.
#pragma once

#include <string>

#include "bench/compare/summary.h"

namespace phoenix::bench::compare {

std::string comparison_page(const Options& options, const Comparison& measured,
                            const Summary& summary);

}  // namespace phoenix::bench::compare
