// Both reply sinks against the protocol's own decoder: what a handler says is what a client reads.
#include "phoenix/server/sink.h"

#include <functional>
#include <limits>

#include <doctest/doctest.h>

#include "tests/unit/commands/harness.h"
#include "tests/unit/server/reply_support.h"
#include "tests/unit/server/support.h"

using namespace phoenix;
using namespace phoenix::server;
using namespace phoenix::server::test;
using commands::ReplySink;
using protocol::Status;

namespace {

using Answer = std::function<void(ReplySink&)>;

/// The frame that an answer of a hop would be.
std::string encoded(std::uint32_t id, const Answer& answer) {
  return test::encoded<NativeEncoder>({Wire::native, id}, answer);
}

/// The frame that a session would send.
std::string sent(std::uint32_t id, const Answer& answer) {
  return test::sent<NativeSink>({Wire::native, id}, answer);
}

/// What a person would see of it.
std::string told(const Answer& answer) {
  commands::test::TextSink sink;
  answer(sink);
  return sink.take();
}

void nest(ReplySink& reply, std::uint32_t depth) {
  reply.begin_list(1);
  if (depth > 1) {
    nest(reply, depth - 1);
  } else {
    reply.integer(7);
  }
  reply.end();
}

/// One of everything that handlers answer.
std::vector<Answer> answers() {
  const auto bytes_of = [](std::size_t size) {
    return [size](ReplySink& reply) { reply.bytes(std::string(size, 'b')); };
  };
  return {
      [](ReplySink& reply) { reply.ok(); },
      [](ReplySink& reply) { reply.nil(); },
      [](ReplySink& reply) { reply.integer(0); },
      [](ReplySink& reply) { reply.integer(std::numeric_limits<std::int64_t>::min()); },
      [](ReplySink& reply) { reply.integer(std::numeric_limits<std::int64_t>::max()); },
      [](ReplySink& reply) { reply.bytes(""); },
      [](ReplySink& reply) { reply.bytes(std::string_view("\0\r\n\xFF", 4)); },
      bytes_of(kChunkBytes - protocol::kHeaderBytes),
      bytes_of(kChunkBytes - protocol::kHeaderBytes + 1),
      bytes_of(300'000),
      [](ReplySink& reply) { reply.text("PONG"); },
      [](ReplySink& reply) { reply.text(std::string(200'000, 't')); },
      [](ReplySink& reply) { reply.error(Status::error, "no such thing"); },
      [](ReplySink& reply) { reply.error(Status::out_of_memory, ""); },
      [](ReplySink& reply) { reply.large(block_of(std::string(100'000, 'l'))); },
      [](ReplySink& reply) {
        reply.begin_list(0);
        reply.end();
      },
      [](ReplySink& reply) {
        reply.begin_map(0);
        reply.end();
      },
      [](ReplySink& reply) { nest(reply, protocol::kReplyDepthMax); },
      [](ReplySink& reply) {
        reply.begin_list(8);
        reply.ok();
        reply.nil();
        reply.integer(-1);
        reply.bytes("value");
        reply.large(block_of(std::string(50'000, 'l')));
        reply.text("text");
        reply.error(Status::disk_full, "no room");
        reply.bytes("");
        reply.end();
      },
      [](ReplySink& reply) {
        reply.begin_map(3);
        reply.bytes("list");
        reply.begin_list(2);
        nest(reply, 2);
        reply.begin_list(0);
        reply.end();
        reply.end();
        reply.bytes("map");
        reply.begin_map(1);
        reply.bytes("key");
        reply.nil();
        reply.end();
        reply.bytes("after");
        reply.integer(1);
        reply.end();
      },
  };
}

TEST_CASE("what is answered is what is read, from either sink") {
  for (const Answer& answer : answers()) {
    const std::string expected = told(answer);
    CAPTURE(expected.substr(0, 100));
    const std::string frame = encoded(0xABCDEF01, answer);
    const auto replies = decode_replies(frame);
    REQUIRE(replies.size() == 1);
    CHECK(replies[0].id == 0xABCDEF01);
    CHECK_FALSE(replies[0].more_follows);
    CHECK(replies[0].text == expected);
    CHECK(sent(0xABCDEF01, answer) == frame);
  }
}

TEST_CASE("replies of one session follow each other, whatever their kinds") {
  BufferBytes buffers;
  ChunkPool pool(buffers);
  Output output(pool);
  NativeSink sink(pool);
  std::vector<std::string> expected;
  std::uint32_t id = 0;
  for (int round = 0; round < 3; ++round) {
    for (const Answer& answer : answers()) {
      expected.push_back(told(answer));
      sink.begin({Wire::native, ++id});
      answer(sink);
      sink.finish(output, 0);
    }
  }
  const auto replies = decode_replies(drain(output, 0));
  REQUIRE(replies.size() == expected.size());
  for (std::size_t i = 0; i < replies.size(); ++i) {
    CHECK(replies[i].id == i + 1);
    CHECK(replies[i].text == expected[i]);
  }
}

TEST_CASE("small replies are encoded where they leave from, large values stay where they lie") {
  BufferBytes buffers;
  ChunkPool pool(buffers);
  Output output(pool);
  NativeSink sink(pool);
  sink.begin({Wire::native, 1});
  sink.bytes("small");
  sink.finish(output, 0);
  CHECK(output.sendable(0, kAny).end() == pool.current()->bytes.data() + pool.current()->used);
  output.consume(output.queued_bytes());
  const auto block = block_of(std::string(100'000, 'l'));
  sink.begin({Wire::native, 2});
  sink.large(block);
  sink.finish(output, 0);
  output.consume(protocol::kHeaderBytes);
  CHECK(output.sendable(0, kAny).data() == block->view().data());
}

TEST_CASE("a reply has the position that it was finished with") {
  BufferBytes buffers;
  ChunkPool pool(buffers);
  Output output(pool);
  NativeSink sink(pool);
  sink.begin({Wire::native, 1});
  sink.ok();
  sink.finish(output, 5);
  sink.begin({Wire::native, 2});
  sink.begin_list(0);
  sink.end();
  sink.finish(output, 6);
  CHECK(output.waits_for_commit(4));
  CHECK(output.sendable(5, kAny).size() == protocol::kHeaderBytes);
  output.consume(protocol::kHeaderBytes);
  CHECK(output.waits_for_commit(5));
  CHECK_FALSE(output.sendable(6, kAny).empty());
}

TEST_CASE("an error's text is cut at its limit, at the top and inside") {
  const std::string longest(protocol::kErrorTextBytesMax, 'e');
  const Answer at_top = [&](ReplySink& reply) { reply.error(Status::error, longest + "more"); };
  CHECK(decode_reply(sent(1, at_top)) == "(error) ERR " + longest);
  CHECK(decode_reply(encoded(1, at_top)) == "(error) ERR " + longest);
  const Answer inside = [&](ReplySink& reply) {
    reply.begin_list(1);
    reply.error(Status::error, longest + "more");
    reply.end();
  };
  CHECK(decode_reply(sent(1, inside)) == "[(error) ERR " + longest + "]");
}

TEST_CASE("an error's text is printable, whatever words of the request it echoes") {
  const Answer echo = [](ReplySink& reply) { reply.error(Status::error, "no \xff\x1b[2J"); };
  const Answer inside = [&](ReplySink& reply) {
    reply.begin_list(1);
    echo(reply);
    reply.end();
  };
  CHECK(decode_reply(sent(1, echo)) == "(error) ERR no \\xff\\x1b[2J");
  CHECK(decode_reply(sent(1, inside)) == "[(error) ERR no \\xff\\x1b[2J]");
}

TEST_CASE("a gathered reply that grows over its limit becomes an error, and the sink goes on") {
  constexpr std::uint32_t kItems = 70;
  const std::string item(std::size_t{1} << 20U, 'i');
  const Answer too_large = [&](ReplySink& reply) {
    reply.begin_list(kItems + 1);
    for (std::uint32_t i = 0; i < kItems; ++i) reply.bytes(item);
    nest(reply, 2);
    reply.end();
  };
  NativeEncoder encoder;
  std::string frame = "kept";
  encoder.begin({Wire::native, 3}, frame);
  too_large(encoder);
  CHECK(encoder.finish() == nullptr);
  CHECK(frame.size() < 1000);
  const auto replies = decode_replies(std::string_view(frame).substr(4));
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].status == Status::too_large);
  CHECK(replies[0].id == 3);
  CHECK(replies[0].text == "(error) ERR reply over 16 MiB: ask for fewer keys at a time");
  frame.clear();
  encoder.begin({Wire::native, 4}, frame);
  encoder.bytes("next");
  CHECK(encoder.finish() == nullptr);
  CHECK(decode_reply(frame) == "\"next\"");
}

class NoEffects final : public engine::EffectSink {
 public:
  engine::LogPosition emit(const engine::Effect&) override { return {}; }
};

TEST_CASE("while memory is full a long list is refused before it is built, a short one is not") {
  NoEffects effects;
  BufferBytes buffers;
  const engine::Keyspace keyspace({}, effects, buffers.large);
  const MemoryBudget budget(keyspace, buffers, {.core = 1, .bytes_max = std::uint64_t{8} << 20U});
  ChunkPool pool(buffers);
  NativeSink sink(pool, &budget);
  const std::string item(100'000, 'i');
  const auto status_of_list = [&](std::uint32_t items) {
    Output output(pool);
    sink.begin({Wire::native, 1});
    sink.begin_list(items);
    for (std::uint32_t i = 0; i < items; ++i) sink.bytes(item);
    sink.end();
    sink.finish(output, 0);
    const auto replies = decode_replies(output.sendable(0, kAny));
    REQUIRE(replies.size() == 1);
    if (protocol::is_error(replies[0].status)) CHECK(buffers.output < pool.memory_bytes() + 2000);
    return replies[0].status;
  };
  CHECK(status_of_list(30) == Status::ok);
  CHECK(status_of_list(100) == Status::out_of_memory);  // It alone would be too much.
  buffers.hops = budget.bytes_max();
  CHECK(status_of_list(30) == Status::out_of_memory);
  CHECK(status_of_list(9) == Status::ok);
  buffers.hops = 0;
  CHECK(status_of_list(30) == Status::ok);
}

TEST_CASE("items that are encoded already are bounded as others are") {
  std::string item;
  protocol::Value value;
  value.kind = protocol::Kind::bytes;
  const std::string bytes(std::size_t{20} << 20U, 'i');
  value.bytes = bytes;
  protocol::append_value(item, value);
  NativeEncoder encoder;
  std::string frame;
  encoder.begin({Wire::native, 1}, frame);
  encoder.begin_list(4);
  for (int i = 0; i < 4; ++i) encoder.encoded_item(item);
  encoder.end();
  CHECK(encoder.finish() == nullptr);
  CHECK(decode_replies(frame)[0].status == Status::too_large);
}

}  // namespace
