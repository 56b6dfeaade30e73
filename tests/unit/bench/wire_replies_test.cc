// What comes back, in each protocol: counted rightly however it is split, and whatever is wrong
// with it is found and told.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "phoenix/base/random.h"
#include "tests/unit/bench/wire_support.h"

using namespace phoenix;
using namespace phoenix::bench;

namespace {

/// Requests, what a server answers to them, and what should be counted.
struct Exchange {
  std::vector<Request> requests;
  std::string stream;
  Counts expected;
};

class ExchangeMaker final {
 public:
  ExchangeMaker(Protocol protocol, std::uint64_t seed)
      : is_memcached_(is_memcached(protocol)), random_(seed), replies_(protocol, shape_) {}

  Exchange make(int requests) {
    for (int i = 0; i < requests; ++i) {
      Request request{static_cast<Verb>(random_.below(is_memcached_ ? 4 : 5)), 1,
                      random_.below(100)};
      if (request.verb == Verb::multi_get)
        request.keys = static_cast<std::uint8_t>(1 + random_.below(9));
      if (request.verb == Verb::replayed) request.key = random_.below(2);
      exchange_.requests.push_back(request);
      answer(request);
      ++exchange_.expected.replies;
    }
    return std::move(exchange_);
  }

 private:
  void answer(const Request& request) {
    const std::uint64_t kind = random_.below(8);
    const std::string odd =
        kind == 0 && request.verb != Verb::replayed ? replies_.odd(request.verb) : "";
    if (!odd.empty() || kind == 1) {
      exchange_.stream += odd.empty() ? replies_.error("no\troom") : odd;
      ++exchange_.expected.errors;
      return;
    }
    switch (request.verb) {
      case Verb::get:
        return get(request);
      case Verb::multi_get:
        return many(request);
      case Verb::del:
        exchange_.stream += replies_.deleted(random_.below(2) == 0);
        return;
      default:
        exchange_.stream += replies_.stored();
    }
  }

  void get(const Request& request) {
    if (random_.below(4) == 0) {
      exchange_.stream += replies_.absent();
      ++exchange_.expected.misses;
    } else {
      exchange_.stream += replies_.found(request.key, value(request.key));
      ++exchange_.expected.hits;
    }
  }

  void many(const Request& request) {
    std::vector<std::optional<std::string>> values;
    for (std::uint64_t i = 0; i < request.keys; ++i) {
      values.emplace_back();
      if (random_.below(4) != 0) values.back() = value(shape_.keys.behind(request.key, i));
      ++(values.back() ? exchange_.expected.hits : exchange_.expected.misses);
    }
    exchange_.stream += replies_.many(request, values);
  }

  // Mostly the right one.
  std::string value(std::uint64_t key) {
    std::string value = value_of(shape_, key);
    const std::uint64_t kind = random_.below(10);
    if (kind == 0) value[random_.below(value.size())] ^= 1;
    if (kind == 1) value.resize(random_.below(value.size()));
    if (kind == 2) value += "\r\n";
    if (kind < 3) ++exchange_.expected.mismatches;
    return value;
  }

  const bool is_memcached_;
  const RequestShape shape_ = small_shape();
  SeededRandom random_;
  Replies replies_;
  Exchange exchange_;
};

void check_counts(const Counts& counts, const Counts& expected) {
  CHECK(counts.replies == expected.replies);
  CHECK(counts.hits == expected.hits);
  CHECK(counts.misses == expected.misses);
  CHECK(counts.errors == expected.errors);
  CHECK(counts.mismatches == expected.mismatches);
}

/// Feeds it in pieces of up to `piece_max` bytes and checks the counts; what was complained of.
std::vector<std::string> run(Protocol protocol, const Exchange& exchange, std::size_t piece_max,
                             std::uint64_t seed) {
  CAPTURE(piece_max);
  WireFixture fixture(protocol);
  for (const Request& request : exchange.requests) fixture.ask(request);
  SeededRandom random(seed);
  for (std::string_view rest = exchange.stream; !rest.empty();) {
    const std::size_t size = std::min<std::size_t>(1 + random.below(piece_max), rest.size());
    // A copy: whoever looks beyond its end is found by sanitizers.
    const std::vector<char> piece(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(size));
    REQUIRE(fixture.feed({piece.data(), piece.size()}));
    rest.remove_prefix(size);
  }
  check_counts(fixture.counts, exchange.expected);
  CHECK(fixture.in_flight.empty());
  CHECK(fixture.times_answered == exchange.requests.size());
  CHECK_FALSE(fixture.wire->inside_reply());
  return fixture.complaints.texts();
}

/// Why a wire ends at these bytes, after these requests: the same whole and byte by byte.
std::string end_of(Protocol protocol, const std::vector<Request>& requests,
                   std::string_view bytes) {
  WireFixture whole(protocol);
  WireFixture bytewise(protocol);
  for (const Request& request : requests) {
    whole.ask(request);
    bytewise.ask(request);
  }
  CHECK_FALSE(whole.feed(bytes));
  CHECK_FALSE(bytewise.feed_bytewise(bytes));
  CHECK(whole.check.fatal() == bytewise.check.fatal());
  return whole.check.fatal();
}

constexpr Request kGet{Verb::get, 1, 5};
constexpr Request kSet{Verb::set, 1, 6};
constexpr Request kMany{Verb::multi_get, 3, 98};  // 98, 99 and 0.

}  // namespace

