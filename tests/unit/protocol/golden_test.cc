// The wire as it is written down: golden files against the codec, byte for byte, in both
// directions.
#include <map>
#include <set>

#include <doctest/doctest.h>

#include "tests/unit/protocol/support.h"

using namespace phoenix::protocol;
using namespace phoenix::protocol::test;

namespace {

struct RequestSample {
  std::string name;
  Opcode type = Opcode::argv;
  std::uint16_t flags = 0;
  std::uint32_t id = 0;
  std::string key = {};
  std::string value = {};
  std::uint64_t ttl_ms = 0;
  std::vector<std::string_view> args = {};
};

std::vector<RequestSample> request_samples() {
  using namespace std::string_literals;
  constexpr std::uint16_t kMoved = kHasTtl | kTtlIsTime | kIfPresent | kReturnOld | kWaitDurable;
  return {
      {"request_hello", Opcode::hello, 0, 1, "", "shop-7"},
      {"request_get", Opcode::get, 0, 7, "user:1"},
      {"request_set", Opcode::set, 0, 8, "user:1", "Ada"},
      {"request_set_ttl", Opcode::set, kHasTtl | kIfAbsent, 9, "s:9", "on", 1500},
      {"request_set_time", Opcode::set, kMoved, 10, "s:9", "off", 1'700'000'000'000},
      {"request_set_keep_ttl", Opcode::set, kKeepTtl | kDoNotWait, 11, "s:9"},
      {"request_del", Opcode::del, 0, 12, "\0\xFF\r\n"s},
      {"request_exists", Opcode::exists, 0, 13, "user:1"},
      {"request_incr", Opcode::incr, 0, 14, "visits"},
      {"request_ping", Opcode::ping, 0, 0xFFFFFFFF},
      {"request_ping_echo", Opcode::ping, 0, 15, "", "\0hi"s},
      {"request_argv", Opcode::argv, 0, 16, "", "", 0, {"MSET", "a", "1", "b", ""}},
      {"request_argv_list", Opcode::argv, 0, 17, "", "", 0, {"LIST", "user:*", "LIMIT", "3"}},
      {"request_argv_auth", Opcode::argv, 0, 18, "", "", 0, {"AUTH", "open sesame"}},
      {"request_argv_durable",
       Opcode::argv,
       kWaitDurable,
       19,
       "",
       "",
       0,
       {"EXPIRE", "user:1", "60"}},
  };
}

struct ReplySample {
  std::uint32_t id = 0;
  Value value;
  bool more_follows = false;
};

Value hello_map() {
  const auto number = [](std::int64_t n) { return integer(n); };
  return map({bytes("server"),
              bytes("phoenix"),
              bytes("version"),
              bytes("0.1.0"),
              bytes("protocol"),
              number(1),
              bytes("cores"),
              number(2),
              bytes("slots"),
              list({list({number(0), number(8191), number(0)}),
                    list({number(8192), number(16383), number(1)})}),
              bytes("ports"),
              list({number(6970), number(6971)}),
              bytes("key_bytes_max"),
              number(kKeyBytesMax),
              bytes("value_bytes_max"),
              number(kValueBytesMax),
              bytes("args_max"),
              number(kArgsMax),
              bytes("durability"),
              bytes("always")});
}

std::vector<ReplySample> every_error() {
  return {{16, none(Status::bad_frame, "bad magic: a request starts with 0xF1")},
          {17, none(Status::error, "unknown command 'FOO'")},
          {18, none(Status::too_large, "key size over 64 KiB")},
          {19, none(Status::not_authenticated, "AUTH first")},
          {20, none(Status::wrong_password, "that is not the password")},
          {21, none(Status::out_of_memory, "the memory budget is full")},
          {22, none(Status::disk_full, "the log has no room")},
          {23, none(Status::cross_slot, "the keys must share a {tag}")},
          {24, none(Status::shutting_down, "the server is shutting down")},
          {25, none(Status::busy)}};
}

std::map<std::string, std::vector<ReplySample>> reply_samples() {
  const Value every_kind = list({none(), integer(-1), text("line"), list({}),
                                 list({list({integer(std::numeric_limits<std::int64_t>::max())})}),
                                 map({text("k"), nil()})});
  return {
      {"reply_ok", {{8, none()}}},
      {"reply_nil", {{7, none(Status::nil)}}},
      {"reply_bytes", {{7, bytes("Ada")}}},
      {"reply_bytes_empty", {{7, bytes("")}}},
      {"reply_integer", {{12, integer(1)}}},
      {"reply_integer_negative", {{20, integer(-2)}}},
      {"reply_text", {{15, text("PONG")}}},
      {"reply_list_stream",
       {{17, list({bytes("user:1"), bytes("user:2")}), true},
        {17, list({bytes("user:3")}), true},
        {17, bytes("0")}}},
      {"reply_list",
       {{21, list({bytes("1"), nil(), error(Status::out_of_memory, "try later"), bytes("")})}}},
      {"reply_list_empty", {{22, list({})}}},
      {"reply_list_nested", {{23, every_kind}}},
      {"reply_map", {{1, hello_map()}}},
      {"reply_errors", every_error()},
      {"reply_bad_frame", {{0, none(Status::bad_frame, "bad magic: a request starts with 0xF1")}}},
  };
}

std::string encoded(const RequestSample& sample) {
  std::string out;
  if (sample.type == Opcode::argv) {
    append_argv_request(out, sample.flags, sample.id, sample.args);
  } else {
    append_request(out, sample.type, sample.flags, sample.id, sample.key, sample.value,
                   sample.ttl_ms);
  }
  return out;
}

void check_decoded(const RequestSample& sample, const std::string& wire) {
  RequestHeader header;
  REQUIRE(wire.size() >= kHeaderBytes);
  REQUIRE(decode_header(wire.data(), header).text.data() == nullptr);
  CHECK(header.type == static_cast<std::uint8_t>(sample.type));
  CHECK(header.flags == sample.flags);
  CHECK(header.id == sample.id);
  REQUIRE(header.frame_bytes() == wire.size());
  std::string_view rest = std::string_view(wire).substr(kHeaderBytes);
  const std::uint64_t ttl_ms =
      header.ttl_bytes() != 0 ? load_le<std::uint64_t>(rest.data()) : std::uint64_t{0};
  rest.remove_prefix(header.ttl_bytes());
  CHECK(ttl_ms == sample.ttl_ms);
  CHECK(check_request(header, ttl_ms).ok());
  CHECK(rest.substr(0, header.key_bytes) == sample.key);
  const std::string_view value = rest.substr(header.key_bytes);
  if (sample.type != Opcode::argv) {
    CHECK(value == sample.value);
    return;
  }
  std::vector<std::string_view> args = {};
  REQUIRE(decode_argv(value, kArgsMax, args).text.data() == nullptr);
  CHECK(args == sample.args);
}

}  // namespace

