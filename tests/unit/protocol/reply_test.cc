// Replies: what a client must refuse, what it must not allocate, random round trips.
#include <doctest/doctest.h>

#include "tests/unit/protocol/support.h"

using namespace phoenix::protocol;
using namespace phoenix::protocol::test;

namespace {

bool names(const DecodeError& error, Status status, std::string_view part) {
  return error.status == status && error.text.find(part) != std::string_view::npos;
}

DecodeError judge(std::uint8_t status, std::uint16_t flags, std::uint64_t key_bytes,
                  std::uint64_t value_bytes) {
  std::string wire(kHeaderBytes, '\0');
  wire[0] = static_cast<char>(kReplyMagic);
  wire[1] = static_cast<char>(status);
  store_le(wire.data() + 2, flags);
  store_le(wire.data() + 8, static_cast<std::uint32_t>(key_bytes));
  store_le(wire.data() + 12, static_cast<std::uint32_t>(value_bytes));
  ReplyHeader header;
  return decode_reply_header(wire.data(), header);
}

std::uint16_t flags_of(Kind kind) {
  return static_cast<std::uint16_t>(kind);
}

/// Decodes `body` as the value of a reply of `kind`.
DecodeError judge_value(Kind kind, std::string_view body, Value& value) {
  ReplyHeader header;
  header.kind = kind;
  header.value_bytes = static_cast<std::uint32_t>(body.size());
  return decode_reply_value(header, body, value);
}

DecodeError judge_value(Kind kind, std::string_view hex) {
  Value value;
  const DecodeError error = judge_value(kind, parse_hex(hex), value);
  if (!error.ok()) CHECK(same(value, Value{}));
  return error;
}

/// `depth` lists, one inside the other; the innermost is empty.
std::string nested_lists(std::uint32_t depth) {
  std::string body(4, '\0');
  for (std::uint32_t i = 1; i < depth; ++i) {
    std::string outer(9, '\0');
    outer[0] = 1;
    outer[4] = static_cast<char>(Kind::list);
    store_le(outer.data() + 5, static_cast<std::uint32_t>(body.size()));
    body.insert(0, outer);
  }
  return body;
}

}  // namespace

TEST_CASE("reply header: magic, reserved bits, kinds and statuses") {
  std::string wire(kHeaderBytes, '\0');
  ReplyHeader header;
  for (unsigned magic = 0; magic < 256; ++magic) {
    wire[0] = static_cast<char>(magic);
    CHECK(decode_reply_header(wire.data(), header).ok() == (magic == kReplyMagic));
  }
  for (unsigned bit = 8; bit < 15; ++bit) {
    CHECK(names(judge(0, static_cast<std::uint16_t>(1U << bit), 0, 0), Status::bad_frame, "flags"));
  }
  CHECK(judge(0, flags_of(Kind::list) | kMoreFollows, 0, 4).ok());
  for (std::uint16_t kind = 6; kind < 256; ++kind) {
    CHECK(names(judge(0, kind, 0, 8), Status::bad_frame, "kind"));
  }
  for (unsigned status = 0; status < 256; ++status) {
    CAPTURE(status);
    const bool known = status < 2 || status >= 16;
    CHECK(judge(static_cast<std::uint8_t>(status), 0, 0, 0).ok() == known);
  }
}

TEST_CASE("reply header: what contradicts itself is refused") {
  CHECK(names(judge(0, flags_of(Kind::none), 0, 1), Status::bad_frame, "value size"));
  CHECK(names(judge(1, flags_of(Kind::none), 0, 1), Status::bad_frame, "nil has no value"));
  CHECK(names(judge(1, flags_of(Kind::bytes), 0, 0), Status::bad_frame, "kind"));
  CHECK(names(judge(17, flags_of(Kind::text), 0, 4), Status::bad_frame, "kind"));
  CHECK(names(judge(17, kMoreFollows, 0, 4), Status::bad_frame, "flags"));
  CHECK(names(judge(1, kMoreFollows, 0, 0), Status::bad_frame, "flags"));
  for (std::uint64_t size = 0; size < 20; ++size) {
    CHECK(judge(0, flags_of(Kind::integer), 0, size).ok() == (size == 8));
  }
}