TEST_CASE("any stream of replies gives the same counts and complaints, however it is split") {
  for (const Protocol protocol : kProtocols) {
    CAPTURE(name_of(protocol));
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
      CAPTURE(seed);
      const Exchange exchange = ExchangeMaker(protocol, seed).make(50);
      const auto complaints = run(protocol, exchange, exchange.stream.size(), seed);
      CHECK(complaints.size() == Complaints::kKept);  // Some are wrong in every one of them.
      for (const std::size_t piece_max : {1U, 3U, 40U, 1000U}) {
        CHECK(run(protocol, exchange, piece_max, seed) == complaints);
      }
    }
  }
}

TEST_CASE("any wrong byte of a value is found, however it is split") {
  const RequestShape shape = small_shape();
  for (const Protocol protocol : kProtocols) {
    CAPTURE(name_of(protocol));
    for (std::size_t at = 0; at < 21; ++at) {
      std::string value = value_of(shape, 5);
      value[at] ^= 0x10;
      const std::string stream = Replies(protocol, shape).found(5, value);
      for (std::size_t cut = 0; cut <= stream.size(); cut += 3) {
        WireFixture fixture(protocol);
        fixture.ask(kGet);
        CHECK(fixture.feed(std::string_view(stream).substr(0, cut)));
        CHECK(fixture.feed(std::string_view(stream).substr(cut)));
        CHECK(fixture.counts.mismatches == 1);
        CHECK(fixture.counts.hits == 1);
        REQUIRE(fixture.complaints.texts().size() == 1);
        CHECK(fixture.complaints.texts()[0] ==
              "GET key:0005: the value is not what this key must hold");
      }
    }
  }
}

TEST_CASE("a value of another size is found, and nothing is looked for without --verify") {
  const RequestShape shape = small_shape();
  for (const Protocol protocol : kProtocols) {
    CAPTURE(name_of(protocol));
    const std::string stream = Replies(protocol, shape).found(5, value_of(shape, 5).substr(1));
    WireFixture fixture(protocol);
    fixture.ask(kGet);
    CHECK(fixture.feed(stream));
    CHECK(fixture.counts.mismatches == 1);
    CHECK(fixture.complaints.texts()[0].starts_with(
        "GET key:0005: a value of 20 bytes, expected 21"));
    WireFixture careless(protocol, {.verify = false, .miss_is_error = false});
    careless.ask(kGet);
    CHECK(careless.feed(stream));
    check_counts(careless.counts, {.replies = 1, .hits = 1});
  }
}

TEST_CASE("each value of a multi-get is held against its own key") {
  const RequestShape shape = small_shape();
  for (const Protocol protocol : kProtocols) {
    CAPTURE(name_of(protocol));
    const std::string a = value_of(shape, 98);
    const std::string b = value_of(shape, 99);
    const std::string c = value_of(shape, 0);
    const auto complaints = [&](const std::vector<std::optional<std::string>>& values) {
      WireFixture fixture(protocol);
      fixture.ask(kMany);
      CHECK(fixture.feed(Replies(protocol, shape).many(kMany, values)));
      CHECK(fixture.counts.replies == 1);
      const auto absent =
          static_cast<std::uint64_t>(std::count(values.begin(), values.end(), std::nullopt));
      if (values.size() == kMany.keys) {
        CHECK(fixture.counts.misses == absent);
        CHECK(fixture.counts.hits == kMany.keys - absent);
      }
      CHECK(fixture.counts.mismatches + fixture.counts.errors == fixture.complaints.texts().size());
      return fixture.complaints.texts();
    };
    using Texts = std::vector<std::string>;
    CHECK(complaints({a, b, c}).empty());
    CHECK(complaints({a, std::nullopt, c}).empty());
    CHECK(complaints({std::nullopt, std::nullopt, std::nullopt}).empty());
    CHECK(complaints({a, c, c}) == Texts{"GET key:0099: the value is not what this key must hold"});
    CHECK(complaints({b, a, c}).size() == 2);
    if (is_memcached(protocol)) continue;  // It leaves out what is not there.
    CHECK(complaints({a, b}).size() == 1);
    CHECK(complaints({a, b, c, a}).size() >= 1);
  }
}

