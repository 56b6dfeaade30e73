// Requests on their way to another core, and answers of several cores joined to one.
#include <algorithm>

#include <doctest/doctest.h>

#include "phoenix/base/random.h"
#include "phoenix/commands/table.h"
#include "phoenix/server/encoder.h"
#include "phoenix/server/gather.h"
#include "phoenix/server/hop.h"
#include "phoenix/server/sink.h"
#include "tests/unit/server/support.h"

using namespace phoenix;
using namespace phoenix::server;
using namespace phoenix::server::test;
using protocol::Status;

namespace {

TEST_CASE("a batch has copies of its words: what they were copied from may go") {
  HopBatch batch;
  std::vector<std::string> expected;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{60'000}, std::size_t{6'000},
        std::size_t{300'000}, std::size_t{0}, std::size_t{5'000}, std::size_t{65'536}}) {
    std::string word(size, static_cast<char>('a' + expected.size()));
    batch.add_word(word);
    expected.push_back(word);
    std::fill(word.begin(), word.end(), '#');
  }
  REQUIRE(batch.words.size() == expected.size());
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(batch.words[i] == expected[i]);
    bytes += expected[i].size() + sizeof(std::string_view);
  }
  CHECK(batch.bytes() == bytes);
}

TEST_CASE("a part finds its words among those of the others") {
  HopBatch batch;
  for (const std::string_view word : {"GET", "a", "SET", "b", "value", "PING"}) {
    batch.add_word(word);
  }
  HopPart part;
  part.words_begin = 2;
  part.words_count = 3;
  const auto words = batch.words_of(part);
  REQUIRE(words.size() == 3);
  CHECK(words[0] == "SET");
  CHECK(words[2] == "value");
}

TEST_CASE("a batch is bounded by parts and by bytes, and is empty when it was cleared") {
  HopBatch batch;
  for (std::size_t i = 0; i < kPartsPerHop; ++i) {
    CHECK(batch.has_room());
    batch.parts.emplace_back();
  }
  CHECK_FALSE(batch.has_room());
  batch.clear();
  CHECK(batch.has_room());
  batch.add_word(std::string(kHopBytesTarget - sizeof(std::string_view) - 1, 'x'));
  CHECK(batch.has_room());
  batch.add_word({});  // Nothing but its view.
  CHECK_FALSE(batch.has_room());
  batch.replies = "reply";
  batch.executed = 3;
  batch.position_max = 9;
  batch.was_given_back_in_part = true;
  batch.clear();
  CHECK(batch.has_room());
  CHECK(batch.words.empty());
  CHECK(batch.parts.empty());
  CHECK(batch.replies.empty());
  CHECK(batch.bytes() == 0);
  CHECK(batch.executed == 0);
  CHECK(batch.position_max == 0);
  CHECK_FALSE(batch.was_given_back_in_part);
  batch.add_word("again");
  CHECK(batch.words[0] == "again");
}

template <typename Answer>
std::string frame_of_part(Answer answer) {
  std::string frame;
  NativeEncoder encoder;
  encoder.begin({Wire::native, 7}, frame);
  answer(encoder);
  REQUIRE(encoder.finish() == nullptr);
  return frame;
}

std::string gathered_reply(const Gathering& gathering) {
  std::string reply;
  NativeEncoder encoder;
  encoder.begin(gathering.head, reply);
  answer_gathered(gathering, encoder);
  REQUIRE(encoder.finish() == nullptr);
  return reply;
}

Gathering gathering_of(const commands::Table& table, std::string_view name, std::uint32_t parts) {
  Gathering gathering;
  gathering.command = table.find(name);
  REQUIRE(gathering.command != nullptr);
  gathering.head.id = 7;
  gathering.parts_missing = parts;
  return gathering;
}

TEST_CASE("integers are added") {
  const commands::Table table;
  for (const std::string_view name : {"DEL", "EXISTS", "DBSIZE"}) {
    Gathering gathering = gathering_of(table, name, 3);
    gather_part(gathering, 2, frame_of_part([](auto& reply) { reply.integer(40); }));
    gather_part(gathering, 0, frame_of_part([](auto& reply) { reply.integer(0); }));
    CHECK(gathering.parts_missing == 1);
    gather_part(gathering, 1, frame_of_part([](auto& reply) { reply.integer(2); }));
    const auto replies = decode_replies(gathered_reply(gathering));
    REQUIRE(replies.size() == 1);
    CHECK(replies[0].id == 7);
    CHECK(replies[0].text == "(integer) 42");
  }
}

