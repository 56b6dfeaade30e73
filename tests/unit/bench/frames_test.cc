// The walker and the check of replies, over every way in which a stream can be split.
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "bench/wire/frame_walker.h"
#include "bench/wire/reply_check.h"
#include "protocol/binary.h"

using namespace phoenix;
using bench::CheckRules;
using bench::Complaints;
using bench::Counts;
using bench::FrameWalker;
using bench::Keys;
using bench::ReplyCheck;
using bench::RequestBatch;
using bench::RequestShape;
using bench::ValuePattern;
using bench::Verb;

namespace {

constexpr std::size_t kValueBytes = 21;

struct Collector {
  bool begin(const char* header, std::size_t& payload_bytes) {
    protocol::ReplyHeader reply;
    if (!decode_reply_header(header, reply).ok()) return false;
    payload_bytes = reply.frame_bytes() - protocol::kHeaderBytes;
    payload.clear();
    return true;
  }
  void part(std::size_t offset, std::string_view bytes) {
    CHECK(offset == payload.size());
    CHECK_FALSE(bytes.empty());
    payload += bytes;
  }
  bool end() {
    payloads.push_back(payload);
    return payloads.size() != stop_after;
  }

  std::string payload;
  std::vector<std::string> payloads;
  std::size_t stop_after = 0;
};

std::string reply(std::uint32_t id, std::string_view bytes,
                  protocol::Status status = protocol::Status::ok) {
  protocol::Value value;
  value.status = status;
  value.kind = status == protocol::Status::ok ? protocol::Kind::bytes : protocol::Kind::none;
  value.bytes = bytes;
  std::string out;
  append_reply(out, id, value);
  return out;
}

std::string value_of(std::uint64_t number) {
  std::string value(kValueBytes, '\0');
  ValuePattern(number).fill(value.data(), value.size());
  return value;
}

std::string stored_reply(std::uint32_t id) {
  std::string out;
  append_reply(out, id, protocol::Value{});
  return out;
}

// A connection with four requests on their way: GET 5, SET 6, GET 7, GET 8.
struct Fixture {
  explicit Fixture(CheckRules the_rules = {}) : rules(the_rules) {
    batch.add({Verb::get, 5});
    batch.add({Verb::set, 6});
    batch.add({Verb::get, 7});
    batch.add({Verb::get, 8});
  }

  bool feed(std::string_view bytes) { return walker.walk(bytes, check); }

  RequestShape shape{*Keys::make(100, 8), kValueBytes, 0};
  CheckRules rules;
  RequestBatch batch{shape, 4};
  Counts counts;
  Complaints complaints;
  ReplyCheck check{shape, rules, batch, counts, complaints};
  FrameWalker walker;
};

std::string good_stream() {
  return reply(1, value_of(5)) + stored_reply(2) + reply(3, {}, protocol::Status::nil) +
         reply(4, value_of(8));
}

}  // namespace

TEST_CASE("the walker finds all frames, split in two anywhere") {
  const std::string stream = reply(1, "one") + reply(2, "") + reply(3, std::string(40, 'x'));
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    CAPTURE(cut);
    Collector collector;
    FrameWalker walker;
    CHECK(walker.walk(std::string_view(stream).substr(0, cut), collector));
    CHECK(walker.walk(std::string_view(stream).substr(cut), collector));
    CHECK(collector.payloads == std::vector<std::string>{"one", "", std::string(40, 'x')});
    CHECK_FALSE(walker.inside_frame());
  }
}

TEST_CASE("the walker finds all frames, in pieces of any one size") {
  const std::string stream = reply(1, "one") + reply(2, "") + reply(3, std::string(40, 'x'));
  for (std::size_t size = 1; size <= stream.size(); ++size) {
    CAPTURE(size);
    Collector collector;
    FrameWalker walker;
    for (std::size_t at = 0; at < stream.size(); at += size) {
      CHECK(walker.walk(std::string_view(stream).substr(at, size), collector));
      const bool between = at + size == 19 || at + size == 35 || at + size >= stream.size();
      CHECK(walker.inside_frame() == !between);
    }
    CHECK(collector.payloads.size() == 3);
  }
}

TEST_CASE("the walker stops where its sink does") {
  const std::string stream = reply(1, "one") + reply(2, "two");
  Collector collector;
  collector.stop_after = 1;
  CHECK_FALSE(FrameWalker().walk(stream, collector));
  CHECK(collector.payloads == std::vector<std::string>{"one"});
  Collector untouched;
  CHECK_FALSE(FrameWalker().walk("sixteen bytes of garbage", untouched));
  CHECK(untouched.payloads.empty());
}

TEST_CASE("right replies are counted, however they are split") {
  const std::string stream = good_stream();
  for (std::size_t first = 0; first <= stream.size(); ++first) {
    for (std::size_t second = first; second <= stream.size(); second += 7) {
      Fixture fixture;
      CHECK(fixture.feed(std::string_view(stream).substr(0, first)));
      CHECK(fixture.feed(std::string_view(stream).substr(first, second - first)));
      CHECK(fixture.feed(std::string_view(stream).substr(second)));
      CHECK(fixture.check.answered() == 4);
      CHECK(fixture.counts.replies == 4);
      CHECK(fixture.counts.hits == 2);
      CHECK(fixture.counts.misses == 1);
      CHECK(fixture.counts.errors == 0);
      CHECK(fixture.counts.mismatches == 0);
    }
  }
}

