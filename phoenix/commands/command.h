// The row that says everything about a command: the router, HELP, the docs and the tests read it.
// Adding a command touches one file: its handler and, right beneath, its row.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "phoenix/commands/channels.h"
#include "phoenix/commands/client.h"
#include "phoenix/commands/long_job.h"
#include "phoenix/commands/reply_sink.h"
#include "phoenix/engine/keyspace.h"
#include "protocol/binary.h"

namespace phoenix::commands {

using Args = std::span<const std::string_view>;

enum class Flags : std::uint32_t {
  none = 0,
  readonly = 1U << 0,
  write = 1U << 1,
  denied_when_full = 1U << 2,  // May take memory: refused when the memory budget is full.
  frees = 1U << 3,             // Only ever frees: may use the disk reserve that deletes have.
  every_core = 1U << 4,        // No keys; runs on all shards, answers gathered.
  before_auth = 1U << 5,       // Allowed before AUTH.
  scan = 1U << 6,              // Streams from shard to shard; the session drives it in slices.
  container = 1U << 7,         // Only its subcommands do something: rows named "CLIENT|LIST".
  session = 1U << 8,           // Changes or reads the session's own state: runs on its core.
  at_once = 1U << 9,           // Within MULTI it is executed, not queued (EXEC, DISCARD, QUIT ...).
  not_in_multi = 1U << 10,     // Within MULTI it is refused.
  when_subscribed = 1U << 11,  // Allowed to a RESP2 session that has subscribed.
  watches = 1U << 12,          // WATCH: the session remembers the versions of the keys.
  executes = 1U << 13,         // EXEC: runs what the session has queued.
  durable = 1U << 14,          // Its reply waits for all that was emitted, in every mode.
  paused_as_write = 1U << 15,  // Held by CLIENT PAUSE WRITE though it changes no key (PUBLISH).
  has_long_job = 1U << 19,     // See Command::long_job.
  // The rest changes nothing here; COMMAND tells clients of it.
  fast = 1U << 16,    // Constant or logarithmic time.
  admin = 1U << 17,   // For operators.
  pubsub = 1U << 18,  // Of channels.
};
constexpr Flags operator|(Flags a, Flags b) {
  return static_cast<Flags>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
constexpr bool has(Flags set, Flags flag) {
  return (static_cast<std::uint32_t>(set) & static_cast<std::uint32_t>(flag)) != 0;
}

/// Positions of the keys in argv, counted as Redis counts: argv[0] is the name, last -1 is the end.
struct KeyPositions {
  std::int8_t first = 0;
  std::int8_t last = 0;
  std::int8_t step = 0;
};
inline constexpr KeyPositions kNoKeys{0, 0, 0};
inline constexpr KeyPositions kOneKey{1, 1, 1};
inline constexpr KeyPositions kAllKeys{1, -1, 1};
inline constexpr KeyPositions kKeyValuePairs{1, -1, 2};

/// How the answers of several shards become one.
enum class Gather : std::uint8_t {
  one,           // Keys on one core only.
  sum,           // Integers are added.
  in_key_order,  // Lists with an item per key are put together in the order of the keys.
  all_ok,        // OK when all are.
  same_core,     // Keys on one core only, though there are several; else CROSSSLOT.
  by_row,        // The row's own function: see Command::merge.
};

/// What a row with Flags::scan makes of the slices that its handler answers (server/listing.h).
enum class ListingKind : std::uint8_t { none, list, keys, scan, random_key, clients };

/// What a session or the server does for a handler beyond the keyspace.
class SessionControl {
 public:
  SessionControl() = default;
  SessionControl(const SessionControl&) = delete;
  SessionControl& operator=(const SessionControl&) = delete;
  virtual ~SessionControl() = default;

  enum class AuthResult : std::uint8_t { accepted, refused, no_password_set };
  virtual AuthResult authenticate(std::string_view password) = 0;
  virtual void close_after_reply() = 0;
  /// The connection ends at once; what it was not sent yet is not sent any more.
  virtual void cut_off() = 0;
  virtual void hello(ReplySink& reply) = 0;  // The map that HELLO answers natively.

  /// MULTI: false when it has begun already. What follows is queued until EXEC.
  virtual bool begin_transaction() = 0;
  /// DISCARD: false when none has begun. Forgets what is watched, too.
  virtual bool discard_transaction() = 0;
  /// UNWATCH.
  virtual void forget_watches() = 0;

  virtual Client& client() = 0;
  virtual bool is_authenticated() const = 0;
  virtual Wire wire() const = 0;
  /// Its replies from this one on. Only of a session that speaks RESP, and to another of RESP.
  virtual void set_wire(Wire wire) = 0;
  /// As a new connection: no transaction, subscriptions, monitoring or name, RESP2, and without
  /// authentication where a password is set.
  virtual void reset() = 0;
  /// Appends its line of CLIENT LIST.
  virtual void describe(std::string& line) = 0;
  /// Sends every request that any session runs from now on.
  virtual void monitor() = 0;
  /// What was changed in the settings holds from the next request of this core on. Without this,
  /// and on the other cores, from their next turn on.
  virtual void apply_settings() = 0;

  enum class Subscribed : std::uint8_t { done, too_many, out_of_memory };
  /// Nothing changes when it has been subscribed to already.
  virtual Subscribed subscribe(ChannelKind kind, std::string_view name) = 0;
  virtual void unsubscribe(ChannelKind kind, std::string_view name) = 0;
  virtual std::size_t subscriptions(ChannelKind kind) const = 0;
  /// One of them, the first; lives until it is unsubscribed. There must be one.
  virtual std::string_view first_subscription(ChannelKind kind) const = 0;
};

class Table;
class CoreControl;

/// Whoever tells subscribers of what happens to keys. Null in a context while nobody wants to know.
class KeyEvents {
 public:
  KeyEvents() = default;
  KeyEvents(const KeyEvents&) = delete;
  KeyEvents& operator=(const KeyEvents&) = delete;
  virtual ~KeyEvents() = default;

  /// `kind` is Redis's letter for the class of the event: 'g' generic, '$' string, 'x' expired ...
  /// The event left once what it tells of is durable.
  virtual void happened(char kind, std::string_view event, std::string_view key) = 0;
};

struct Context {
  engine::Keyspace& keyspace;
  std::int64_t now_ms;
  ReplySink& reply;
  const Table& table;
  SessionControl* session;  // Null on the owner's side of a hop: keyed commands do not need it.
  std::uint64_t steps = 0;  // What it took beyond words and bytes; about a nanosecond each.
  KeyEvents* events = nullptr;
  CoreControl* core = nullptr;  // Of the core that runs this; null in tests of plain commands.

  void notify(char kind, std::string_view event, std::string_view key) const {
    if (events != nullptr) [[unlikely]]
      events->happened(kind, event, key);
  }
};

/// One request. Views live until the handler returns.
struct Request {
  Args args;                // args[0] is the command's name.
  std::uint16_t flags = 0;  // protocol::RequestFlags of a request in short form.
  std::uint64_t ttl_ms = 0;
  std::uint64_t first_key_hash = 0;
  const engine::LargeValueRef* large = nullptr;  // Set: the last argument views this block.

  /// The value at `index` for storing: adopts the block where the argument views one.
  engine::NewValue value_at(std::size_t index) const;
};

using Handler = void (*)(Context&, const Request&);

struct Command {
  std::string_view name;                             // Upper case.
  protocol::Opcode opcode = protocol::Opcode::argv;  // argv: no short form.
  std::int8_t arity = 0;  // Redis's convention: N exactly N words, -N at least N.
  Flags flags = Flags::none;
  KeyPositions keys = kNoKeys;
  Gather gather = Gather::one;
  std::string_view usage;
  std::string_view summary;
  std::string_view since;
  // "request => reply[; request => reply]": run by a test, printed. In a reply "..." stands for
  // anything, "\n" for the end of a line.
  std::string_view example;
  Handler run = nullptr;
  // Tells those requests of a row denied_when_full that free memory all the same.
  bool (*only_frees)(const Request&) = nullptr;
  // Bytes of keys and values that its effects may have beyond the words of the request (a COPY
  // writes a whole value). Null: none. An upper bound; nothing may change between it and `run`.
  std::uint64_t (*extra_bytes)(const Context&, const Request&) = nullptr;
  // For those that change a value in place (Keyspace::patch): how long it becomes where there was
  // none. With others, no value becomes longer than what was there and the words together.
  std::uint64_t (*grows_to)(const Request&) = nullptr;
  // What is done ahead of it when the values are large. A write that has one has extra_bytes, too.
  LongJob (*long_job)(const Context&, const Request&) = nullptr;
  // For Gather::by_row: joins what the cores answered, in the order of the cores.
  void (*merge)(std::span<const protocol::Value> parts, ReplySink& reply) = nullptr;
  // Of a durable row with Gather::by_row: for how many milliseconds the answer may wait for the
  // disk (negative: for ever), and what is answered then. Null: it waits.
  std::int64_t (*patience_ms)(const Request&) = nullptr;
  void (*answer_late)(ReplySink& reply) = nullptr;
  ListingKind listing = ListingKind::none;  // Of Flags::scan.
  std::uint16_t index = 0;                  // Its number in the table, which sets it.
};

/// Whether a usage begins with the row's name; that of "CLIENT|KILL" with "CLIENT KILL".
constexpr bool begins_with_name(std::string_view usage, std::string_view name) {
  if (usage.size() < name.size()) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (usage[i] != (name[i] == '|' ? ' ' : name[i])) return false;
  }
  return usage.size() == name.size() || usage[name.size()] == ' ';
}

/// Whether the row says what help, COMMAND DOCS and the tests of examples need.
constexpr bool is_documented(const Command& c) {
  return !c.name.empty() && !c.summary.empty() && !c.since.empty() && !c.example.empty() &&
         begins_with_name(c.usage, c.name);
}

/// Whether the row's key positions, if it has any, agree with its arity and with how it is split.
constexpr bool has_sound_keys(const Command& c) {
  if (c.keys.first <= 0) return c.keys.last == 0 && c.keys.step == 0;
  const int words = c.arity < 0 ? -c.arity : c.arity;
  if (words <= c.keys.first || c.keys.step < 1) return false;
  if (c.keys.last != c.keys.first && c.gather == Gather::one) return false;
  const bool is_split = c.gather != Gather::one && c.gather != Gather::same_core;
  return !is_split || c.keys.first == 1;
}

/// Whether the row's fields agree with each other.
constexpr bool is_sound(const Command& c) {
  const bool reads = has(c.flags, Flags::readonly) || has(c.flags, Flags::watches);
  const bool writes = has(c.flags, Flags::write);
  const bool keyed = c.keys.first > 0;
  if (c.arity == 0 || c.run == nullptr || !is_documented(c) || !has_sound_keys(c)) return false;
  if (reads && writes) return false;
  if (keyed && !reads && !writes) return false;
  if ((c.gather == Gather::by_row) != (c.merge != nullptr)) return false;
  if ((c.patience_ms != nullptr) != (c.answer_late != nullptr)) return false;
  if (c.patience_ms != nullptr && c.gather != Gather::by_row) return false;
  if (has(c.flags, Flags::scan) != (c.listing != ListingKind::none)) return false;
  if (has(c.flags, Flags::has_long_job) != (c.long_job != nullptr)) return false;
  if (c.long_job != nullptr && writes && c.extra_bytes == nullptr) return false;
  if (has(c.flags, Flags::denied_when_full) && !writes) return false;
  return true;
}

template <std::size_t kCount>
constexpr bool all_sound(const std::array<Command, kCount>& commands) {
  for (const auto& command : commands) {
    if (!is_sound(command)) return false;
  }
  return true;
}

/// Whether the row is a subcommand's: "CLIENT|LIST".
constexpr bool is_subcommand(const Command& command) {
  return command.name.find('|') != std::string_view::npos;
}

/// Whether a request of it may be run key by key: every word but the first is a key or its value,
/// and the answers are joined. DEL, UNLINK, EXISTS, TOUCH, MGET and MSET.
constexpr bool can_be_cut(const Command& command) {
  const bool is_joined = command.gather == Gather::sum || command.gather == Gather::in_key_order ||
                         command.gather == Gather::all_ok;
  return is_joined && command.keys.first == 1 && command.keys.last == -1 &&
         command.extra_bytes == nullptr;
}

/// Whether argv has as many words as the row wants.
constexpr bool arity_fits(const Command& command, std::size_t words) {
  return command.arity > 0 ? words == static_cast<std::size_t>(command.arity)
                           : words >= static_cast<std::size_t>(-command.arity);
}

/// Positions in argv of the keys of a request, as the row tells: first, first + step, ... below
/// end.
struct KeyRange {
  std::size_t first = 0;
  std::size_t end = 0;
  std::size_t step = 1;
  // Every request asks these; nearly all have a step of one, and need no division.
  std::size_t count() const {
    if (end <= first) return 0;
    return step == 1 ? end - first : (end - first + step - 1) / step;
  }
  /// Whether `words` from the first key on are whole groups (a key and its value).
  bool has_whole_groups(std::size_t words) const {
    return step == 1 || end <= first || (words - first) % step == 0;
  }
};

constexpr KeyRange key_range(const Command& command, std::size_t words) {
  if (command.keys.first <= 0) return {};
  const auto first = static_cast<std::size_t>(command.keys.first);
  const std::size_t end = command.keys.last < 0
                              ? words + 1 - static_cast<std::size_t>(-command.keys.last)
                              : static_cast<std::size_t>(command.keys.last) + 1;
  return {first, end < words ? end : words, static_cast<std::size_t>(command.keys.step)};
}

}  // namespace phoenix::commands
