// Input as it really comes: in any pieces, with large values, put back, and from hostile peers.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "phoenix/base/random.h"
#include "tests/unit/server/session_support.h"
#include "tests/unit/server/support.h"

using namespace phoenix;
using namespace phoenix::server;
using namespace phoenix::server::test;
using protocol::Opcode;
using Decoded = Session::Decoded;

namespace {

constexpr std::size_t kLarge = engine::kSmallValueBytesMax + 1;

/// Requests of every form; with large values when `value_bytes` makes them so.
std::string stream_of(std::size_t value_bytes) {
  const std::string value(value_bytes, 'v');
  const std::uint16_t ttl = protocol::kHasTtl | protocol::kIfAbsent;
  return frame_of(1, {.type = Opcode::get, .key = "key"}) +
         frame_of(2, {.type = Opcode::set, .flags = ttl, .key = "a", .value = value, .ttl_ms = 9}) +
         frame_of(3, {"MSET", "a", "1", "", ""}) +
         frame_of(4, {.type = Opcode::set, .key = "", .value = value + "w"}) +
         frame_of(5, {.type = Opcode::set, .key = "b", .value = value + "x"}) +
         frame_of(6, {"NOTHING", "here"}) + frame_of(7, {.type = Opcode::ping}) +
         frame_of(8, {.type = Opcode::get, .flags = protocol::kIfAbsent, .key = "bad"});
}

std::vector<std::string> decoded_whole(const std::string& stream) {
  DecodingSession decoding;
  decoding.turn(stream);
  REQUIRE(decoding.requests.size() == 8);
  REQUIRE_FALSE(decoding.session.has_partial_input());
  return decoding.requests;
}

TEST_CASE("cut in two anywhere, in one turn or in two, the requests are the same") {
  const std::string stream = stream_of(7);
  const auto expected = decoded_whole(stream);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    CAPTURE(cut);
    const std::string_view first = std::string_view(stream).substr(0, cut);
    const std::string_view rest = std::string_view(stream).substr(cut);
    DecodingSession over_turns;
    over_turns.turn(first);
    over_turns.turn(rest);
    CHECK(over_turns.requests == expected);
    CHECK_FALSE(over_turns.session.has_partial_input());
    DecodingSession within_turn;
    within_turn.feed(first);
    within_turn.decode_all();
    within_turn.feed(rest);
    within_turn.decode_all();
    within_turn.end_turn();
    CHECK(within_turn.requests == expected);
    DecodingSession before_decoding;
    before_decoding.feed(first);
    before_decoding.feed(rest);
    before_decoding.decode_all();
    CHECK(before_decoding.requests == expected);
  }
}

TEST_CASE("byte by byte, the requests are the same") {
  const std::string stream = stream_of(7);
  DecodingSession decoding;
  for (const char byte : stream) decoding.turn({&byte, 1});
  CHECK(decoding.requests == decoded_whole(stream));
}

TEST_CASE("large values arrive in any pieces, between other requests") {
  const std::string stream = stream_of(kLarge);
  const auto expected = decoded_whole(stream);
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    SeededRandom random(seed);
    DecodingSession decoding;
    std::string_view rest = stream;
    while (!rest.empty()) {
      // Small pieces to hit headers, large ones to come forward.
      const std::size_t most = random.below(3) == 0 ? 40 : 20'000;
      const std::size_t size = std::min<std::size_t>(random.below(most) + 1, rest.size());
      decoding.feed(rest.substr(0, size));
      rest.remove_prefix(size);
      if (random.below(2) == 0) decoding.decode_all(random.below(3) + 1);
      if (random.below(2) == 0) decoding.end_turn();
    }
    decoding.decode_all();
    decoding.end_turn();
    CHECK(decoding.requests == expected);
    CHECK_FALSE(decoding.session.has_partial_input());
  }
}

/// A request in RESP.
std::string array_of(const std::vector<std::string_view>& words) {
  std::string text = fmt::format("*{}\r\n", words.size());
  for (const auto word : words) text += fmt::format("${}\r\n{}\r\n", word.size(), word);
  return text;
}