TEST_CASE("reply header: sizes at their limits and one beyond") {
  CHECK(judge(0, flags_of(Kind::bytes), kKeyBytesMax, kReplyBytesMax).ok());
  CHECK(names(judge(0, flags_of(Kind::bytes), kKeyBytesMax + 1, 0), Status::too_large, "key"));
  CHECK(names(judge(0, flags_of(Kind::list), 0, kReplyBytesMax + 1), Status::too_large, "reply"));
  CHECK(names(judge(0, flags_of(Kind::list), 0, 0xFFFFFFFF), Status::too_large, "reply"));
  CHECK(judge(17, 0, 0, kErrorTextBytesMax).ok());
  CHECK(names(judge(17, 0, 0, kErrorTextBytesMax + 1), Status::too_large, "error text"));
}

TEST_CASE("reply value: malformed in every way") {
  CHECK(names(judge_value(Kind::list, ""), Status::bad_frame, "count"));
  CHECK(names(judge_value(Kind::list, "00 00 00"), Status::bad_frame, "count"));
  CHECK(judge_value(Kind::list, "00 00 00 00").ok());
  CHECK(judge_value(Kind::map, "00 00 00 00").ok());
  CHECK(names(judge_value(Kind::list, "00 00 00 00 00"), Status::bad_frame, "left over"));
  CHECK(names(judge_value(Kind::list, "01 00 00 00"), Status::bad_frame, "more values"));
  CHECK(names(judge_value(Kind::map, "01 00 00 00 06 00 00 00 00"), Status::bad_frame, "more"));
  CHECK(judge_value(Kind::map, "01 00 00 00 06 00 00 00 00 06 00 00 00 00").ok());
  CHECK(names(judge_value(Kind::list, "01 00 00 00 01 02 00 00 00 41"), Status::bad_frame,
              "inside a value"));
  CHECK(names(judge_value(Kind::list, "02 00 00 00 01 01 00 00 00 41 01 00 00 00"),
              Status::bad_frame, "value's size"));
  CHECK(names(judge_value(Kind::list, "01 00 00 00 08 00 00 00 00"), Status::bad_frame, "kind"));
  CHECK(names(judge_value(Kind::list, "01 00 00 00 FF 00 00 00 00"), Status::bad_frame, "kind"));
  CHECK(names(judge_value(Kind::list, "01 00 00 00 00 01 00 00 00 41"), Status::bad_frame, "none"));
  CHECK(names(judge_value(Kind::list, "01 00 00 00 06 01 00 00 00 41"), Status::bad_frame, "nil"));
  CHECK(
      names(judge_value(Kind::list, "01 00 00 00 02 01 00 00 00 41"), Status::bad_frame, "8 byt"));
  CHECK(names(judge_value(Kind::list, "01 00 00 00 07 00 00 00 00"), Status::bad_frame, "status"));
  CHECK(
      names(judge_value(Kind::list, "01 00 00 00 07 01 00 00 00 0F"), Status::bad_frame, "status"));
  CHECK(judge_value(Kind::list, "01 00 00 00 07 01 00 00 00 10").ok());
}

TEST_CASE("reply value: it must be as long as its header says, and its header must be sound") {
  Value value;
  ReplyHeader header;
  header.kind = Kind::bytes;
  header.value_bytes = 3;
  CHECK(decode_reply_value(header, "abc", value).ok());
  CHECK(names(decode_reply_value(header, "ab", value), Status::bad_frame, "value size"));
  CHECK(names(decode_reply_value(header, "abcd", value), Status::bad_frame, "value size"));
  header.kind = Kind::nil;
  CHECK(names(decode_reply_value(header, "abc", value), Status::bad_frame, "kind"));
  CHECK(same(value, Value{}));
}

TEST_CASE("reply value: a nested error's text has the bound of any error's text") {
  const std::string longest(kErrorTextBytesMax, 'x');
  std::string body(4, '\0');
  body[0] = 1;
  append_value(body, error(Status::busy, longest + "cut off"));
  Value value;
  REQUIRE(judge_value(Kind::list, body, value).ok());
  CHECK(value.items.at(0).bytes == longest);
  store_le(body.data() + 5, static_cast<std::uint32_t>(longest.size() + 2));
  body += 'x';
  CHECK(names(judge_value(Kind::list, body, value), Status::too_large, "error text"));
}

