// FrameReader: the same frames however the bytes arrive, memory that follows what arrived, and no
// quadratic moving.
#include "protocol/reader.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "tests/unit/protocol/support.h"

using namespace phoenix::protocol;
using namespace phoenix::protocol::test;

namespace {

/// Every frame that is ready, encoded again (with its key, which append_reply does not write).
std::string drain(FrameReader& reader, FrameReader::Outcome& outcome, std::size_t& frames) {
  std::string out;
  ReplyFrame frame;
  while ((outcome = reader.next(frame)) == FrameReader::Outcome::frame) {
    out.resize(out.size() + kHeaderBytes);
    store_reply_header(out.data() + out.size() - kHeaderBytes, frame.header);
    out += frame.key;
    out += frame.value;
    ++frames;
  }
  return out;
}

struct Fed {
  std::string frames;
  std::size_t count = 0;
  std::size_t capacity_max = 0;
};

/// Feeds `pieces` one by one, draining in between; all must be well-formed.
Fed feed(FrameReader& reader, const std::vector<std::string_view>& pieces) {
  Fed fed;
  FrameReader::Outcome outcome{};
  for (const std::string_view piece : pieces) {
    REQUIRE(reader.append(piece));
    fed.frames += drain(reader, outcome, fed.count);
    REQUIRE(outcome == FrameReader::Outcome::need_more);
    fed.capacity_max = std::max(fed.capacity_max, reader.capacity_bytes());
  }
  return fed;
}

std::vector<std::string_view> equal_pieces(std::string_view bytes, std::size_t size) {
  std::vector<std::string_view> pieces;
  for (std::size_t at = 0; at < bytes.size(); at += size) pieces.push_back(bytes.substr(at, size));
  return pieces;
}

std::string all_golden_replies() {
  std::string wire;
  for (const std::string& name : golden_names()) {
    if (name.starts_with("reply_")) wire += golden(name);
  }
  return wire;
}

/// A reply frame of `value_bytes`, all of them `fill`.
std::string frame_of(std::size_t value_bytes, char fill = 'v') {
  std::string wire;
  append_reply(wire, 1, bytes(std::string(value_bytes, fill)));
  return wire;
}

/// Receives `bytes`, and adds to `moved` what prepare() moved or copied for it: that shows in the
/// address, which is then not where the last receive ended.
void receive(FrameReader& reader, std::string_view bytes, const char*& expected,
             std::size_t& moved) {
  const std::span<char> room = reader.prepare(bytes.size());
  REQUIRE(room.size() == bytes.size());
  if (room.data() != expected) moved += reader.buffered_bytes();
  std::copy(bytes.begin(), bytes.end(), room.begin());
  reader.commit(bytes.size());
  expected = room.data() + bytes.size();
}

}  // namespace

TEST_CASE("reader: all golden replies, cut in two at every byte") {
  const std::string wire = all_golden_replies();
  for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
    CAPTURE(cut);
    FrameReader reader;
    const std::string_view view = wire;
    const Fed fed = feed(reader, {view.substr(0, cut), view.substr(cut)});
    REQUIRE(fed.frames == wire);
    REQUIRE(fed.count == 25);
    REQUIRE(reader.buffered_bytes() == 0);
  }
}

TEST_CASE("reader: all golden replies in pieces of every small size") {
  const std::string wire = all_golden_replies();
  for (std::size_t size = 1; size <= 70; ++size) {
    CAPTURE(size);
    FrameReader reader;
    REQUIRE(feed(reader, equal_pieces(wire, size)).frames == wire);
  }
}

TEST_CASE("reader: random frames in random pieces") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    Samples samples(seed);
    std::string wire;
    const std::uint64_t count = samples.below(40);
    for (std::uint64_t i = 0; i < count; ++i) append_reply(wire, 3, samples.reply());
    std::vector<std::string_view> pieces;
    for (std::string_view rest = wire; !rest.empty();) {
      const std::size_t size = std::min<std::size_t>(rest.size(), 1 + samples.below(300));
      pieces.push_back(rest.substr(0, size));
      rest.remove_prefix(size);
    }
    FrameReader reader;
    const Fed fed = feed(reader, pieces);
    REQUIRE(fed.frames == wire);
    REQUIRE(fed.count == count);
  }
}

