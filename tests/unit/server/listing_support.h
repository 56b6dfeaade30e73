// Keyspaces of several cores that are walked over as the router does it, and what a client gets.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "phoenix/base/random.h"
#include "phoenix/commands/table.h"
#include "phoenix/server/encoder.h"
#include "phoenix/server/listing.h"
#include "tests/unit/commands/harness.h"
#include "tests/unit/server/support.h"

namespace phoenix::server::test {

using commands::test::words_of;

/// The whole answer to a LIST.
struct Streamed {
  std::vector<std::string> keys;
  std::string cursor;  // Empty when it ended in an error.
  std::string error;
  std::size_t frames = 0;
};

using Begun = Result<std::unique_ptr<Listing>>;

inline const commands::Table& table() {
  static const commands::Table one;
  return one;
}

inline ListingSetup setup_of(unsigned cores) {
  ListingSetup setup;
  setup.head.id = 9;
  setup.cores = cores;
  return setup;
}

inline Begun begin_listing(commands::Args words, unsigned cores) {
  return Listing::begin(*table().find(words[0]), words, setup_of(cores));
}

inline std::string part_of(Listing& listing) {
  std::string frame;
  NativeEncoder encoder;
  encoder.begin({Wire::native, listing.head().id}, frame);
  listing.write_part(encoder);
  CHECK(encoder.finish() == nullptr);
  const auto flags = protocol::load_le<std::uint16_t>(frame.data() + 2);
  protocol::store_le(frame.data() + 2, static_cast<std::uint16_t>(flags | protocol::kMoreFollows));
  return frame;
}

inline std::string end_of(Listing& listing) {
  std::string frame;
  NativeEncoder encoder;
  encoder.begin({Wire::native, listing.head().id}, frame);
  listing.write_end(encoder);
  CHECK(encoder.finish() == nullptr);
  return frame;
}

/// What the client gets once the reply of a slice is there.
inline std::string frames_of(Listing& listing, std::string_view slice) {
  listing.take_slice(slice, false);
  std::string frames;
  if (listing.has_part()) frames += part_of(listing);
  if (listing.is_complete()) frames += end_of(listing);
  return frames;
}

inline std::vector<std::string> keys_in(std::string_view text) {
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
inline std::set<std::string> fill(Cores& cores, unsigned keys) {
  std::set<std::string> all;
  for (unsigned i = 0; i < keys; ++i) {
    const std::string key = fmt::format("{}:{}", i % 2 == 0 ? "even" : "odd", i);
    cores.set(i % cores.count(), key);
    all.insert(key);
  }
  return all;
}

inline std::set<std::string> set_of(const std::vector<std::string>& keys) {
  return {keys.begin(), keys.end()};
}

/// A slice as a shard would answer it.
inline std::string slice_of(std::int64_t next, const std::vector<std::string_view>& keys) {
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

}  // namespace phoenix::server::test
