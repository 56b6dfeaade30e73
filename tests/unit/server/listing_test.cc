// A LIST that is streamed: over all cores, slice by slice, with cursors that go on where it
// stopped.
#include "phoenix/server/limits.h"
#include "tests/unit/server/listing_support.h"

using namespace phoenix;
using namespace phoenix::server;
using namespace phoenix::server::test;

namespace {

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

}  // namespace
