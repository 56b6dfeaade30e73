// docs/PROTOCOL.md cannot rot: its worked examples are the golden frames, and its tables have the
// numbers and names of the code.
#include <set>

#include <doctest/doctest.h>

#include "protocol/detect.h"
#include "tests/unit/protocol/support.h"

using namespace phoenix::protocol;
using namespace phoenix::protocol::test;

namespace {

const std::string kFence = "```";

std::string document() {
  return read_source_file("docs/PROTOCOL.md");
}

/// Each fenced block as what stands behind its opening fence, and its lines.
std::vector<std::pair<std::string, std::string>> fenced_blocks(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> blocks;
  bool inside = false;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    REQUIRE_MESSAGE(end != std::string_view::npos, "the page ends without a line end");
    const std::string line(text.substr(0, end));
    text.remove_prefix(end + 1);
    if (line.starts_with(kFence)) {
      inside = !inside;
      if (inside) blocks.emplace_back(line.substr(kFence.size()), "");
    } else if (inside) {
      blocks.back().second += line + "\n";
    }
  }
  REQUIRE_FALSE(inside);
  return blocks;
}

/// Whether a row of a table starts with these two cells.
bool has_row(const std::string& text, unsigned number, const std::string& name) {
  return text.find("\n| " + std::to_string(number) + " | " + name + " |") != std::string::npos;
}

std::string with_commas(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string grouped;
  for (std::size_t at = 0; at < digits.size(); ++at) {
    if (at > 0 && (digits.size() - at) % 3 == 0) grouped.push_back(',');
    grouped.push_back(digits[at]);
  }
  return grouped;
}

unsigned bit_of(std::uint16_t flag) {
  unsigned bit = 0;
  while ((flag >> bit) != 1) ++bit;
  return bit;
}

}  // namespace

TEST_CASE("PROTOCOL.md: every example is a golden file, byte for byte") {
  const std::string prefix = "hex ";
  std::set<std::string> names;
  for (const auto& block : fenced_blocks(document())) {
    const std::string& info = block.first;
    CAPTURE(info);
    REQUIRE(info.starts_with(prefix));
    const std::string name = info.substr(prefix.size());
    CHECK(parse_hex(block.second) == golden(name));
    CHECK(names.insert(name).second);
  }
  CHECK(names.size() >= 14);
  for (const std::string name : {"request_argv", "request_set_ttl", "reply_list_stream"}) {
    CHECK(names.contains(name));
  }
}

TEST_CASE("PROTOCOL.md: types, kinds, statuses and flags have the numbers of the code") {
  const std::string text = document();
  const std::string types[] = {"argv", "hello", "get", "set", "del", "exists", "incr", "ping"};
  for (unsigned type = 0; type < 8; ++type) CHECK(has_row(text, type, "`" + types[type] + "`"));
  const std::pair<Kind, std::string> kinds[] = {{Kind::none, "none"},       {Kind::bytes, "bytes"},
                                                {Kind::integer, "integer"}, {Kind::text, "text"},
                                                {Kind::list, "list"},       {Kind::map, "map"},
                                                {Kind::nil, "nil"},         {Kind::error, "error"}};
  for (const auto& [kind, name] : kinds) {
    CHECK(has_row(text, static_cast<unsigned>(kind), "`" + name + "`"));
  }
  const std::pair<Status, std::string> statuses[] = {
      {Status::ok, "ok"},
      {Status::nil, "nil"},
      {Status::bad_frame, "bad_frame"},
      {Status::error, "error"},
      {Status::too_large, "too_large"},
      {Status::not_authenticated, "not_authenticated"},
      {Status::wrong_password, "wrong_password"},
      {Status::out_of_memory, "out_of_memory"},
      {Status::disk_full, "disk_full"},
      {Status::cross_slot, "cross_slot"},
      {Status::shutting_down, "shutting_down"},
      {Status::busy, "busy"}};
  for (const auto& [status, name] : statuses) {
    CHECK(has_row(text, static_cast<unsigned>(status), "`" + name + "`"));
  }
  const std::pair<std::uint16_t, std::string> flags[] = {
      {kHasTtl, "has-ttl"},           {kTtlIsTime, "ttl-is-time"}, {kIfAbsent, "if-absent"},
      {kIfPresent, "if-present"},     {kKeepTtl, "keep-ttl"},      {kReturnOld, "return-old"},
      {kWaitDurable, "wait-durable"}, {kDoNotWait, "do-not-wait"}};
  for (const auto& [flag, name] : flags) CHECK(has_row(text, bit_of(flag), name));
}

TEST_CASE("PROTOCOL.md: the limits are those of the code") {
  const std::string text = document();
  const std::pair<std::string, std::uint64_t> limits[] = {
      {"key", kKeyBytesMax},
      {"value", kValueBytesMax},
      {"words of an `argv` request", kArgsMax},
      {"one word", kValueBytesMax},
      {"value of an `argv` request", kArgvBytesMax},
      {"value of a reply", kReplyBytesMax},
      {"nested values in a reply", kReplyItemsMax},
      {"levels of lists and maps", kReplyDepthMax},
      {"error text", kErrorTextBytesMax},
      {"name of a client", kClientNameBytesMax},
      {"before AUTH: words", kUnauthenticatedArgsMax},
      {"before AUTH: frame", kUnauthenticatedBytesMax}};
  for (const auto& limit : limits) {
    const std::string row = "\n| " + limit.first + " | " + with_commas(limit.second) + " ";
    CAPTURE(row);
    CHECK(text.find(row) != std::string::npos);
  }
  CHECK(text.find("from 1 to " + with_commas(kTtlMsMax)) != std::string::npos);
  CHECK(text.find("At most " + std::to_string(kDetectBytesMax) + " bytes") != std::string::npos);
}
