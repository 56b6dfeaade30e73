// APPEND, GETRANGE, SETRANGE, STRLEN, SUBSTR.
#include <doctest/doctest.h>

#include "tests/unit/commands/harness.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;

namespace {

constexpr std::string_view kNotAnInteger = "(error) ERR value is not an integer or out of range";
constexpr std::string_view kTooLong =
    "(error) ERR string exceeds maximum allowed size (proto-max-bulk-len)";

TEST_CASE("GETRANGE cuts off what lies outside") {
  struct Case {
    std::string_view places;
    std::string_view part;
  };
  const Case cases[] = {
      {"0 0", "f"},
      {"0 -1", "foobar"},
      {"1 3", "oob"},
      {"-3 -1", "bar"},
      {"-3 -4", ""},
      {"3 2", ""},
      {"5 5", "r"},
      {"6 9", ""},
      {"4 100", "ar"},
      {"-100 1", "fo"},
      {"-100 -6", "f"},
      {"-100 -50", "f"},
      {"-50 -100", ""},
      {"0 -100", "f"},
      {"1 -100", ""},
      {"0 9223372036854775807", "foobar"},
      {"-9223372036854775808 -1", "foobar"},
      {"9223372036854775807 -1", ""},
      {"-9223372036854775808 -9223372036854775808", "f"},
  };
  Harness harness;
  CHECK(harness("SET a foobar") == "OK");
  CHECK(harness("SET empty ") == "OK");
  for (const Case& one : cases) {
    CAPTURE(one.places);
    CHECK(harness("GETRANGE a " + std::string(one.places)) == quoted(one.part));
    CHECK(harness("SUBSTR a " + std::string(one.places)) == quoted(one.part));
    CHECK(harness("GETRANGE missing " + std::string(one.places)) == "\"\"");
    CHECK(harness("GETRANGE empty " + std::string(one.places)) == "\"\"");
  }
  CHECK(harness("GETRANGE missing x 1") == kNotAnInteger);
  CHECK(harness("GETRANGE a 0 1.5") == kNotAnInteger);
}

TEST_CASE("a long part of a large value is a block of its own, all of it is the value's") {
  Harness harness;
  std::string value(300'000, 'v');
  value[1] = 'w';
  CHECK(harness.run({"SET", "a", value}) == "OK");
  CHECK(harness("GETRANGE a 0 -1") == quoted(value));
  CHECK(harness.reply.large_value()->size_bytes() == value.size());
  CHECK(harness("GETRANGE a 1 -1") == quoted(std::string_view(value).substr(1)));
  CHECK(harness.reply.large_value()->size_bytes() == value.size() - 1);
  CHECK(harness("GETRANGE a 1 2") == "\"wv\"");
  CHECK(harness.reply.large_value() == nullptr);
}

TEST_CASE("APPEND makes, adds, and keeps the time to live") {
  Harness harness;
  CHECK(harness("APPEND a foo") == "(integer) 3");
  CHECK(harness("EXPIRE a 10") == "(integer) 1");
  CHECK(harness("APPEND a bar") == "(integer) 6");
  CHECK(harness("GET a") == "\"foobar\"");
  CHECK(harness.expiry_of("a") == Harness::kStartMs + 10'000);
  const std::uint64_t effects = harness.effects.count;
  CHECK(harness("APPEND a ") == "(integer) 6");
  CHECK(harness.effects.count == effects);
  CHECK(harness("APPEND empty ") == "(integer) 0");
  CHECK(harness("EXISTS empty") == "(integer) 1");
}

TEST_CASE("SETRANGE writes over a value, and fills with zeros") {
  Harness harness;
  CHECK(harness("SETRANGE a 2 xy") == "(integer) 4");
  CHECK(harness.run({"GET", "a"}) == quoted(std::string_view("\0\0xy", 4)));
  CHECK(harness("SETRANGE a 0 ab") == "(integer) 4");
  CHECK(harness("SETRANGE a 3 z1") == "(integer) 5");
  CHECK(harness("GET a") == "\"abxz1\"");
  CHECK(harness("STRLEN a") == "(integer) 5");
  const std::uint64_t effects = harness.effects.count;
  CHECK(harness("SETRANGE a 100 ") == "(integer) 5");
  CHECK(harness("SETRANGE missing 100 ") == "(integer) 0");
  CHECK(harness("EXISTS missing") == "(integer) 0");
  CHECK(harness("SETRANGE a -1 x") == "(error) ERR offset is out of range");
  CHECK(harness("SETRANGE a -1 ") == "(error) ERR offset is out of range");
  CHECK(harness("SETRANGE a x y") == kNotAnInteger);
  CHECK(harness("SETRANGE a 536870912 x") == kTooLong);
  CHECK(harness("SETRANGE a 9223372036854775807 x") == kTooLong);
  CHECK(harness.effects.count == effects);
}

TEST_CASE("changes of parts at random are those of a string") {
  Harness harness(11);
  std::string model;
  for (int step = 0; step < 4000; ++step) {
    const auto size = harness.random.below(harness.random.below(20) == 0 ? 3000 : 12) + 1;
    std::string part(size, static_cast<char>(harness.random.below(256)));
    const bool appends = harness.random.below(3) == 0;
    const auto offset = appends ? model.size() : harness.random.below(model.size() + 40);
    const std::string at = std::to_string(offset);
    model.resize(std::max<std::size_t>(model.size(), offset + size));
    model.replace(offset, size, part);
    const std::string answer = "(integer) " + std::to_string(model.size());
    CHECK((appends ? harness.run({"APPEND", "a", part})
                   : harness.run({"SETRANGE", "a", at, part})) == answer);
    const auto first = harness.random.below(model.size());
    const auto last = first + harness.random.below(30);
    const std::string from = std::to_string(first);
    const std::string to = std::to_string(last);
    CHECK(harness.run({"GETRANGE", "a", from, to}) ==
          quoted(std::string_view(model).substr(first, last - first + 1)));
    if (model.size() > 100'000) {
      CHECK(harness("GET a") == quoted(model));
      CHECK(harness("DEL a") == "(integer) 1");
      model.clear();
    }
  }
  CHECK(harness("GET a") == quoted(model));
}

}  // namespace