TEST_CASE("reader: a frame with a key, as pushes will have") {
  ReplyHeader header;
  header.kind = Kind::bytes;
  header.key_bytes = 2;
  header.value_bytes = 3;
  std::string wire(kHeaderBytes, '\0');
  store_reply_header(wire.data(), header);
  wire += "keval";
  FrameReader reader;
  REQUIRE(reader.append(wire));
  ReplyFrame frame;
  REQUIRE(reader.next(frame) == FrameReader::Outcome::frame);
  CHECK(frame.key == "ke");
  CHECK(frame.value == "val");
  CHECK(reader.next(frame) == FrameReader::Outcome::need_more);
}

TEST_CASE("reader: a peer of another kind shows with its first byte, and for good") {
  FrameReader reader;
  ReplyFrame frame;
  CHECK(reader.next(frame) == FrameReader::Outcome::need_more);
  REQUIRE(reader.append("+"));
  REQUIRE(reader.next(frame) == FrameReader::Outcome::malformed);
  CHECK(reader.error().text.find("magic") != std::string_view::npos);
  CHECK(reader.next(frame) == FrameReader::Outcome::malformed);
  CHECK(reader.prepare().empty());
  CHECK_FALSE(reader.append(frame_of(3)));
  CHECK_FALSE(reader.append(""));
}

TEST_CASE("reader: an error line in place of the first frame is an error of the connection") {
  FrameReader reader;
  ReplyFrame frame;
  for (const char c : std::string_view("-ERR max number of clients reached\r")) {
    REQUIRE(reader.append({&c, 1}));
    REQUIRE(reader.next(frame) == FrameReader::Outcome::need_more);
  }
  REQUIRE(reader.append("\n" + frame_of(3) + "-ERR late\r\n"));
  REQUIRE(reader.next(frame) == FrameReader::Outcome::frame);
  CHECK(frame.header.id == 0);
  CHECK(frame.header.status == Status::error);
  CHECK(frame.value == "max number of clients reached");
  REQUIRE(reader.next(frame) == FrameReader::Outcome::frame);
  CHECK(frame.header.id != 0);
  CHECK(reader.next(frame) == FrameReader::Outcome::malformed);
}

TEST_CASE("reader: an error line has a prefix or none, and an end") {
  ReplyFrame frame;
  FrameReader stopping;
  REQUIRE(stopping.append("-SHUTDOWN later\n"));
  REQUIRE(stopping.next(frame) == FrameReader::Outcome::frame);
  CHECK(frame.header.status == Status::shutting_down);
  CHECK(frame.value == "later");
  FrameReader bare;
  REQUIRE(bare.append("-\r\n"));
  REQUIRE(bare.next(frame) == FrameReader::Outcome::frame);
  CHECK(frame.header.status == Status::error);
  CHECK(frame.value.empty());
  FrameReader endless;
  REQUIRE(endless.append("-" + std::string(1000, 'x')));
  CHECK(endless.next(frame) == FrameReader::Outcome::malformed);
}

TEST_CASE("reader: frames before a malformed one are handed out") {
  FrameReader reader;
  std::string wire = frame_of(3) + frame_of(4);
  std::string broken = frame_of(5);
  broken[3] = 0x01;  // A reserved flag.
  wire += broken;
  REQUIRE(reader.append(wire));
  FrameReader::Outcome outcome{};
  std::size_t frames = 0;
  drain(reader, outcome, frames);
  CHECK(frames == 2);
  CHECK(outcome == FrameReader::Outcome::malformed);
  CHECK(reader.error().status == Status::bad_frame);
}

TEST_CASE("reader: an announced size is not memory") {
  FrameReader reader;
  ReplyHeader header;
  header.kind = Kind::bytes;
  header.value_bytes = kValueBytesMax;
  std::string start(kHeaderBytes, '\0');
  store_reply_header(start.data(), header);
  const Fed fed = feed(reader, {start, "a few bytes"});
  CHECK(fed.count == 0);
  CHECK(reader.buffered_bytes() == start.size() + 11);
  CHECK(reader.capacity_bytes() < 1000);
}