TEST_CASE("a value that came with another key is found") {
  const RequestShape shape = small_shape();
  const std::string value = value_of(shape, 5);
  WireFixture fixture(Protocol::memcached_text);
  fixture.ask(kGet);
  CHECK(fixture.feed("VALUE key:0007 0 21\r\n" + value + "\r\nEND\r\n"));
  check_counts(fixture.counts, {.replies = 1, .hits = 1, .mismatches = 1});
  CHECK(fixture.complaints.texts()[0] == "GET key:0005: answered with the value of key:0007");
  // Keys out of the order in which they were asked for.
  WireFixture many(Protocol::memcached_text);
  many.ask(kMany);
  CHECK(many.feed("VALUE key:0000 0 21\r\n" + value_of(shape, 0) + "\r\nEND\r\n"));
  CHECK(many.counts.mismatches == 0);
  WireFixture swapped(Protocol::memcached_text);
  swapped.ask(kMany);
  CHECK(swapped.feed("VALUE key:0099 0 21\r\n" + value_of(shape, 99) +
                     "\r\nVALUE key:0098 0 21\r\n" + value_of(shape, 98) + "\r\nEND\r\n"));
  CHECK(swapped.counts.mismatches == 1);
}

TEST_CASE("a miss is an error when every key was stored before") {
  for (const Protocol protocol : kProtocols) {
    CAPTURE(name_of(protocol));
    WireFixture fixture(protocol, {.verify = true, .miss_is_error = true});
    fixture.ask(kGet);
    CHECK(fixture.feed(Replies(protocol, fixture.shape).absent()));
    check_counts(fixture.counts, {.replies = 1, .misses = 1, .errors = 1});
    CHECK(fixture.complaints.texts()[0] == "GET key:0005: not found, though it was stored before");
  }
}

TEST_CASE("an error reply is counted and quoted, harmless to a terminal") {
  for (const Protocol protocol : kProtocols) {
    CAPTURE(name_of(protocol));
    WireFixture fixture(protocol);
    fixture.ask(kSet);
    CHECK(fixture.feed_bytewise(Replies(protocol, fixture.shape).error("full\033[2J")));
    check_counts(fixture.counts, {.replies = 1, .errors = 1});
    const std::string name = is_memcached(protocol) ? "SERVER_ERROR" : "OOM";
    CHECK(fixture.complaints.texts()[0] == "SET key:0006: " + name + " full\\x1b[2J");
  }
}

TEST_CASE("only the first complaints are kept, each once") {
  WireFixture fixture(Protocol::resp);
  for (std::uint64_t key = 0; key < 20; ++key) {
    for (int i = 0; i < 2; ++i) {
      fixture.ask({Verb::get, 1, key});
      CHECK(fixture.feed("$1\r\nx\r\n"));
    }
    CHECK(fixture.complaints.texts().size() == std::min<std::size_t>(key + 1, Complaints::kKept));
  }
  CHECK(fixture.counts.mismatches == 40);
}

TEST_CASE("to a replayed command any RESP reply is an answer, those of RESP3 too") {
  for (const std::string_view reply :
       {"+\r\n", ":1\r\n", "$0\r\n\r\n", "$-1\r\n", "*-1\r\n", "*0\r\n",
        "*2\r\n*1\r\n:1\r\n$-1\r\n", "*2\r\n*0\r\n*1\r\n*0\r\n", "*1\r\n-ERR inside\r\n",
        "%1\r\n+a\r\n#t\r\n", "%0\r\n", "_\r\n", ",1.5\r\n", "(123\r\n", "=7\r\ntxt:abc\r\n",
        "~2\r\n:1\r\n_\r\n", "*1\r\n%1\r\n:1\r\n*0\r\n"}) {
    CAPTURE(reply);
    WireFixture fixture(Protocol::resp);
    fixture.ask({Verb::replayed, 1, 0});
    fixture.ask(kGet);
    const std::string stream = std::string(reply) + "$-1\r\n";
    CHECK(fixture.feed_bytewise(stream));
    check_counts(fixture.counts, {.replies = 2, .misses = 1});
  }
  WireFixture fixture(Protocol::resp);
  fixture.ask({Verb::replayed, 1, 1});
  CHECK(fixture.feed("-ERR unknown command\r\n"));
  CHECK(fixture.counts.errors == 1);
  CHECK(fixture.complaints.texts()[0] == "command 2, EVAL: ERR unknown command");
}

