// A keyspace, a clock and a session without a server: runs a command as a session would and shows
// its reply as text, in the form that the examples of the table use: OK, (nil), (integer) 7,
// "bytes", a text as it is, [a, b], {key: value}, (error) PREFIX text.
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "phoenix/base/random.h"
#include "phoenix/commands/command.h"
#include "phoenix/commands/core_control.h"
#include "phoenix/commands/facts.h"
#include "phoenix/commands/latency.h"
#include "phoenix/commands/settings.h"
#include "phoenix/commands/slow_log.h"
#include "phoenix/commands/table.h"
#include "phoenix/engine/keyspace.h"
#include "tests/unit/commands/fakes.h"

namespace phoenix::commands::test {

/// Counts what the log would get, and keeps the last of it.
class EffectCounter final : public engine::EffectSink {
 public:
  engine::LogPosition emit(const engine::Effect& effect) override;

  std::uint64_t count = 0;
  std::uint64_t bytes = 0;  // Of all records, as the log bounds them.
  engine::Effect::Kind last_kind = engine::Effect::Kind::put;
  engine::ExpiryMs last_expires_at_ms = engine::kNoExpiry;
};

/// Bytes between quotes, with what does not print escaped.
std::string quoted(std::string_view bytes);

/// Renders a reply, and fails the test when the handler breaks the rules of ReplySink.
class TextSink final : public ReplySink {
 public:
  /// The whole reply.
  std::string take();
  /// Of the last reply: what it refers to without a copy, or null.
  const engine::LargeValueRef& large_value() const { return large_; }
  protocol::Status status() const { return status_; }

  void ok() override;
  void nil() override;
  void integer(std::int64_t value) override;
  void bytes(std::string_view value) override;
  void large(const engine::LargeValueRef& value) override;
  void text(std::string_view value) override;
  void error(protocol::Status status, std::string_view text) override;
  void begin_list(std::uint32_t items) override;
  void begin_map(std::uint32_t pairs) override;
  void end() override;

 private:
  struct Open {
    bool is_map = false;
    std::uint32_t values_left = 0;
    std::uint32_t values_done = 0;
  };

  void value(const std::string& rendered);
  void before_value();
  void open(std::uint32_t values, bool is_map);

  std::string text_;
  std::vector<Open> open_;
  bool is_complete_ = false;
  protocol::Status status_ = protocol::Status::ok;
  engine::LargeValueRef large_;
};

/// Answers for the session: what a handler asked of it is seen afterwards.
class FakeSession final : public SessionControl {
 public:
  AuthResult authenticate(std::string_view given) override;
  void close_after_reply() override { closes = true; }
  void cut_off() override { is_cut_off = true; }
  void hello(ReplySink& reply) override;
  bool begin_transaction() override { return !std::exchange(is_in_multi, true); }
  bool discard_transaction() override { return std::exchange(is_in_multi, false); }
  void forget_watches() override {}
  Client& client() override { return fake_client; }
  bool is_authenticated() const override { return password.empty() || has_authenticated; }
  Wire wire() const override { return fake_wire; }
  void set_wire(Wire wire) override { fake_wire = wire; }
  void reset() override { was_reset = true; }
  void describe(std::string& line) override { line += "id=1 addr=here\n"; }
  void monitor() override { fake_client.is_monitor = true; }
  void apply_settings() override { ++settings_applied; }
  Subscribed subscribe(ChannelKind kind, std::string_view name) override;
  void unsubscribe(ChannelKind kind, std::string_view name) override;
  std::size_t subscriptions(ChannelKind kind) const override { return names_of(kind).size(); }
  std::string_view first_subscription(ChannelKind kind) const override {
    return *names_of(kind).begin();
  }

  std::string password;  // Empty: none is set.
  bool has_authenticated = false;
  bool closes = false;
  bool is_in_multi = false;
  bool is_cut_off = false;
  bool was_reset = false;
  Client fake_client{.id = 1};
  Wire fake_wire = Wire::native;
  std::size_t subscriptions_max = 8;
  int settings_applied = 0;

 private:
  using Names = std::set<std::string, std::less<>>;
  const Names& names_of(ChannelKind kind) const { return names_[static_cast<std::size_t>(kind)]; }

  std::array<Names, kChannelKinds> names_;
};

/// A server that knows little of itself.
class FakeFacts final : public Facts {
 public:
  void info(Args sections, std::string& page) override;
  MemoryFacts memory() override { return {.used = 3000, .peak = 4000, .buffers = 1000, .keys = 2}; }
  CommandTimes times_of(const Command& row) override {
    return row.name == timed ? times : CommandTimes();
  }
  void reset_statistics() override { ++resets; }
  bool allows_debug() const override { return allows; }
  bool is_durable() const override { return durable; }
  void sleep_ns(std::uint64_t ns) override { slept_ns += ns; }
  void stop_server() override { stops = true; }

  int resets = 0;
  std::string_view timed;  // The one row that was called, and
  CommandTimes times;      // how long it took.
  bool allows = true;
  bool durable = true;
  bool stops = false;
  std::uint64_t slept_ns = 0;
};

/// Writes down what handlers tell: "g:del key; ".
class EventRecorder final : public KeyEvents {
 public:
  void happened(char kind, std::string_view event, std::string_view key) override;

  std::string seen;
};

/// What a request may carry beside its words.
struct Extras {
  std::uint16_t flags = 0;
  std::uint64_t ttl_ms = 0;
  const engine::LargeValueRef* large = nullptr;
};

class Harness final {
 public:
  explicit Harness(std::uint64_t seed = 1);

  /// The row that a request is for, as a session finds it; null when there is none.
  const Command* find(const std::vector<std::string_view>& words) const;
  /// The reply as text; an unknown command or a wrong number of words answers as a session does.
  /// Fails the test when the effects are longer than what a shard reserves in the log for them.
  std::string run(const std::vector<std::string_view>& words, const Extras& extras = {});
  /// As run(), of words between single spaces.
  std::string operator()(std::string_view line);

  engine::Key key(std::string_view bytes) const { return {bytes, keyspace.hash_of(bytes)}; }
  /// Of a key that must be there; kNoExpiry when it has none.
  engine::ExpiryMs expiry_of(std::string_view bytes);

  /// Log room for a write, and 0 for what only reads.
  std::uint64_t reserved_bytes(const Command& command, const Request& request);

  static constexpr std::int64_t kStartMs = 1'700'000'000'000;

  SeededRandom random;
  EffectCounter effects;
  engine::Keyspace keyspace;
  Table table;
  TextSink reply;
  FakeSession session;
  FakeChannels channels;
  FakeClients clients;
  Settings settings;
  FakeFacts facts;
  std::atomic<std::int64_t> slow_log_ids{0};
  SlowLog slow_log{slow_log_ids};
  Latency latency;
  LongJobs long_jobs;
  std::size_t waits = 0;  // Turns that requests waited for what is done ahead of them.
  CoreControl control;
  KeyEvents* events = nullptr;
  std::int64_t now_ms = kStartMs;
};

/// The words of a line, between single spaces.
std::vector<std::string_view> words_of(std::string_view line);

/// One step of a row's example.
struct ExampleStep {
  std::string_view request;
  std::string_view reply;
};
std::vector<ExampleStep> steps_of(std::string_view example);

/// Whether a reply is what an example shows: `...` stands for anything, and `\n` for the end of a
/// line.
bool fits_example(std::string_view reply, std::string_view shown);

}  // namespace phoenix::commands::test