TEST_CASE("reader: a bound of its own, at the byte") {
  const std::string fits = frame_of(100);
  FrameReader reader(fits.size());
  CHECK(feed(reader, {fits, fits, fits}).count == 3);
  REQUIRE(reader.append(std::string_view(frame_of(101)).substr(0, kHeaderBytes)));
  ReplyFrame frame;
  REQUIRE(reader.next(frame) == FrameReader::Outcome::malformed);
  CHECK(reader.error().status == Status::too_large);
}

TEST_CASE("reader: who does not take frames out gets no more room") {
  const std::string one = frame_of(100);
  FrameReader reader(one.size());
  std::size_t taken = 0;
  while (reader.append(one)) ++taken;
  const std::size_t bound = one.size() + FrameReader::kReceiveBytes;
  CHECK(taken == bound / one.size());
  CHECK(reader.capacity_bytes() <= bound);
  const std::span<char> last = reader.prepare();
  CHECK(last.size() == bound - taken * one.size());
  reader.commit(0);
  FrameReader::Outcome outcome{};
  std::size_t frames = 0;
  drain(reader, outcome, frames);
  CHECK(frames == taken);
  CHECK(reader.append(one));
}

TEST_CASE("reader: small frames keep it small, however many and however cut") {
  std::string wire;
  for (int i = 0; i < 2000; ++i) wire += frame_of(static_cast<std::size_t>(i % 200));
  for (const std::size_t piece : {17U, 1000U, 65'536U}) {
    CAPTURE(piece);
    FrameReader reader;
    const std::size_t before = allocated_bytes();
    const std::vector<std::string_view> pieces = equal_pieces(wire, piece);
    FrameReader::Outcome outcome{};
    std::size_t count = 0;
    for (const std::string_view bytes : pieces) {
      REQUIRE(reader.append(bytes));
      ReplyFrame frame;
      while ((outcome = reader.next(frame)) == FrameReader::Outcome::frame) ++count;
    }
    CHECK(count == 2000);
    CHECK(reader.capacity_bytes() <= 4 * (piece + 216));
    CHECK(allocated_bytes() - before < 8 * (piece + 216) + pieces.size() * 40);
  }
}

TEST_CASE("reader: a large buffer is given back once it is empty") {
  FrameReader reader;
  const std::string large = frame_of(3U << 20U);
  CHECK(feed(reader, equal_pieces(large, 60'000)).frames == large);
  CHECK(reader.capacity_bytes() > FrameReader::kKeepBytes);
  CHECK(feed(reader, {frame_of(10)}).count == 1);
  CHECK(reader.capacity_bytes() <= FrameReader::kReceiveBytes);
}

TEST_CASE("reader: every byte is moved a bounded number of times") {
  std::string wire;
  for (std::size_t i = 0; i < 400; ++i) wire += frame_of(i % 50 == 0 ? 40'000 : i % 90);
  for (const std::size_t piece : {1U, 7U, 100U, 1500U, 65'536U}) {
    CAPTURE(piece);
    FrameReader reader;
    const char* expected = nullptr;
    std::size_t moved = 0;
    std::size_t count = 0;
    for (const std::string_view bytes : equal_pieces(wire, piece)) {
      receive(reader, bytes, expected, moved);
      ReplyFrame frame;
      while (reader.next(frame) == FrameReader::Outcome::frame) ++count;
    }
    CHECK(count == 400);
    CHECK(moved <= 2 * wire.size());
  }
}

TEST_CASE("reader: who takes one frame per receive, with many waiting, pays no more") {
  const std::string one = frame_of(16);
  FrameReader reader;
  const char* expected = nullptr;
  std::size_t moved = 0;
  std::size_t fed = 0;
  const auto feed_one = [&] {
    receive(reader, one, expected, moved);
    fed += one.size();
  };
  do {
    feed_one();
  } while (fed < 50'000 || fed + one.size() < reader.capacity_bytes());
  for (int i = 0; i < 10'000; ++i) {
    ReplyFrame frame;
    REQUIRE(reader.next(frame) == FrameReader::Outcome::frame);
    feed_one();
  }
  CHECK(moved <= 2 * fed);
}
