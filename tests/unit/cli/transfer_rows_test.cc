#include <chrono>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "cli/base64.h"
#include "cli/transfer/row_parser.h"
#include "cli/transfer/row_writer.h"

namespace phoenix::cli::transfer {

namespace {

using Outcome = RowParser::Outcome;

/// What came out of an input: rows as "key=value@expiry", errors as "line N: why".
std::vector<std::string> parse(RowFormat format, std::string_view input, std::size_t piece_bytes) {
  std::vector<std::string> told;
  const std::unique_ptr<RowParser> parser = make_row_parser(format);
  Record record;
  const auto tell = [&](Outcome outcome) {
    if (outcome == Outcome::record) {
      told.push_back(record.key + "=" + record.value + "@" + std::to_string(record.expires_at_ms));
    } else if (outcome != Outcome::need_more) {
      told.push_back("line " + std::to_string(parser->row_line()) + ": " + parser->error());
    }
    return outcome != Outcome::bad_header;
  };
  while (!input.empty()) {
    std::string_view piece = input.substr(0, piece_bytes);
    input.remove_prefix(piece.size());
    while (!piece.empty()) {
      if (!tell(parser->next(piece, record))) return told;
    }
  }
  tell(parser->finish(record));
  return told;
}

using Told = std::vector<std::string>;

Told csv(std::string_view input) {
  Told whole = parse(RowFormat::csv, input, input.size() + 1);
  CHECK(parse(RowFormat::csv, input, 1) == whole);
  return whole;
}

Told json(std::string_view input) {
  Told whole = parse(RowFormat::json_lines, input, input.size() + 1);
  CHECK(parse(RowFormat::json_lines, input, 1) == whole);
  return whole;
}

/// The one complaint about a row that stands on line 2, with sound rows around it.
std::string csv_error(std::string_view row) {
  const Told told = csv("key,value,expires_at_ms,base64\n" + std::string(row) + "\nz,26,,\n");
  REQUIRE(told.size() == 2);
  CHECK(told[1] == "z=26@0");
  CHECK(told[0].substr(0, 8) == "line 2: ");
  return told[0].substr(8);
}

std::string json_error(std::string_view row) {
  const std::string sound = "{\"key\":\"z\",\"value\":\"26\"}\n";
  const Told told = json(sound + std::string(row) + "\n" + sound);
  REQUIRE(told.size() == 3);
  CHECK(told[0] == "z=26@0");
  CHECK(told[2] == "z=26@0");
  CHECK(told[1].substr(0, 8) == "line 2: ");
  return told[1].substr(8);
}

bool has(std::string_view text, std::string_view part) {
  const bool found = text.find(part) != std::string_view::npos;
  if (!found) MESSAGE("no '" << part << "' in '" << text << "'");
  return found;
}

void round_trip(RowFormat format, const std::vector<Record>& records) {
  std::string text = header_row(format);
  Told expected;
  for (const Record& record : records) {
    append_row(text, format, record);
    expected.push_back(record.key + "=" + record.value + "@" +
                       std::to_string(record.expires_at_ms));
  }
  for (const std::size_t piece_bytes : {text.size(), std::size_t{1}, std::size_t{13}}) {
    CHECK(parse(format, text, piece_bytes) == expected);
  }
}

}  // namespace

TEST_CASE("base64 is what it was, and nothing else is taken for it") {
  for (const std::string bytes : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
    CHECK(from_base64(base64(bytes)) == bytes);
  }
  CHECK(base64("fooba") == "Zm9vYmE=");
  for (const char* text : {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zg= ",
                           "Zm9v\n", "Zm-v", "Zg=a"}) {
    CAPTURE(text);
    CHECK_FALSE(from_base64(text).has_value());
  }
}

TEST_CASE("rows have the form that the documentation shows") {
  const std::vector<Record> records = {{"user:1", "Ada", 1'735'689'600'000},
                                       {"note", "say \"hi\",\nplease", 0},
                                       {std::string("\0k", 2), "\xFF", 0},
                                       {"photo", "\xFF\xD8", 0},
                                       {"", "", 0}};
  std::string text = header_row(RowFormat::csv);
  std::string lines = header_row(RowFormat::json_lines);
  for (const Record& record : records) {
    append_row(text, RowFormat::csv, record);
    append_row(lines, RowFormat::json_lines, record);
  }
  CHECK(text ==
        "key,value,expires_at_ms,base64\n"
        "user:1,Ada,1735689600000,\n"
        "note,\"say \"\"hi\"\",\nplease\",,\n"
        "AGs=,/w==,,both\n"
        "photo,/9g=,,value\n"
        "\"\",\"\",,\n");
  CHECK(lines ==
        "{\"key\":\"user:1\",\"value\":\"Ada\",\"expires_at_ms\":1735689600000}\n"
        "{\"key\":\"note\",\"value\":\"say \\\"hi\\\",\\nplease\"}\n"
        "{\"key\":\"\\u0000k\",\"value_base64\":\"/w==\"}\n"
        "{\"key\":\"photo\",\"value_base64\":\"/9g=\"}\n"
        "{\"key\":\"\",\"value\":\"\"}\n");
}

TEST_CASE("every byte, and awkward text, comes back") {
  std::vector<Record> records;
  std::string all;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string one(1, static_cast<char>(byte));
    records.push_back({one, "v", 0});
    records.push_back({"k" + one + "k", one + one, protocol::kTtlMsMax});
    all += one;
  }
  records.push_back({all, all, 1});
  for (const char* text :
       {"", " ", " a", "a ", "\"", "\"\"", ",", "\n", "\r", "\r\n", "a\rb", "\\", "null",
        "\xEF\xBB\xBF", "\xEF\xBB", "\xED\xA0\x80", "\xF0\x9F\x94\xA5", "=1+1", "\x7F"}) {
    records.push_back({text, text, 0});
  }
  round_trip(RowFormat::csv, records);
  round_trip(RowFormat::json_lines, records);
}

