// Words of a request: strict numbers, options in any case, and words made fit for error texts.
#include "phoenix/commands/words.h"

#include <optional>

#include <doctest/doctest.h>

#include "phoenix/commands/command.h"

using namespace phoenix;
using namespace phoenix::commands;

namespace {

std::shared_ptr<const engine::LargeValue> block_of(std::string_view bytes) {
  const auto block = std::make_shared<engine::LargeValue>();
  REQUIRE(block->append(bytes));
  return block;
}

TEST_CASE("integers are taken in one form only") {
  struct Case {
    std::string_view word;
    std::optional<std::int64_t> value;
  };
  const Case cases[] = {
      {"0", 0},
      {"7", 7},
      {"-7", -7},
      {"10", 10},
      {"-10", -10},
      {"9223372036854775807", 9'223'372'036'854'775'807},
      {"9223372036854775806", 9'223'372'036'854'775'806},
      {"9223372036854775808", std::nullopt},
      {"-9223372036854775808", -9'223'372'036'854'775'807 - 1},
      {"-9223372036854775807", -9'223'372'036'854'775'807},
      {"-9223372036854775809", std::nullopt},
      {"18446744073709551616", std::nullopt},
      {"99999999999999999999999999", std::nullopt},
      {"", std::nullopt},
      {"-", std::nullopt},
      {"--1", std::nullopt},
      {"+1", std::nullopt},
      {"-0", std::nullopt},
      {"00", std::nullopt},
      {"01", std::nullopt},
      {"-01", std::nullopt},
      {" 1", std::nullopt},
      {"1 ", std::nullopt},
      {"1\n", std::nullopt},
      {"1.0", std::nullopt},
      {"1e3", std::nullopt},
      {"0x10", std::nullopt},
      {"1a", std::nullopt},
      {"a", std::nullopt},
      {std::string_view("1\0", 2), std::nullopt},
  };
  for (const Case& one : cases) {
    CAPTURE(one.word);
    CHECK(parse_integer(one.word) == one.value);
  }
}

TEST_CASE("unsigned integers reach 2^64 - 1 and know no sign") {
  CHECK(parse_unsigned("0") == 0U);
  CHECK(parse_unsigned("18446744073709551615") == ~std::uint64_t{0});
  for (const std::string_view word : {"18446744073709551616", "-1", "-0", "+1", "01", "", "1 "}) {
    CAPTURE(word);
    CHECK_FALSE(parse_unsigned(word).has_value());
  }
}

TEST_CASE("options are equal in any case of ASCII, and only there") {
  CHECK(equals_ignoring_case("keepttl", "KEEPTTL"));
  CHECK(equals_ignoring_case("KeepTTL", "kEEPttl"));
  CHECK(equals_ignoring_case("", ""));
  CHECK_FALSE(equals_ignoring_case("KEEPTT", "KEEPTTL"));
  CHECK_FALSE(equals_ignoring_case("KEEPTTL ", "KEEPTTL"));
  CHECK_FALSE(equals_ignoring_case("[", "{"));  // As far apart as 'A' and 'a'.
  CHECK_FALSE(equals_ignoring_case("\xC4", "\xE4"));
}

TEST_CASE("words in error texts neither break the line nor fill the screen") {
  CHECK(printable("plain text") == "plain text");
  CHECK(printable("") == "");
  CHECK(printable("a\r\nb\x7F\xFF") == "a  b\x7F\xFF");
  CHECK(printable(std::string_view("a\0b", 3)) == "a");
  CHECK(printable("it's \\x00") == "it's \\x00");
  CHECK(printable(std::string(129, 'a')) == std::string(128, 'a'));
  CHECK(printable("abc", 2) == "ab");
  CHECK(printable(std::string(1 << 20, 'a')).size() == kPrintableBytesMax);
}

TEST_CASE("a value is adopted when its word views the request's block, and copied otherwise") {
  const engine::LargeValueRef block = block_of(std::string(100'000, 'v'));
  const std::string_view words[] = {"SET", "key", block->view()};
  Request request;
  request.args = words;
  CHECK(request.value_at(2).large == nullptr);
  CHECK(request.value_at(2).bytes == block->view());
  request.large = &block;
  CHECK(request.value_at(2).large == block);
  CHECK(request.value_at(1).large == nullptr);
  CHECK(request.value_at(1).bytes == "key");
}

}  // namespace
