// The first bytes of a connection: every kind, one byte at a time, never too early, never too late.
#include "protocol/detect.h"

#include <doctest/doctest.h>

#include "tests/unit/protocol/support.h"

using namespace phoenix::protocol;
using namespace phoenix::protocol::test;
using namespace std::string_literals;

namespace {

/// Feeds `bytes` one at a time; the decision must not change once it is made.
Detected decide(std::string_view bytes) {
  Detected decided = Detected::need_more;
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const Detected now = detect(bytes.substr(0, size));
    if (decided != Detected::need_more) REQUIRE(now == decided);
    if (size >= kDetectBytesMax) REQUIRE(now != Detected::need_more);
    decided = now;
  }
  return decided;
}

}  // namespace

TEST_CASE("detect: what real clients send first") {
  CHECK(decide(golden("request_hello")) == Detected::native);
  CHECK(decide("*1\r\n$4\r\nPING\r\n") == Detected::resp);
  CHECK(decide("*2\r\n$7\r\nCOMMAND\r\n$4\r\nDOCS\r\n") == Detected::resp);
  CHECK(decide("PING\r\n") == Detected::resp);
  CHECK(decide("\r\nECHO x\r\n") == Detected::resp);
  CHECK(decide("GET / HTTP/1.1\r\n") == Detected::http);
  CHECK(decide("POST / HTTP/1.1\r\n") == Detected::http);
  CHECK(decide("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == Detected::http);
  CHECK(decide("\x16\x03\x01\x02\x00\x01"s) == Detected::tls);
  CHECK(decide("\x16\x03\x03"s) == Detected::tls);
}

TEST_CASE("detect: every HTTP method, in any case, only with its space") {
  for (const std::string method :
       {"POST", "PUT", "HEAD", "OPTIONS", "DELETE", "CONNECT", "TRACE", "PATCH", "PRI"}) {
    CAPTURE(method);
    CHECK(decide(method + " /x HTTP/1.1\r\n") == Detected::http);
    std::string lower = method;
    for (char& c : lower) c = static_cast<char>(c + 32);
    CHECK(decide(lower + " /x") == Detected::http);
    CHECK(decide(method) == Detected::need_more);
    CHECK(decide(method + "\r\n") == Detected::resp);
    CHECK(decide(method + "S /x") == Detected::resp);
  }
  CHECK(decide("Host: example") == Detected::http);
  CHECK(decide("hOST:example") == Detected::http);
  CHECK(decide("HOST example") == Detected::resp);
}

TEST_CASE("detect: GET is a command unless a path follows") {
  CHECK(decide("GET key\r\n") == Detected::resp);
  CHECK(decide("get key\r\n") == Detected::resp);
  CHECK(decide("GET\r\n") == Detected::resp);
  CHECK(decide("GET  /two spaces\r\n") == Detected::resp);
  CHECK(decide("GETEX key\r\n") == Detected::resp);
  CHECK(decide("GET /key\r\n") == Detected::http);
  CHECK(decide("get /key\r\n") == Detected::http);
  CHECK(decide("GET ") == Detected::need_more);
}

TEST_CASE("detect: inline commands that share letters with HTTP are decided by their line") {
  for (const std::string line : {"PING\n", "DEL k\n", "DELETE\n", "HELP\n", "HELLO 3\n", "P\n",
                                 "PUT\n", "TTL k\n", "COMMAND\n", "CONFIG GET save\n", "OBJECT\n",
                                 "EXISTS k\n", "SET k v\n", "TR\n", "\n", " \n", "$1\n"}) {
    CAPTURE(line);
    CHECK(decide(line) == Detected::resp);
  }
}

TEST_CASE("detect: every first byte") {
  for (unsigned first = 0; first < 256; ++first) {
    CAPTURE(first);
    const std::string bytes(kDetectBytesMax, static_cast<char>(first));
    Detected expected = Detected::garbage;
    if (first >= 0xF0) expected = Detected::native_other_version;
    if (first == 0xF1) expected = Detected::native;
    if ((first >= 0x20 && first < 0x7F) || first == '\r' || first == '\n' || first == '\t') {
      expected = Detected::resp;
    }
    CHECK(decide(bytes) == expected);
  }
  CHECK(decide("") == Detected::need_more);
  CHECK(decide("\x16"s) == Detected::need_more);
  CHECK(decide("\x16\x02"s) == Detected::garbage);
  CHECK(decide("\x16\xF1"s) == Detected::garbage);
  // A reply's magic is no request's: two servers that were connected to each other.
  CHECK(decide("\xE1") == Detected::garbage);
}

TEST_CASE("detect: random beginnings, and near misses of HTTP") {
  const std::string starts[] = {"GET /", "POST ", "OPTIONS ", "CONNECT ", "Host:", "\x16\x03"};
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    CAPTURE(seed);
    Samples samples(seed);
    std::string bytes = starts[samples.below(6)] + std::string(samples.word(20));
    const std::size_t at = samples.below(bytes.size());
    if (samples.below(2) == 0) bytes[at] = static_cast<char>(samples.below(256));
    bytes.resize(2 * kDetectBytesMax, '\n');
    CHECK(decide(bytes) != Detected::need_more);
  }
}
