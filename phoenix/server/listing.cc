#include "phoenix/server/listing.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "phoenix/base/check.h"
#include "phoenix/base/random.h"
#include "phoenix/commands/list.h"
#include "phoenix/server/client_listing.h"
#include "phoenix/server/limits.h"

namespace phoenix::server {

using commands::ReplySink;
using protocol::Status;
using protocol::Value;

namespace {

// Of a place the upper half, then how many cores there are, then which of them.
constexpr unsigned kPlaceBits = 32;
constexpr unsigned kCoreBits = 16;
constexpr unsigned kCoresShift = 8;
constexpr unsigned kCoreMask = 0xFF;
static_assert(kCoresMax - 1 <= kCoreMask);

/// What LIST, KEYS and SCAN share: the way over all cores. It ends behind the last one, or where
/// as many keys were found, or as much effort made, as was asked for.
class KeyWalk : public Listing {
 public:
  /// What to walk over: all that matches from the cursor on.
  struct Way {
    std::string_view pattern = "*";
    ListCursor cursor;
    std::uint64_t keys_max = commands::kNoCount;
    std::uint64_t effort_max = commands::kNoCount;
  };

  KeyWalk(const commands::Command& command, const ListingSetup& setup, const Way& way)
      : Listing(command, setup),
        cores_(setup.cores),
        pattern_(way.pattern),
        cursor_(way.cursor),
        keys_left_(way.keys_max),
        effort_left_(way.effort_max),
        skips_(setup.skips) {}

  unsigned core() const override { return cursor_.core; }

  const std::vector<std::string_view>& next_slice() override {
    place_word_ = std::to_string(cursor_.place);
    keys_word_ = std::to_string(keys_left_);
    effort_word_ = std::to_string(effort_left_);
    words_ = {command().name, pattern_, place_word_, keys_word_, effort_word_};
    PHX_CHECK(words_.size() == commands::kSliceWords);
    return words_;
  }

 protected:
  /// False: there is no room for these keys, and the listing is complete without them.
  virtual bool take_keys(std::vector<Value>& keys, bool memory_is_full) = 0;

  /// Where to go on, for the client.
  std::string cursor_word() const {
    return std::to_string(cursor_.core == cores_ ? 0 : cursor_.to_wire(cores_));
  }

 private:
  void take(Value& slice, bool memory_is_full) override {
    PHX_CHECK(slice.items.size() == 3);
    const auto place = static_cast<std::uint64_t>(slice.items[0].integer);
    const auto effort = static_cast<std::uint64_t>(slice.items[1].integer);
    auto& keys = slice.items[2].items;
    keys_left_ -= std::min<std::uint64_t>(keys_left_, keys.size());
    effort_left_ -= std::min(effort_left_, effort);
    if (!take_keys(keys, memory_is_full)) return;
    cursor_.place = place;
    if (skips_) cursor_.place = 0;
    if (place == 0 || skips_) ++cursor_.core;
    if (cursor_.core == cores_ || keys_left_ == 0 || effort_left_ == 0) complete();
  }

  unsigned cores_;
  std::string pattern_;
  ListCursor cursor_;
  std::uint64_t keys_left_;
  std::uint64_t effort_left_;
  bool skips_;
  std::string place_word_;
  std::string keys_word_;
  std::string effort_word_;
  std::vector<std::string_view> words_;
};

/// Keys leave as they come; at the end there is the cursor.
class StreamedKeys final : public KeyWalk {
 public:
  using KeyWalk::KeyWalk;

  bool has_part() const override { return !part_.empty(); }
  void write_part(ReplySink& reply) override {
    reply.begin_list(static_cast<std::uint32_t>(part_.size()));
    for (const auto& key : part_) reply.bytes(key.bytes);
    reply.end();
    part_.clear();
    silent_since_ns_ = 0;
  }
  bool has_sign_of_life(std::uint64_t now_ns) override {
    if (silent_since_ns_ == 0) silent_since_ns_ = now_ns;
    return now_ns - silent_since_ns_ >= kListSilenceNs;
  }

 private:
  bool take_keys(std::vector<Value>& keys, bool) override {
    part_ = std::move(keys);
    return true;
  }
  void write_result(ReplySink& reply) override { reply.bytes(cursor_word()); }

  std::vector<Value> part_;            // Views into the frame of a slice.
  std::uint64_t silent_since_ns_ = 0;  // 0: since the next look.
};

/// Keys until they are written, in a block that counts by itself: a size, the bytes, a size ...
class KeyHeap final {
 public:
  explicit KeyHeap(const engine::LargeMeterRef& meter) : block_(meter) {}

