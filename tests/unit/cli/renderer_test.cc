#include "cli/renderer.h"

#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "cli/json.h"
#include "cli/utf8.h"
#include "phoenix/base/random.h"
#include "phoenix/client/tokenizer.h"
#include "tests/unit/client/fake_server.h"

namespace phoenix::cli {

namespace {

using client::test::bytes_value;
using client::test::error_value;
using client::test::integer_value;
using client::test::list_value;
using client::test::ok_value;
using client::test::text_value;
using protocol::Kind;
using protocol::Status;
using protocol::Value;

Value nil_value() {
  Value value;
  value.status = Status::nil;
  return value;
}

/// What a renderer of its own makes of a reply with one part.
std::string rendered(Format format, const Value& value) {
  std::string out;
  std::string notes;
  Renderer(format).reply({value, false}, false, out, notes);
  CHECK(notes.empty());
  return out;
}

std::string human(const Value& value) {
  return rendered(Format::human, value);
}
std::string raw(const Value& value) {
  return rendered(Format::raw, value);
}
std::string json(const Value& value) {
  return rendered(Format::json, value);
}

/// A listing in parts; returns the output, then the notes.
std::pair<std::string, std::string> listed(Format format, const std::vector<Value>& parts) {
  Renderer renderer(format);
  std::string out;
  std::string notes;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    renderer.reply({parts[i], i + 1 < parts.size()}, true, out, notes);
  }
  return {out, notes};
}

}  // namespace

TEST_CASE("replies for people") {
  CHECK(human(ok_value()) == "OK\n");
  CHECK(human(nil_value()) == "(nil)\n");
  CHECK(human(integer_value(-3)) == "(integer) -3\n");
  CHECK(human(bytes_value("a b")) == "\"a b\"\n");
  CHECK(human(bytes_value("")) == "\"\"\n");
  CHECK(human(text_value("PONG")) == "PONG\n");
  CHECK(human(text_value("a page\nof text\n")) == "a page\nof text\n");
  CHECK(human(text_value("")) == "\n");
  CHECK(human(error_value(Status::error, "no such thing")) == "(error) ERR no such thing\n");
  CHECK(human(error_value(Status::out_of_memory, "full")) == "(error) OOM full\n");
}

TEST_CASE("lists and maps for people") {
  CHECK(human(list_value({})) == "(empty list)\n");
  CHECK(human(list_value({}, Kind::map)) == "(empty map)\n");
  CHECK(human(list_value({bytes_value("a"), nil_value(), integer_value(1)})) ==
        "1) \"a\"\n2) (nil)\n3) (integer) 1\n");
  const Value inner = list_value({bytes_value("x"), bytes_value("y")});
  CHECK(human(list_value({inner, list_value({inner})})) ==
        "1) 1) \"x\"\n   2) \"y\"\n2) 1) 1) \"x\"\n      2) \"y\"\n");
  CHECK(human(list_value({text_value("cores"), integer_value(2), bytes_value("k"), inner},
                         Kind::map)) ==
        "1) cores => (integer) 2\n2) \"k\" => 1) \"x\"\n   2) \"y\"\n");
  // Numbers end in one column, and so do the values begin.
  const std::string ten = human(list_value(std::vector<Value>(10, inner)));
  CHECK(ten.starts_with(" 1) 1) \"x\"\n    2) \"y\"\n 2) "));
  CHECK(ten.ends_with("\n10) 1) \"x\"\n    2) \"y\"\n"));
}

TEST_CASE("strings for people hide nothing and break nothing") {
  CHECK(human(bytes_value("\"\\\n\r\t")) == "\"\\\"\\\\\\n\\r\\t\"\n");
  CHECK(human(bytes_value(std::string_view("\0\x1b\x7f", 3))) == "\"\\x00\\x1b\\x7f\"\n");
  CHECK(human(bytes_value("Z\u00fcrich \u20ac \U0001f525")) ==
        "\"Z\u00fcrich \u20ac \U0001f525\"\n");
  CHECK(human(bytes_value("\xff\xc3")) == "\"\\xff\\xc3\"\n");
  // A right-to-left override, and a zero-width space.
  CHECK(human(bytes_value("\u202e\u200b")) == "\"\\xe2\\x80\\xae\\xe2\\x80\\x8b\"\n");
  // Neither does an error that quotes what a client sent.
  CHECK(human(error_value(Status::error, "bad \x1b[2J")) == "(error) ERR bad \\x1b[2J\n");
}

