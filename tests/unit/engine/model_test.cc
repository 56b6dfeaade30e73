// The keyspace against a std::map that does the same in the plainest way, step by step: answers,
// effects, sizes, expiries seen; and a second keyspace that replays the effects.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "phoenix/engine/keyspace.h"
#include "tests/unit/engine/support.h"

using namespace phoenix;
using namespace phoenix::engine;

namespace {

constexpr std::int64_t kStartMs = 1'750'000'000'000;

struct ModelEntry {
  std::string value;
  ExpiryMs expires_at_ms = kNoExpiry;
  LogPosition position;

  bool live_at(std::int64_t now_ms) const {
    return expires_at_ms == kNoExpiry || expires_at_ms > now_ms;
  }
};

class ModelRun {
 public:
  explicit ModelRun(std::uint64_t seed) : world_(seed), random_(seed * 7 + 1) {
    world_.sink.keeps_large = seed % 2 == 0;  // Else nobody else holds a large value.
    for (int i = 0; i < 400; ++i) keys_.push_back(make_key(i));
  }

  void step() {
    now_ms_ += some_step_ms();
    world_.keyspace.free_some(random_.below(2'000));
    if (random_.below(3'000) == 0) return clear();
    switch (random_.below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
        return put();
      case 6:
        return patch();
      case 7:
        return erase();
      case 8:
      case 9:
        return set_expiry();
      case 10:
        return remove_expired();
      default:
        return find();
    }
  }

  void compare_all() {
    CountingVisitor visitor;
    ScanCursor cursor = 0;
    do {
      cursor = world_.keyspace.scan(cursor, 1 + random_.below(50), now_ms_, visitor);
    } while (cursor != 0);
    std::size_t live = 0;
    for (const auto& [key, entry] : model_) {
      if (!entry.live_at(now_ms_)) continue;
      ++live;
      REQUIRE(visitor.seen[key] == 1);
    }
    REQUIRE(visitor.visits == live);
    world_.keyspace.take_expiry_seen();
    compare_large();
    compare_sizes();
  }

  void compare_replay() {
    World<KeepingSink> replica(1);
    Keyspace copy(HashKey::draw(replica.random), replica.sink);
    remove_expired();
    auto removal = removals_.begin();
    for (const KeptEffect& kept : world_.sink.kept) {
      // Expiry has no record: what the clock showed then decided what was removed.
      while (removal->effects_before < kept.position.bits) remove_from(copy, (removal++)->until_ms);
      Effect effect = kept.view();
      effect.hash = copy.hash_of(kept.key);
      copy.apply(effect, kept.position);
    }
    REQUIRE(replica.sink.kept.empty());
    for (; removal != removals_.end(); ++removal) remove_from(copy, removal->until_ms);
    REQUIRE(copy.size() == model_.size());
    for (const auto& [key, entry] : model_) {
      EntryView view;
      REQUIRE(copy.find({key, copy.hash_of(key)}, now_ms_, view));
      REQUIRE(view.value == entry.value);
      REQUIRE(view.expires_at_ms == entry.expires_at_ms);
      REQUIRE(view.position == entry.position);
    }
  }

  void erase_all() {
    now_ms_ = 0;  // At which nothing is expired.
    for (const std::string& key : keys_) world_.erase(key, now_ms_);
    while (world_.keyspace.free_some(1'000'000)) {
    }
    REQUIRE(world_.keyspace.size() == 0);
    REQUIRE(world_.keyspace.size_with_expiry() == 0);
    REQUIRE(world_.keyspace.large_value_bytes() == 0);
    REQUIRE(world_.keyspace.memory_bytes() < std::uint64_t{8} << 20U);
    REQUIRE(patches_ > 5);
  }

 private:
  struct Removal {
    std::size_t effects_before;
    std::int64_t until_ms;
  };

  static void remove_from(Keyspace& keyspace, std::int64_t until_ms) {
    while (keyspace.remove_expired(until_ms, 50).more_due) {
    }
  }

  std::string make_key(int i) {
    std::size_t size = 4 + random_.below(60);
    if (i % 20 == 0) size = 200 + random_.below(200);
    if (i % 100 == 1) size = 60'000 + random_.below(5'537);
    return random_bytes(random_, size);
  }

  std::string some_value() {
    switch (random_.below(40)) {
      case 0:
        return random_bytes(random_, random_.below(100 << 10U));
      case 1:
      case 2:
        return random_bytes(random_, random_.below(6'000));
      case 3:
        return {};
      default:
        return random_bytes(random_, random_.below(300));
    }
  }

  // Forward by anything up to an hour, sometimes back.
  std::int64_t some_step_ms() {
    const auto step = static_cast<std::int64_t>(random_.next() >> (42 + random_.below(22)));
    return random_.below(20) == 0 ? -step : step;
  }

  ExpiryMs some_expiry() {
    if (random_.below(3) == 0) return kNoExpiry;
    const auto ttl_ms = static_cast<std::int64_t>(random_.next() >> (40 + random_.below(24)));
    return now_ms_ + ttl_ms - static_cast<std::int64_t>(random_.below(5));
  }

  const std::string& some_key() { return keys_[random_.below(keys_.size())]; }

  ModelEntry* model_live(const std::string& key) {
    const auto found = model_.find(key);
    if (found == model_.end()) return nullptr;
    if (found->second.live_at(now_ms_)) return &found->second;
    expiry_seen_ = std::max(expiry_seen_, found->second.expires_at_ms);
    return nullptr;
  }

  // The last effect is this one, and it is the only new one.
  void expect_effect(Effect::Kind kind, const std::string& key, std::string_view value,
                     ExpiryMs expiry, bool is_large) {
    REQUIRE(world_.sink.kept.size() == ++effects_);
    const KeptEffect& last = world_.sink.kept.back();
    REQUIRE(last.kind == kind);
    REQUIRE(last.key == key);
    REQUIRE(last.hash == (kind == Effect::Kind::clear ? 0 : world_.keyspace.hash_of(key)));
    REQUIRE(last.value == value);
    REQUIRE(last.expires_at_ms == expiry);
    REQUIRE((last.large != nullptr) == (is_large && world_.sink.keeps_large));
  }

  void put() {
    const std::string& key = some_key();
    const std::string value = some_value();
    const ExpiryMs expiry = some_expiry();
    world_.put(key, value, expiry);
    expect_effect(Effect::Kind::put, key, value, expiry, value.size() > kSmallValueBytesMax);
    model_[key] = {value, expiry, world_.sink.kept.back().position};
    compare_sizes();
  }

  // As APPEND, SETRANGE and SETBIT do, gaps included.
  void patch() {
    const std::string& key = some_key();
    ModelEntry* const entry = model_live(key);
    ModelEntry after = entry != nullptr ? *entry : ModelEntry();
    std::size_t offset = after.value.size();
    if (random_.below(3) == 0) offset = random_.below(offset + 200);
    if (random_.below(4) == 0) offset += random_.below(random_.below(8) == 0 ? 50'000 : 2'000);
    std::string part = some_value() + "p";
    if (random_.below(8) != 0)
      part.resize(1 + random_.below(std::min<std::size_t>(part.size(), 8)));
    if (after.value.size() < offset + part.size()) after.value.resize(offset + part.size());
    after.value.replace(offset, part.size(), part);
    const std::size_t told =
        world_.keyspace.patch_effect_bytes(world_.key_of(key), offset, part.size(), now_ms_);
    world_.keyspace.patch(world_.key_of(key), offset, part, now_ms_);
    REQUIRE(world_.sink.kept.size() == effects_ + 1);
    REQUIRE(world_.sink.kept.back().value.size() == told);
    if (world_.sink.kept.back().kind == Effect::Kind::patch) {
      REQUIRE(entry != nullptr);
      REQUIRE(world_.sink.kept.back().patch_offset == offset);
      expect_effect(Effect::Kind::patch, key, part, kNoExpiry, false);
      ++patches_;
    } else {
      const bool is_large = after.value.size() > kSmallValueBytesMax;
      expect_effect(Effect::Kind::put, key, after.value, after.expires_at_ms, is_large);
    }
    after.position = world_.sink.kept.back().position;
    model_[key] = std::move(after);
    compare_sizes();
  }

  void erase() {
    const std::string& key = some_key();
    const bool existed = model_live(key) != nullptr;
    REQUIRE(world_.erase(key, now_ms_) == existed);
    if (existed) {
      expect_effect(Effect::Kind::erase, key, "", kNoExpiry, false);
      model_.erase(key);
    }
    compare_sizes();
  }

  void clear() {
    world_.keyspace.clear();
    if (!model_.empty()) expect_effect(Effect::Kind::clear, "", "", kNoExpiry, false);
    model_.clear();
    compare_sizes();
  }

  void set_expiry() {
    const std::string& key = some_key();
    const ExpiryMs expiry = some_expiry();
    ModelEntry* const entry = model_live(key);
    REQUIRE(world_.expire(key, expiry, now_ms_) == (entry != nullptr));
    if (entry != nullptr) {
      expect_effect(Effect::Kind::expiry, key, "", expiry, false);
      entry->expires_at_ms = expiry;
      entry->position = world_.sink.kept.back().position;
    }
    compare_sizes();
  }

  void find() {
    const std::string& key = some_key();
    const Key hashed = world_.key_of(key);
    world_.keyspace.prefetch_index(hashed.hash);
    world_.keyspace.prefetch_entry(hashed.hash);
    const ModelEntry* const entry = model_live(key);
    EntryView view;
    REQUIRE(world_.keyspace.find(hashed, now_ms_, view) == (entry != nullptr));
    if (entry != nullptr) {
      REQUIRE(view.key == key);
      REQUIRE(view.value == entry->value);
      REQUIRE(view.expires_at_ms == entry->expires_at_ms);
      REQUIRE(view.position == entry->position);
      REQUIRE((view.large != nullptr) == (entry->value.size() > kSmallValueBytesMax));
    }
    REQUIRE(world_.keyspace.take_expiry_seen() == expiry_seen_);
    expiry_seen_ = kNoExpiry;
    compare_sizes();
  }

  void remove_expired() {
    const std::size_t removed = world_.remove_expired(now_ms_, 1 + random_.below(100));
    REQUIRE(std::erase_if(model_, [&](const auto& item) {
              return !item.second.live_at(now_ms_);
            }) == removed);
    removals_.push_back({effects_, now_ms_});
    compare_sizes();
  }

  // What large values hold, one by one.
  void compare_large() {
    while (world_.keyspace.free_some(1'000'000)) {
    }
    std::uint64_t bytes = 0;
    for (const std::string& key : keys_) {
      const EntryView view = world_.view(key, 0);  // At which nothing is expired.
      if (view.large != nullptr) bytes += (*view.large)->memory_bytes();
    }
    REQUIRE(world_.keyspace.large_value_bytes() == bytes);
  }

  void compare_sizes() {
    REQUIRE(world_.sink.kept.size() == effects_);
    REQUIRE(world_.keyspace.size() == model_.size());
    const auto with_expiry = std::count_if(model_.begin(), model_.end(), [](const auto& item) {
      return item.second.expires_at_ms != kNoExpiry;
    });
    REQUIRE(world_.keyspace.size_with_expiry() == static_cast<std::size_t>(with_expiry));
  }

  World<KeepingSink> world_;
  SeededRandom random_;
  std::vector<std::string> keys_;
  std::map<std::string, ModelEntry> model_;
  std::vector<Removal> removals_;
  std::size_t effects_ = 0;
  std::size_t patches_ = 0;  // Of them, told as a part.
  std::int64_t now_ms_ = kStartMs;
  ExpiryMs expiry_seen_ = kNoExpiry;
};

}  // namespace

TEST_CASE("keyspace: the same as a plain map, through 6,000 random steps of each seed") {
  for (std::uint64_t seed = 101; seed < 107; ++seed) {
    CAPTURE(seed);
    ModelRun run(seed);
    for (int step = 0; step < 6'000; ++step) {
      CAPTURE(step);
      run.step();
      if (step % 500 == 0) run.compare_all();
    }
    run.compare_replay();
    run.erase_all();
  }
}
