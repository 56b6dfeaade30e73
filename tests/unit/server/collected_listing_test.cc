// KEYS, SCAN, RANDOMKEY and LIST over RESP: one reply that is collected over all cores.
#include <algorithm>

#include "phoenix/server/limits.h"
#include "tests/unit/server/listing_support.h"

using namespace phoenix;
using namespace phoenix::server;
using namespace phoenix::server::test;

namespace {

TEST_CASE("the examples of KEYS, SCAN and RANDOMKEY are what a client gets") {
  for (const std::string_view name : {"KEYS", "SCAN", "RANDOMKEY"}) {
    CAPTURE(name);
    Cores cores(1);
    std::size_t shown = 0;
    for (const auto& step : commands::test::steps_of(table().find(name)->example)) {
      const auto words = words_of(step.request);
      if (words[0] == name) {
        CHECK(cores.collect(step.request) == step.reply);
        ++shown;
        continue;
      }
      for (std::size_t i = 1; i < words.size(); i += 2) cores.set(0, words[i]);
    }
    CHECK(shown == 1);
  }
}

TEST_CASE("KEYS has the keys of all cores that match, in one reply") {
  for (const unsigned count : {1U, 2U, 4U}) {
    CAPTURE(count);
    Cores cores(count);
    const auto all = fill(cores, 1'000);
    const auto keys = keys_in(cores.collect("KEYS *"));
    CHECK(keys.size() == all.size());
    CHECK(set_of(keys) == all);
    CHECK(cores.slices > 1'000 / 100);  // In slices, not at once.
    CHECK(keys_in(cores.collect("KEYS even:*")).size() == 500);
    CHECK(cores.collect("KEYS nothing") == "[]");
    CHECK(Cores(count).collect("KEYS *") == "[]");
  }
}

/// Where a page of SCAN says to go on; its keys are added to `keys`.
std::string read_page(const std::string& page, std::vector<std::string>& keys) {
  auto words = keys_in(page);
  REQUIRE_MESSAGE(page.starts_with("[\""), page);
  keys.insert(keys.end(), words.begin() + 1, words.end());
  return words[0];
}

TEST_CASE("SCAN comes past every key once, whatever the count, and looks at about as many") {
  for (const unsigned cores_count : {1U, 2U, 4U}) {
    for (const unsigned count : {1U, 10U, 100U, 1'000'000U}) {
      CAPTURE(cores_count);
      CAPTURE(count);
      Cores cores(cores_count);
      const auto all = fill(cores, 500);
      std::vector<std::string> keys;
      std::string cursor = "0";
      unsigned pages = 0;
      do {
        REQUIRE(++pages <= 500);
        std::vector<std::string> page;
        cursor = read_page(cores.collect(fmt::format("SCAN {} COUNT {}", cursor, count)), page);
        CHECK(page.size() <= std::uint64_t{count} + 32);  // A line is finished.
        keys.insert(keys.end(), page.begin(), page.end());
      } while (cursor != "0");
      CHECK(keys.size() == all.size());
      CHECK(set_of(keys) == all);
      if (count == 1'000'000) CHECK(pages == 1);
      if (count == 1) CHECK(pages > 50);
    }
  }
}

TEST_CASE("a few keys come on one page, as they do from Redis") {
  Cores cores(4);
  const auto all = fill(cores, 5);
  std::vector<std::string> keys;
  CHECK(read_page(cores.collect("SCAN 0"), keys) == "0");
  CHECK(set_of(keys) == all);
  Cores one(1);
  keys.clear();
  CHECK(read_page(one.collect("SCAN 0"), keys) == "0");
  one.set(0, "only");
  CHECK(read_page(one.collect("SCAN 0"), keys) == "0");
  CHECK(keys == std::vector<std::string>{"only"});
}

TEST_CASE("SCAN counts what it looks at, not what matches, so that pages may be empty") {
  Cores cores(2);
  fill(cores, 2'000);
  cores.set(1, "needle");
  std::vector<std::string> keys;
  std::string cursor = "0";
  unsigned pages = 0;
  do {
    cursor = read_page(cores.collect("SCAN " + cursor + " MATCH needle COUNT 20"), keys);
    CHECK(cores.slices <= 3);
    ++pages;
  } while (cursor != "0");
  CHECK(keys == std::vector<std::string>{"needle"});
  CHECK(pages > 50);
}

TEST_CASE("SCAN has nothing of another type, and refuses cursors of other numbers of cores") {
  Cores cores(2);
  fill(cores, 50);
  CHECK(cores.collect("SCAN 0 TYPE hash COUNT 1000") == "[\"0\", []]");
  CHECK(keys_in(cores.collect("SCAN 0 TYPE string COUNT 1000")).size() == 51);
  for (const std::string_view cursor : {"1", "258", "512", "65536", "18446744073709551615"}) {
    CAPTURE(cursor);
    CHECK(cores.collect(fmt::format("SCAN {}", cursor)) == "(error) ERR invalid cursor");
  }
  CHECK(cores.collect("SCAN 257 COUNT 1000").starts_with("[\"0\", [\""));
}

TEST_CASE("keys that come and go meanwhile do not hide one that stays") {
  Cores cores(2);
  const auto stay = fill(cores, 300);
  std::vector<std::string> keys;
  std::string cursor = "0";
  unsigned round = 0;
  do {
    cursor = read_page(cores.collect("SCAN " + cursor + " COUNT 5"), keys);
    for (unsigned i = 0; i < 100; ++i) cores.set(i % 2, fmt::format("more:{}:{}", round, i));
    for (unsigned i = 0; round >= 2 && i < 90; ++i) {
      cores.remove(i % 2, fmt::format("more:{}:{}", round - 2, i));
    }
    ++round;
  } while (cursor != "0" && round < 10'000);
  CHECK(cursor == "0");
  const auto seen = set_of(keys);
  CHECK(std::includes(seen.begin(), seen.end(), stay.begin(), stay.end()));
  CHECK(seen.size() == keys.size());  // None came twice.
}

TEST_CASE("LIST over a protocol without streams is one reply, and goes on by its cursor") {
  Cores cores(2);
  const auto all = fill(cores, 300);
  std::vector<std::string> keys;
  CHECK(read_page(cores.collect("LIST"), keys) == "0");
  CHECK(set_of(keys) == all);
  keys.clear();
  const std::string cursor = read_page(cores.collect("LIST LIMIT 100"), keys);
  CHECK(cursor != "0");
  CHECK(read_page(cores.collect("LIST CURSOR " + cursor), keys) == "0");
  CHECK(set_of(keys) == all);
  CHECK(keys.size() == all.size());
}

TEST_CASE("while memory is full a reply ends at 1 MiB: SCAN goes on, KEYS is refused") {
  Cores cores(2);
  std::set<std::string> all;
  for (unsigned i = 0; i < 60; ++i) {
    const std::string key = std::string(40'000, 'k') + std::to_string(i);
    cores.set(i % 2, key);
    all.insert(key);
  }
  std::vector<std::string> keys;
  std::string cursor = "0";
  unsigned pages = 0;
  do {
    std::vector<std::string> page;
    cursor = read_page(cores.collect("SCAN " + cursor + " COUNT 1000", true), page);
    CHECK(page.size() <= kReplyBytesWhenFullMax / 40'000);
    keys.insert(keys.end(), page.begin(), page.end());
    REQUIRE(++pages < 100);
  } while (cursor != "0");
  CHECK(pages > 1);
  CHECK(keys.size() == all.size());
  CHECK(set_of(keys) == all);
  CHECK(cores.collect("KEYS *", true).starts_with("(error) OOM "));
  CHECK(keys_in(cores.collect("KEYS *")).size() == all.size());
}

TEST_CASE("a reply of KEYS is bounded, and its error names SCAN, whose page just ends") {
  auto listing = [&](std::string_view line) {
    const auto words = words_of(line);
    return Listing::begin(*table().find(words[0]), words, setup_of(1));
  };
  const std::string key(60'000, 'k');
  const std::string slice = slice_of(0x5'0000'0000, std::vector<std::string_view>(10, key));
  auto keys = listing("KEYS *");
  auto scan = listing("SCAN 0 COUNT 1000000");
  unsigned slices = 0;
  for (; !(*keys)->is_complete(); ++slices) {
    (*keys)->take_slice(slice, false);
    (*scan)->take_slice(slice, false);
  }
  CHECK(slices == kReplyBytesMax / (10 * key.size()) + 1);
  CHECK(decode_reply(end_of(**keys)) ==
        "(error) ERR reply over 16 MiB: walk over the keys with SCAN");
  REQUIRE((*scan)->is_complete());
  std::vector<std::string> page;
  CHECK(read_page(decode_reply(end_of(**scan)), page) == std::to_string(0x50000));
  CHECK(page.size() == 10 * (slices - 1));
}

TEST_CASE("what is collected counts as memory until the reply is written") {
  ListingSetup setup = setup_of(1);
  setup.meter = std::make_shared<engine::LargeMeter>();
  const auto words = words_of("KEYS *");
  {
    auto listing = Listing::begin(*table().find("KEYS"), words, setup);
    (*listing)->take_slice(slice_of(0x5'0000'0000, {std::string(10'000, 'k')}), false);
    CHECK(setup.meter->bytes() >= 10'000);
  }
  CHECK(setup.meter->bytes() == 0);
}

TEST_CASE(
    "RANDOMKEY draws from each core as often as it has keys, and asks all before it gives up") {
  Cores cores(4);
  CHECK(cores.collect("RANDOMKEY") == "(nil)");
  CHECK(cores.slices == 8);  // Each core twice.
  for (unsigned i = 0; i < 30; ++i) cores.set(1, fmt::format("one:{}", i));
  for (unsigned i = 0; i < 10; ++i) cores.set(3, fmt::format("three:{}", i));
  std::set<std::string> seen;
  unsigned of_core_one = 0;
  constexpr unsigned kDraws = 2'000;
  for (unsigned i = 0; i < kDraws; ++i) {
    const std::string key = cores.collect("RANDOMKEY");
    seen.insert(key);
    if (key.starts_with("\"one")) ++of_core_one;
    CHECK(cores.slices == 1);
  }
  CHECK(seen.size() == 40);
  CHECK(of_core_one > kDraws * 3 / 4 - 150);  // 7 standard deviations.
  CHECK(of_core_one < kDraws * 3 / 4 + 150);
}

std::string client_slice(std::int64_t next, std::string_view lines) {
  std::string frame;
  NativeEncoder encoder;
  encoder.begin({}, frame);
  encoder.begin_list(2);
  encoder.integer(next);
  encoder.bytes(lines);
  encoder.end();
  CHECK(encoder.finish() == nullptr);
  return frame;
}

const commands::Command& client_list() {
  return *table().find_subcommand(*table().find("CLIENT"), "LIST");
}

std::string answer_of(std::string_view request) {
  const auto words = words_of(request);
  auto listing = Listing::begin(client_list(), words, setup_of(2));
  if (!listing) return "(error) " + listing.error().message;
  const std::vector<std::string> slices{client_slice(64, "id=10 z\nid=2 x\n"), client_slice(0, ""),
                                        client_slice(0, "id=3 y\n")};
  std::string asked;
  for (const auto& slice : slices) {
    CHECK_FALSE((*listing)->is_complete());
    for (const auto word : (*listing)->next_slice()) asked += std::string(word) + " ";
    asked += "@" + std::to_string((*listing)->core()) + "; ";
    (*listing)->take_slice(slice, false);
  }
  REQUIRE((*listing)->is_complete());
  if (words.size() == 4) {
    CHECK(asked.starts_with("CLIENT LIST 0 TYPE normal @0; CLIENT LIST 64 TYPE normal @0; "));
    CHECK(asked.ends_with("CLIENT LIST 0 TYPE normal @1; "));
  }
  return decode_reply(end_of(**listing));
}

TEST_CASE("CLIENT LIST walks over all cores and answers by age, or as it was asked") {
  CHECK(answer_of("CLIENT LIST") == "id=2 x\nid=3 y\nid=10 z\n");
  CHECK(answer_of("CLIENT LIST TYPE normal") == "id=2 x\nid=3 y\nid=10 z\n");
  CHECK(answer_of("CLIENT LIST ID 10 4 2 10 -1") == "id=10 z\nid=2 x\nid=10 z\n");
  CHECK(answer_of("CLIENT LIST ID") == "(error) syntax error");
  CHECK(answer_of("CLIENT LIST 7") == "(error) syntax error");
}

TEST_CASE("CLIENT LIST is bounded, and sooner while memory is full") {
  const auto words = words_of("CLIENT LIST");
  const std::string lines = client_slice(64, std::string(kReplyBytesWhenFullMax + 1, 'x'));
  auto listing = Listing::begin(client_list(), words, setup_of(1));
  (*listing)->take_slice(lines, false);
  CHECK_FALSE((*listing)->is_complete());
  (*listing)->take_slice(lines, true);
  REQUIRE((*listing)->is_complete());
  CHECK(decode_reply(end_of(**listing)).starts_with("(error) OOM"));
}

TEST_CASE("CLIENT LIST has no cursor: cut short it is an error") {
  const auto words = words_of("CLIENT LIST");
  auto listing = Listing::begin(client_list(), words, setup_of(1));
  (*listing)->take_slice(client_slice(64, "id=1 x\n"), false);
  (*listing)->cut_short();
  REQUIRE((*listing)->is_complete());
  CHECK(decode_reply(end_of(**listing)).starts_with("(error) ERR there are more clients than"));
}

}  // namespace
