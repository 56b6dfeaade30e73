// Figures as people read them: three digits that count and a unit that fits their size.
#pragma once

#include <cstdint>
#include <string>

namespace phoenix::bench {

/// What a number is of; decides the units that it is shown in.
enum class Unit : std::uint8_t {
  count,        // And whatever happens per second: 950, 12.5 k, 1.25 M
  nanoseconds,  // 850 ns, 12.5 µs, 1.25 ms, 3.10 s
  seconds,      // 12.5 s
  share,        // 0.95 is 95.0 %
  bytes,        // 512 B, 1.50 KiB
};

/// With three digits that count: "12.5 µs"; "-" for no finite number.
std::string figure_text(Unit unit, double value);

/// With as many digits as a round number needs: "500 k", "2.5 ms".
std::string tick_text(Unit unit, double value);

/// A figure's or a tick's text in ASCII, for terminals: "12.5 us".
std::string plain_text(std::string text);

/// "1,234,567"
std::string grouped(std::uint64_t number);

/// Rounded to whole ones; "0" for what is below or no number.
std::string grouped(double number);

/// Seconds since 1970 in UTC: "2026-05-17 08:30:00 UTC".
std::string date_text(std::int64_t unix_s);

}  // namespace phoenix::bench
