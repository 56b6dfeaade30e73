// Comma-separated values as RFC 4180 has them: any bytes come back as they were.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace phoenix::bench {

/// One line with its end (CRLF).
std::string csv_line(const std::vector<std::string>& cells);

}  // namespace phoenix::bench
