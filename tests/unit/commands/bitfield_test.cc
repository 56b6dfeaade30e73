// BITFIELD and BITFIELD_RO.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/unit/commands/harness.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;

namespace {

constexpr std::string_view kSyntaxError = "(error) ERR syntax error";
constexpr std::string_view kNotAnInteger = "(error) ERR value is not an integer or out of range";
constexpr std::string_view kNotABitOffset =
    "(error) ERR bit offset is not an integer or out of range";
constexpr std::string_view kNoType =
    "(error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported "
    "but i64 is.";
constexpr std::string_view kNoOverflow = "(error) ERR Invalid OVERFLOW type specified";

std::string run(Harness& harness, std::string_view operations) {
  return harness("BITFIELD a " + std::string(operations));
}

/// The items of a list of integers, as they are written here.
std::string list_of(std::string_view items) {
  std::string text = "[";
  for (const auto item : words_of(items)) {
    if (text.size() > 1) text += ", ";
    text += item == "nil" ? "(nil)" : "(integer) " + std::string(item);
  }
  return text + "]";
}

TEST_CASE("integers are read, set and added to, one after the other") {
  struct Case {
    std::string_view operations;
    std::string_view items;
  };
  const Case cases[] = {
      {"GET u8 0", "0"},
      {"SET u8 0 255 GET u8 0 GET i8 0 GET u4 4 GET u16 0", "0 255 -1 15 65280"},
      {"SET i8 #2 -3 GET i8 16 GET u8 #2", "0 -3 253"},
      {"SET u8 0 1 SET u8 0 2 SET u8 0 3", "0 1 2"},
      {"INCRBY u8 100 5 INCRBY u8 100 -2 GET u8 100", "5 3 3"},
      {"SET i64 3 -9223372036854775808 GET i64 3 INCRBY i64 3 -1",
       "0 -9223372036854775808 9223372036854775807"},
      {"SET u63 1 9223372036854775807 GET u63 1 GET u1 0 GET u1 64", "0 9223372036854775807 0 0"},
      {"SET u1 9 1 GET u16 0 GET i1 9", "0 64 -1"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.operations);
    Harness harness;
    CHECK(run(harness, one.operations) == list_of(one.items));
  }
}

TEST_CASE("what does not fit begins anew, stays at the limit, or is refused") {
  struct Case {
    std::string_view operations;
    std::string_view items;
  };
  const Case cases[] = {
      {"SET u8 0 256 GET u8 0", "0 0"},
      {"SET u8 0 -1 GET u8 0", "0 255"},
      {"SET i8 0 200 GET i8 0", "0 -56"},
      {"SET u8 0 250 INCRBY u8 0 10 INCRBY u8 0 -10", "0 4 250"},
      {"SET i8 0 127 INCRBY i8 0 1 INCRBY i8 0 -1", "0 -128 127"},
      {"OVERFLOW SAT SET u8 0 256 GET u8 0 SET u8 0 -1 GET u8 0", "0 255 255 255"},
      {"OVERFLOW SAT SET i8 0 200 SET i8 0 -200 GET i8 0", "0 127 -128"},
      {"OVERFLOW sat INCRBY u8 0 300 INCRBY u8 0 -300", "255 0"},
      {"OVERFLOW SAT INCRBY i64 0 9223372036854775807 INCRBY i64 0 1",
       "9223372036854775807 9223372036854775807"},
      {"OVERFLOW SAT INCRBY i64 0 -9223372036854775808 INCRBY i64 0 -1",
       "-9223372036854775808 -9223372036854775808"},
      {"OVERFLOW SAT INCRBY u63 0 9223372036854775807 INCRBY u63 0 9223372036854775807",
       "9223372036854775807 9223372036854775807"},
      {"OVERFLOW FAIL SET u8 0 256 INCRBY u8 0 -1 INCRBY u8 0 255 INCRBY u8 0 1",
       "nil nil 255 nil"},
      {"OVERFLOW FAIL INCRBY i64 0 9223372036854775807 INCRBY i64 0 1", "9223372036854775807 nil"},
      {"OVERFLOW FAIL INCRBY u1 0 2 OVERFLOW WRAP INCRBY u1 0 3 OVERFLOW SAT INCRBY u1 0 9",
       "nil 1 1"},
      {"INCRBY u63 0 9223372036854775807 INCRBY u63 0 9223372036854775807",
       "9223372036854775807 9223372036854775806"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.operations);
    Harness harness;
    CHECK(run(harness, one.operations) == list_of(one.items));
  }
}

TEST_CASE("what is no operation is refused before anything is done") {
  struct Case {
    std::string_view operations;
    std::string_view reply;
  };
  const Case cases[] = {
      {"WRONG u8 0", kSyntaxError},
      {"GET u8", kSyntaxError},
      {"SET u8 0", kSyntaxError},
      {"SET u8 0 1 INCRBY u8 0", kSyntaxError},
      {"OVERFLOW", kSyntaxError},
      {"OVERFLOW WRONG", kNoOverflow},
      {"SET u8 0 1 OVERFLOW WRONG GET u8 0", kNoOverflow},
      {"GET u64 0", kNoType},
      {"GET i65 0", kNoType},
      {"GET u0 0", kNoType},
      {"GET u 0", kNoType},
      {"GET U8 0", kNoType},
      {"GET u08 0", kNoType},
      {"GET u8x 0", kNoType},
      {"GET i-1 0", kNoType},
      {"SET x8 x x", kNoType},
      {"SET u8 x x", kNotABitOffset},
      {"GET u8 -1", kNotABitOffset},
      {"GET u8 #", kNotABitOffset},
      {"GET u8 #-1", kNotABitOffset},
      {"GET u8 4294967296", kNotABitOffset},
      {"GET u8 #536870912", kNotABitOffset},
      {"GET i64 #9223372036854775807", kNotABitOffset},
      {"GET i64 #288230376151711744", kNotABitOffset},
      {"SET u8 4294967289 1", kNotABitOffset},  // It would end behind the largest value.
      {"SET u8 0 1 SET u8 0 x", kNotAnInteger},
      {"INCRBY u8 0 1.5", kNotAnInteger},
  };
  for (const Case& one : cases) {
    CAPTURE(one.operations);
    Harness harness;
    CHECK(run(harness, one.operations) == one.reply);
    CHECK(harness.effects.count == 0);
  }
  Harness harness;
  CHECK(harness("BITFIELD a") == "[]");
  CHECK(run(harness, "OVERFLOW SAT") == "[]");
  CHECK(run(harness, "GET u8 4294967295 GET u8 #536870911") == list_of("0 0"));
  CHECK(harness("EXISTS a") == "(integer) 0");
}

TEST_CASE("BITFIELD_RO only reads") {
  constexpr std::string_view kOnlyGet = "(error) ERR BITFIELD_RO only supports the GET subcommand";
  Harness harness;
  CHECK(harness("SET a A") == "OK");
  CHECK(harness("BITFIELD_RO a GET u8 0 GET u4 #1") == list_of("65 1"));
  CHECK(harness("BITFIELD_RO a OVERFLOW SAT GET u8 0") == list_of("65"));
  CHECK(harness("BITFIELD_RO missing GET u8 0") == list_of("0"));
  CHECK(harness("BITFIELD_RO a GET u8 0 SET u8 0 1") == kOnlyGet);
  CHECK(harness("BITFIELD_RO a SET u8 0 x") == kNotAnInteger);
  CHECK(harness("GET a") == "\"A\"");
}

TEST_CASE("operations near each other are one effect, and none where nothing changes") {
  Harness harness;
  CHECK(run(harness, "SET u8 0 1 INCRBY i16 100 5 SET u8 0 2") == list_of("0 5 1"));
  CHECK(harness.effects.count == 1);
  CHECK(run(harness, "SET u8 0 2 INCRBY i16 100 0 GET u8 0") == list_of("2 5 2"));
  CHECK(run(harness, "SET u8 0 3 SET u8 0 2") == list_of("2 3"));
  CHECK(run(harness, "OVERFLOW FAIL SET u8 0 300") == list_of("nil"));
  CHECK(harness.effects.count == 1);
  // A value grows to the end of what might have been written.
  CHECK(run(harness, "OVERFLOW FAIL SET u8 200 300") == list_of("nil"));
  CHECK(harness("STRLEN a") == "(integer) 26");
  CHECK(harness("EXPIRE a 10") == "(integer) 1");
  CHECK(run(harness, "SET u8 0 3") == list_of("2"));
  CHECK(harness.expiry_of("a") == Harness::kStartMs + 10'000);
}

TEST_CASE("operations far from each other see each other, and are told one by one") {
  Harness harness;
  CHECK(run(harness, "SET u8 0 7 SET u8 #100000 8 GET u8 0 INCRBY u8 #100000 1 SET u16 4 9") ==
        list_of("0 0 7 9 28672"));
  CHECK(harness.effects.count == 4);  // It grows at first.
  CHECK(harness("STRLEN a") == "(integer) 100001");
  CHECK(harness("GETRANGE a 0 2") == quoted(std::string_view("\0\0\x90", 3)));
  CHECK(harness("GETRANGE a -1 -1") == "\"\\x09\"");
}

struct Field {
  bool is_signed;
  unsigned bits;
  std::uint64_t offset;
};

std::string bits_of(const std::vector<bool>& model, const Field& field) {
  std::uint64_t pattern = 0;
  for (unsigned i = 0; i < field.bits; ++i) {
    const std::uint64_t place = field.offset + i;
    pattern = pattern << 1U | (place < model.size() && model[place] ? 1U : 0U);
  }
  const bool is_negative = field.is_signed && (pattern >> (field.bits - 1) & 1U) != 0;
  if (is_negative && field.bits < 64) pattern |= ~std::uint64_t{0} << field.bits;
  return std::to_string(static_cast<std::int64_t>(pattern));
}

TEST_CASE("fields at random are those of a row of bits") {
  Harness harness(13);
  std::vector<bool> model;
  for (int step = 0; step < 3000; ++step) {
    if (step % 100 == 0) {
      (void)harness("DEL a");
      model.clear();
    }
    std::string request = "BITFIELD a";
    std::string items;
    for (std::uint64_t left = harness.random.below(5) + 1; left > 0; --left) {
      Field field{harness.random.below(2) == 0, 0, 0};
      field.bits = static_cast<unsigned>(harness.random.below(field.is_signed ? 64 : 63)) + 1;
      field.offset = harness.random.below(harness.random.below(50) == 0 ? 600'000 : 300);
      const auto number = static_cast<std::int64_t>(harness.random.next());
      const std::string type =
          fmt::format("{}{} {}", field.is_signed ? "i" : "u", field.bits, field.offset);
      items += (items.empty() ? "" : " ") + bits_of(model, field);
      if (harness.random.below(3) == 0) {
        request += " GET " + type;
        continue;
      }
      request += fmt::format(" SET {} {}", type, number);
      const std::uint64_t bytes = (field.offset + field.bits + 7) / 8;
      if (model.size() < bytes * 8) model.resize(bytes * 8);
      for (unsigned i = 0; i < field.bits; ++i) {
        const auto bit = static_cast<std::uint64_t>(number) >> (field.bits - 1 - i) & 1U;
        model[field.offset + i] = bit != 0;
      }
    }
    CAPTURE(request);
    REQUIRE(harness(request) == list_of(items));
    CHECK(harness("STRLEN a") == fmt::format("(integer) {}", model.size() / 8));
  }
}

}  // namespace