  /// False: the system has no memory.
  bool add(std::string_view key) {
    char size[sizeof(std::uint32_t)];
    protocol::store_le(size, static_cast<std::uint32_t>(key.size()));
    ++keys_;
    return block_.append({size, sizeof size}) && block_.append(key);
  }
  std::uint32_t keys() const { return keys_; }
  std::size_t bytes() const { return block_.size_bytes(); }

  void write(ReplySink& reply) const {
    reply.begin_list(keys_);
    for (std::string_view rest = block_.view(); !rest.empty();) {
      const auto size = protocol::load_le<std::uint32_t>(rest.data());
      rest.remove_prefix(sizeof size);
      reply.bytes(rest.substr(0, size));
      rest.remove_prefix(size);
    }
    reply.end();
  }

 private:
  engine::LargeValue block_;
  std::uint32_t keys_ = 0;
};

/// One reply with all keys. What does not fit into it is left for the cursor where the reply has
/// one, and is an error else.
class CollectedKeys final : public KeyWalk {
 public:
  CollectedKeys(const commands::Command& command, const ListingSetup& setup, const Way& way)
      : KeyWalk(command, setup, way),
        keys_(setup.meter),
        has_cursor_(command.listing != commands::ListingKind::keys) {}

  void cut_short() override {
    if (has_cursor_) return complete();
    fail_with(Status::error,
              "the pattern takes over 32 ms, which is all that KEYS has in a transaction: use a "
              "simpler one, or KEYS outside of it");
  }

 private:
  // Beside a key's bytes, in any protocol; together with them it bounds the number of keys, too.
  static constexpr std::size_t kBytesPerKey = 16;
  static_assert(kReplyBytesMax / kBytesPerKey <= protocol::kReplyItemsMax);

  bool take_keys(std::vector<Value>& keys, bool memory_is_full) override {
    std::size_t bytes = keys_.bytes() + (keys_.keys() + keys.size()) * kBytesPerKey;
    for (const auto& key : keys) bytes += key.bytes.size();
    const std::size_t bytes_max = memory_is_full ? kReplyBytesWhenFullMax : kReplyBytesMax;
    // The first keys are always taken: else a walk would not go on at all.
    if (keys_.keys() > 0 && bytes > bytes_max) {
      end_early(memory_is_full);
      return false;
    }
    for (const auto& key : keys) {
      if (keys_.add(key.bytes)) continue;
      fail_with(Status::out_of_memory, "the system has no memory for the reply");
      return false;
    }
    return true;
  }

  void end_early(bool memory_is_full) {
    if (has_cursor_) return complete();
    if (!memory_is_full) {
      return fail_with(Status::too_large, "reply over 16 MiB: walk over the keys with SCAN");
    }
    fail_with(Status::out_of_memory,
              "command not allowed when used memory > 'maxmemory': the reply is over 1 MiB: walk "
              "over the keys with SCAN");
  }

  void write_result(ReplySink& reply) override {
    if (!has_cursor_) return keys_.write(reply);
    reply.begin_list(2);
    reply.bytes(cursor_word());
    keys_.write(reply);
    reply.end();
  }

  KeyHeap keys_;
  bool has_cursor_;
};

/// One key of one core, the core drawn by how many keys each has. Where none is found the others
/// are asked in turn: keys may have come and gone since they were counted.
class RandomKey final : public Listing {
 public:
  RandomKey(const commands::Command& command, const ListingSetup& setup)
      : Listing(command, setup), cores_(setup.cores), chance_(setup.chance) {
    const auto& keys = setup.keys_of_cores;
    const std::uint64_t all = std::accumulate(keys.begin(), keys.end(), std::uint64_t{0});
    std::uint64_t drawn = all == 0 ? 0 : chance_ % all;
    while (core_ + 1 < keys.size() && drawn >= keys[core_]) drawn -= keys[core_++];
  }

  unsigned core() const override { return core_; }

  const std::vector<std::string_view>& next_slice() override {
    chance_word_ = std::to_string(SeededRandom(chance_ + tries_).next());
    words_ = {command().name, chance_word_};
    PHX_CHECK(words_.size() == commands::kRandomKeyWords);
    return words_;
  }

 private:
  static constexpr unsigned kRounds = 2;

  void take(Value& slice, bool) override {
    found_ = slice.kind == protocol::Kind::bytes;
    if (found_) key_ = slice.bytes;
    ++tries_;
    core_ = (core_ + 1) % cores_;
    if (found_ || tries_ == kRounds * cores_) complete();
  }
  void write_result(ReplySink& reply) override {
    if (found_) return reply.bytes(key_);
    reply.nil();
  }

