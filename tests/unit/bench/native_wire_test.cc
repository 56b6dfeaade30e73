// The native protocol's frames, over every way in which a stream can be split.
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "bench/wire/frame_walker.h"
#include "protocol/binary.h"
#include "tests/unit/bench/wire_support.h"

using namespace phoenix;
using namespace phoenix::bench;

namespace {

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

std::string stored_reply(std::uint32_t id) {
  std::string out;
  append_reply(out, id, protocol::Value{});
  return out;
}

// A connection with four requests on their way: GET 5, SET 6, GET 7, GET 8.
struct Fixture : WireFixture {
  Fixture() : WireFixture(Protocol::native) {
    ask({Verb::get, 1, 5});
    ask({Verb::set, 1, 6});
    ask({Verb::get, 1, 7});
    ask({Verb::get, 1, 8});
  }
};

std::string good_stream() {
  const RequestShape shape = small_shape();
  return reply(1, value_of(shape, 5)) + stored_reply(2) + reply(3, {}, protocol::Status::nil) +
         reply(4, value_of(shape, 8));
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

TEST_CASE("right replies are counted, split in three anywhere") {
  const std::string stream = good_stream();
  for (std::size_t first = 0; first <= stream.size(); ++first) {
    for (std::size_t second = first; second <= stream.size(); second += 7) {
      Fixture fixture;
      CHECK(fixture.feed(std::string_view(stream).substr(0, first)));
      CHECK(fixture.feed(std::string_view(stream).substr(first, second - first)));
      CHECK(fixture.feed(std::string_view(stream).substr(second)));
      CHECK(fixture.in_flight.empty());
      CHECK(fixture.counts.replies == 4);
      CHECK(fixture.counts.hits == 2);
      CHECK(fixture.counts.misses == 1);
      CHECK(fixture.counts.errors == 0);
      CHECK(fixture.counts.mismatches == 0);
    }
  }
}

TEST_CASE("a reply of another kind or status is an error, and says which") {
  std::string text = reply(1, value_of(small_shape(), 5));
  text[2] = static_cast<char>(protocol::Kind::text);
  Fixture fixture;
  CHECK(fixture.feed(text + reply(2, {}, protocol::Status::nil)));
  CHECK(fixture.counts.errors == 2);
  CHECK(fixture.counts.hits == 0);
  CHECK(fixture.complaints.texts()[0] == "GET key:0005: unexpected status 0, kind 3");
  CHECK(fixture.complaints.texts()[1] == "SET key:0006: unexpected status 1, kind 0");
}

TEST_CASE("replies out of order, too many, too large or of no protocol end the connection") {
  Fixture swapped;
  CHECK_FALSE(swapped.feed(reply(2, "x")));
  CHECK(swapped.check.fatal() == "replies are out of order: id 2 came, 1 was next");
  Fixture many;
  CHECK(many.feed(good_stream()));
  CHECK_FALSE(many.feed(stored_reply(5)));
  CHECK(many.check.fatal() == "a reply with id 5 came to no request");
  Fixture garbage;
  CHECK_FALSE(garbage.feed("HTTP/1.1 400 Bad Request\r\n"));
  CHECK(garbage.check.fatal().starts_with("what came is no reply of the native protocol: "));
  Fixture refused;
  CHECK_FALSE(refused.feed("-ERR max number of clients reached\r\n"));
  CHECK(refused.check.fatal() == "the server ended a connection: ERR max number ");
  std::string header = reply(1, "").substr(0, protocol::kHeaderBytes);
  protocol::store_le(header.data() + 12, static_cast<std::uint32_t>(protocol::kReplyBytesMax));
  Fixture large;
  CHECK(large.feed(header));
  protocol::store_le(header.data() + 12, static_cast<std::uint32_t>(protocol::kReplyBytesMax + 1));
  Fixture too_large;
  CHECK_FALSE(too_large.feed(header));
  CHECK(too_large.check.fatal().starts_with("what came is no reply of the native protocol: "));
}

TEST_CASE("an error that no request asked for is why the connection ends, however it is split") {
  const std::string stream = reply(1, value_of(small_shape(), 5)) +
                             reply(0, "too many connections\033[2J", protocol::Status::busy);
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

TEST_CASE("a reply in several frames is one reply") {
  WireFixture fixture(Protocol::native);
  fixture.ask({Verb::replayed, 1, 0});
  protocol::Value list;
  list.kind = protocol::Kind::list;
  std::string stream;
  append_reply(stream, 1, list, true);
  append_reply(stream, 1, list, true);
  CHECK(fixture.feed_bytewise(stream));
  CHECK(fixture.counts.replies == 0);
  CHECK(fixture.feed_bytewise(reply(1, "0")));
  CHECK(fixture.counts.replies == 1);
  CHECK(fixture.counts.errors == 0);
}

TEST_CASE("a multi-get's list must come out even") {
  const std::string value = value_of(small_shape(), 5);
  Replies replies(Protocol::native, small_shape());
  const Request request{Verb::multi_get, 1, 5};
  const std::string good = Replies(Protocol::native, small_shape()).many(request, {value});
  for (const int by : {-1, 1}) {
    WireFixture fixture(Protocol::native);
    fixture.ask(request);
    std::string stream = good;
    // The frame says a byte less or more than its list needs.
    if (by < 0) stream.pop_back();
    if (by > 0) stream.push_back('x');
    protocol::store_le(stream.data() + 12,
                       static_cast<std::uint32_t>(stream.size() - protocol::kHeaderBytes));
    CHECK(fixture.feed_bytewise(stream));
    CHECK(fixture.counts.errors == 1);
  }
}
