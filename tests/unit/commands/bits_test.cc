// SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP.
#include <doctest/doctest.h>

#include "phoenix/commands/bit_scan.h"
#include "tests/unit/commands/harness.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;

namespace {

constexpr std::string_view kSyntaxError = "(error) ERR syntax error";
constexpr std::string_view kNotAnInteger = "(error) ERR value is not an integer or out of range";
constexpr std::string_view kNotABitOffset =
    "(error) ERR bit offset is not an integer or out of range";
constexpr std::string_view kNotABit = "(error) ERR bit is not an integer or out of range";

struct Step {
  std::string_view request;
  std::string_view reply;
};

template <std::size_t kCount>
void check(Harness& harness, const Step (&steps)[kCount]) {
  for (const Step& step : steps) {
    CAPTURE(step.request);
    CHECK(harness(step.request) == step.reply);
  }
}

TEST_CASE("SETBIT and GETBIT: bit 0 is the highest of the first byte") {
  Harness harness;
  check(harness, {{"SETBIT a 7 1", "(integer) 0"},
                  {"SETBIT a 7 1", "(integer) 1"},
                  {"GET a", "\"\\x01\""},
                  {"GETBIT a 7", "(integer) 1"},
                  {"GETBIT a 6", "(integer) 0"},
                  {"GETBIT a 4294967295", "(integer) 0"},
                  {"SETBIT a 16 0", "(integer) 0"},
                  {"GET a", "\"\\x01\\x00\\x00\""},
                  {"SETBIT a 7 0", "(integer) 1"},
                  {"GETBIT missing 9", "(integer) 0"}});
}

TEST_CASE("SETBIT changes nothing where the bit is as it should be") {
  Harness harness;
  CHECK(harness("SETBIT a 7 0") == "(integer) 0");
  CHECK(harness.effects.count == 1);  // The value is new.
  CHECK(harness("SETBIT a 3 0") == "(integer) 0");
  CHECK(harness.effects.count == 1);
  CHECK(harness("SETBIT a 8 0") == "(integer) 0");
  CHECK(harness.effects.count == 2);  // It has grown.
}

TEST_CASE("SETBIT and GETBIT refuse what is no bit") {
  Harness harness;
  for (const std::string_view offset : {"x", "-1", "4294967296", "", "1.0", "01"}) {
    CAPTURE(offset);
    CHECK(harness("SETBIT a " + std::string(offset) + " x") == kNotABitOffset);
    CHECK(harness("GETBIT a " + std::string(offset)) == kNotABitOffset);
  }
  for (const std::string_view bit : {"2", "x", "-1", "", "00"}) {
    CAPTURE(bit);
    CHECK(harness("SETBIT a 1 " + std::string(bit)) == kNotABit);
  }
  CHECK(harness.effects.count == 0);
}

TEST_CASE("BITCOUNT counts all, or between two bytes or bits") {
  Harness harness;
  CHECK(harness("SET a foobar") == "OK");
  CHECK(harness("SET empty ") == "OK");
  check(harness, {{"BITCOUNT a", "(integer) 26"},
                  {"BITCOUNT a 0 0", "(integer) 4"},
                  {"BITCOUNT a 1 1 BYTE", "(integer) 6"},
                  {"BITCOUNT a 5 30 BIT", "(integer) 17"},
                  {"BITCOUNT a -5 -3 bit", "(integer) 1"},
                  {"BITCOUNT a 5 3", "(integer) 0"},
                  {"BITCOUNT a 100 200", "(integer) 0"},
                  {"BITCOUNT a -100 200 BIT", "(integer) 26"},
                  {"BITCOUNT a -50 -100", "(integer) 0"},
                  {"BITCOUNT a -2 -3 WRONG", "(integer) 0"},
                  {"BITCOUNT empty", "(integer) 0"},
                  {"BITCOUNT empty 0 -1", "(integer) 0"},
                  {"BITCOUNT missing", "(integer) 0"},
                  {"BITCOUNT missing x y z", "(integer) 0"},
                  {"BITCOUNT a 0", kSyntaxError},
                  {"BITCOUNT a 0 1 WRONG", kSyntaxError},
                  {"BITCOUNT a 0 1 BYTE BIT", kSyntaxError},
                  {"BITCOUNT a x 1 WRONG", kNotAnInteger},
                  {"BITCOUNT a 0 x", kNotAnInteger}});
}

TEST_CASE("BITPOS finds the first, and zeros behind a value whose end is not told") {
  Harness harness;
  CHECK(harness("SET a foobar") == "OK");
  CHECK(harness("SET empty ") == "OK");
  CHECK(harness.run({"SET", "ones", "\xFF\xFF"}) == "OK");
  check(harness, {{"BITPOS a 1", "(integer) 1"},
                  {"BITPOS a 0", "(integer) 0"},
                  {"BITPOS a 1 2 10 BIT", "(integer) 2"},
                  {"BITPOS a 0 2 10 BIT", "(integer) 3"},
                  {"BITPOS a 1 -50 -100", "(integer) 1"},
                  {"BITPOS a 1 5 3", "(integer) -1"},
                  {"BITPOS a 0 100", "(integer) -1"},
                  {"BITPOS ones 0", "(integer) 16"},
                  {"BITPOS ones 0 1", "(integer) 16"},
                  {"BITPOS ones 0 0 -1", "(integer) -1"},
                  {"BITPOS ones 0 0 100 BIT", "(integer) -1"},
                  {"BITPOS ones 1 9 12 BIT", "(integer) 9"},
                  {"BITPOS empty 0", "(integer) -1"},
                  {"BITPOS empty 1", "(integer) -1"},
                  {"BITPOS missing 0", "(integer) 0"},
                  {"BITPOS missing 1", "(integer) -1"},
                  {"BITPOS missing 1 x y z", "(integer) -1"},
                  {"BITPOS missing 2", "(error) ERR The bit argument must be 1 or 0."},
                  {"BITPOS a x", kNotAnInteger},
                  {"BITPOS a 1 x 0 WRONG", kNotAnInteger},
                  {"BITPOS a 1 0 x", kNotAnInteger},
                  {"BITPOS a 1 0 x WRONG", kSyntaxError},
                  {"BITPOS a 1 0 1 BIT 2", kSyntaxError}});
}

TEST_CASE("bits are counted and found in any range of any value as one by one") {
  SeededRandom random(5);
  for (int round = 0; round < 3000; ++round) {
    // Long runs of one byte, so that words are skipped.
    std::string value(random.below(90) + 1, random.below(2) == 0 ? '\0' : '\xFF');
    for (std::uint64_t i = random.below(4); i > 0; --i) {
      value[random.below(value.size())] = static_cast<char>(random.below(256));
    }
    const std::uint64_t first = random.below(value.size() * 8);
    const std::uint64_t last = first + random.below(value.size() * 8 - first);
    const bool wanted = random.below(2) == 1;
    std::uint64_t count = 0;
    std::optional<std::uint64_t> found;
    for (std::uint64_t bit = first; bit <= last; ++bit) {
      count += bit_at(value, bit) ? 1 : 0;
      if (!found && bit_at(value, bit) == wanted) found = bit;
    }
    CHECK(count_bits(value, first, last) == count);
    CHECK(find_bit(value, wanted, first, last) == found);
  }
}

TEST_CASE("BITOP stores a value as long as its longest source, or none") {
  Harness harness;
  check(harness,
        {{"SET a abc", "OK"},
         {"SET b ab12", "OK"},
         {"BITOP AND c a b", "(integer) 4"},
         {"GET c", "\"ab!\\x00\""},
         {"BITOP or c a missing", "(integer) 3"},
         {"GET c", "\"abc\""},
         {"BITOP XOR c a b", "(integer) 4"},
         {"GET c", "\"\\x00\\x00R2\""},
         {"BITOP NOT c a", "(integer) 3"},
         {"GET c", "\"\\x9e\\x9d\\x9c\""},
         {"EXPIRE c 100", "(integer) 1"},
         {"BITOP OR c c a", "(integer) 3"},
         {"TTL c", "(integer) -1"},
         {"GET c", "\"\\xff\\xff\\xff\""},
         {"BITOP AND c a missing", "(integer) 3"},
         {"GET c", "\"\\x00\\x00\\x00\""},
         {"BITOP OR c missing", "(integer) 0"},
         {"EXISTS c", "(integer) 0"},
         {"BITOP OR c missing", "(integer) 0"},
         {"BITOP WRONG c a b", kSyntaxError},
         {"BITOP NOT c a b", "(error) ERR BITOP NOT must be called with a single source key."}});
}

char combined(std::string_view operation, char a, char b) {
  if (operation == "AND") return static_cast<char>(a & b);
  return static_cast<char>(operation == "OR" ? a | b : a ^ b);
}

TEST_CASE("BITOP of values of any size is that of their bytes") {
  Harness harness(7);
  for (int round = 0; round < 60; ++round) {
    const std::string_view operation =
        std::array<std::string_view, 3>{"AND", "OR", "XOR"}[harness.random.below(3)];
    std::string expected;
    const std::array<std::string_view, 3> keys{"a", "b", "c"};
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const std::uint64_t size_max = harness.random.below(20) == 0 ? 40'000 : 50;
      std::string value(harness.random.below(size_max), '\0');
      for (char& c : value) c = static_cast<char>(harness.random.below(256));
      CHECK(harness.run({"SET", keys[i], value}) == "OK");
      const std::string before = expected;
      const std::size_t size = std::max(before.size(), value.size());
      expected = i == 0 ? value : std::string(size, '\0');
      for (std::size_t j = 0; i > 0 && j < size; ++j) {
        expected[j] = combined(operation, j < before.size() ? before[j] : '\0',
                               j < value.size() ? value[j] : '\0');
      }
    }
    CHECK(harness.run({"BITOP", operation, "b", "a", "b", "c"}) ==
          "(integer) " + std::to_string(expected.size()));
    CHECK((harness("GET b") == quoted(expected) || expected.empty()));
  }
}

}  // namespace