TEST_CASE("requests of many words arrive in any pieces, between others, in both protocols") {
  const std::string large(kLarge, 'v');
  std::vector<std::vector<std::string_view>> all{{"GET", "a"}, {"MSET"},    {"DEL"},  {"WATCH"},
                                                 {"del"},      {"NOTHING"}, {"MSET"}, {"PING"}};
  for (std::size_t i = 0; i < kStepWordsMax; ++i) {
    const bool is_large = i == 1001 || i == 5000;
    all[1].push_back(i % 3 == 0 ? std::string_view() : is_large ? std::string_view(large) : "word");
    for (const std::size_t k : {2U, 3U, 5U, 6U}) all[k].emplace_back("key");
  }
  all[2].resize(kUncutWordsMax + 3, "more");
  all[3].resize(kUncutWordsMax + 1, "more");  // Too many.
  all[5].resize(kUncutWordsMax + 1, "more");
  all[4].resize(kStepWordsMax, "k");  // In one step.
  all[6].emplace_back("without value");
  for (const Wire wire : {Wire::native, Wire::resp2}) {
    std::string stream;
    std::vector<std::string> expected;
    for (std::uint32_t id = 1; id <= all.size(); ++id) {
      auto words = all[id - 1];
      stream += wire == Wire::native ? frame_of(id, words) : array_of(words);
      PendingRequest pending;
      pending.id = wire == Wire::native ? id : 0;
      DecodingSession names;
      pending.command = names.table.find(words[0]);
      if (id == 4) pending.fault = Fault::too_many_words;
      if (id == 6) pending.fault = Fault::unknown_command;
      if (id == 7) pending.fault = Fault::wrong_arity;
      if (id == 4 || id == 6) words.resize(1);
      pending.request.args = words;
      expected.push_back(told(pending));
    }
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      CAPTURE(seed);
      SeededRandom random(seed);
      DecodingSession decoding;
      decoding.session.wire = wire;
      const std::size_t most = seed == 1 ? stream.size() : seed % 2 == 0 ? 300 : 200'000;
      for (std::string_view rest = stream; !rest.empty();) {
        const std::size_t size =
            seed == 1 ? most : std::min<std::size_t>(random.below(most) + 1, rest.size());
        decoding.feed(rest.substr(0, size));
        rest.remove_prefix(size);
        decoding.decode_all();
        decoding.end_turn();
      }
      REQUIRE(decoding.requests.size() == expected.size());
      for (std::size_t i = 0; i < expected.size(); ++i) {
        CAPTURE(expected[i].substr(0, 60));
        CHECK((decoding.requests[i] == expected[i]));  // Too long to be shown.
      }
      CHECK_FALSE(decoding.session.has_partial_input());
      CHECK(decoding.memory_bytes() < 10'000);
    }
  }
}

TEST_CASE("within MULTI a command of many keys is one request, or has too many words") {
  DecodingSession decoding;
  decoding.session.transaction = std::make_unique<Transaction>();
  decoding.session.transaction->open();
  std::vector<std::string_view> words(kUncutWordsMax, "DEL");
  const auto decode = [&decoding] {
    Decoded decoded = decoding.decode();
    while (decoded == Decoded::takes_long) decoded = decoding.decode();
    return decoded;
  };
  decoding.feed(frame_of(1, words));
  REQUIRE(decode() == Decoded::request);
  CHECK(decoding.batch.requests[0].fault == Fault::none);
  CHECK(decoding.batch.requests[0].request.args.size() == kUncutWordsMax);
  decoding.run_batch();
  words.emplace_back("DEL");
  decoding.feed(frame_of(1, words));
  REQUIRE(decode() == Decoded::request);
  CHECK(decoding.batch.requests[0].fault == Fault::too_many_words);
}

TEST_CASE("an argv request of many words that lies about them ends the connection") {
  const std::vector<std::string_view> words(kStepWordsMax + 2, "DEL");
  const std::string frame = frame_of(1, words);
  const std::size_t count_at = protocol::kHeaderBytes;
  const auto right = static_cast<std::uint32_t>(words.size());
  for (const std::uint32_t count : {right - 1, right + 1}) {
    std::string lie = frame;
    protocol::store_le(lie.data() + count_at, count);
    DecodingSession decoding;
    decoding.turn(lie);
    CHECK(decoding.is_broken);
    CHECK(decoding.session.broken().status == protocol::Status::bad_frame);
  }
  std::string lie = frame;
  protocol::store_le(lie.data() + lie.size() - 7, std::uint32_t{4});
  DecodingSession inside;
  inside.turn(lie);
  CHECK(inside.is_broken);
}