TEST_CASE("OK is answered when all answered OK") {
  const commands::Table table;
  Gathering gathering = gathering_of(table, "MSET", 2);
  gather_part(gathering, 0, frame_of_part([](auto& reply) { reply.ok(); }));
  gather_part(gathering, 1, frame_of_part([](auto& reply) { reply.ok(); }));
  CHECK(decode_reply(gathered_reply(gathering)) == "OK");
}

TEST_CASE("an error of one part is the answer, the first of several") {
  const commands::Table table;
  for (const std::string_view name : {"DEL", "MSET", "MGET"}) {
    CAPTURE(name);
    Gathering gathering = gathering_of(table, name, 3);
    gathering.key_order = {{0}, {1}, {2}};
    gathering.items.resize(3);
    const bool is_read = name == "MGET";
    gather_part(gathering, 1,
                frame_of_part([](auto& reply) { reply.error(Status::disk_full, "no room"); }));
    gather_part(gathering, 0,
                frame_of_part([](auto& reply) { reply.error(Status::out_of_memory, "full"); }));
    gather_part(gathering, 2, frame_of_part([&](auto& reply) {
                  if (!is_read) return reply.error(Status::out_of_memory, "full");
                  reply.begin_list(1);
                  reply.nil();
                  reply.end();
                }));
    const auto replies = decode_replies(gathered_reply(gathering));
    REQUIRE(replies.size() == 1);
    CHECK(replies[0].id == 7);
    CHECK(replies[0].text == "(error) DISKFULL no room");
  }
}

TEST_CASE("a write that one core refused and another did says that something may have changed") {
  const commands::Table table;
  for (const std::string_view name : {"DEL", "MSET"}) {
    CAPTURE(name);
    const std::string done =
        frame_of_part([&](auto& reply) { name == "DEL" ? reply.integer(1) : reply.ok(); });
    const std::string refused = frame_of_part(
        [](auto& reply) { reply.error(Status::disk_full, "no room: nothing was changed"); });
    for (const bool refused_first : {false, true}) {
      Gathering gathering = gathering_of(table, name, 2);
      gather_part(gathering, 0, refused_first ? refused : done);
      gather_part(gathering, 1, refused_first ? done : refused);
      const auto replies = decode_replies(gathered_reply(gathering));
      REQUIRE(replies.size() == 1);
      CHECK(replies[0].id == 7);
      CHECK(replies[0].text == "(error) DISKFULL " + std::string(kPartlyRefused));
    }
  }
}

TEST_CASE("items come in the order of the keys, whichever core they lay on and answered first") {
  const commands::Table table;
  constexpr std::uint64_t kSeed = 11;
  CAPTURE(kSeed);
  SeededRandom random(kSeed);
  for (int round = 0; round < 50; ++round) {
    constexpr std::uint32_t kParts = 4;
    const auto keys = static_cast<std::uint32_t>(random.below(40) + kParts);
    Gathering gathering = gathering_of(table, "MGET", kParts);
    gathering.items.resize(keys);
    gathering.key_order.resize(kParts);
    std::string expected = "[";
    for (std::uint32_t key = 0; key < keys; ++key) {
      gathering.key_order[key < kParts ? key : random.below(kParts)].push_back(key);
      expected += (key == 0 ? "" : ", ") +
                  (key % 5 == 0 ? "(nil)" : "\"value" + std::to_string(key) + "\"");
    }
    const auto first = static_cast<std::uint32_t>(random.below(kParts));
    for (std::uint32_t i = 0; i < kParts; ++i) {
      const std::uint32_t part = (first + i) % kParts;
      const auto& ranks = gathering.key_order[part];
      gather_part(gathering, part, frame_of_part([&](auto& reply) {
                    reply.begin_list(static_cast<std::uint32_t>(ranks.size()));
                    for (const auto rank : ranks) {
                      if (rank % 5 == 0) {
                        reply.nil();
                      } else {
                        reply.bytes("value" + std::to_string(rank));
                      }
                    }
                    reply.end();
                  }));
    }
    CHECK(decode_reply(gathered_reply(gathering)) == expected + "]");
  }
}

TEST_CASE("parts that are too much together are refused together") {
  const commands::Table table;
  Gathering gathering = gathering_of(table, "MGET", 2);
  gathering.items.resize(2);
  gathering.key_order = {{0}, {1}};
  const std::string half(std::size_t{33} << 20U, 'h');
  for (std::uint32_t part = 0; part < 2; ++part) {
    gather_part(gathering, part, frame_of_part([&](auto& reply) {
                  reply.begin_list(1);
                  reply.bytes(half);
                  reply.end();
                }));
  }
  const auto replies = decode_replies(gathered_reply(gathering));
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].status == Status::too_large);
}

}  // namespace
