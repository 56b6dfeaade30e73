// Quantities as people read them. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace phoenix::cli {

/// "85 us", "1.23 ms", "12.3 s": three digits or more.
std::string duration_text(std::chrono::nanoseconds duration);

/// "17 B", "1.5 KiB", "3.2 GiB".
std::string size_text(std::uint64_t bytes);

/// `value` with `decimals` digits behind the point.
std::string decimal_text(double value, int decimals);

}  // namespace phoenix::cli
