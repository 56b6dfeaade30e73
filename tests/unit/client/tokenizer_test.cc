#include "phoenix/client/tokenizer.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace phoenix::client {

namespace {

using Words = std::vector<std::string>;

Words words_of(std::string_view line) {
  const auto words = tokenize(line);
  REQUIRE_MESSAGE(words.has_value(), words.error().text());
  return *words;
}

TokenError error_of(std::string_view line) {
  const auto words = tokenize(line);
  REQUIRE_FALSE(words.has_value());
  return words.error();
}

}  // namespace

TEST_CASE("words are parted by blanks") {
  CHECK(words_of("SET key value") == Words{"SET", "key", "value"});
  CHECK(words_of("  SET\tkey   value \r") == Words{"SET", "key", "value"});
  CHECK(words_of("").empty());
  CHECK(words_of(" \t ").empty());
}

TEST_CASE("quotes inside a plain word are ordinary") {
  CHECK(words_of(R"(SET k it's)") == Words{"SET", "k", "it's"});
  CHECK(words_of(R"(SET k {"a":1,"b":"\n"})") == Words{"SET", "k", R"({"a":1,"b":"\n"})"});
}

TEST_CASE("double quotes hold any bytes") {
  CHECK(words_of(R"(SET "a key" "line\r\n\ttab \\ \"q\"")") ==
        Words{"SET", "a key", "line\r\n\ttab \\ \"q\""});
  CHECK(words_of(R"("\x00\xff\xAb")") == Words{std::string("\0\xff\xab", 3)});
  CHECK(words_of(R"("")") == Words{""});
  CHECK(words_of("\"Z\u00fcrich it's\"") == Words{"Z\u00fcrich it's"});
}

TEST_CASE("single quotes take all as it is") {
  CHECK(words_of(R"('a \n "b"' '')") == Words{R"(a \n "b")", ""});
}

TEST_CASE("what is wrong is told with its column") {
  CHECK(error_of(R"(SET k "abc)").text() == R"(column 7: this " has no closing ")");
  CHECK(error_of("SET k 'abc").text() == "column 7: this ' has no closing '");
  CHECK(error_of(R"(GET "a"b)").column == 8);
  CHECK(error_of(R"(GET 'a'"b")").column == 8);
  CHECK(error_of(R"(GET "a\q")").column == 7);
  CHECK(error_of(R"(GET "\x1g")").column == 6);
  CHECK(error_of(R"(GET "\x1)").column == 6);
  CHECK(error_of(R"(GET "\)").column == 6);
  // Characters, not bytes.
  CHECK(error_of("\u00fc\u20ac \"").column == 4);
}

TEST_CASE("names of commands have no case") {
  CHECK(is_name("list", "LIST"));
  CHECK(is_name("LiSt", "LIST"));
  CHECK_FALSE(is_name("lists", "LIST"));
  CHECK_FALSE(is_name("lis", "LIST"));
  CHECK_FALSE(is_name("1ist", "LIST"));
  CHECK_FALSE(is_name("", "LIST"));
}

TEST_CASE("an open quote is told from other mistakes") {
  CHECK(tokenize("GET \"a").error().is_open_quote);
  CHECK(tokenize("GET 'a\n").error().is_open_quote);
  CHECK_FALSE(tokenize("GET \"a\\q").error().is_open_quote);
  CHECK_FALSE(tokenize("GET \"a\"b").error().is_open_quote);
}

}  // namespace phoenix::client
