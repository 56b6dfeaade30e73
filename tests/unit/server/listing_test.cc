// A LIST that is streamed: over all cores, slice by slice, with cursors that go on where it
// stopped.
#include "phoenix/server/listing.h"

#include <charconv>
#include <memory>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "phoenix/base/random.h"
#include "phoenix/commands/table.h"
#include "phoenix/server/encoder.h"
#include "phoenix/server/limits.h"
#include "tests/unit/commands/harness.h"
#include "tests/unit/server/support.h"

using namespace phoenix;
using namespace phoenix::server;
using namespace phoenix::server::test;
using commands::test::words_of;

namespace {

/// The whole answer to a LIST.
struct Streamed {
  std::vector<std::string> keys;
  std::string cursor;  // Empty when it ended in an error.
  std::string error;
  std::size_t frames = 0;
};

using Begun = Result<std::unique_ptr<Listing>>;

const commands::Table& table() {
  static const commands::Table one;
  return one;
}

ListingSetup setup_of(unsigned cores) {
  ListingSetup setup;
  setup.head.id = 9;
  setup.cores = cores;
  return setup;
}

Begun begin_listing(commands::Args words, unsigned cores) {
  return Listing::begin(*table().find(words[0]), words, setup_of(cores));
}

std::string part_of(Listing& listing) {
  std::string frame;
  NativeEncoder encoder;
  encoder.begin({Wire::native, listing.head().id}, frame);
  listing.write_part(encoder);
  CHECK(encoder.finish() == nullptr);
  const auto flags = protocol::load_le<std::uint16_t>(frame.data() + 2);
  protocol::store_le(frame.data() + 2, static_cast<std::uint16_t>(flags | protocol::kMoreFollows));
  return frame;
}

std::string end_of(Listing& listing) {
  std::string frame;
  NativeEncoder encoder;
  encoder.begin({Wire::native, listing.head().id}, frame);
  listing.write_end(encoder);
  CHECK(encoder.finish() == nullptr);
  return frame;
}

/// What the client gets once the reply of a slice is there.
std::string frames_of(Listing& listing, std::string_view slice) {
  listing.take_slice(slice, false);
  std::string frames;
  if (listing.has_part()) frames += part_of(listing);
  if (listing.is_complete()) frames += end_of(listing);
  return frames;
}

std::vector<std::string> keys_in(std::string_view text) {
  std::vector<std::string> keys;
  for (auto at = text.find('"'); at != std::string_view::npos; at = text.find('"', at + 1)) {
    const auto begin = at + 1;
    at = text.find('"', begin);
    keys.emplace_back(text.substr(begin, at - begin));
  }
  return keys;
}

/// Keyspaces of several cores, asked for slices as the router asks its shards.
class Cores {
 public:
  explicit Cores(unsigned count) {
    const HashKey hash_key = HashKey::draw(random_);
    for (unsigned i = 0; i < count; ++i) {
      keyspaces_.push_back(std::make_unique<engine::Keyspace>(hash_key, effects_));
    }
  }

  void set(unsigned core, std::string_view key) {
    engine::Keyspace& keyspace = *keyspaces_[core];
    keyspace.put({key, keyspace.hash_of(key)}, engine::NewValue::copy_of("v"), engine::kNoExpiry);
  }

  void remove(unsigned core, std::string_view key) {
    engine::Keyspace& keyspace = *keyspaces_[core];
    keyspace.erase({key, keyspace.hash_of(key)}, 0);
  }

  std::string slice(Listing& listing) {
    commands::Request request;
    request.args = listing.next_slice();
    std::string frame;
    NativeEncoder encoder;
    encoder.begin({Wire::native, listing.head().id}, frame);
    commands::Context context{*keyspaces_[listing.core()], 0, encoder, table_, nullptr};
    listing.command().run(context, request);
    REQUIRE(encoder.finish() == nullptr);
    return frame;
  }

  Begun begin(std::string_view line) const {
    const auto words = words_of(line);
    return begin_listing(words, count());
  }

