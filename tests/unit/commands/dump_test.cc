// DUMP and RESTORE: payloads of Redis 7.0 are read, ours are what it reads, and nothing that a
// payload claims is believed.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "phoenix/base/crc64.h"
#include "phoenix/commands/rdb_string.h"
#include "tests/unit/commands/harness.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;
using namespace std::string_view_literals;

namespace {

/// A body with the footer of Redis 7.0 behind it.
std::string sealed(std::string_view body, std::uint16_t version = 10) {
  std::string payload(body);
  payload.push_back(static_cast<char>(version & 0xFFU));
  payload.push_back(static_cast<char>(version >> 8U));
  std::uint64_t crc = crc64(0, payload);
  for (int i = 0; i < 8; ++i, crc >>= 8U) payload.push_back(static_cast<char>(crc & 0xFFU));
  return payload;
}

std::string dumped(std::string_view value) {
  return serialize(value);
}

/// What a RESTORE of the payload leaves under a key, or the error.
std::string restored(std::string_view payload) {
  Harness harness;
  const std::string reply = harness.run({"RESTORE", "a", "0", payload});
  return reply == "OK" ? harness("GET a") : reply;
}

constexpr std::string_view kBadFormat = "(error) ERR Bad data format";
constexpr std::string_view kBadFooter = "(error) ERR DUMP payload version or checksum are wrong";

/// As redis-server 7.0.15 dumps them.
struct Dumped {
  std::string_view value;
  std::string_view payload;
};
constexpr Dumped kOfRedis[] = {
    {"1", "\x00\xc0\x01\n\x00&x\xe7\xb6\xd1\x01\x11\xfc"sv},
    {"-1", "\x00\xc0\xff\n\x00\x0c\x93~$\x85\b\x9d\xc5"sv},
    {"127",
     "\x00\xc0\x7f\n\x00\r\xb5\xeb"
     "1RT\xc5\x14"sv},
    {"128", "\x00\xc1\x80\x00\n\x00\xebz\xb3\xb5\x10\xcfKe"sv},
    {"-129", "\x00\xc1\x7f\xff\n\x00\x17`\x82(T\x80\x84\x80"sv},
    {"32767", "\x00\xc1\xff\x7f\n\x00IZ7\xda\x17\xf4\xd5+"sv},
    {"32768",
     "\x00\xc2\x00\x80\x00\x00\n\x00"
     "E\xd8.\xed\xd5\xbd\xa9\x10"sv},
    {"70000",
     "\x00\xc2p\x11\x01\x00\n\x00\x01\xa4\b\xfe\x95"
     "0\x95\xa5"sv},
    {"2147483648", "\x00\n2147483648\n\x00\xe7\xb1)\xa3L\x1dv\xee"sv},
    {"hello",
     "\x00\x05hello\n\x00"
     "cr\xdfve4 \n"sv},
    {"", "\x00\x00\n\x00]\x9b\\@\x0f\x7f\xa2\xda"sv},
};

TEST_CASE("small values are dumped as Redis dumps them, byte by byte, and restored") {
  for (const Dumped& one : kOfRedis) {
    CAPTURE(one.value);
    CHECK(quoted(dumped(one.value)) == quoted(one.payload));
    CHECK(restored(one.payload) == quoted(one.value));
    Harness harness;
    CHECK(harness.run({"SET", "a", one.value}) == "OK");
    CHECK(harness("DUMP a") == quoted(one.payload));
  }
}

TEST_CASE("what Redis has compressed is restored") {
  const auto payload =
      "\x00\xc3\t@d\x01xx\xe0W\x00\x01xx\n\x00]\xb7\xf6"
      "c\xbb\bb_"sv;
  CHECK(restored(payload) == quoted(std::string(100, 'x')));
  // A run, a repetition from further back, a long one.
  const auto body =
      "\x00\xc3\x0a\x1a\x03"
      "abcd\x40\x03\xe0\x09\x00"sv;
  CHECK(restored(sealed(body)) == quoted("abcdabcd" + std::string(18, 'd')));
}

TEST_CASE("values of all sizes go through DUMP and RESTORE, their time in its own word") {
  for (const std::size_t size : {0U, 1U, 63U, 64U, 16'383U, 16'384U, 32'768U, 32'769U, 300'000U}) {
    CAPTURE(size);
    const std::string value(size, 'v');
    CHECK(restored(dumped(value)) == quoted(value));
    Harness harness;
    CHECK(harness.run({"SET", "a", value}) == "OK");
    CHECK(harness("DUMP a") == quoted(dumped(value)));
  }
  CHECK(Harness()("DUMP missing") == "(nil)");
}

TEST_CASE("a large payload is answered as a block that counts, and restored as one") {
  Harness harness;
  const std::string value(100'000, 'v');
  CHECK(harness.run({"SET", "a", value}) == "OK");
  const std::uint64_t before = harness.keyspace.large_meter()->bytes();
  (void)harness("DUMP a");
  CHECK(harness.reply.large_value() != nullptr);
  CHECK(harness.keyspace.large_meter()->bytes() >= before + value.size());
  CHECK(harness.run({"RESTORE", "b", "0", dumped(value)}) == "OK");
  CHECK(harness("DBSIZE") == "(integer) 2");
  CHECK(harness.keyspace.large_value_bytes() >= 2 * value.size());
  CHECK(harness.keyspace.large_meter()->bytes() == harness.keyspace.large_value_bytes());
}

TEST_CASE("the footer's version and checksum are looked at first") {
  const std::string payload = dumped("hello");
  for (std::size_t i = 0; i < payload.size(); ++i) {
    CAPTURE(i);
    std::string damaged = payload;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    CHECK(restored(damaged) == kBadFooter);
    CHECK(restored(std::string_view(payload).substr(0, i)) == kBadFooter);
  }
  CHECK(restored(sealed("\x00\x05hello"sv, 11)) == kBadFooter);
  CHECK(restored(sealed("\x00\x05hello"sv, 6)) == "\"hello\"");
  CHECK(restored("") == kBadFooter);
}

TEST_CASE("nothing that a payload claims is believed") {
  const std::string_view bodies[] = {
      ""sv,
      "\x00"sv,          // No length.
      "\x00\x05hell"sv,  // Shorter than it says.
      "\x00\x40"sv,      // Half a length.
      "\x00\x80\x00\x00"sv,
      "\x00\x80\xff\xff\xff\xffhello"sv,  // 4 GiB.
      "\x00\x81\xff\xff\xff\xff\xff\xff\xff\xffhello"sv,
      "\x00\x82hello"sv,  // No such length.
      "\x00\xc0"sv,       // No integer.
      "\x00\xc1\x01"sv,
      "\x00\xc2\x01\x01\x01"sv,
      "\x00\xc4hello"sv,                       // No such form.
      "\x00\xc3\x02\x80\x20\x00\x00\x00xx"sv,  // 512 MiB out of two bytes.
      "\x00\xc3\x02\x02\x01xy"sv,              // One byte too few for its run.
      "\x00\xc3\x03\x05\x01xy"sv,              // Less than promised.
      "\x00\xc3\x03\x01\x01xy"sv,              // More than promised.
      "\x00\xc3\x04\x05\x00x\x20\x01"sv,       // From before the beginning.
      "\x00\xc3\x03\x05\x00x\x20"sv,           // Without its distance.
      "\x00\xc3\x03\x0b\x00x\xe0"sv,           // Without its count.
      "\x00\xc3\x04\x04\x00x\x40\x00"sv,       // A repetition over the end.
      "\x00\xc3\x09\x05hello"sv,               // Shorter than it says.
  };
  for (const std::string_view body : bodies) {
    CAPTURE(quoted(body));
    CHECK(restored(sealed(body)) == kBadFormat);
  }
  for (const char type : {'\x01', '\x02', '\x0e', '\x15'}) {
    CHECK(restored(sealed(std::string(1, type) + "\x01x"))
              .starts_with("(error) ERR Bad data format: it is of a type"));
  }
  CHECK(restored(sealed("\x16x")) == kBadFormat);
  CHECK(restored(sealed("\xffx")) == kBadFormat);
}

TEST_CASE("any bytes behind a type are refused or restored, and never more than was promised") {
  Harness harness;
  unsigned accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string body("\x00", 1);
    if (round % 2 == 0) body += '\xc3';
    for (auto i = harness.random.below(12); i > 0; --i) {
      body += static_cast<char>(harness.random.below(round % 3 == 0 ? 256 : 9));
    }
    const std::string payload = sealed(body);  // What was read views it.
    const auto string = read_payload(payload);
    if (!string || string->form != SerializedString::Form::compressed) continue;
    engine::LargeValue out;
    if (decompress(*string, out)) {
      ++accepted;
      CHECK(out.size_bytes() == string->size_bytes);
    }
  }
  CHECK(accepted > 10);
}

TEST_CASE("RESTORE takes times, and replaces only when it may") {
  Harness harness;
  const std::string payload = dumped("v");
  const auto restore = [&](std::initializer_list<std::string_view> options) {
    std::vector<std::string_view> words{"RESTORE", "a"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.begin() + 3, payload);
    return harness.run(words);
  };
  CHECK(restore({"0"}) == "OK");
  CHECK(harness("PTTL a") == "(integer) -1");
  CHECK(restore({"0"}) == "(error) BUSYKEY Target key name already exists.");
  CHECK(restore({"x"}) == "(error) BUSYKEY Target key name already exists.");
  CHECK(restore({"500", "replace"}) == "OK");
  CHECK(harness("PTTL a") == "(integer) 500");
  const std::string later = std::to_string(Harness::kStartMs + 700);
  CHECK(restore({later, "ABSTTL", "REPLACE"}) == "OK");
  CHECK(harness("PTTL a") == "(integer) 700");
  CHECK(restore({"0", "IDLETIME", "5", "REPLACE"}) == "OK");
  CHECK(restore({"0", "FREQ", "255", "REPLACE"}) == "OK");
  CHECK(restore({"5", "ABSTTL", "REPLACE"}) == "OK");  // Long over.
  CHECK(harness("EXISTS a") == "(integer) 0");
  CHECK(restore({"5", "ABSTTL"}) == "OK");
  CHECK(harness("EXISTS a") == "(integer) 0");
  CHECK(restore({"5"}) == "OK");
  harness.now_ms += 5;
  CHECK(restore({"0"}) == "OK");  // What it had replaced was dead.
}

TEST_CASE("RESTORE refuses with Redis's texts") {
  struct Case {
    std::vector<std::string_view> options;
    std::string_view error;
  };
  const Case cases[] = {
      {{"-1"}, "Invalid TTL value, must be >= 0"},
      {{"x"}, "value is not an integer or out of range"},
      {{"9223372036854775807"}, "invalid expire time in 'restore' command"},
      {{"0", "nonsense"}, "syntax error"},
      {{"x", "nonsense"}, "syntax error"},
      {{"0", "IDLETIME"}, "syntax error"},
      {{"0", "IDLETIME", "-1"}, "Invalid IDLETIME value, must be >= 0"},
      {{"0", "IDLETIME", "x"}, "value is not an integer or out of range"},
      {{"0", "FREQ", "256"}, "Invalid FREQ value, must be >= 0 and <= 255"},
      {{"0", "FREQ", "-1"}, "Invalid FREQ value, must be >= 0 and <= 255"},
      {{"0", "FREQ", "1", "IDLETIME", "1"}, "syntax error"},
  };
  for (const Case& one : cases) {
    Harness harness;
    const std::string payload = dumped("v");
    std::vector<std::string_view> words{"RESTORE", "a"};
    words.insert(words.end(), one.options.begin(), one.options.end());
    words.insert(words.begin() + 3, payload);
    CHECK(harness.run(words) == fmt::format("(error) ERR {}", one.error));
    CHECK(harness.effects.count == 0);
  }
}

TEST_CASE("RESTORE tells beforehand how long its value becomes, and what it did") {
  Harness harness;
  EventRecorder events;
  harness.events = &events;
  const auto payload =
      "\x00\xc3\t@d\x01xx\xe0W\x00\x01xx\n\x00]\xb7\xf6"
      "c\xbb\bb_"sv;
  const std::vector<std::string_view> words{"RESTORE", "a", "0", payload};
  Request request;
  request.args = words;
  const Context context{harness.keyspace, harness.now_ms, harness.reply, harness.table, nullptr};
  CHECK(harness.table.find("RESTORE")->extra_bytes(context, request) == 100);
  CHECK(harness.run(words) == "OK");
  CHECK(events.seen == "n:new a; g:restore a; ");
  events.seen.clear();
  CHECK(harness.run({"RESTORE", "a", "1", payload, "REPLACE", "ABSTTL"}) == "OK");
  CHECK(events.seen == "g:del a; ");
}

}  // namespace
