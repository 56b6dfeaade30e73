// Requests: limits at the byte, every malformed form by name, hostile counts, random round trips.
#include <doctest/doctest.h>

#include "tests/unit/protocol/support.h"

using namespace phoenix::protocol;
using namespace phoenix::protocol::test;

namespace {

/// A header by hand: what append_request would refuse or cannot say.
std::string header_bytes(std::uint8_t magic, std::uint8_t type, std::uint16_t flags,
                         std::uint64_t key_bytes, std::uint64_t value_bytes) {
  std::string out(kHeaderBytes, '\0');
  out[0] = static_cast<char>(magic);
  out[1] = static_cast<char>(type);
  store_le(out.data() + 2, flags);
  store_le(out.data() + 4, std::uint32_t{42});
  store_le(out.data() + 8, static_cast<std::uint32_t>(key_bytes));
  store_le(out.data() + 12, static_cast<std::uint32_t>(value_bytes));
  return out;
}

DecodeError judge(std::uint8_t magic, Opcode type, std::uint16_t flags, std::uint64_t key_bytes,
                  std::uint64_t value_bytes) {
  RequestHeader header;
  const std::string wire =
      header_bytes(magic, static_cast<std::uint8_t>(type), flags, key_bytes, value_bytes);
  return decode_header(wire.data(), header);
}

DecodeError judge_request(std::uint8_t type, std::uint16_t flags, std::uint32_t key_bytes,
                          std::uint32_t value_bytes, std::uint64_t ttl_ms) {
  return check_request({type, flags, 1, key_bytes, value_bytes}, ttl_ms);
}

/// u32 count, then per word its size and bytes, as given, right or wrong.
std::string argv_bytes(std::uint32_t count,
                       const std::vector<std::pair<std::uint32_t, std::string>>& words) {
  std::string out(4, '\0');
  store_le(out.data(), count);
  for (const auto& [size, word] : words) {
    out.resize(out.size() + 4);
    store_le(out.data() + out.size() - 4, size);
    out += word;
  }
  return out;
}

DecodeError judge_argv(std::string_view value, std::uint32_t args_max = kArgsMax) {
  std::vector<std::string_view> args;
  return decode_argv(value, args_max, args);
}

bool names(const DecodeError& error, Status status, std::string_view part) {
  return error.status == status && error.text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("request header: sizes at their limits and one beyond") {
  CHECK(judge(kRequestMagic, Opcode::get, 0, kKeyBytesMax, 0).ok());
  CHECK(names(judge(kRequestMagic, Opcode::get, 0, kKeyBytesMax + 1, 0), Status::too_large, "key"));
  CHECK(judge(kRequestMagic, Opcode::set, 0, 1, kValueBytesMax).ok());
  CHECK(names(judge(kRequestMagic, Opcode::set, 0, 1, kValueBytesMax + 1), Status::too_large,
              "value size over 512 MiB"));
  CHECK(names(judge(kRequestMagic, Opcode::set, 0, 1, 0xFFFFFFFF), Status::too_large, "value"));
  CHECK(names(judge(kRequestMagic, Opcode::set, 0, 0xFFFFFFFF, 0), Status::too_large, "key"));
  CHECK(judge(kRequestMagic, Opcode::argv, 0, 0, kArgvBytesMax).ok());
  CHECK(names(judge(kRequestMagic, Opcode::argv, 0, 0, kArgvBytesMax + 1), Status::too_large,
              "argv size over 513 MiB"));
}

TEST_CASE("request header: wrong bytes are named") {
  for (unsigned magic = 0; magic < 256; ++magic) {
    CAPTURE(magic);
    const DecodeError error = judge(static_cast<std::uint8_t>(magic), Opcode::get, 0, 1, 0);
    CHECK(error.ok() == (magic == kRequestMagic));
    if (magic != kRequestMagic) CHECK(names(error, Status::bad_frame, "magic"));
  }
  for (unsigned bit = 0; bit < 16; ++bit) {
    CAPTURE(bit);
    const auto flags = static_cast<std::uint16_t>(1U << bit);
    const DecodeError error = judge(kRequestMagic, Opcode::set, flags, 1, 0);
    CHECK(error.ok() == (bit < 8));
    if (bit >= 8) CHECK(names(error, Status::bad_frame, "flags"));
  }
  CHECK(names(judge(kRequestMagic, Opcode::argv, 0, 1, 8), Status::bad_frame, "key size"));
}

TEST_CASE("request header: an unknown type still tells where its frame ends") {
  RequestHeader header;
  const std::string wire = header_bytes(kRequestMagic, 200, kHasTtl, 3, 5);
  REQUIRE(decode_header(wire.data(), header).ok());
  CHECK(header.frame_bytes() == kHeaderBytes + kTtlBytes + 3 + 5);
  CHECK(names(check_request(header, 1), Status::error, "unknown request type"));
}

TEST_CASE("check_request: each type carries only what belongs to it") {
  struct Row {
    Opcode type;
    bool has_key;
    bool has_value;
  };
  const Row rows[] = {{Opcode::argv, false, true}, {Opcode::hello, false, true},
                      {Opcode::get, true, false},  {Opcode::set, true, true},
                      {Opcode::del, true, false},  {Opcode::exists, true, false},
                      {Opcode::incr, true, false}, {Opcode::ping, false, true}};
  for (const Row& row : rows) {
    const auto type = static_cast<std::uint8_t>(row.type);
    CAPTURE(type);
    CHECK(judge_request(type, 0, 0, 0, 0).ok());
    const DecodeError with_key = judge_request(type, 0, 4, 0, 0);
    CHECK((row.has_key ? with_key.ok() : names(with_key, Status::error, "key size")));
    const DecodeError with_value = judge_request(type, 0, 0, 4, 0);
    CHECK((row.has_value ? with_value.ok() : names(with_value, Status::error, "value size")));
    for (unsigned bit = 0; bit < 8; ++bit) {
      CAPTURE(bit);
      const auto flag = static_cast<std::uint16_t>(1U << bit);
      const bool allowed = flag == kWaitDurable || flag == kDoNotWait ||
                           (row.type == Opcode::set && flag != kTtlIsTime);
      const DecodeError error = judge_request(type, flag, 0, 0, 1);
      CHECK((allowed ? error.ok() : names(error, Status::error, "flags")));
    }
  }
  for (unsigned type = 8; type < 256; ++type) {
    CHECK(names(judge_request(static_cast<std::uint8_t>(type), 0, 0, 0, 0), Status::error, "type"));
  }
}

TEST_CASE("check_request: flags that contradict each other, a ttl out of range") {
  const auto set = [](unsigned flags, std::uint64_t ttl_ms = 1000) {
    return judge_request(3, static_cast<std::uint16_t>(flags), 1, 1, ttl_ms);
  };
  CHECK(names(set(kIfAbsent | kIfPresent), Status::error, "if-absent and if-present"));
  CHECK(names(set(kHasTtl | kKeepTtl), Status::error, "keep-ttl"));
  CHECK(names(set(kWaitDurable | kDoNotWait), Status::error, "wait-durable"));
  CHECK(names(set(kTtlIsTime), Status::error, "ttl-is-time"));
  CHECK(names(set(kTtlIsTime | kKeepTtl), Status::error, "ttl-is-time"));
  CHECK(set(kHasTtl | kTtlIsTime | kIfAbsent | kReturnOld | kDoNotWait).ok());
  CHECK(set(kKeepTtl | kIfPresent | kReturnOld | kWaitDurable).ok());
  CHECK(names(set(kHasTtl, 0), Status::error, "ttl"));
  CHECK(set(kHasTtl, 1).ok());
  CHECK(set(kHasTtl, kTtlMsMax).ok());
  CHECK(names(set(kHasTtl, kTtlMsMax + 1), Status::error, "ttl"));
  CHECK(names(set(kHasTtl | kTtlIsTime, ~std::uint64_t{0}), Status::error, "ttl"));
  // Without its flag a ttl is not there, whatever the caller passes.
  CHECK(set(0, 0).ok());
  CHECK(set(kReturnOld, ~std::uint64_t{0}).ok());
}

TEST_CASE("argv: malformed in every way") {
  for (std::size_t size = 0; size < 4; ++size) {
    CHECK(names(judge_argv(std::string(size, '\1')), Status::bad_frame, "count"));
  }
  CHECK(names(judge_argv(argv_bytes(0, {})), Status::bad_frame, "no words"));
  CHECK(names(judge_argv(argv_bytes(1, {})), Status::bad_frame, "more words"));
  CHECK(names(judge_argv(argv_bytes(2, {{4, "PING"}, {9, "short"}})), Status::bad_frame,
              "inside a word"));
  CHECK(names(judge_argv(argv_bytes(1, {{5, "PING"}})), Status::bad_frame, "inside a word"));
  CHECK(names(judge_argv(argv_bytes(2, {{4, "PING"}}) + "abc"), Status::bad_frame, "word's size"));
  CHECK(names(judge_argv(argv_bytes(1, {{4, "PING"}}) + "x"), Status::bad_frame, "left over"));
  CHECK(names(judge_argv(argv_bytes(1, {{kValueBytesMax + 1, "x"}})), Status::too_large, "word"));
  CHECK(names(judge_argv(argv_bytes(1, {{kValueBytesMax, "x"}})), Status::bad_frame, "inside"));
  CHECK(names(judge_argv(argv_bytes(1, {{0xFFFFFFFF, "x"}})), Status::too_large, "word"));
  CHECK(judge_argv(argv_bytes(1, {{0, ""}})).ok());
}

TEST_CASE("argv: every cut of a good one is refused") {
  const std::string whole = argv_bytes(3, {{3, "SET"}, {1, "k"}, {5, std::string(5, '\0')}});
  std::vector<std::string_view> args;
  REQUIRE(decode_argv(whole, kArgsMax, args).ok());
  REQUIRE(args.size() == 3);
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    CAPTURE(cut);
    CHECK(judge_argv(std::string_view(whole).substr(0, cut)).status == Status::bad_frame);
  }
}

TEST_CASE("argv: the number of words has a bound, the caller's or the protocol's") {
  const std::vector<std::pair<std::uint32_t, std::string>> most(kArgsMax, {0, ""});
  CHECK(judge_argv(argv_bytes(kArgsMax, most)).ok());
  CHECK(judge_argv(argv_bytes(kArgsMax, most), kArgsMax + 9).ok());
  auto more = most;
  more.emplace_back(0, "");
  const std::string over = argv_bytes(kArgsMax + 1, more);
  CHECK(names(judge_argv(over), Status::too_large, "too many words"));
  CHECK(names(judge_argv(over, 0xFFFFFFFF), Status::too_large, "too many words"));
  const std::string three = argv_bytes(3, {{1, "a"}, {1, "b"}, {1, "c"}});
  CHECK(judge_argv(three, 3).ok());
  CHECK(names(judge_argv(three, 2), Status::too_large, "too many words"));
}

TEST_CASE("argv: counts that lie allocate nothing") {
  std::vector<std::string_view> args;
  const std::uint32_t counts[] = {3, 0xFFFF, kArgsMax, kArgsMax + 1, 0x7FFFFFFF, 0xFFFFFFFF};
  for (const std::uint32_t count : counts) {
    CAPTURE(count);
    const std::string value = argv_bytes(count, {{2, ""}}).substr(0, 8) + "ab";
    const std::size_t before = allocated_bytes();
    const DecodeError error = decode_argv(value, 0xFFFFFFFF, args);
    CHECK(allocated_bytes() == before);
    CHECK_FALSE(error.ok());
  }
}

TEST_CASE("requests: random ones come back as they went in") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    Samples samples(seed);
    std::string wire;
    const auto type = static_cast<Opcode>(1 + samples.below(7));
    const auto flags = static_cast<std::uint16_t>(samples.below(256));
    const auto id = static_cast<std::uint32_t>(samples.below(1ULL << 32U));
    const std::uint64_t ttl_ms = samples.below(kTtlMsMax);
    const std::string_view key = samples.word(kKeyBytesMax);
    const std::string_view value = samples.word(100'000);
    append_request(wire, type, flags, id, key, value, ttl_ms);
    RequestHeader header;
    REQUIRE(decode_header(wire.data(), header).ok());
    REQUIRE(header.frame_bytes() == wire.size());
    CHECK(header.type == static_cast<std::uint8_t>(type));
    CHECK(header.flags == flags);
    CHECK(header.id == id);
    const std::string_view rest = std::string_view(wire).substr(kHeaderBytes + header.ttl_bytes());
    CHECK(rest.substr(0, header.key_bytes) == key);
    CHECK(rest.substr(header.key_bytes) == value);
    if (header.ttl_bytes() != 0) CHECK(load_le<std::uint64_t>(&wire[kHeaderBytes]) == ttl_ms);
  }
}

TEST_CASE("argv: random words come back as they went in") {
  std::vector<std::string_view> decoded;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    Samples samples(seed);
    std::vector<std::string_view> args(1 + samples.below(20));
    for (std::string_view& arg : args) arg = samples.word(3000);
    std::string wire = "before";
    append_argv_request(wire, 0, 9, args);
    RequestHeader header;
    const std::string_view frame = std::string_view(wire).substr(6);
    REQUIRE(decode_header(frame.data(), header).ok());
    REQUIRE(header.frame_bytes() == frame.size());
    REQUIRE(decode_argv(frame.substr(kHeaderBytes), kArgsMax, decoded).ok());
    CHECK(decoded == args);
  }
}
