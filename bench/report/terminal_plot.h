// A plot for a terminal, in plain characters.
#pragma once

#include <string>

#include "bench/report/plots.h"

namespace phoenix::bench {

struct TerminalSize {
  unsigned columns = 76;  // Of the whole, at least 40.
  unsigned rows = 14;     // Between the axes, at least 4.
};

/// The lines of a plot, each with its end. Series are drawn with a character each, and named below.
/// ASCII only.
std::string terminal_plot(const LinePlot& plot, const TerminalSize& size = {});

}  // namespace phoenix::bench
