// From RESP to requests: what a session makes of arrays, lines and long words.
#include <doctest/doctest.h>

#include "tests/unit/server/session_support.h"

using namespace phoenix;
using namespace phoenix::server;
using namespace phoenix::server::test;
using Decoded = Session::Decoded;

namespace {

struct RespSession : DecodingSession {
  explicit RespSession(bool is_authenticated = true) : DecodingSession(is_authenticated) {
    session.wire = Wire::resp2;
  }
};

std::string array_of(const std::vector<std::string>& words) {
  std::string text = "*" + std::to_string(words.size()) + "\r\n";
  for (const auto& word : words) text += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  return text;
}

const std::string kLong(40'000, 'v');

TEST_CASE("arrays and lines become requests, with faults where they do not fit a row") {
  RespSession decoding;
  decoding.turn(array_of({"set", "k", "v"}) + "get k\r\n" + array_of({"NOPE"}) + "GET\n" +
                array_of({"config", "get", "x"}) + array_of({"CONFIG", "NOPE"}));
  CHECK_FALSE(decoding.is_broken);
  CHECK(decoding.requests == std::vector<std::string>{
                                 "0 SET [\"set\" \"k\" \"v\" ] flags 0 ttl 0 fault 0",
                                 "0 GET [\"get\" \"k\" ] flags 0 ttl 0 fault 0",
                                 "0 (none) [\"NOPE\" ] flags 0 ttl 0 fault 1",
                                 "0 GET [\"GET\" ] flags 0 ttl 0 fault 3",
                                 "0 CONFIG|GET [\"config\" \"get\" \"x\" ] flags 0 ttl 0 fault 0",
                                 "0 CONFIG [\"CONFIG\" \"NOPE\" ] flags 0 ttl 0 fault 2",
                             });
}

TEST_CASE(
    "a long word is received in its place, wherever it stands, and is stored without a copy") {
  for (const auto& words : {std::vector<std::string>{"SET", "k", kLong},
                            std::vector<std::string>{"SET", "k", kLong, "EX", "10"},
                            std::vector<std::string>{"MSET", "k", kLong, "l", kLong},
                            std::vector<std::string>{"GET", kLong}}) {
    const std::string stream = array_of(words) + array_of({"PING"});
    RespSession whole;
    whole.turn(stream);
    REQUIRE(whole.requests.size() == 2);
    for (const std::size_t piece : {std::size_t{1000}, std::size_t{30'011}, stream.size() - 8}) {
      RespSession decoding;
      for (std::size_t at = 0; at < stream.size(); at += piece) {
        decoding.turn(stream.substr(at, piece));
      }
      CHECK(decoding.requests == whole.requests);
      CHECK(decoding.buffers.large->bytes() == 0);
      CHECK(decoding.memory_bytes() < 10'000);
    }
  }
  RespSession decoding;
  const std::string stream = array_of({"SET", "k", kLong, "EX", "10"});
  decoding.turn(stream.substr(0, 1000));
  decoding.feed(stream.substr(1000));
  REQUIRE(decoding.decode() == Decoded::request);
  const commands::Request& request = decoding.batch.requests[0].request;
  REQUIRE(request.large != nullptr);
  CHECK(request.args[2].data() == (*request.large)->view().data());
  CHECK(decoding.decode() == Decoded::no_room);  // What follows waits for it.
}

TEST_CASE("a long request that is put back is decoded again as it was") {
  RespSession decoding;
  const std::string stream = array_of({"SET", "k", kLong}) + array_of({"PING"});
  decoding.turn(stream.substr(0, 100));
  decoding.feed(stream.substr(100));
  for (int i = 0; i < 3; ++i) {
    REQUIRE(decoding.decode() == Decoded::request);
    decoding.session.put_back(decoding.batch.requests[0]);
    decoding.session.requests_in_batch = 0;
    decoding.batch.clear();
    CHECK(decoding.session.has_unparsed_requests());
    decoding.end_turn();
  }
  decoding.decode_all();
  CHECK(decoding.requests.size() == 2);
}

TEST_CASE("what is wrong within or behind a long word ends the connection in Redis's words") {
  const std::string head = array_of({"SET", "k", kLong, "x"});
  const std::string begin = head.substr(0, head.size() - 7);
  for (const auto& [end, error] :
       {std::pair<std::string, std::string>{":1\r\n", "expected '$', got ':'"},
        {"$-1\r\n", "invalid bulk length"},
        {"$600000000\r\n", "invalid bulk length"},
        {"$1\r\nxyz", "a bulk string does not end in CR LF"}}) {
    const auto& shown_end = end;  // Bindings cannot be captured.
    CAPTURE(shown_end);
    for (const std::size_t first : {std::size_t{50}, begin.size() + end.size()}) {
      RespSession decoding;
      const std::string stream = begin + end;
      decoding.turn(stream.substr(0, first));
      if (!decoding.is_broken) decoding.turn(stream.substr(first));
      CHECK(decoding.is_broken);
      CHECK(decoding.session.broken().text == "Protocol error: " + error);
      CHECK(decoding.requests.empty());
    }
  }
}

TEST_CASE("while memory is full a long request is dropped as it comes, and answered at its end") {
  for (const auto& words : {std::vector<std::string>{"SET", "k", kLong},
                            std::vector<std::string>(60'000, std::string(40, 'w'))}) {
    RespSession decoding;
    decoding.session.memory_is_full = true;
    const std::string stream = array_of(words) + array_of({"PING"});
    std::uint64_t most = 0;
    for (std::size_t at = 0; at < stream.size(); at += 10'000) {
      decoding.turn(stream.substr(at, 10'000));
      most = std::max(most, decoding.memory_bytes());
    }
    CHECK(most < std::size_t{3} << 20U);
    REQUIRE(decoding.requests.size() == 2);
    CHECK(decoding.requests[0].ends_with("fault 7"));
    CHECK(decoding.requests[1] == "0 PING [\"PING\" ] flags 0 ttl 0 fault 0");
    CHECK(decoding.memory_bytes() < 300'000);
  }
}

TEST_CASE("of a stranger's requests one at a time is decoded, for it may be AUTH") {
  RespSession decoding(false);
  decoding.feed("PING\r\nGET a\r\n" + array_of({"AUTH", "x"}));
  CHECK(decoding.decode() == Decoded::request);
  CHECK(decoding.decode() == Decoded::no_room);
  decoding.decode_all();
  CHECK(decoding.requests.size() == 3);
  CHECK(decoding.requests[1].ends_with("fault 4"));
  decoding.turn(array_of({"SET", "k", kLong}));
  CHECK(decoding.is_broken);
  CHECK(decoding.session.broken().text == "Protocol error: unauthenticated bulk length");
}

TEST_CASE("a request of many words leaves the batch of those that are short") {
  RespSession decoding;
  decoding.batch.takes_long = false;
  decoding.feed(array_of({"PING"}) + array_of(std::vector<std::string>(65, "MGET")));
  CHECK(decoding.decode() == Decoded::request);
  CHECK(decoding.decode() == Decoded::takes_long);
  decoding.run_batch();
  decoding.batch.takes_long = true;
  CHECK(decoding.decode() == Decoded::request);
}

}  // namespace