TEST_CASE("raw replies") {
  CHECK(raw(bytes_value(std::string_view("a\0\n\"", 4))) == std::string("a\0\n\"\n", 5));
  CHECK(raw(nil_value()) == "\n");
  CHECK(raw(ok_value()) == "OK\n");
  CHECK(raw(integer_value(7)) == "7\n");
  CHECK(raw(text_value("a page\n")) == "a page\n");
  CHECK(raw(error_value(Status::busy, "later")) == "BUSY later\n");
  CHECK(raw(list_value({bytes_value("a"), nil_value(), list_value({bytes_value("b")})})) ==
        "a\n\nb\n");
  CHECK(raw(list_value({text_value("k"), integer_value(1)}, Kind::map)) == "k\n1\n");
  CHECK(raw(list_value({})).empty());
}

TEST_CASE("JSON replies") {
  CHECK(json(ok_value()) == "\"OK\"\n");
  CHECK(json(nil_value()) == "null\n");
  // A terminal takes U+009B for the beginning of a command, U+202E turns the line around.
  CHECK(json(bytes_value("\xc2\x9b"
                         "2J\x7f\xe2\x80\xae\xf3\xa0\x80\x81")) ==
        "\"\\u009b2J\\u007f\\u202e\\udb40\\udc01\"\n");
  CHECK(json(integer_value(INT64_MIN)) == "-9223372036854775808\n");
  CHECK(json(bytes_value("a\n\"Z\u00fcrich\"")) == "\"a\\n\\\"Z\u00fcrich\\\"\"\n");
  CHECK(json(error_value(Status::error, "no")) == "{\"error\":\"ERR no\"}\n");
  CHECK(json(list_value({bytes_value("a"), nil_value(), integer_value(1)})) == "[\"a\",null,1]\n");
  CHECK(json(list_value({text_value("a"), integer_value(1)}, Kind::map)) == "{\"a\":1}\n");
}

TEST_CASE("JSON of bytes that are no text") {
  // The examples of RFC 4648, section 9, and every length of the last group.
  CHECK(json(bytes_value("\x14\xfb\x9c\x03\xd9\x7e")) == "{\"base64\":\"FPucA9l+\"}\n");
  CHECK(json(bytes_value("\x14\xfb\x9c\x03\xd9")) == "{\"base64\":\"FPucA9k=\"}\n");
  CHECK(json(bytes_value("\x14\xfb\x9c\x03")) == "{\"base64\":\"FPucAw==\"}\n");
  CHECK(json(bytes_value("\xff")) == "{\"base64\":\"/w==\"}\n");
}

TEST_CASE("JSON of maps that are no objects") {
  const Value binary_key = list_value({bytes_value("\xff"), integer_value(1)}, Kind::map);
  CHECK(json(binary_key) == "[[{\"base64\":\"/w==\"},1]]\n");
  const Value twice = list_value(
      {bytes_value("k"), integer_value(1), bytes_value("k"), integer_value(2)}, Kind::map);
  CHECK(json(twice) == "[[\"k\",1],[\"k\",2]]\n");
}

TEST_CASE("a listing is numbered through all its parts") {
  const Value two = list_value({bytes_value("a"), bytes_value("b")});
  const Value one = list_value({bytes_value("c\xff")});
  const auto whole = std::vector<Value>{two, list_value({}), one, bytes_value("0")};
  const auto cut = std::vector<Value>{two, one, bytes_value("18446744073709551615")};
  using Texts = std::pair<std::string, std::string>;
  CHECK(listed(Format::human, whole) == Texts{"1) \"a\"\n2) \"b\"\n3) \"c\\xff\"\n", ""});
  CHECK(listed(Format::human, cut) ==
        Texts{"1) \"a\"\n2) \"b\"\n3) \"c\\xff\"\n(cursor) 18446744073709551615\n", ""});
  CHECK(listed(Format::raw, whole) == Texts{"a\nb\nc\xff\n", ""});
  CHECK(listed(Format::raw, cut) == Texts{"a\nb\nc\xff\n", "(cursor) 18446744073709551615\n"});
  CHECK(listed(Format::json, whole) ==
        Texts{"{\"keys\":[\"a\",\"b\",{\"base64\":\"Y/8=\"}],\"cursor\":\"0\"}\n", ""});
}

