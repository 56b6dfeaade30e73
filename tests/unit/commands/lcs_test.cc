// LCS, and the table behind it.
#include <doctest/doctest.h>

#include "phoenix/commands/common_subsequence.h"
#include "tests/unit/commands/harness.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;

namespace {

constexpr std::string_view kSyntaxError = "(error) ERR syntax error";

TEST_CASE("LCS answers what its options say") {
  struct Case {
    std::string_view options;
    std::string_view reply;
  };
  constexpr std::string_view kSecond = "[[(integer) 4, (integer) 7], [(integer) 5, (integer) 8]";
  constexpr std::string_view kFirst = "[[(integer) 2, (integer) 3], [(integer) 0, (integer) 1]";
  const std::string both = "{\"matches\": [" + std::string(kSecond) + "], " + std::string(kFirst) +
                           "]], \"len\": (integer) 6}";
  const std::string with_sizes = "{\"matches\": [" + std::string(kSecond) + ", (integer) 4], " +
                                 std::string(kFirst) + ", (integer) 2]], \"len\": (integer) 6}";
  const std::string long_ones =
      "{\"matches\": [" + std::string(kSecond) + "]], \"len\": (integer) 6}";
  const Case cases[] = {
      {"", "\"mytext\""},
      {" LEN", "(integer) 6"},
      {" IDX", both},
      {" idx MINMATCHLEN 4", long_ones},
      {" IDX minmatchlen 0 withmatchlen", with_sizes},
      {" IDX MINMATCHLEN -4 WITHMATCHLEN", with_sizes},
      {" WITHMATCHLEN MINMATCHLEN 9", "\"mytext\""},
      {" LEN MINMATCHLEN 9", "(integer) 6"},
      {" IDX LEN", "(error) ERR If you want both the length and indexes, please just use IDX."},
      {" LEN IDX WRONG", kSyntaxError},
      {" MINMATCHLEN", kSyntaxError},
      {" MINMATCHLEN x", "(error) ERR value is not an integer or out of range"},
  };
  Harness harness;
  CHECK(harness("MSET a ohmytext b mynewtext") == "OK");
  for (const Case& one : cases) {
    CAPTURE(one.options);
    CHECK(harness("LCS a b" + std::string(one.options)) == one.reply);
  }
  CHECK(harness("LCS a missing") == "\"\"");
  CHECK(harness("LCS missing b LEN") == "(integer) 0");
  CHECK(harness("LCS missing missing IDX") == "{\"matches\": [], \"len\": (integer) 0}");
}

TEST_CASE("LCS bounds its work") {
  Harness harness;
  CHECK(harness("SETRANGE a 11584 x") == "(integer) 11585");
  CHECK(harness("SETRANGE b 11583 x") == "(integer) 11584");
  CHECK(harness("LCS b b LEN") == "(integer) 11584");
  CHECK(harness("LCS a a LEN") ==
        "(error) ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
  CHECK(harness("SETRANGE long 1048576 x") == "(integer) 1048577");
  CHECK(harness("SET short x") == "OK");
  CHECK(harness("LCS long short LEN") == "(error) ERR String too long for LCS");
  CHECK(harness("LCS long short WRONG") == kSyntaxError);
}

// As it is in the books, a cell at a time, and back as Redis goes.
CommonSubsequence model(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      table[i][j] = a[i - 1] == b[j - 1] ? table[i - 1][j - 1] + 1
                                         : std::max(table[i - 1][j], table[i][j - 1]);
    }
  }
  CommonSubsequence common;
  common.length = table[a.size()][b.size()];
  bool goes_on = false;
  for (std::size_t i = a.size(), j = b.size(); i > 0 && j > 0;) {
    if (a[i - 1] == b[j - 1]) {
      common.text.insert(common.text.begin(), a[i - 1]);
      --i;
      --j;
      if (!goes_on) common.runs.push_back({i, i, j, j});
      common.runs.back().a_first = i;
      common.runs.back().b_first = j;
      goes_on = true;
      continue;
    }
    goes_on = false;
    if (table[i - 1][j] > table[i][j - 1]) {
      --i;
    } else {
      --j;
    }
  }
  return common;
}

TEST_CASE("the bits of the table are its lengths") {
  SeededRandom random(3);
  for (int round = 0; round < 1500; ++round) {
    const std::uint64_t letters = random.below(6) + 1;
    const auto draw = [&] {
      const std::uint64_t size_max = random.below(8) == 0 ? 260 : 20;
      std::string text(random.below(size_max), '\0');
      for (char& c : text) c = static_cast<char>(250 + random.below(letters));
      return text;
    };
    const std::string a = draw();
    const std::string b = draw();
    CAPTURE(quoted(a));
    CAPTURE(quoted(b));
    const CommonSubsequence expected = model(a, b);
    const CommonSubsequence common = common_subsequence(a, b);
    REQUIRE(common.text == expected.text);
    REQUIRE(common.length == expected.length);
    CHECK(common_length(a, b) == expected.length);
    REQUIRE(common.runs.size() == expected.runs.size());
    for (std::size_t i = 0; i < common.runs.size(); ++i) {
      CHECK(common.runs[i].a_first == expected.runs[i].a_first);
      CHECK(common.runs[i].a_last == expected.runs[i].a_last);
      CHECK(common.runs[i].b_first == expected.runs[i].b_first);
      CHECK(common.runs[i].b_last == expected.runs[i].b_last);
    }
  }
}

}  // namespace
