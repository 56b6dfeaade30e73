// What requests look like on the wire, in each protocol.
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "protocol/binary.h"
#include "tests/unit/bench/wire_support.h"

using namespace phoenix;
using namespace phoenix::bench;
using protocol::append_argv_request;
using protocol::append_request;
using protocol::Opcode;

namespace {

constexpr Request kGet{Verb::get, 1, 5};
constexpr Request kSet{Verb::set, 1, 6};
constexpr Request kDel{Verb::del, 1, 7};
constexpr Request kMany{Verb::multi_get, 2, 99};  // And the first key, behind the last.
constexpr Request kReplayed{Verb::replayed, 1, 1};

std::string encoded(Protocol protocol, const Request& request, RequestShape shape = small_shape()) {
  return WireFixture(protocol, {}, std::move(shape)).ask(request);
}

RequestShape with_ttl(std::uint64_t ttl_ms) {
  RequestShape shape = small_shape();
  shape.ttl = {ttl_ms, ttl_ms};
  return shape;
}

}  // namespace

TEST_CASE("natively requests are what the codec writes, with rising ids") {
  RequestShape shape = with_ttl(1500);
  shape.set_flags = protocol::kWaitDurable;
  WireFixture fixture(Protocol::native, {}, shape);
  std::string expected;
  append_request(expected, Opcode::get, 0, 1, "key:0005", "");
  CHECK(fixture.ask(kGet) == expected);
  expected.clear();
  append_request(expected, Opcode::set, protocol::kWaitDurable | protocol::kHasTtl, 2, "key:0006",
                 value_of(shape, 6), 1500);
  CHECK(fixture.ask(kSet) == expected);
  expected.clear();
  append_request(expected, Opcode::del, 0, 3, "key:0007", "");
  CHECK(fixture.ask(kDel) == expected);
  expected.clear();
  append_argv_request(expected, 0, 4, {"MGET", "key:0099", "key:0000"});
  CHECK(fixture.ask(kMany) == expected);
  expected.clear();
  append_argv_request(expected, 0, 5, {"EVAL", "x y", ""});
  CHECK(fixture.ask(kReplayed) == expected);
  expected.clear();
  append_request(expected, Opcode::set, 0, 1, "key:0006", value_of(shape, 6));
  CHECK(encoded(Protocol::native, kSet) == expected);
}

TEST_CASE("RESP requests are arrays of bulk strings") {
  const std::string value = value_of(small_shape(), 6);
  CHECK(encoded(Protocol::resp, kGet) == "*2\r\n$3\r\nGET\r\n$8\r\nkey:0005\r\n");
  CHECK(encoded(Protocol::resp, kSet) ==
        "*3\r\n$3\r\nSET\r\n$8\r\nkey:0006\r\n$21\r\n" + value + "\r\n");
  CHECK(encoded(Protocol::resp, kSet, with_ttl(1500)) ==
        "*5\r\n$3\r\nSET\r\n$8\r\nkey:0006\r\n$21\r\n" + value + "\r\n$2\r\nPX\r\n$4\r\n1500\r\n");
  CHECK(encoded(Protocol::resp, kDel) == "*2\r\n$3\r\nDEL\r\n$8\r\nkey:0007\r\n");
  CHECK(encoded(Protocol::resp, kMany) ==
        "*3\r\n$4\r\nMGET\r\n$8\r\nkey:0099\r\n$8\r\nkey:0000\r\n");
  CHECK(encoded(Protocol::resp, kReplayed) == "*3\r\n$4\r\nEVAL\r\n$3\r\nx y\r\n$0\r\n\r\n");
}

TEST_CASE("memcached's requests are lines, with whole seconds to live") {
  const std::string value = value_of(small_shape(), 6) + "\r\n";
  const auto text = [](const Request& request, RequestShape shape = small_shape()) {
    return encoded(Protocol::memcached_text, request, std::move(shape));
  };
  CHECK(text(kGet) == "get key:0005\r\n");
  CHECK(text(kSet) == "set key:0006 0 0 21\r\n" + value);
  CHECK(text(kSet, with_ttl(1)) == "set key:0006 0 1 21\r\n" + value);
  CHECK(text(kSet, with_ttl(2000)) == "set key:0006 0 2 21\r\n" + value);
  CHECK(text(kSet, with_ttl(2001)) == "set key:0006 0 3 21\r\n" + value);
  // More than 30 days would be taken as a time.
  CHECK(text(kSet, with_ttl(9'000'000'000)) == "set key:0006 0 2592000 21\r\n" + value);
  CHECK(text(kDel) == "delete key:0007\r\n");
  CHECK(text(kMany) == "get key:0099 key:0000\r\n");
  const auto meta = [](const Request& request, RequestShape shape = small_shape()) {
    return encoded(Protocol::memcached_meta, request, std::move(shape));
  };
  CHECK(meta(kGet) == "mg key:0005 v\r\n");
  CHECK(meta(kSet) == "ms key:0006 21\r\n" + value);
  CHECK(meta(kSet, with_ttl(1500)) == "ms key:0006 21 T2\r\n" + value);
  CHECK(meta(kDel) == "md key:0007\r\n");
  CHECK(meta(kMany) == "get key:0099 key:0000\r\n");
}

TEST_CASE("each key and value has its own size, and no request is over the bound") {
  RequestShape shape{
      *Keys::make(100, *Sizes::parse("2-40", 100)), *Sizes::parse("0-300", 300), {}, 0, {}};
  shape.ttl = {1, protocol::kTtlMsMax};
  for (const Protocol protocol : kProtocols) {
    CAPTURE(name_of(protocol));
    for (std::uint64_t key = 0; key < 100; ++key) {
      const std::string set = encoded(protocol, {Verb::set, 1, key}, shape);
      CHECK(set.find(key_of(shape, key)) != std::string::npos);
      CHECK(set.find(value_of(shape, key)) != std::string::npos);
      CHECK(set.size() <= shape.keyed_bytes_max(1));
      const std::string many = encoded(protocol, {Verb::multi_get, 100, key}, shape);
      CHECK(many.size() <= shape.keyed_bytes_max(100));
    }
  }
}

TEST_CASE("protocols are told by name") {
  for (const Protocol protocol : kProtocols) {
    const auto parsed = parse_protocol(name_of(protocol));
    REQUIRE(parsed);
    CHECK(*parsed == protocol);
  }
  const auto refused = parse_protocol("http");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message ==
        "--protocol http: it takes native, resp, memcached or memcached-meta");
}