TEST_CASE("any wrong byte of a value is found, however it is split") {
  const std::string stream = good_stream();
  for (std::size_t at = 0; at < kValueBytes; ++at) {
    std::string wrong = stream;
    wrong[protocol::kHeaderBytes + at] ^= 0x10;
    for (std::size_t cut = 0; cut <= stream.size(); cut += 3) {
      Fixture fixture;
      CHECK(fixture.feed(std::string_view(wrong).substr(0, cut)));
      CHECK(fixture.feed(std::string_view(wrong).substr(cut)));
      CHECK(fixture.counts.mismatches == 1);
      CHECK(fixture.counts.replies == 4);
      REQUIRE(fixture.complaints.texts().size() == 1);
      CHECK(fixture.complaints.texts()[0] ==
            "GET key:0005: the value is not what this key must hold");
    }
  }
}

TEST_CASE("a value of another size or kind is found, and not looked for without --verify") {
  const std::string short_value = reply(1, value_of(5).substr(1));
  Fixture fixture;
  CHECK(fixture.feed(short_value));
  CHECK(fixture.counts.mismatches == 1);
  CHECK(
      fixture.complaints.texts()[0].starts_with("GET key:0005: a value of 20 bytes, expected 21"));
  Fixture careless(CheckRules{.verify = false, .miss_is_error = false});
  CHECK(careless.feed(short_value));
  CHECK(careless.counts.hits == 1);
  CHECK(careless.counts.mismatches == 0);
  std::string text = reply(1, value_of(5));
  text[2] = static_cast<char>(protocol::Kind::text);
  Fixture kind;
  CHECK(kind.feed(text));
  CHECK(kind.counts.mismatches == 1);
}

TEST_CASE("an error reply is counted and quoted, however it is split") {
  const std::string stream =
      reply(1, "the memory budget is full", protocol::Status::out_of_memory) +
      reply(2, {}, protocol::Status::nil);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    Fixture fixture;
    CHECK(fixture.feed(std::string_view(stream).substr(0, cut)));
    CHECK(fixture.feed(std::string_view(stream).substr(cut)));
    CHECK(fixture.counts.errors == 2);
    REQUIRE(fixture.complaints.texts().size() == 2);
    CHECK(fixture.complaints.texts()[0] == "GET key:0005: OOM the memory budget is full");
    CHECK(fixture.complaints.texts()[1] == "SET key:0006: unexpected status 1");
  }
}

TEST_CASE("a miss is an error when every key was stored before") {
  Fixture fixture(CheckRules{.verify = true, .miss_is_error = true});
  CHECK(fixture.feed(good_stream()));
  CHECK(fixture.counts.misses == 1);
  CHECK(fixture.counts.errors == 1);
  CHECK(fixture.complaints.texts()[0] == "GET key:0007: not found, though it was stored before");
}

TEST_CASE("replies out of order, too many, or of no protocol end the connection") {
  Fixture swapped;
  CHECK_FALSE(swapped.feed(reply(2, value_of(5))));
  CHECK(swapped.check.fatal() == "replies are out of order: id 2 came, 1 was next");
  Fixture many;
  CHECK(many.feed(good_stream()));
  CHECK_FALSE(many.feed(stored_reply(5)));
  CHECK(many.check.fatal() == "a reply with id 5 came to no request");
  Fixture garbage;
  CHECK_FALSE(garbage.feed("-ERR unknown command\r\n"));
  CHECK(garbage.check.fatal().starts_with("what came is no reply of the native protocol: "));
}

TEST_CASE("an error that no request asked for is why the connection ends, however it is split") {
  const std::string stream =
      reply(1, value_of(5)) + reply(0, "too many connections\033[2J", protocol::Status::busy);
  for (std::size_t cut = 0; cut < stream.size(); ++cut) {
    Fixture fixture;
    CHECK(fixture.feed(std::string_view(stream).substr(0, cut)));
    CHECK_FALSE(fixture.feed(std::string_view(stream).substr(cut)));
    CHECK(fixture.check.fatal() ==
          "the server ended a connection: BUSY too many connections\\x1b[2J");
    CHECK(fixture.counts.replies == 1);
    CHECK(fixture.counts.errors == 0);
  }
  Fixture answered;
  CHECK(answered.feed(good_stream()));
  CHECK_FALSE(answered.feed(reply(0, "no AUTH", protocol::Status::not_authenticated)));
  CHECK(answered.check.fatal() == "the server ended a connection: NOAUTH no AUTH");
}

TEST_CASE("only the first complaints are kept") {
  Fixture fixture;
  for (int i = 0; i < 20; ++i) {
    fixture.check.restart();
    CHECK(fixture.feed(reply(1, "x")));
  }
  CHECK(fixture.counts.mismatches == 20);
  CHECK(fixture.complaints.texts().size() == Complaints::kKept);
}