TEST_CASE("a long request of many words is dropped while memory is full, a short one is taken") {
  for (const std::size_t size : {10U, 300U}) {
    const std::string key(size, 'k');
    std::vector<std::string_view> words(kStepWordsMax + 1, key);
    words[0] = "DEL";
    for (const Wire wire : {Wire::native, Wire::resp2}) {
      const std::string bytes = wire == Wire::native ? frame_of(1, words) : array_of(words);
      DecodingSession decoding;
      decoding.session.wire = wire;
      decoding.session.memory_is_full = true;
      for (std::string_view rest = bytes; !rest.empty();) {
        const std::size_t piece = std::min<std::size_t>(rest.size(), 50'000);
        decoding.turn(rest.substr(0, piece));
        rest.remove_prefix(piece);
        CHECK(decoding.memory_bytes() < (std::size_t{2} << 20U));
      }
      REQUIRE(decoding.requests.size() == 1);
      const std::string fault = fmt::format("fault {}", static_cast<int>(Fault::out_of_memory));
      CHECK(decoding.requests[0].ends_with(fault) == (size > 100));
    }
  }
}

TEST_CASE("a large value is collected in one block that the store can adopt") {
  const std::string value(100'000, 'v');
  DecodingSession decoding;
  decoding.feed(frame_of(1, {.type = Opcode::set, .key = "a", .value = value}));
  REQUIRE(decoding.decode() == Decoded::request);
  const auto& request = decoding.batch.requests[0].request;
  REQUIRE(request.large != nullptr);
  CHECK((*request.large)->view() == value);
  CHECK(request.args[2].data() == (*request.large)->view().data());
  CHECK(request.value_at(2).large == *request.large);
}

TEST_CASE("memory follows what has arrived, not what was announced") {
  std::string header = frame_of(1, {.type = Opcode::set, .key = "key"});
  protocol::store_le(header.data() + 12, static_cast<std::uint32_t>(protocol::kValueBytesMax));
  DecodingSession decoding;
  decoding.turn(header);
  CHECK(decoding.session.has_partial_input());
  CHECK(decoding.memory_bytes() < 10'000);
  for (int i = 0; i < 16; ++i) decoding.turn(std::string(65'536, 'v'));
  CHECK(decoding.memory_bytes() < 4U << 20U);
  CHECK(decoding.requests.empty());
  header = frame_of(2, {"SET", "key", "v"});
  protocol::store_le(header.data() + 12, static_cast<std::uint32_t>(protocol::kArgvBytesMax));
  DecodingSession words;
  words.turn(header);
  CHECK(words.memory_bytes() < 10'000);
}

TEST_CASE("without memory a large value is let pass, and its request answered") {
  const std::string value(200'000, 'v');
  const std::string stream = frame_of(1, {.type = Opcode::set, .key = "a", .value = value}) +
                             frame_of(2, {.type = Opcode::get, .key = "a"});
  DecodingSession decoding;
  decoding.session.memory_is_full = true;
  decoding.turn(std::string_view(stream).substr(0, 50'000));
  decoding.turn(std::string_view(stream).substr(50'000, 100'000));
  CHECK(decoding.memory_bytes() < 10'000);
  decoding.session.memory_is_full = false;  // Too late for this one.
  decoding.turn(std::string_view(stream).substr(150'000));
  REQUIRE(decoding.requests.size() == 2);
  const auto fault = static_cast<int>(Fault::out_of_memory);
  CHECK(decoding.requests[0].ends_with("fault " + std::to_string(fault)));
  CHECK(decoding.requests[1] == "2 GET [\"GET\" \"a\" ] flags 0 ttl 0 fault 0");
}

TEST_CASE("when memory runs out in the middle of a large value, what had come of it is let go") {
  const std::string value(400'000, 'v');
  const std::string frame = frame_of(1, {.type = Opcode::set, .key = "a", .value = value});
  DecodingSession decoding;
  decoding.turn(std::string_view(frame).substr(0, 300'000));
  CHECK(decoding.memory_bytes() > 200'000);
  decoding.session.memory_is_full = true;
  decoding.turn(std::string_view(frame).substr(300'000, 1'000));
  CHECK(decoding.memory_bytes() < 10'000);
  decoding.turn(std::string_view(frame).substr(301'000));
  REQUIRE(decoding.requests.size() == 1);
  CHECK(decoding.requests[0].ends_with("fault " +
                                       std::to_string(static_cast<int>(Fault::out_of_memory))));
}

TEST_CASE("while memory is full, a long request is let pass, and what is behind it goes on") {
  const std::string frame = frame_of(1, {"MSET", "a", std::string(2'000'000, 'v')});
  const std::string stream = frame_of(2, {"GET", "a"}) + frame + frame_of(3, {"DEL", "a"});
  DecodingSession decoding;
  decoding.session.memory_is_full = true;
  decoding.turn(std::string_view(stream).substr(0, 5'000));
  CHECK(decoding.requests.size() == 1);
  for (std::size_t at = 5'000; at < stream.size(); at += 65'536) {
    decoding.turn(std::string_view(stream).substr(at, 65'536));
    CHECK(decoding.memory_bytes() < 70'000);
  }
  CHECK_FALSE(decoding.is_broken);
  const auto fault = std::to_string(static_cast<int>(Fault::out_of_memory));
  CHECK(decoding.requests ==
        std::vector<std::string>{"2 GET [\"GET\" \"a\" ] flags 0 ttl 0 fault 0",
                                 "1 (none) [] flags 0 ttl 0 fault " + fault,
                                 "3 DEL [\"DEL\" \"a\" ] flags 0 ttl 0 fault 0"});
  CHECK_FALSE(decoding.session.has_partial_input());
}

TEST_CASE("when memory runs out in the middle of a long request, what had come of it is let go") {
  const std::string frame = frame_of(1, {"MSET", "a", std::string(2'000'000, 'v')});
  DecodingSession decoding;
  decoding.turn(std::string_view(frame).substr(0, 1'000'000));
  CHECK(decoding.memory_bytes() >= 1'000'000);
  decoding.session.memory_is_full = true;
  decoding.turn(std::string_view(frame).substr(1'000'000, 1'000));
  CHECK(decoding.memory_bytes() < 10'000);
  decoding.turn(std::string_view(frame).substr(1'001'000));
  CHECK(decoding.requests.size() == 1);
  CHECK_FALSE(decoding.is_broken);
}

TEST_CASE("an idle session gives its memory back") {
  DecodingSession decoding;
  const std::string frame = frame_of(1, {"MSET", "a", std::string(500'000, 'v')});
  decoding.turn(std::string_view(frame).substr(0, 400'000));
  CHECK(decoding.memory_bytes() >= 400'000);
  decoding.turn(std::string_view(frame).substr(400'000));
  CHECK(decoding.requests.size() == 1);
  CHECK(decoding.memory_bytes() < 10'000);
  const std::vector<std::string_view> many(kUncutWordsMax, "a");
  decoding.turn(frame_of(2, many));
  CHECK(decoding.requests.size() == 2);
  CHECK(decoding.memory_bytes() < 10'000);
}

TEST_CASE("whole requests that wait are told apart from the beginning of one") {
  const std::string get = frame_of(1, {"GET", "a"});
  DecodingSession decoding;
  CHECK_FALSE(decoding.session.has_unparsed_requests());
  decoding.feed(get + get + get.substr(0, 5));
  CHECK(decoding.session.has_unparsed_requests());
  CHECK(decoding.decode() == Decoded::request);
  CHECK(decoding.session.has_unparsed_requests());
  CHECK(decoding.decode() == Decoded::request);
  CHECK(decoding.decode() == Decoded::need_more);
  CHECK_FALSE(decoding.session.has_unparsed_requests());
  const PendingRequest back = decoding.batch.requests[1];
  decoding.session.requests_in_batch = 0;
  decoding.batch.clear();  // Its words lie in input that is gone after the turn.
  decoding.session.put_back(back);
  CHECK(decoding.session.has_unparsed_requests());
  decoding.end_turn();
  CHECK(decoding.session.has_unparsed_requests());
  decoding.decode_all();
  CHECK_FALSE(decoding.session.has_unparsed_requests());
  CHECK(decoding.session.unparsed_bytes() == 5);
}

TEST_CASE("a session that goes on gives back what a long request took") {
  DecodingSession decoding;
  const std::string frame = frame_of(1, {"MSET", "a", std::string(2'000'000, 'v')});
  decoding.turn(std::string_view(frame).substr(0, 1'900'000));
  decoding.turn(std::string(frame.substr(1'900'000)) + frame.substr(0, 100));
  CHECK(decoding.requests.size() == 1);
  CHECK(decoding.memory_bytes() < 10'000);
}

/// Decodes four requests, puts back from the one at `index` on, and decodes again.
void put_back_and_decode(const std::string& stream, std::size_t cut, std::size_t index) {
  DecodingSession decoding;
  decoding.turn(
      std::string_view(stream).substr(0, cut));  // Where it makes the input lie in carry_.
  decoding.requests.clear();
  decoding.feed(std::string_view(stream).substr(cut));
  std::vector<std::string> all;
  while (decoding.decode() == Decoded::request) {
    all.push_back(told(decoding.batch.requests.back()));
  }
  REQUIRE(all.size() == 4);
  const PendingRequest back = decoding.batch.requests[index];
  decoding.session.requests_in_batch = 0;
  decoding.batch.clear();
  decoding.session.put_back(back);
  decoding.end_turn();
  decoding.decode_all();
  CHECK(decoding.requests ==
        std::vector<std::string>(all.begin() + static_cast<long>(index), all.end()));
}

TEST_CASE("a request that was put back is decoded again, and all behind it") {
  std::string stream;
  for (std::uint32_t id = 1; id <= 4; ++id) {
    stream += frame_of(id, {"GET", "key" + std::to_string(id)});
  }
  for (std::size_t index = 0; index < 4; ++index) {
    put_back_and_decode(stream, 0, index);
    put_back_and_decode(stream, 10, index);
  }
}

TEST_CASE("a large request holds up what is behind it, and survives being put back") {
  const std::string value(kLarge, 'v');
  DecodingSession decoding;
  decoding.feed(frame_of(1, {"PING"}) +
                frame_of(2, {.type = Opcode::set, .key = "a", .value = value}) +
                frame_of(3, {"PING"}));
  CHECK(decoding.decode() == Decoded::request);
  CHECK(decoding.decode() == Decoded::no_room);  // PING might be put back: not before it was run.
  decoding.run_batch();
  CHECK(decoding.decode() == Decoded::request);
  CHECK(decoding.decode() == Decoded::no_room);
  for (int i = 0; i < 3; ++i) {
    const PendingRequest large = decoding.batch.requests[0];
    CHECK(large.frame == nullptr);
    decoding.batch.clear();
    decoding.session.requests_in_batch = 0;
    decoding.session.put_back(large);
    decoding.end_turn();
    CHECK(decoding.decode() == Decoded::request);
    CHECK(decoding.batch.requests[0].request.args[2] == value);
  }
  decoding.run_batch();
  decoding.decode_all();
  CHECK(decoding.requests.size() == 3);
}

TEST_CASE("garbage ends the input or waits for more, and holds no more memory than it sent") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    SeededRandom random(seed);
    DecodingSession decoding(seed % 4 != 0);
    std::size_t fed = 0;
    for (int piece = 0; piece < 20 && !decoding.is_broken; ++piece) {
      std::string bytes(random.below(200), '\0');
      for (auto& byte : bytes) byte = static_cast<char>(random.next());
      if (fed == 0 && !bytes.empty() && seed % 2 == 0) bytes[0] = '\xF1';
      fed += bytes.size();
      decoding.turn(bytes);
    }
    CHECK(decoding.memory_bytes() <= 2 * fed + 8192);
  }
}

TEST_CASE("frames with a few wrong bytes are requests, faults or the end, never a crash") {
  const std::string stream = stream_of(7);
  unsigned broken = 0;
  unsigned whole = 0;
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    CAPTURE(seed);
    SeededRandom random(seed);
    std::string bytes = stream;
    for (auto i = random.below(4) + 1; i > 0; --i) {
      bytes[random.below(bytes.size())] ^= static_cast<char>(1U << random.below(8));
    }
    DecodingSession decoding(seed % 8 != 0);
    decoding.turn(bytes);
    decoding.turn(stream);
    (decoding.is_broken ? broken : whole) += 1;
    CHECK(decoding.requests.size() <= 16);
  }
  CHECK(broken > 100);
  CHECK(whole > 100);
}

}  // namespace