TEST_CASE("what is no RESP ends the connection with a sentence") {
  const auto end = [](std::string_view bytes) { return end_of(Protocol::resp, {kGet}, bytes); };
  const std::string no_reply = "what came is no RESP reply: ";
  for (const std::string_view bytes :
       {"hello\r\n", "\r\n", "$x\r\n", "$\r\n", "$-2\r\n", "$+1\r\n", "$1x\r\n", "*-2\r\n",
        "*1\r\nhello\r\n", ">1\r\n:1\r\n", "|1\r\n+a\r\n+b\r\n:1\r\n", "VALUE key:0005 0 21\r\n",
        "$99999999999999999999999\r\n"}) {
    CAPTURE(bytes);
    CHECK(end(bytes).starts_with(no_reply));
  }
  CHECK(end("$3\r\nabcde\r\n") == no_reply + "a value that does not end where its size says");
  CHECK(end("$3\r\nabc\r\r\n") == no_reply + "a value that does not end where its size says");
  CHECK(end(std::string(70'000, '+')) == no_reply + "a line over 64 KiB");
  CHECK(end("+" + std::string(65'536, 'x') + "\r\n") == no_reply + "a line over 64 KiB");
  CHECK(end_of(Protocol::resp, {}, "-ERR max clients\033\r\n") ==
        "a reply came to no request: -ERR max clients\\x1b");
  CHECK(end("$-1\r\n+OK\r\n") == "a reply came to no request: +OK");
}

TEST_CASE("what a RESP server announces is bounded") {
  const auto takes = [](std::string_view bytes) {
    WireFixture fixture(Protocol::resp);
    fixture.ask({Verb::replayed, 1, 0});
    return fixture.feed(bytes);
  };
  CHECK(takes("$537919488\r\n"));  // 513 MiB.
  CHECK_FALSE(takes("$537919489\r\n"));
  CHECK(takes("*1048576\r\n"));
  CHECK_FALSE(takes("*1048577\r\n"));
  CHECK(takes("*1048576\r\n*1048576\r\n"));
  CHECK_FALSE(takes("*1048576\r\n*1048576\r\n*1048576\r\n"));
  CHECK_FALSE(takes("%1048577\r\n"));
  // Lists in lists cost nothing, however deep.
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "*1\r\n";
  WireFixture fixture(Protocol::resp);
  fixture.ask({Verb::replayed, 1, 0});
  CHECK(fixture.feed(deep));
  CHECK(fixture.wire->inside_reply());
  CHECK(fixture.feed(":1\r\n"));
  CHECK(fixture.counts.replies == 1);
}

TEST_CASE("what memcached does not say ends the connection with a sentence") {
  const std::string no_reply = "what came is no reply of memcached: ";
  const std::string value = value_of(small_shape(), 5);
  for (const Protocol protocol : {Protocol::memcached_text, Protocol::memcached_meta}) {
    CAPTURE(name_of(protocol));
    const bool is_meta = protocol == Protocol::memcached_meta;
    const auto end = [&](std::string_view bytes) { return end_of(protocol, {kGet}, bytes); };
    const std::string head = is_meta ? "VA " : "VALUE key:0005 0 ";
    for (const std::string& bytes :
         {std::string("hello\r\n"), std::string("\r\n"), std::string("STORED\r\n"), head + "\r\n",
          head + "x\r\n", head + "-1\r\n", head + "1x\r\n", head + "537919489\r\n",
          std::string(is_meta ? "END\r\n" : "EN\r\n"), std::string("VALUE key:0005\r\n"),
          std::string("$-1\r\n")}) {
      CAPTURE(bytes);
      CHECK(end(bytes).starts_with(no_reply));
    }
    CHECK(end(head + "20\r\n" + value + "\r\n") ==
          no_reply + "a value that does not end where its size says");
    CHECK(end(std::string(70'000, 'x')) == no_reply + "a line over 64 KiB");
    CHECK(end_of(protocol, {}, "ERROR Too many open connections\r\n") ==
          "a reply came to no request: ERROR Too many open connections");
  }
  // Two values to one key.
  const std::string twice = "VALUE key:0005 0 21\r\n" + value + "\r\n";
  CHECK(end_of(Protocol::memcached_text, {kGet}, twice + twice).starts_with(no_reply));
  // An error in the middle of a multi-get's values is its answer.
  WireFixture fixture(Protocol::memcached_text);
  fixture.ask({Verb::multi_get, 2, 5});
  fixture.ask(kGet);
  CHECK(fixture.feed(twice + "SERVER_ERROR out of memory\r\n" + twice + "END\r\n"));
  check_counts(fixture.counts, {.replies = 2, .hits = 1, .errors = 1});
}