  Streamed list(std::string_view line) {
    auto listing = begin(line);
    if (!listing) return {{}, "", listing.error().message, 0};
    Streamed streamed;
    while (!(*listing)->is_complete()) {
      (*listing)->is_waiting = true;
      const std::string frames = frames_of(**listing, slice(**listing));
      CHECK_FALSE((*listing)->is_waiting);
      read_frames(frames, (*listing)->is_complete(), streamed);
      REQUIRE(streamed.frames < 10'000);
    }
    return streamed;
  }

  /// The one reply to a command that has but one, and how many slices it took.
  std::string collect(std::string_view line, bool memory_is_full = false) {
    const auto words = words_of(line);
    ListingSetup setup = setup_of(count());
    setup.head.wire = Wire::resp2;
    for (const auto& keyspace : keyspaces_) setup.keys_of_cores.push_back(keyspace->size());
    setup.chance = random_.next();
    auto listing = Listing::begin(*table().find(words[0]), words, setup);
    if (!listing) return "(error) ERR " + listing.error().message;
    for (slices = 0; !(*listing)->is_complete(); ++slices) {
      REQUIRE(slices < 1'000'000);
      REQUIRE((*listing)->core() < count());
      const std::string frame = slice(**listing);
      (*listing)->take_slice(frame, memory_is_full);
      CHECK_FALSE((*listing)->has_part());
    }
    return decode_reply(end_of(**listing));
  }
  unsigned slices = 0;

  unsigned count() const { return static_cast<unsigned>(keyspaces_.size()); }

 private:
  static void read_frames(std::string_view bytes, bool is_complete, Streamed& streamed) {
    const auto replies = decode_replies(bytes);
    for (std::size_t i = 0; i < replies.size(); ++i) {
      const Reply& reply = replies[i];
      ++streamed.frames;
      CHECK(reply.id == 9);
      const bool is_last = is_complete && i + 1 == replies.size();
      CHECK(reply.more_follows == !is_last);
      if (is_last) {
        streamed.cursor = reply.text;
      } else {
        const auto keys = keys_in(reply.text);
        streamed.keys.insert(streamed.keys.end(), keys.begin(), keys.end());
      }
    }
  }

  SeededRandom random_{5};
  commands::test::EffectCounter effects_;
  std::vector<std::unique_ptr<engine::Keyspace>> keyspaces_;
  commands::Table table_;
};

/// Keys on all cores, half of them even.
std::set<std::string> fill(Cores& cores, unsigned keys) {
  std::set<std::string> all;
  for (unsigned i = 0; i < keys; ++i) {
    const std::string key = fmt::format("{}:{}", i % 2 == 0 ? "even" : "odd", i);
    cores.set(i % cores.count(), key);
    all.insert(key);
  }
  return all;
}

std::set<std::string> set_of(const std::vector<std::string>& keys) {
  return {keys.begin(), keys.end()};
}

std::string unquoted(const std::string& cursor) {
  REQUIRE(cursor.size() > 2);
  return cursor.substr(1, cursor.size() - 2);
}

TEST_CASE("the example of LIST is what a client gets") {
  const commands::Table table;
  Cores cores(1);
  std::size_t listed = 0;
  for (const auto& step : commands::test::steps_of(table.find("LIST")->example)) {
    const auto words = words_of(step.request);
    if (words[0] == "LIST") {
      ++listed;
      const Streamed streamed = cores.list(step.request);
      std::string text;
      for (const auto& key : streamed.keys) text += (text.empty() ? "\"" : ", \"") + key + "\"";
      CHECK("[" + text + "] " + streamed.cursor == step.reply);
    } else {
      REQUIRE(words[0] == "MSET");
      for (std::size_t i = 1; i < words.size(); i += 2) cores.set(0, words[i]);
    }
  }
  CHECK(listed == 1);
}

TEST_CASE("all keys of all cores come once, and the last frame says so") {
  for (const unsigned count : {1U, 2U, 5U}) {
    CAPTURE(count);
    Cores cores(count);
    const auto all = fill(cores, 1'000);
    const Streamed streamed = cores.list("LIST");
    CHECK(streamed.cursor == "\"0\"");
    CHECK(streamed.keys.size() == all.size());
    CHECK(set_of(streamed.keys) == all);
    CHECK(streamed.frames > 7);  // In slices, not at once.
  }
}

TEST_CASE("only what matches comes; frames without keys do not") {
  Cores cores(3);
  fill(cores, 600);
  cores.set(1, "needle");
  const Streamed even = cores.list("LIST even:*");
  CHECK(even.keys.size() == 300);
  CHECK(even.cursor == "\"0\"");
  const Streamed needle = cores.list("LIST needl?");
  CHECK(needle.keys == std::vector<std::string>{"needle"});
  CHECK(needle.frames == 2);
  const Streamed nothing = cores.list("LIST nothing");
  CHECK(nothing.keys.empty());
  CHECK(nothing.cursor == "\"0\"");
  CHECK(nothing.frames == 1);
  CHECK(Cores(4).list("LIST").frames == 1);
}

TEST_CASE("a limit stops the listing, and its cursor goes on without loss or repetition") {
  for (const unsigned limit : {1U, 3U, 50U, 64U, 65U, 500U}) {
    CAPTURE(limit);
    Cores cores(3);
    const auto all = fill(cores, 400);
    std::vector<std::string> keys;
    std::string cursor = "0";
    unsigned calls = 0;
    do {
      REQUIRE(++calls <= 410);
      const Streamed part = cores.list(fmt::format("LIST CURSOR {} LIMIT {}", cursor, limit));
      keys.insert(keys.end(), part.keys.begin(), part.keys.end());
      cursor = unquoted(part.cursor);
      // A few more may come: a slice ends where a line of the index does.
      CHECK(part.keys.size() <= limit + 64);
      if (cursor != "0") CHECK(part.keys.size() >= limit);
    } while (cursor != "0");
    CHECK(keys.size() == all.size());
    CHECK(set_of(keys) == all);
    if (limit >= all.size()) CHECK(calls == 1);
  }
}

/// A slice as a shard would answer it.
std::string slice_of(std::int64_t next, const std::vector<std::string_view>& keys) {
  std::string frame;
  NativeEncoder encoder;
  encoder.begin({Wire::native, 9}, frame);
  encoder.begin_list(3);
  encoder.integer(next);
  encoder.integer(static_cast<std::int64_t>(keys.size()));
  encoder.begin_list(static_cast<std::uint32_t>(keys.size()));
  for (const auto key : keys) encoder.bytes(key);
  encoder.end();
  encoder.end();
  CHECK(encoder.finish() == nullptr);
  return frame;
}

TEST_CASE("cursors name the place and the core, and the core after one that is done") {
  const auto words = words_of("LIST LIMIT 2");
  const auto cursor_after = [&](unsigned cores, std::int64_t next) {
    auto listing = begin_listing(words, cores);
    REQUIRE(listing.has_value());
    const auto replies = decode_replies(frames_of(**listing, slice_of(next, {"a", "b"})));
    REQUIRE(replies.size() == 2);
    CHECK(replies[0].text == "[\"a\", \"b\"]");
    CHECK((*listing)->is_complete());
    return unquoted(replies[1].text);
  };
  CHECK(cursor_after(1, 0x5'0000'0000) == std::to_string(0x50000));
  CHECK(cursor_after(2, 0x5'0000'0000) == std::to_string(0x50100));
  CHECK(cursor_after(256, 0x5'0000'0000) == std::to_string(0x5FF00));
  // The last place there is: below 2^48, which a number of JavaScript holds.
  CHECK(cursor_after(1, std::int64_t{-0x1'0000'0000}) == std::to_string(0xFFFF'FFFF'0000));
  CHECK(cursor_after(2, 0) == std::to_string(0x101));
  CHECK(cursor_after(1, 0) == "0");
}

TEST_CASE("a cursor that leads to another core goes on there") {
  Cores cores(2);
  cores.set(0, "first");
  cores.set(1, "second");
  CHECK(cores.list("LIST CURSOR 257").keys == std::vector<std::string>{"second"});
}

TEST_CASE("a cursor of another number of cores is refused, any other number is taken") {
  Cores cores(2);
  fill(cores, 100);
  // No such core; and cursors of one core, three, and 256.
  for (const std::uint64_t cursor :
       {std::uint64_t{0x102}, std::uint64_t{0x50000}, std::uint64_t{0x50200},
        std::uint64_t{0x50202}, std::uint64_t{1}, std::uint64_t{0xFF01},
        std::uint64_t{0x1'0000'0000'0101}, ~std::uint64_t{0}}) {
    CAPTURE(cursor);
    const Streamed refused = cores.list(fmt::format("LIST CURSOR {}", cursor));
    CHECK(refused.error ==
          "invalid cursor: a number that LIST of this server answered, with the same --cores");
  }
  CHECK(cores.list("LIST CURSOR 281474976645377").cursor == "\"0\"");
  CHECK(cores.list("LIST a b").error == "syntax error: try HELP LIST");
}

TEST_CASE("an error of a slice ends the listing with it") {
  const auto words = words_of("LIST");
  auto listing = begin_listing(words, 2);
  REQUIRE(listing.has_value());
  std::string frame;
  NativeEncoder encoder;
  encoder.begin({Wire::native, 9}, frame);
  encoder.error(protocol::Status::busy, "not now");
  CHECK(encoder.finish() == nullptr);
  const auto replies = decode_replies(frames_of(**listing, frame));
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].text == "(error) BUSY not now");
  CHECK_FALSE(replies[0].more_follows);
  CHECK((*listing)->is_complete());
}

TEST_CASE("a listing keeps its own words and flags: the request's are gone by then") {
  std::string pattern = "user:*";
  std::vector<std::string_view> words{"LIST", pattern, "LIMIT", "100"};
  ListingSetup setup = setup_of(1);
  setup.flags = protocol::kDoNotWait;
  auto listing = Listing::begin(*table().find("LIST"), words, setup);
  REQUIRE(listing.has_value());
  pattern = "######";
  CHECK((*listing)->flags() == protocol::kDoNotWait);
  const auto& slice = (*listing)->next_slice();
  REQUIRE(slice.size() == 5);
  CHECK(slice[1] == "user:*");
  CHECK(slice[2] == "0");
  CHECK(slice[3] == "100");
}

TEST_CASE(
    "a listing with a small limit that finds little looks at as much at a time as any other") {
  Cores cores(1);
  fill(cores, 10'000);
  const auto slices_of = [&](std::string_view line) {
    const auto words = words_of(line);
    auto listing = begin_listing(words, 1);
    REQUIRE(listing.has_value());
    unsigned slices = 0;
    while (!(*listing)->is_complete()) {
      (void)frames_of(**listing, cores.slice(**listing));
      REQUIRE(++slices < 10'000);
    }
    return slices;
  };
  CHECK(slices_of("LIST nothing LIMIT 1") == slices_of("LIST nothing"));
  CHECK(slices_of("LIST nothing") < 10'000 / 30);
  CHECK(slices_of("LIST even:* LIMIT 1") == 1);
}

TEST_CASE("a listing that finds nothing for a while says that it lives") {
  const auto words = words_of("LIST nothing");
  auto listing = begin_listing(words, 1);
  REQUIRE(listing.has_value());
  const std::uint64_t start_ns = 5 * kNanosPerSecond;
  CHECK_FALSE((*listing)->has_sign_of_life(start_ns));
  CHECK_FALSE((*listing)->has_sign_of_life(start_ns + kListSilenceNs - 1));
  CHECK((*listing)->has_sign_of_life(start_ns + kListSilenceNs));
  const auto replies = decode_replies(part_of(**listing));
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].id == 9);
  CHECK(replies[0].more_follows);
  CHECK(replies[0].text == "[]");
  CHECK_FALSE((*listing)->has_sign_of_life(start_ns + kListSilenceNs + 1));
  // A frame with keys is a sign of life, too.
  CHECK_FALSE(frames_of(**listing, slice_of(0x5'0000'0000, {"a"})).empty());
  CHECK_FALSE((*listing)->has_sign_of_life(start_ns + 2 * kListSilenceNs + 1));
}

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

}  // namespace
