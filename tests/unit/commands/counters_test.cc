// INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT.
#include <doctest/doctest.h>

#include "tests/unit/commands/harness.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;

namespace {

constexpr std::string_view kNotAnInteger = "(error) ERR value is not an integer or out of range";
constexpr std::string_view kOverflow = "(error) ERR increment or decrement would overflow";
constexpr std::string_view kNotAFloat = "(error) ERR value is not a valid float";

struct Case {
  const char* before;  // Null: there is no key.
  std::string_view request;
  std::string_view reply;
};

void check(const Case& one) {
  CAPTURE(one.request);
  Harness harness;
  if (one.before != nullptr) CHECK(harness.run({"SET", "n", one.before, "EX", "10"}) == "OK");
  const std::uint64_t effects = harness.effects.count;
  CHECK(harness(one.request) == one.reply);
  const bool refused = one.reply.starts_with("(error)");
  CHECK(harness.effects.count - effects == (refused ? 0 : 1));
  if (refused) return;
  const std::string after = harness("GET n");
  const std::string value = after.substr(1, after.size() - 2);
  CHECK((one.reply == after || one.reply == "(integer) " + value));
  CHECK(harness.expiry_of("n") ==
        (one.before == nullptr ? engine::kNoExpiry : Harness::kStartMs + 10'000));
}

TEST_CASE("integers are added, and what is none is refused") {
  const Case cases[] = {
      {nullptr, "INCR n", "(integer) 1"},
      {nullptr, "DECR n", "(integer) -1"},
      {nullptr, "INCRBY n -7", "(integer) -7"},
      {nullptr, "DECRBY n 7", "(integer) -7"},
      {"10", "INCR n", "(integer) 11"},
      {"10", "DECR n", "(integer) 9"},
      {"10", "INCRBY n 5", "(integer) 15"},
      {"10", "DECRBY n -5", "(integer) 15"},
      {"-1", "INCR n", "(integer) 0"},
      {"9223372036854775807", "INCR n", kOverflow},
      {"9223372036854775807", "INCRBY n -9223372036854775808", "(integer) -1"},
      {"-9223372036854775808", "DECR n", kOverflow},
      {"1", "INCRBY n 9223372036854775807", kOverflow},
      {"-2", "DECRBY n 9223372036854775807", kOverflow},
      {"0", "DECRBY n -9223372036854775808", "(error) ERR decrement would overflow"},
      {"abc", "DECRBY n -9223372036854775808", "(error) ERR decrement would overflow"},
      {"", "INCR n", kNotAnInteger},
      {" 1", "INCR n", kNotAnInteger},
      {"01", "INCR n", kNotAnInteger},
      {"1.0", "INCR n", kNotAnInteger},
      {"-0", "INCR n", kNotAnInteger},
      {"9223372036854775808", "INCR n", kNotAnInteger},
      {"1", "INCRBY n x", kNotAnInteger},
      {"1", "INCRBY n +1", kNotAnInteger},
      {"1", "DECRBY n 1.5", kNotAnInteger},
  };
  for (const Case& one : cases) check(one);
}

TEST_CASE("reals are added and printed with up to 17 digits behind the point") {
  const Case cases[] = {
      {nullptr, "INCRBYFLOAT n 3", "\"3\""},
      {nullptr, "INCRBYFLOAT n 0.1", "\"0.1\""},
      {"0.1", "INCRBYFLOAT n 0.2", "\"0.3\""},
      {"10.5", "INCRBYFLOAT n -0.5", "\"10\""},
      {"5.0e3", "INCRBYFLOAT n 200", "\"5200\""},
      {"1.5", "INCRBYFLOAT n 1e10", "\"10000000001.5\""},
      {"0.3", "INCRBYFLOAT n 1e-17", "\"0.30000000000000001\""},
      {"0.3", "INCRBYFLOAT n 1e-18", "\"0.3\""},
      {"0", "INCRBYFLOAT n -0", "\"0\""},
      {"0", "INCRBYFLOAT n -1e-30", "\"0\""},
      {"1", "INCRBYFLOAT n 0x10", "\"17\""},
      {"1", "INCRBYFLOAT n +1", "\"2\""},
      {"1", "INCRBYFLOAT n .5", "\"1.5\""},
      {"5.", "INCRBYFLOAT n 1", "\"6\""},
      {"12345678901234567", "INCRBYFLOAT n 1", "\"12345678901234568\""},
      {"1", "INCRBYFLOAT n abc", kNotAFloat},
      {"1", "INCRBYFLOAT n ", kNotAFloat},
      {"1", "INCRBYFLOAT n 1x", kNotAFloat},
      {"1", "INCRBYFLOAT n nan", kNotAFloat},
      {"1", "INCRBYFLOAT n 1e-5000", kNotAFloat},
      {"1", "INCRBYFLOAT n 1e5000", kNotAFloat},
      {"", "INCRBYFLOAT n 1", kNotAFloat},
      {" 1", "INCRBYFLOAT n 1", kNotAFloat},
      {"1 ", "INCRBYFLOAT n 1", kNotAFloat},
      {"1", "INCRBYFLOAT n inf", "(error) ERR increment would produce NaN or Infinity"},
      {"inf", "INCRBYFLOAT n -inf", "(error) ERR increment would produce NaN or Infinity"},
  };
  for (const Case& one : cases) check(one);
}

TEST_CASE("the longest real has its room") {
  Harness harness;
  const std::string digits = harness("INCRBYFLOAT n -1e4932");
  CHECK(digits.size() == 4933 + 3);  // The quotes and the sign.
  CHECK(harness("GET n") == digits);
  CHECK(harness("INCRBYFLOAT n -1e4932") == "(error) ERR increment would produce NaN or Infinity");
  const std::string too_long(5 * 1024, '1');
  CHECK(harness.run({"INCRBYFLOAT", "other", too_long}) == kNotAFloat);
  CHECK(harness.run({"SET", "n", std::string("1\0", 2)}) == "OK");
  CHECK(harness("INCRBYFLOAT n 1") == kNotAFloat);
}

}  // namespace