TEST_CASE("random records come back") {
  const auto seed =
      static_cast<std::uint32_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  CAPTURE(seed);
  std::mt19937 chance(seed);
  const std::string_view awkward("\",\r\n\\ a\0\xC3\xA9", 10);
  const auto draw = [&](std::size_t below) { return chance() % below; };
  const auto draw_bytes = [&](std::size_t bytes_max) {
    std::string bytes(draw(bytes_max), '\0');
    const bool is_awkward = draw(2) == 0;
    for (char& c : bytes) {
      c = is_awkward ? awkward[draw(awkward.size())] : static_cast<char>(draw(256));
    }
    return bytes;
  };
  std::vector<Record> records(300);
  for (Record& record : records) {
    record = {draw_bytes(20), draw_bytes(100), draw(2) == 0 ? 0 : 1 + draw(1'000'000)};
  }
  round_trip(RowFormat::csv, records);
  round_trip(RowFormat::json_lines, records);
}

TEST_CASE("large text whose escapes would cost more than base64 is base64") {
  const std::string tame(std::size_t{2} << 20U, 'a');
  const std::string wild(std::size_t{2} << 20U, '"');
  for (const RowFormat format : {RowFormat::csv, RowFormat::json_lines}) {
    std::string row;
    append_row(row, format, {"k", tame, 0});
    CHECK(row.size() < tame.size() + 100);
    row.clear();
    append_row(row, format, {"k", wild, 0});
    CHECK(row.size() < wild.size() / 3 * 4 + 100);
    Told told = parse(format, header_row(format) + row, std::size_t{1} << 18U);
    CHECK(told == Told{"k=" + wild + "@0"});
  }
}

TEST_CASE("CSV as people and their programs write it") {
  CHECK(csv("key,value\na,1\nb,2") == Told{"a=1@0", "b=2@0"});
  CHECK(csv("\xEF\xBB\xBF"
            "value,key\r\n1,a\r\n\r\n\"2\",\"b\"\r\n") == Told{"a=1@0", "b=2@0"});
  CHECK(csv("\"key\",\"value\"\n a , 1 \n,\n\"\",\"\"\n") == Told{" a = 1 @0", "=@0", "=@0"});
  CHECK(csv("\n\nvalue,expires_at_ms,key\n\"x\n\"\"y\"\"\",7,a\n") == Told{"a=x\n\"y\"@7"});
  CHECK(csv("key,value\n") == Told{});
}