TEST_CASE("reply value: sixteen lists deep and not seventeen") {
  Value value;
  REQUIRE(judge_value(Kind::list, nested_lists(kReplyDepthMax), value).ok());
  std::string again;
  append_reply(again, 1, value);
  CHECK(again.substr(kHeaderBytes) == nested_lists(kReplyDepthMax));
  CHECK(names(judge_value(Kind::list, nested_lists(kReplyDepthMax + 1), value), Status::too_large,
              "16 deep"));
  CHECK(names(judge_value(Kind::list, nested_lists(20'000), value), Status::too_large, "16 deep"));
}

TEST_CASE("reply value: counts that lie allocate nothing") {
  const std::uint32_t counts[] = {2, 3, 0x33333334, 0x7FFFFFFF, 0x80000001, 0xFFFFFFFF};
  for (const std::uint32_t count : counts) {
    for (const Kind kind : {Kind::list, Kind::map}) {
      CAPTURE(count);
      std::string body(10, '\0');
      store_le(body.data(), count);
      Value value;
      const std::size_t before = allocated_bytes();
      const DecodeError error = judge_value(kind, body, value);
      CHECK(allocated_bytes() == before);
      CHECK(names(error, Status::bad_frame, "more values"));
    }
  }
}

TEST_CASE("reply value: at most kReplyItemsMax values at all depths together") {
  // Two lists side by side, each of half the values; their own two count too.
  const auto body_of = [](std::uint32_t first, std::uint32_t second) {
    std::string body(4, '\0');
    body[0] = 2;
    for (const std::uint32_t count : {first, second}) {
      append_value(body, list(std::vector<Value>(count, nil())));
    }
    return body;
  };
  Value value;
  const std::uint32_t half = kReplyItemsMax / 2;
  CHECK(judge_value(Kind::list, body_of(half - 1, half - 1), value).ok());
  CHECK(names(judge_value(Kind::list, body_of(half - 1, half), value), Status::too_large,
              "values in a reply"));
}

TEST_CASE("append_value: a gathered part takes the form that its status has in a list") {
  std::string body;
  append_value(body, none());
  append_value(body, none(Status::nil));
  append_value(body, none(Status::busy, "later"));
  CHECK(body == parse_hex("00 00 00 00 00  06 00 00 00 00  07 06 00 00 00 19 6C 61 74 65 72"));
}

TEST_CASE("append_reply: an error's text is cut at its bound, and frames are appended") {
  std::string wire = "x";
  append_reply(wire, 5, none(Status::error, std::string(kErrorTextBytesMax + 1, 'e')));
  ReplyHeader header;
  REQUIRE(decode_reply_header(wire.data() + 1, header).ok());
  CHECK(header.value_bytes == kErrorTextBytesMax);
  CHECK(wire.size() == 1 + header.frame_bytes());
}

TEST_CASE("replies: every cut of a nested value is refused") {
  Value value;
  const std::string wire = golden("reply_list_nested");
  const std::string_view body = std::string_view(wire).substr(kHeaderBytes);
  REQUIRE(judge_value(Kind::list, body, value).ok());
  for (std::size_t cut = 0; cut < body.size(); ++cut) {
    CAPTURE(cut);
    CHECK(judge_value(Kind::list, body.substr(0, cut), value).status == Status::bad_frame);
  }
}

TEST_CASE("replies: random ones come back as they went in") {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    CAPTURE(seed);
    Samples samples(seed);
    const Value sent = samples.reply();
    const auto id = static_cast<std::uint32_t>(samples.below(1ULL << 32U));
    std::string wire;
    append_reply(wire, id, sent, sent.kind == Kind::list);
    ReplyHeader header;
    REQUIRE(decode_reply_header(wire.data(), header).ok());
    REQUIRE(header.frame_bytes() == wire.size());
    CHECK(header.id == id);
    CHECK(header.more_follows == (sent.kind == Kind::list));
    Value received;
    const std::string_view body = std::string_view(wire).substr(kHeaderBytes);
    REQUIRE(decode_reply_value(header, body, received).ok());
    CHECK(same(received, sent));
    std::string again;
    append_reply(again, id, received, header.more_follows);
    CHECK(again == wire);
  }
}

TEST_CASE("printable: what is no printable ASCII is escaped") {
  CHECK(printable("any ~ text \\ \"quoted\"") == "any ~ text \\ \"quoted\"");
  CHECK(printable(std::string_view("\0\t\x1f\x7f\x80\xff", 6)) == "\\x00\\x09\\x1f\\x7f\\x80\\xff");
}

TEST_CASE("error_prefix: every error has one, codes of a newer server too") {
  CHECK(error_prefix(Status::out_of_memory) == "OOM");
  CHECK(error_prefix(Status::not_authenticated) == "NOAUTH");
  for (unsigned status = 16; status < 256; ++status) {
    CHECK_FALSE(error_prefix(static_cast<Status>(status)).empty());
    CHECK(is_error(static_cast<Status>(status)));
  }
  CHECK_FALSE(is_error(Status::ok));
  CHECK_FALSE(is_error(Status::nil));
}