TEST_CASE("a listing without keys, or with an error") {
  const std::vector<Value> none = {bytes_value("0")};
  CHECK(listed(Format::human, none).first == "(empty list)\n");
  CHECK(listed(Format::raw, none).first.empty());
  CHECK(listed(Format::json, none).first == "{\"keys\":[],\"cursor\":\"0\"}\n");
  const std::vector<Value> refused = {error_value(Status::error, "no")};
  CHECK(listed(Format::human, refused).first == "(error) ERR no\n");
  CHECK(listed(Format::json, refused).first == "{\"error\":\"ERR no\"}\n");
  const std::vector<Value> broken = {list_value({bytes_value("a")}),
                                     error_value(Status::busy, "no")};
  CHECK(listed(Format::human, broken).first == "1) \"a\"\n(error) BUSY no\n");
  CHECK(listed(Format::json, broken).first == "{\"keys\":[\"a\"],\"error\":\"BUSY no\"}\n");
}

TEST_CASE("a listing that was cut off does not touch the next reply") {
  for (const Format format : {Format::human, Format::json}) {
    Renderer renderer(format);
    std::string out;
    std::string notes;
    renderer.reply({list_value({bytes_value("a")}), true}, true, out, notes);
    renderer.abandon(out);
    CHECK(out.back() == '\n');
    out.clear();
    renderer.reply({list_value({bytes_value("b")}), true}, true, out, notes);
    renderer.reply({bytes_value("0"), false}, true, out, notes);
    renderer.reply({integer_value(1), false}, false, out, notes);
    const bool is_human = format == Format::human;
    CHECK(out ==
          (is_human ? "1) \"b\"\n(integer) 1\n" : "{\"keys\":[\"b\"],\"cursor\":\"0\"}\n1\n"));
  }
}

TEST_CASE("errors of the program stand where a reply would") {
  const auto local = [](Format format) {
    std::string out;
    Renderer(format).local_error("line 1, column 2: no", out);
    return out;
  };
  CHECK(local(Format::human) == "(error) line 1, column 2: no\n");
  CHECK(local(Format::raw) == "line 1, column 2: no\n");
  CHECK(local(Format::json) == "{\"error\":\"line 1, column 2: no\"}\n");
}

TEST_CASE("every string that is printed is read back as the same bytes") {
  const std::uint64_t seed = 20'240'601;
  CAPTURE(seed);
  SeededRandom random(seed);
  constexpr std::string_view kTricky = "\"\\'nrtx0f \n\r\t\xc3\xbc\xe2\x80\xae\xff\x80";
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(random.below(24), '\0');
    const bool is_tricky = random.below(2) == 0;
    for (char& byte : bytes) {
      byte = is_tricky ? kTricky[random.below(kTricky.size())] : static_cast<char>(random.next());
    }
    std::string line = "GET ";
    append_quoted(line, bytes);
    CAPTURE(line);
    REQUIRE(is_utf8(line));
    REQUIRE(line.find('\n') == std::string::npos);
    const auto words = client::tokenize(line);
    REQUIRE(words.has_value());
    REQUIRE(words->size() == 2);
    REQUIRE((*words)[1] == bytes);
  }
}

TEST_CASE("UTF-8 has one form for each character") {
  CHECK(first_character("a").code_point == U'a');
  CHECK(first_character("\u00fc").code_point == U'\u00fc');
  CHECK(first_character("\u20ac").bytes == 3);
  CHECK(first_character("\U0010ffff").code_point == 0x10FFFF);
  CHECK(is_utf8(""));
  CHECK_FALSE(is_utf8("\x80"));
  CHECK_FALSE(is_utf8("\xc3"));
  CHECK_FALSE(is_utf8("\xc0\x80"));          // A longer form of NUL.
  CHECK_FALSE(is_utf8("\xe0\x80\xaf"));      // A longer form of '/'.
  CHECK_FALSE(is_utf8("\xed\xa0\x80"));      // A surrogate.
  CHECK_FALSE(is_utf8("\xf4\x90\x80\x80"));  // Beyond U+10FFFF.
  CHECK_FALSE(is_utf8("\xf8\x88\x80\x80\x80"));
}

TEST_CASE("colours stand around what is no data, in the human format alone") {
  const Value value = list_value({bytes_value("a"), integer_value(7)});
  std::string notes;
  std::string human;
  Renderer(Format::human, Style::coloured()).reply({value, false}, false, human, notes);
  CHECK(human == "\x1b[2m1) \x1b[0m\"a\"\n\x1b[2m2) \x1b[0m\x1b[2m(integer) \x1b[0m7\n");
  std::string error;
  Renderer(Format::human, Style::coloured()).local_error("no", error);
  CHECK(error == "\x1b[31m(error) no\x1b[0m\n");
  for (const Format format : {Format::raw, Format::json}) {
    std::string out;
    Renderer(format, Style::coloured()).reply({value, false}, false, out, notes);
    CHECK(out == rendered(format, value));
  }
}

}  // namespace phoenix::cli
