// From frames to requests: what is understood, what is refused and how, and the bounds of a batch.
#include <doctest/doctest.h>

#include "tests/unit/server/session_support.h"
#include "tests/unit/server/support.h"

using namespace phoenix;
using namespace phoenix::server;
using namespace phoenix::server::test;
using protocol::Opcode;
using protocol::Status;
using Decoded = Session::Decoded;

namespace {

/// The only request that a frame holds, as text.
std::string told_of(std::string_view frame) {
  DecodingSession decoding;
  decoding.turn(frame);
  REQUIRE_FALSE(decoding.is_broken);
  REQUIRE(decoding.requests.size() == 1);
  return decoding.requests[0];
}

struct Refused {
  Fault fault = Fault::none;
  std::string reason;
};

Refused fault_of(std::string_view frame, bool is_authenticated = true) {
  DecodingSession decoding(is_authenticated);
  decoding.feed(frame);
  REQUIRE(decoding.decode() == Decoded::request);
  const PendingRequest& pending = decoding.batch.requests[0];
  return {pending.fault, std::string(pending.reason)};
}

/// Raw header fields, for frames that no client would build.
std::string raw_frame(std::uint8_t magic, std::uint8_t type, std::uint16_t flags,
                      std::uint32_t key_bytes, std::uint32_t value_bytes) {
  std::string frame(protocol::kHeaderBytes, '\0');
  frame[0] = static_cast<char>(magic);
  frame[1] = static_cast<char>(type);
  protocol::store_le(frame.data() + 2, flags);
  protocol::store_le(frame.data() + 4, std::uint32_t{77});
  protocol::store_le(frame.data() + 8, key_bytes);
  protocol::store_le(frame.data() + 12, value_bytes);
  return frame;
}

TEST_CASE("short forms and words become the same requests") {
  CHECK(told_of(frame_of(5, {.type = Opcode::get, .key = "a"})) ==
        "5 GET [\"GET\" \"a\" ] flags 0 ttl 0 fault 0");
  CHECK(told_of(frame_of(5, {"get", "a"})) == "5 GET [\"get\" \"a\" ] flags 0 ttl 0 fault 0");
  CHECK(told_of(frame_of(6, {.type = Opcode::set, .key = "a", .value = "v"})) ==
        "6 SET [\"SET\" \"a\" \"v\" ] flags 0 ttl 0 fault 0");
  CHECK(told_of(frame_of(6, {.type = Opcode::set, .key = "", .value = ""})) ==
        "6 SET [\"SET\" \"\" \"\" ] flags 0 ttl 0 fault 0");
  CHECK(told_of(frame_of(7, {.type = Opcode::set,
                             .flags = protocol::kHasTtl | protocol::kIfAbsent,
                             .key = "a",
                             .value = "v",
                             .ttl_ms = 1500})) ==
        "7 SET [\"SET\" \"a\" \"v\" ] flags 5 ttl 1500 fault 0");
  CHECK(told_of(frame_of(8, {.type = Opcode::get, .key = ""})) ==
        "8 GET [\"GET\" \"\" ] flags 0 ttl 0 fault 0");
  CHECK(told_of(frame_of(9, {.type = Opcode::del, .flags = protocol::kWaitDurable, .key = "a"})) ==
        "9 DEL [\"DEL\" \"a\" ] flags 64 ttl 0 fault 0");
  CHECK(told_of(frame_of(1, {.type = Opcode::ping})) == "1 PING [\"PING\" ] flags 0 ttl 0 fault 0");
  CHECK(told_of(frame_of(1, {.type = Opcode::ping, .value = "x"})) ==
        "1 PING [\"PING\" \"x\" ] flags 0 ttl 0 fault 0");
  CHECK(told_of(frame_of(1, {.type = Opcode::hello, .value = "me"})) ==
        "1 HELLO [\"HELLO\" \"me\" ] flags 0 ttl 0 fault 0");
  CHECK(told_of(frame_of(2, {"MSET", "a", "1", "b", ""}, protocol::kDoNotWait)) ==
        "2 MSET [\"MSET\" \"a\" \"1\" \"b\" \"\" ] flags 128 ttl 0 fault 0");
}

TEST_CASE("the words of a short form fit their row: nothing else looks at that") {
  const commands::Table table;
  int forms = 0;
  for (unsigned type = 1; type < 256; ++type) {
    const auto* const command = table.find(static_cast<std::uint8_t>(type));
    if (command == nullptr) continue;
    for (const std::string_view value : {"", "v"}) {
      ShortRequest request;
      request.type = static_cast<Opcode>(type);
      request.key = command->keys.first > 0 ? "k" : "";
      request.value = value;
      DecodingSession decoding;
      decoding.feed(frame_of(1, request));
      REQUIRE(decoding.decode() == Decoded::request);
      const PendingRequest& pending = decoding.batch.requests[0];
      if (pending.fault == Fault::bad_request) continue;  // It has no value.
      ++forms;
      CAPTURE(command->name);
      const std::size_t words = pending.request.args.size();
      CHECK(pending.fault == Fault::none);
      CHECK(arity_fits(*pending.command, words));
      CHECK(key_range(*pending.command, words).has_whole_groups(words));
      CHECK(command->keys.first <= 1);
      CHECK_FALSE(has(pending.command->flags, commands::Flags::container));
    }
  }
  CHECK(forms >= 8);
}

TEST_CASE("a request that is wrong in itself costs only itself, and is told why") {
  const std::string key_max(protocol::kKeyBytesMax, 'k');
  struct Case {
    std::string frame;
    Fault fault;
  };
  const Case cases[] = {
      {frame_of(1, {"NOTHING"}), Fault::unknown_command},
      {frame_of(1, {""}), Fault::unknown_command},
      {frame_of(1, {"GET"}), Fault::wrong_arity},
      {frame_of(1, {"GET", "a", "b"}), Fault::wrong_arity},
      {frame_of(1, {"MSET", "a"}), Fault::wrong_arity},
      {frame_of(1, {"MSET", "a", "1", "b"}), Fault::wrong_arity},
      {frame_of(1, {"GET", key_max}), Fault::none},
      {frame_of(1, {"GET", key_max + "k"}), Fault::key_too_large},
      {frame_of(1, {"MSET", "a", "1", key_max + "k", "2"}), Fault::key_too_large},
      {frame_of(1, {"MSET", "a", key_max + "v"}), Fault::none},
      {frame_of(1, {"MGET", "a", key_max + "k", "b"}), Fault::key_too_large},
      {frame_of(1, {"PING", key_max + "k"}), Fault::none},
  };
  for (const Case& one : cases) {
    CAPTURE(one.frame.substr(16, 40));
    CHECK(fault_of(one.frame).fault == one.fault);
  }
}

TEST_CASE("fields and flags that do not belong to a type are refused by name") {
  constexpr std::uint16_t kBothConditions = protocol::kIfAbsent | protocol::kIfPresent;
  constexpr std::uint16_t kBothWaits = protocol::kWaitDurable | protocol::kDoNotWait;
  struct Case {
    std::string frame;
    std::string_view reason;
  };
  const Case cases[] = {
      {raw_frame(0xF1, 8, 0, 0, 0), "unknown request type: send the command as argv (type 0)"},
      {raw_frame(0xF1, 255, 0, 0, 0), "unknown request type: send the command as argv (type 0)"},
      {raw_frame(0xF1, 7, 0, 1, 0) + "k", "bad key size: this type of request has no key"},
      {raw_frame(0xF1, 1, 0, 1, 0) + "k", "bad key size: this type of request has no key"},
      {raw_frame(0xF1, 2, 0, 1, 1) + "kv", "bad value size: this type of request has no value"},
      {raw_frame(0xF1, 4, 0, 1, 1) + "kv", "bad value size: this type of request has no value"},
      {raw_frame(0xF1, 5, 0, 1, 1) + "kv", "bad value size: this type of request has no value"},
      {raw_frame(0xF1, 6, 0, 1, 1) + "kv", "bad value size: this type of request has no value"},
      {frame_of(1, {.type = Opcode::get, .flags = protocol::kIfAbsent, .key = "a"}),
       "bad flags: ttl and condition flags are for set (type 3) only"},
      {frame_of(1, {.type = Opcode::get, .flags = protocol::kHasTtl, .key = "a", .ttl_ms = 5}),
       "bad flags: ttl and condition flags are for set (type 3) only"},
      {frame_of(1, {"SET", "a", "v"}, protocol::kIfAbsent),
       "bad flags: ttl and condition flags are for set (type 3) only"},
      {frame_of(1, {.type = Opcode::get, .flags = kBothWaits, .key = "a"}),
       "bad flags: wait-durable and do-not-wait exclude each other"},
      {frame_of(1, {.type = Opcode::set, .flags = kBothConditions, .key = "a"}),
       "bad flags: if-absent and if-present exclude each other"},
      {frame_of(1, {.type = Opcode::set, .flags = protocol::kTtlIsTime, .key = "a"}),
       "bad flags: ttl-is-time needs a ttl (flag 0)"},
      {frame_of(1, {.type = Opcode::set, .flags = protocol::kHasTtl, .key = "a"}),
       "bad ttl: it must be from 1 to 2^48 - 1 milliseconds"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.reason);
    const Refused refused = fault_of(one.frame);
    CHECK(refused.fault == Fault::bad_request);
    CHECK(refused.reason == one.reason);
    // What follows is read as if nothing had been.
    DecodingSession decoding;
    decoding.turn(one.frame + frame_of(2, {"GET", "a"}));
    REQUIRE(decoding.requests.size() == 2);
    CHECK(decoding.requests[1] == "2 GET [\"GET\" \"a\" ] flags 0 ttl 0 fault 0");
  }
}

TEST_CASE("bytes that cannot be a request end the input, after the requests before them") {
  const std::string bad_words = raw_frame(0xF1, 0, 0, 0, 8) + std::string("\2\0\0\0\0\0\0\0", 8);
  const std::string no_words = raw_frame(0xF1, 0, 0, 0, 4) + std::string(4, '\0');
  const std::string left_over = raw_frame(0xF1, 0, 0, 0, 9) + std::string("\1\0\0\0\0\0\0\0x", 9);
  std::string many_words = raw_frame(0xF1, 0, 0, 0, 4);
  many_words.append("\1\0\1\0", 4);  // 65,537
  struct Case {
    std::string frame;
    Status status;
    std::string_view text;
  };
  const Case cases[] = {
      {raw_frame(0xE1, 2, 0, 1, 0), Status::bad_frame, "bad magic: a request starts with 0xF1"},
      {std::string(16, 'G'), Status::bad_frame, "bad magic: a request starts with 0xF1"},
      {raw_frame(0xF1, 2, 0x100, 1, 0), Status::bad_frame,
       "bad flags: bits above 7 are reserved and must be 0"},
      {raw_frame(0xF1, 2, 0, 65'537, 0), Status::too_large, "key size over 64 KiB"},
      {raw_frame(0xF1, 3, 0, 1, 536'870'913), Status::too_large, "value size over 512 MiB"},
      {raw_frame(0xF1, 0, 0, 0, 0xFFFFFFFF), Status::too_large, "argv size over 513 MiB"},
      {raw_frame(0xF1, 0, 0, 1, 4), Status::bad_frame, "bad key size: an argv request has no key"},
      {bad_words, Status::bad_frame, "bad argv: more words counted than there are bytes for"},
      {no_words, Status::bad_frame, "bad argv: no words, the first names the command"},
      {left_over, Status::bad_frame, "bad argv: bytes left over after the last word"},
      {many_words, Status::too_large, "too many words in argv"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.text);
    DecodingSession decoding;
    decoding.turn(frame_of(1, {"PING"}) + one.frame + frame_of(2, {"PING"}));
    CHECK(decoding.is_broken);
    CHECK(decoding.requests.size() == 1);
    CHECK(decoding.session.broken().status == one.status);
    CHECK(decoding.session.broken().text == one.text);
    if (one.frame[0] == '\xF1') CHECK(decoding.session.broken().id == 77);
  }
}

TEST_CASE("a stranger may ask for little, and is told so") {
  struct Case {
    std::string frame;
    Fault fault;
  };
  const Case cases[] = {
      {frame_of(1, {"AUTH", "secret"}), Fault::none},
      {frame_of(1, {"HELP"}), Fault::none},
      {frame_of(1, {"EXIT"}), Fault::none},
      {frame_of(1, {.type = Opcode::hello, .value = "me"}), Fault::none},
      {frame_of(1, {"AUTH"}), Fault::wrong_arity},
      {frame_of(1, {.type = Opcode::get, .key = "a"}), Fault::not_authenticated},
      {frame_of(1, {.type = Opcode::ping}), Fault::not_authenticated},
      {frame_of(1, {"GET"}), Fault::not_authenticated},
      {frame_of(1, {"NOTHING"}), Fault::not_authenticated},
      {raw_frame(0xF1, 200, 0, 0, 0), Fault::not_authenticated},
      {frame_of(1, {.type = Opcode::set, .flags = protocol::kIfAbsent, .key = "a"}),
       Fault::not_authenticated},
  };
  for (const Case& one : cases) {
    CAPTURE(one.frame.substr(0, 40));
    CHECK(fault_of(one.frame, false).fault == one.fault);
  }
}

TEST_CASE("a stranger's frames are small") {
  const std::size_t around = protocol::kHeaderBytes + frame_of(1, {"HELP", ""}).size() - 16;
  const std::string word(protocol::kUnauthenticatedBytesMax - around, 'w');
  DecodingSession fits(false);
  fits.turn(frame_of(1, {"HELP", word}));
  CHECK_FALSE(fits.is_broken);
  CHECK(fits.requests.size() == 1);
  const std::string too_long = word + "w";
  for (const std::string& frame :
       {frame_of(77, {"HELP", too_long}), raw_frame(0xF1, 3, 0, 5, 500 << 20U),
        raw_frame(0xF1, 3, 0, 65'536, 0)}) {
    DecodingSession decoding(false);
    decoding.turn(std::string_view(frame).substr(0, protocol::kHeaderBytes));
    CHECK(decoding.is_broken);
    CHECK(decoding.session.broken().id == 77);
    CHECK(decoding.session.broken().status == Status::not_authenticated);
  }
  DecodingSession ten(false);
  ten.turn(frame_of(1, {"AUTH", "2", "3", "4", "5", "6", "7", "8", "9", "10"}));
  CHECK_FALSE(ten.is_broken);
  DecodingSession eleven(false);
  eleven.turn(frame_of(1, {"AUTH", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}));
  CHECK(eleven.is_broken);
  CHECK(eleven.session.broken().status == Status::too_large);
}

TEST_CASE("what is behind an AUTH is decoded once that was executed") {
  DecodingSession decoding(false);
  decoding.feed(frame_of(1, {"AUTH", "secret"}) + frame_of(2, {"GET", "a"}));
  CHECK(decoding.decode() == Decoded::request);
  CHECK(decoding.decode() == Decoded::no_room);
  decoding.session.is_authenticated = true;  // As AUTH does.
  decoding.run_batch();
  CHECK(decoding.decode() == Decoded::request);
  CHECK(decoding.batch.requests[0].fault == Fault::none);
}

TEST_CASE("a batch is bounded by requests") {
  DecodingSession decoding;
  std::string stream;
  for (std::uint32_t id = 1; id <= kRequestsPerBatch + 5; ++id) {
    stream += frame_of(id, {.type = Opcode::get, .key = "a"});
  }
  decoding.feed(stream);
  for (std::size_t i = 0; i < kRequestsPerBatch; ++i) CHECK(decoding.decode() == Decoded::request);
  CHECK(decoding.decode() == Decoded::no_room);
  decoding.run_batch();
  decoding.decode_all();
  CHECK(decoding.requests.size() == kRequestsPerBatch + 5);
  CHECK(decoding.requests.back().starts_with(std::to_string(kRequestsPerBatch + 5) + " GET"));
}

TEST_CASE("a batch is bounded by words, which never move") {
  static_assert(kWordsPerBatch == 2 * kUncutWordsMax, "two of the longest fill a batch");
  const std::vector<std::string_view> longest(kUncutWordsMax, "WATCH");
  const std::string value(engine::kSmallValueBytesMax + 1, 'v');
  // Other sessions find no room in it, whatever the form of their request.
  for (const std::string& frame :
       {frame_of(4, {.type = Opcode::get, .key = "a"}), frame_of(4, longest),
        frame_of(4, {.type = Opcode::set, .key = "a", .value = value}), frame_of(4, {"PING"})}) {
    DecodingSession decoding;
    const std::string_view* const words = decoding.batch.words.data();
    Session second(1, 1, 4, decoding.pool);
    Session third(2, 1, 5, decoding.pool);
    const std::string long_frame = frame_of(1, longest);
    decoding.session.feed(long_frame);
    for (Session* session : {&second, &third}) {
      session->is_authenticated = true;
      session->feed(session == &second ? long_frame : frame);
    }
    const auto decode = [&decoding](Session& session) {
      Decoded decoded = session.decode(decoding.table, decoding.batch);
      while (decoded == Decoded::takes_long) {  // Of many words some are read at a time.
        decoded = session.decode(decoding.table, decoding.batch);
      }
      return decoded;
    };
    CHECK(decode(decoding.session) == Decoded::request);
    CHECK(decode(second) == Decoded::request);
    CHECK(decoding.batch.words.size() == kWordsPerBatch);
    CHECK(decode(third) == Decoded::no_room);
    CHECK(decoding.batch.words.data() == words);
    decoding.batch.clear();
    CHECK(decode(third) == Decoded::request);
  }
}

TEST_CASE("requests of many words or bytes wait for a batch of their own") {
  DecodingSession decoding;
  std::vector<std::string_view> words{"MGET"};
  words.insert(words.end(), kShortRequestWords - 1, "k");
  const std::string short_one = frame_of(1, words);
  words.emplace_back("k");
  const std::string of_words = frame_of(2, words);
  const std::string value(kShortRequestBytes, 'v');
  const std::string of_bytes = frame_of(3, {"SET", "k", value});
  decoding.batch.takes_long = false;
  decoding.feed(short_one + of_words + of_bytes);
  CHECK(decoding.decode() == Decoded::request);
  for (int i = 0; i < 2; ++i) {
    CHECK(decoding.decode() == Decoded::takes_long);
    decoding.run_batch();
    decoding.batch.takes_long = true;
    CHECK(decoding.decode() == Decoded::request);
    decoding.batch.takes_long = false;
  }
  decoding.run_batch();
  CHECK(decoding.requests.size() == 3);
}

TEST_CASE("a batch is full when its work is") {
  DecodingSession decoding;
  decoding.feed(frame_of(1, {"GET", "a"}) + frame_of(2, {"GET", "b"}));
  decoding.batch.work_max = 1;  // Whatever the first one takes: it is let in.
  CHECK(decoding.decode() == Decoded::request);
  CHECK(decoding.decode() == Decoded::no_room);
  decoding.run_batch();
  decoding.batch.work_max = std::size_t{1} << 20U;
  CHECK(decoding.decode() == Decoded::request);
}

TEST_CASE("what a turn's work is not used for is left to the next, a debt is not") {
  TurnWork work;
  work.begin();
  CHECK(work.is_spent());
  work.grant(100);
  work.take(40);
  work.grant(100);
  CHECK(work.left() == 160);
  work.take(500);
  CHECK(work.is_spent());
  CHECK(work.left() == 0);
  work.grant(50);
  CHECK(work.left() == 50);
  work.limit(20);
  CHECK(work.left() == 20);
}

}  // namespace
