#include "cli/units.h"

#include <doctest/doctest.h>

namespace phoenix::cli {

TEST_CASE("durations have three digits or more") {
  using std::chrono::nanoseconds;
  CHECK(duration_text(nanoseconds(0)) == "0.0 us");
  CHECK(duration_text(nanoseconds(85'430)) == "85.4 us");
  CHECK(duration_text(nanoseconds(999'400)) == "999 us");
  CHECK(duration_text(nanoseconds(1'234'000)) == "1.23 ms");
  CHECK(duration_text(nanoseconds(12'340'000)) == "12.3 ms");
  CHECK(duration_text(nanoseconds(2'500'000'000)) == "2.50 s");
}

TEST_CASE("sizes in units of 1024") {
  CHECK(size_text(0) == "0 B");
  CHECK(size_text(1'023) == "1023 B");
  CHECK(size_text(1'536) == "1.5 KiB");
  CHECK(size_text(std::uint64_t{3} << 30U) == "3.0 GiB");
  CHECK(size_text(~std::uint64_t{0}) == "16384.0 PiB");
}

}  // namespace phoenix::cli