  unsigned cores_;
  std::uint64_t chance_;
  unsigned core_ = 0;
  unsigned tries_ = 0;
  bool found_ = false;
  std::string key_;
  std::string chance_word_;
  std::vector<std::string_view> words_;
};

using Begun = Result<std::unique_ptr<Listing>>;

template <typename Walk>
Begun walk(const commands::Command& command, const ListingSetup& setup, const KeyWalk::Way& way) {
  return std::make_unique<Walk>(command, setup, way);
}

Begun begin_list(const commands::Command& command, commands::Args args, const ListingSetup& setup) {
  const auto request = commands::parse_list(args);
  if (!request) return tl::unexpected<Error>(request.error());
  const auto cursor = ListCursor::from_wire(request->cursor, setup.cores);
  if (!cursor) {
    return fail(
        ErrorCode::invalid,
        "invalid cursor: a number that LIST of this server answered, with the same --cores");
  }
  const KeyWalk::Way way{request->pattern, *cursor, request->limit, commands::kNoCount};
  // Only the native protocol has replies of several frames.
  const bool is_one_value = setup.is_item || is_resp(setup.head.wire);
  return is_one_value ? walk<CollectedKeys>(command, setup, way)
                      : walk<StreamedKeys>(command, setup, way);
}

constexpr std::string_view kNothing = "[]";  // The pattern that no key matches.

Begun begin_scan(const commands::Command& command, commands::Args args, const ListingSetup& setup) {
  const auto request = commands::parse_scan(args);
  if (!request) return tl::unexpected<Error>(request.error());
  const auto cursor = ListCursor::from_wire(request->cursor, setup.cores);
  if (!cursor) return fail(ErrorCode::invalid, "invalid cursor");
  const std::uint64_t effort = request->count < commands::kNoCount / commands::kEffortPerEntry
                                   ? request->count * commands::kEffortPerEntry
                                   : commands::kNoCount;
  const std::string_view pattern = request->is_of_other_type ? kNothing : request->pattern;
  return walk<CollectedKeys>(command, setup, {pattern, *cursor, commands::kNoCount, effort});
}

Begun begin_keys(const commands::Command& command, commands::Args args, const ListingSetup& setup) {
  const auto pattern = commands::parse_keys(args);
  if (!pattern) return tl::unexpected<Error>(pattern.error());
  return walk<CollectedKeys>(command, setup, {.pattern = *pattern, .cursor = {}});
}

}  // namespace

std::uint64_t ListCursor::to_wire(unsigned cores) const {
  PHX_CHECK((place >> kPlaceBits << kPlaceBits) == place);
  return place >> kPlaceBits << kCoreBits | std::uint64_t{cores - 1} << kCoresShift | core;
}

std::optional<ListCursor> ListCursor::from_wire(std::uint64_t cursor, unsigned cores) {
  if (cursor == 0) return ListCursor{};
  const unsigned core = cursor & kCoreMask;
  const unsigned told_cores = ((cursor >> kCoresShift) & kCoreMask) + 1;
  const bool is_too_large = cursor >> (kPlaceBits + kCoreBits) != 0;
  if (is_too_large || told_cores != cores || core >= cores) return std::nullopt;
  return ListCursor{cursor >> kCoreBits << kPlaceBits, core};
}

Begun Listing::begin(const commands::Command& command, commands::Args args,
                     const ListingSetup& setup) {
  switch (command.listing) {
    case commands::ListingKind::list:
      // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): it loses sight of tl::expected's.
      return begin_list(command, args, setup);
    case commands::ListingKind::keys:
      return begin_keys(command, args, setup);
    case commands::ListingKind::scan:
      return begin_scan(command, args, setup);
    case commands::ListingKind::clients:
      return ClientListing::begin(command, args, setup);
    case commands::ListingKind::random_key:
    case commands::ListingKind::none:
      break;
  }
  PHX_CHECK(command.listing == commands::ListingKind::random_key);
  return std::make_unique<RandomKey>(command, setup);
}

void Listing::take_slice(std::string_view frame, bool memory_is_full) {
  is_waiting = false;
  protocol::ReplyHeader header;
  Value slice;
  PHX_CHECK(protocol::decode_reply_header(frame.data(), header).text.empty());
  const auto error =
      protocol::decode_reply_value(header, frame.substr(protocol::kHeaderBytes), slice);
  PHX_CHECK(error.text.empty());
  if (protocol::is_error(header.status)) return fail_with(header.status, slice.bytes);
  take(slice, memory_is_full);
}

void Listing::fail_with(Status status, std::string_view text) {
  status_ = status;
  error_ = text;
  complete();
}

void Listing::write_end(ReplySink& reply) {
  PHX_CHECK(is_complete_);
  if (status_ != Status::ok) return reply.error(status_, error_);
  write_result(reply);
}

}  // namespace phoenix::server