TEST_CASE("a CSV row that could be meant in two ways is an error of that row") {
  CHECK(has(csv_error("a,b\"c,,"), "a quote stands inside a field"));
  CHECK(has(csv_error("a,\"b\"c,,"), "text stands behind a closing quote"));
  CHECK(has(csv_error("a,\"b\" ,,"), "text stands behind a closing quote"));
  CHECK(has(csv_error("a,b\rc,,"), "a carriage return stands outside of quotes"));
  CHECK(has(csv_error("a,1"), "it has 2 fields, and the header names 4"));
  CHECK(has(csv_error("a,1,,,"), "it has 5 fields, and the header names 4"));
  CHECK(has(csv_error(std::string(1'000, ',')), "it has more than 16 fields"));
  CHECK(has(csv_error("a,1,,yes"), "base64 is key, value, both or nothing"));
  CHECK(has(csv_error("a?,1,,key"), "the key is no base64"));
  CHECK(has(csv_error("YQ==,1,,both"), "the value is no base64"));
  CHECK(has(csv_error(std::string(65'537, 'k') + ",1,,"), "the key has 65537 bytes"));
  for (const char* expiry : {"0", "-1", "+1", "1.5", "1e3", " 1", "1 ", "0x1", "281474976710656",
                             "99999999999999999999999", "never"}) {
    CAPTURE(expiry);
    CHECK(has(csv_error("a,1," + std::string(expiry) + ","), "expires_at_ms is a Unix time"));
  }
}

TEST_CASE("a CSV row that does not end is told by the line where it began") {
  const Told told = csv("key,value\na,1\nb,\"2\nc,3\nd,4\n");
  REQUIRE(told.size() == 2);
  CHECK(told[0] == "a=1@0");
  CHECK(told[1].substr(0, 8) == "line 3: ");
  CHECK(has(told[1], "the closing quote is missing"));
  CHECK(has(csv("key,value\na,1\r").at(0), "a carriage return stands outside of quotes"));
}

TEST_CASE("a header that is not understood ends it") {
  const auto header_error = [](const char* input) {
    const Told told = csv(input);
    REQUIRE(told.size() == 1);
    return told[0];
  };
  CHECK(header_error("") ==
        "line 1: there is no header: the first line names the columns, as in key,value");
  CHECK(has(header_error("key,value,ttl\na,1,2\n"), "line 1: the header names a column 'ttl'"));
  CHECK(has(header_error("a,1\nb,2\n"), "the header names a column 'a'"));
  CHECK(has(header_error("Key,value\na,1\n"), "the header names a column 'Key'"));
  CHECK(has(header_error("key\na\n"), "the header names no column value"));
  CHECK(has(header_error("key,value,key\na,1,b\n"), "the header names the column key twice"));
  CHECK(has(header_error("\nkey,val\"ue\na,1\n"), "line 2: a quote stands inside a field"));
}

TEST_CASE("JSON lines as programs write them") {
  CHECK(json("{ \"value\" : \"1\", \"key\":\"\\u0061\\ud83d\\ude00\", \"expires_at_ms\":null}\r\n"
             "\n   \n{\"key_base64\":\"/w==\",\"value\":\"\",\"expires_at_ms\":5}") ==
        Told{"a\xF0\x9F\x98\x80=1@0", "\xFF=@5"});
  CHECK(json("") == Told{});
}

TEST_CASE("a JSON line that is no record is an error of that line") {
  CHECK(has(json_error("{\"key\":\"a\"}"), "it has no value"));
  CHECK(has(json_error("{\"value\":\"a\"}"), "it has no key"));
  CHECK(has(json_error("{}"), "it has no key"));
  CHECK(has(json_error("{\"key\":\"a\",\"value\":\"1\",\"ttl\":5}"), "there is no field \"ttl\""));
  CHECK(has(json_error("{\"key\":\"a\",\"value\":1}"), "value is no string"));
  CHECK(has(json_error("{\"key\":\"a\",\"value\":null}"), "value is no string"));
  CHECK(has(json_error("{\"key\":\"a\",\"value\":[\"1\"]}"), "value is no string"));
  CHECK(has(json_error("{\"key\":{\"key\":\"a\"}}"), "key is no string"));
  CHECK(has(json_error("{\"key\":\"a\",\"value\":\"1\",\"key\":\"b\"}"), "its key twice"));
  CHECK(has(json_error("{\"key\":\"a\",\"key_base64\":\"YQ==\"}"), "its key_base64 twice"));
  CHECK(has(json_error("{\"key_base64\":\"YQ\",\"value\":\"\"}"), "key_base64 is no base64"));
  for (const char* line : {"[]", "\"key\"", "1", "null", "true", "1.5", "-1", "[{}]"}) {
    CAPTURE(line);
    CHECK(has(json_error(line), "it is no object"));
  }
  for (const char* line :
       {"{", "{\"key\":\"a\",\"value\":\"1\"}}", "{\"key\":\"a\",\"value\":\"1\"} x",
        "{\"key\":\"\xFF\",\"value\":\"\"}", "{\"key\":\"\\ud800\",\"value\":\"\"}", "key,value",
        "{'key':'a'}", "{\"key\":\"a\",\"value\":\"1\",}"}) {
    CAPTURE(line);
    CHECK(has(json_error(line), "it is not JSON from its byte"));
  }
  for (const char* expiry : {"0", "-1", "1.5", "\"1\"", "281474976710656", "true", "[]", "{}"}) {
    CAPTURE(expiry);
    const std::string row = "{\"key\":\"a\",\"value\":\"1\",\"expires_at_ms\":";
    CHECK(has(json_error(row + expiry + "}"), "expires_at_ms is a Unix time"));
  }
  CHECK(has(json_error("{\"key\":\"" + std::string(65'537, 'k') + "\",\"value\":\"\"}"),
            "the key has 65537 bytes"));
}

TEST_CASE("a parser that knows the header goes on at any row") {
  const std::unique_ptr<RowParser> parser = make_row_parser(RowFormat::csv);
  Record record;
  std::string_view first = "value,key\n1,a\n\"half of";
  CHECK(parser->next(first, record) == Outcome::record);
  CHECK(parser->next(first, record) == Outcome::need_more);
  parser->go_on_at(77);
  std::string_view later = "9,z\nbad\n";
  CHECK(parser->next(later, record) == Outcome::record);
  CHECK(record.key == "z");
  CHECK(parser->row_line() == 77);
  CHECK(parser->next(later, record) == Outcome::bad_row);
  CHECK(parser->row_line() == 78);
  CHECK(parser->line() == 79);
}

}  // namespace phoenix::cli::transfer