TEST_CASE("golden requests: what is encoded is the file, what is decoded is what was meant") {
  for (const RequestSample& sample : request_samples()) {
    CAPTURE(sample.name);
    const std::string wire = golden(sample.name);
    CHECK(encoded(sample) == wire);
    check_decoded(sample, wire);
  }
}

TEST_CASE("golden replies: what is encoded is the file, what is decoded is what was meant") {
  for (const auto& sample : reply_samples()) {
    const std::string& name = sample.first;
    CAPTURE(name);
    const std::string wire = golden(name);
    std::string encoded;
    std::string_view rest = wire;
    for (const ReplySample& frame : sample.second) {
      append_reply(encoded, frame.id, frame.value, frame.more_follows);
      ReplyHeader header;
      REQUIRE(rest.size() >= kHeaderBytes);
      REQUIRE(decode_reply_header(rest.data(), header).text.data() == nullptr);
      CHECK(header.id == frame.id);
      CHECK(header.more_follows == frame.more_follows);
      REQUIRE(header.frame_bytes() <= rest.size());
      Value value;
      const std::string_view body = rest.substr(kHeaderBytes, header.value_bytes);
      REQUIRE(decode_reply_value(header, body, value).text.data() == nullptr);
      CHECK(same(value, frame.value));
      rest.remove_prefix(header.frame_bytes());
    }
    CHECK(rest.empty());
    CHECK(encoded == wire);
  }
}

TEST_CASE("golden files: every file is compared, every opcode, kind and status has one") {
  std::set<std::string> names;
  std::set<Opcode> opcodes;
  for (const RequestSample& sample : request_samples()) {
    names.insert(sample.name);
    opcodes.insert(sample.type);
  }
  std::set<Kind> kinds;
  std::set<Status> statuses;
  const auto visit = [&](const auto& self, const Value& value) -> void {
    kinds.insert(value.kind);
    statuses.insert(value.status);
    for (const Value& item : value.items) self(self, item);
  };
  for (const auto& [name, frames] : reply_samples()) {
    names.insert(name);
    for (const ReplySample& frame : frames) visit(visit, frame.value);
  }
  const std::vector<std::string> files = golden_names();
  CHECK(names == std::set<std::string>(files.begin(), files.end()));
  CHECK(opcodes.size() == 8);
  CHECK(kinds.size() == 8);
  CHECK(statuses.size() == 12);
}
