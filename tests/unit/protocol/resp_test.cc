// RESP from a client's side: what each type becomes, the bounds, and replies that are cut anywhere.
#include "protocol/resp.h"

#include <doctest/doctest.h>

namespace phoenix::protocol {

namespace {

using Outcome = RespReader::Outcome;

/// `wire` is one reply, of which every part must be needed.
struct Read {
  explicit Read(const std::string& wire) {
    for (std::size_t i = 0; i + 1 < wire.size(); ++i) {
      REQUIRE(reader.append(wire.substr(i, 1)));
      REQUIRE(reader.next(value) == Outcome::need_more);
    }
    REQUIRE(reader.append(wire.substr(wire.size() - 1)));
    REQUIRE_MESSAGE(reader.next(value) == Outcome::frame, reader.error().text);
    CHECK(reader.buffered_bytes() == 0);
  }
  RespReader reader;
  Value value;
};

DecodeError refusal(const std::string& wire) {
  RespReader reader;
  Value value;
  REQUIRE(reader.append(wire));
  REQUIRE(reader.next(value) == Outcome::malformed);
  CHECK(reader.next(value) == Outcome::malformed);
  CHECK(reader.prepare().empty());
  return reader.error();
}

std::string lists(std::size_t depth) {
  std::string wire;
  for (std::size_t i = 0; i < depth; ++i) wire += "*1\r\n";
  return wire;
}

}  // namespace

TEST_CASE("a request is an array of bulk strings, whatever its bytes") {
  std::string wire = "before";
  append_resp_request(wire, {"SET", std::string_view("\r\n\0", 3), ""});
  CHECK(wire == std::string("before*3\r\n$3\r\nSET\r\n$3\r\n\r\n\0\r\n$0\r\n\r\n", 34));
}

TEST_CASE("the types of RESP2") {
  const Read simple("+OK\r\n");
  CHECK(simple.value.kind == Kind::text);
  CHECK(simple.value.bytes == "OK");
  const Read integer(":-9223372036854775808\r\n");
  CHECK(integer.value.kind == Kind::integer);
  CHECK(integer.value.integer == INT64_MIN);
  const Read bulk("$6\r\n\r\n$1\r\n\r\n");
  CHECK(bulk.value.kind == Kind::bytes);
  CHECK(bulk.value.bytes == "\r\n$1\r\n");
  CHECK(Read("$0\r\n\r\n").value.kind == Kind::bytes);
  for (const char* const null : {"$-1\r\n", "*-1\r\n", "_\r\n"}) {
    const Read nil(null);
    CHECK(nil.value.kind == Kind::none);
    CHECK(nil.value.status == Status::nil);
  }
  const Read list("*4\r\n$1\r\na\r\n$-1\r\n*0\r\n*2\r\n:1\r\n-ERR no\r\n");
  REQUIRE(list.value.items.size() == 4);
  CHECK(list.value.kind == Kind::list);
  CHECK(list.value.items[0].bytes == "a");
  CHECK(list.value.items[1].kind == Kind::nil);
  CHECK(list.value.items[2].kind == Kind::list);
  REQUIRE(list.value.items[3].items.size() == 2);
  CHECK(list.value.items[3].items[1].kind == Kind::error);
  CHECK(list.value.items[3].items[1].bytes == "ERR no");
}

TEST_CASE("the types of RESP3") {
  CHECK(Read("#t\r\n").value.integer == 1);
  CHECK(Read("#f\r\n").value.kind == Kind::integer);
  CHECK(Read(",3.25\r\n").value.bytes == "3.25");
  CHECK(Read("(349999999999999999999\r\n").value.kind == Kind::bytes);
  const Read verbatim("=7\r\ntxt:a\r\n\r\n");
  CHECK(verbatim.value.kind == Kind::text);
  CHECK(verbatim.value.bytes == "a\r\n");
  CHECK(Read("~2\r\n:1\r\n:2\r\n").value.kind == Kind::list);
  const Read map("%2\r\n+a\r\n:1\r\n+b\r\n%0\r\n");
  CHECK(map.value.kind == Kind::map);
  REQUIRE(map.value.items.size() == 4);
  CHECK(map.value.items[3].kind == Kind::map);
  const Read attributed("|1\r\n+ttl\r\n*1\r\n:3\r\n*2\r\n:1\r\n|0\r\n:2\r\n");
  const Read push(">2\r\n+message\r\n*1\r\n:1\r\n");
  CHECK(push.value.kind == Kind::list);
  CHECK(push.value.is_push);
  REQUIRE(push.value.items.size() == 2);
  CHECK_FALSE(push.value.items[1].is_push);
  CHECK_FALSE(Read("*1\r\n:1\r\n").value.is_push);
  REQUIRE(attributed.value.items.size() == 2);
  CHECK(attributed.value.items[1].integer == 2);
}

TEST_CASE("an error is shown as it was said, and has the status that its prefix means") {
  const Read foreign("-NOSCRIPT Operation against a key\r\n");
  CHECK(foreign.value.kind == Kind::none);
  CHECK(foreign.value.status == Status::error);
  CHECK(error_line(foreign.value) == "NOSCRIPT Operation against a key");
  const Read known("-NOAUTH Authentication required.\r\n");
  CHECK(known.value.status == Status::not_authenticated);
  CHECK(error_line(known.value) == "NOAUTH Authentication required.");
  CHECK(error_line(Read("-ERR\r\n").value) == "ERR");
  const Read bulk("!11\r\nOOM a\r\nb c \r\n");
  CHECK(bulk.value.status == Status::out_of_memory);
  CHECK(bulk.value.bytes == "OOM a\r\nb c ");
  Value native;
  native.status = Status::out_of_memory;
  native.bytes = "full";
  CHECK(error_line(native) == "OOM full");
}

TEST_CASE("replies come one by one out of what has arrived") {
  RespReader reader;
  Value value;
  REQUIRE(reader.append("+a\r\n:2\r\n$3\r\nab"));
  REQUIRE(reader.next(value) == Outcome::frame);
  CHECK(value.bytes == "a");
  REQUIRE(reader.next(value) == Outcome::frame);
  CHECK(value.integer == 2);
  CHECK(reader.next(value) == Outcome::need_more);
  REQUIRE(reader.append("c\r\n"));
  REQUIRE(reader.next(value) == Outcome::frame);
  CHECK(value.bytes == "abc");
}

TEST_CASE("what is no RESP is refused at its first byte") {
  CHECK(refusal("H").text == "bad type: this is no RESP reply");
  CHECK(refusal("\xe1").status == Status::bad_frame);
  CHECK(refusal("\n").status == Status::bad_frame);
}

TEST_CASE("a push inside of a reply is refused at its first byte, whatever comes behind it") {
  for (const char* const wire : {"*1\r\n>", "*1\r\n>x\r\n", "*1\r\n>1\r\n:1\r\n"}) {
    CAPTURE(wire);
    CHECK(refusal(wire).text == "bad type: a push inside of a reply");
  }
}

TEST_CASE("what breaks a rule is refused") {
  for (const char* const wire : {"+a\n", "+\n", ":1x\r\n", ":\r\n", ":9223372036854775808\r\n",
                                 "$-2\r\n", "*-2\r\n", "%-1\r\n", "!-1\r\n", "=3\r\nabc\r\n",
                                 "$1\r\nabc", "#x\r\n", "_x\r\n", "*1\r\n>1\r\n:1\r\n"}) {
    CAPTURE(wire);
    CHECK(refusal(wire).status == Status::bad_frame);
  }
}

TEST_CASE("bounds hold before the bytes come") {
  CHECK(refusal("$536870913\r\n").status == Status::too_large);
  CHECK(refusal("*1048577\r\n").status == Status::too_large);
  CHECK(refusal("%524289\r\n").status == Status::too_large);
  CHECK(refusal("*2\r\n*1048575\r\n").text == "over 1,048,576 values in a reply");
  CHECK(refusal(lists(33)).text == "lists nested over 32 deep");
  CHECK(Read(lists(32) + ":1\r\n").value.items.size() == 1);
  CHECK(refusal("+" + std::string(kRespLineBytesMax, 'x')).status == Status::too_large);
  CHECK(refusal(":" + std::string(40, '1')).status == Status::too_large);
  RespReader small(16);
  Value value;
  REQUIRE(small.append("*2\r\n$7\r\n"));
  CHECK(small.next(value) == Outcome::malformed);
  CHECK(small.error().text == "reply over what this client accepts");
}

TEST_CASE("a reply in many pieces costs no more than its bytes") {
  // Were it looked at from its start each time, this would take minutes.
  RespReader reader;
  Value value;
  constexpr int kItems = 100'000;
  REQUIRE(reader.append("*" + std::to_string(kItems) + "\r\n"));
  for (int i = 0; i < kItems; ++i) {
    REQUIRE(reader.next(value) == Outcome::need_more);
    REQUIRE(reader.append(":1\r\n"));
  }
  REQUIRE(reader.next(value) == Outcome::frame);
  CHECK(value.items.size() == kItems);
}

}  // namespace phoenix::protocol
