// Requests with any words to the commands that have keys: nothing breaks, each answers once and in
// full, no record is longer than what was reserved for it in the log, and who replays the records
// has what is there.
//
// Input: requests. A byte for the command, one for the number of words, and for each word a byte
// that chooses: one of the words below, or so many bytes that follow; some let time pass.
#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "phoenix/base/random.h"
#include "phoenix/commands/core_control.h"
#include "phoenix/commands/long_job.h"
#include "phoenix/commands/table.h"
#include "tests/fuzz/fuzz.h"

using namespace phoenix;
using namespace phoenix::commands;

namespace {

constexpr std::uint64_t kValueBytesMost = std::uint64_t{1} << 20U;
constexpr std::size_t kWordsMost = 8;
constexpr std::uint64_t kRecordBytes = 27;  // Beside its key and value, at most.
constexpr std::int64_t kStartMs = 1'700'000'000'000;

constexpr auto kKeys = std::to_array<std::string_view>({"a", "b", "c", ""});
constexpr auto kWords = std::to_array<std::string_view>({
    "0",
    "1",
    "-1",
    "7",
    "8",
    "63",
    "64",
    "100",
    "40000",
    "65535",
    "4294967295",
    "-4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "1700000000000",
    "1700000001",
    "9999999999999",
    "0.1",
    "-1.5e300",
    "1e4000",
    "inf",
    "nan",
    "NX",
    "XX",
    "GT",
    "LT",
    "GET",
    "SET",
    "EX",
    "PX",
    "EXAT",
    "PXAT",
    "KEEPTTL",
    "PERSIST",
    "REPLACE",
    "ABSTTL",
    "IDLETIME",
    "FREQ",
    "DB",
    "AND",
    "OR",
    "XOR",
    "NOT",
    "BIT",
    "BYTE",
    "OVERFLOW",
    "WRAP",
    "SAT",
    "FAIL",
    "INCRBY",
    "u8",
    "i64",
    "u63",
    "i1",
    "#1",
    "#2",
    "LEN",
    "IDX",
    "MINMATCHLEN",
    "WITHMATCHLEN",
    "COUNT",
    "MATCH",
    "*",
    "a*",
    "",
});

std::uint64_t record_bytes(const engine::Effect& effect) {
  return effect.key.size() + effect.value.bytes.size() + kRecordBytes;
}

/// What a start makes of the records.
class Replica final : public engine::EffectSink {
 public:
  explicit Replica(const HashKey& hash_key) : keyspace(hash_key, nobody_) {}

  engine::LogPosition emit(const engine::Effect& effect) override {
    bytes += record_bytes(effect);
    engine::Effect record = effect;
    const std::string copy(effect.value.bytes);  // Blocks are not shared with a log's reader.
    record.value = engine::NewValue::copy_of(copy);
    const std::string key(effect.key);
    record.key = key;
    keyspace.apply(record, {});
    return {};
  }

  std::uint64_t bytes = 0;

 private:
  class Nobody final : public engine::EffectSink {
    engine::LogPosition emit(const engine::Effect&) override { return {}; }
  };
  Nobody nobody_;

 public:
  engine::Keyspace keyspace;
};

class CountingSink final : public ReplySink {
 public:
  void check_complete() {
    FUZZ_CHECK(left_.empty() && answers_ == 1);
    answers_ = 0;
  }

  void ok() override { value(); }
  void nil() override { value(); }
  void integer(std::int64_t) override { value(); }
  void bytes(std::string_view bytes) override { look_at(bytes); }
  void large(const engine::LargeValueRef& block) override { look_at(block->view()); }
  void text(std::string_view text) override { look_at(text); }
  void error(protocol::Status status, std::string_view text) override {
    FUZZ_CHECK(protocol::is_error(status));
    look_at(text);
  }
  void begin_list(std::uint32_t items) override { open(items); }
  void begin_map(std::uint32_t pairs) override { open(2 * pairs); }
  void end() override {
    FUZZ_CHECK(!left_.empty() && left_.back() == 0);
    left_.pop_back();
  }

 private:
  void value() {
    if (left_.empty()) {
      ++answers_;
    } else {
      FUZZ_CHECK(left_.back()-- > 0);
    }
  }
  void open(std::uint32_t items) {
    value();
    left_.push_back(items);
  }
  /// Every byte: all must be there.
  void look_at(std::string_view bytes) {
    value();
    for (const char c : bytes) seen_ = static_cast<unsigned char>(31U * seen_ + (c & 0xFF));
  }

  std::vector<std::uint32_t> left_;  // Items of each list that is open.
  unsigned answers_ = 0;
  volatile unsigned char seen_ = 0;
};

class Server final {
 public:
  Server() { control_.long_jobs = &long_jobs_; }

  void run(std::string_view input) {
    while (!input.empty()) run_one(input);
    for (const auto key : kKeys) check_same(key);
  }

 private:
  static bool is_subcommand(const Command& row) {
    return row.name.find('|') != std::string_view::npos;
  }
  static const std::vector<const Command*>& rows() {
    static const auto rows = [] {
      std::vector<const Command*> of_keys;
      for (const Command* const row : table().all()) {
        const bool is_plain = !has(row->flags, Flags::session) && !has(row->flags, Flags::watches);
        if (row->keys.first > 0 && is_plain && !is_subcommand(*row)) of_keys.push_back(row);
      }
      return of_keys;
    }();
    return rows;
  }
  static const Table& table() {
    static const Table table;
    return table;
  }

  void run_one(std::string_view& input) {
    const Command& command = *rows()[fuzz::take_byte(input) % rows().size()];
    const std::size_t count = fuzz::take_byte(input) % kWordsMost;
    std::vector<std::string> words{std::string(command.name)};
    for (std::size_t i = 0; i < count; ++i) words.push_back(take_word(input, i));
    const auto arity = static_cast<std::size_t>(std::abs(command.arity));
    const bool fits = command.arity < 0 ? words.size() >= arity : words.size() == arity;
    if (fits) execute(command, {words.begin(), words.end()});
  }

  std::string take_word(std::string_view& input, std::size_t place) {
    const std::size_t choice = fuzz::take_byte(input);
    if (choice >= 250) now_ms_ += 1 + static_cast<std::int64_t>(choice - 250) * 400;
    if (place == 0 || choice >= 240) return std::string(kKeys[choice % kKeys.size()]);
    if (choice < kWords.size()) return std::string(kWords[choice]);
    if (choice < 100) return std::string(40'000 + choice, 'v');  // Too long for an entry.
    const std::string_view bytes = input.substr(0, choice - 100);
    input.remove_prefix(bytes.size());
    return std::string(bytes);
  }

  void execute(const Command& command, const std::vector<std::string_view>& words) {
    Request request;
    request.args = words;
    request.first_key_hash = keyspace_.hash_of(words[static_cast<std::size_t>(command.keys.first)]);
    engine::LargeValueRef block;
    std::vector<std::string_view> adopted;
    if (words.back().size() > engine::kSmallValueBytesMax) {
      block = block_of(words.back());
      adopted = words;
      adopted.back() = block->view();
      request.args = adopted;
      request.large = &block;
    }
    if (command.grows_to != nullptr && command.grows_to(request) > kValueBytesMost) return;
    Context context{keyspace_, now_ms_, reply_, table(), nullptr};
    context.core = &control_;
    while (command.long_job != nullptr && !long_jobs_.advance(command.long_job(context, request))) {
      if (!long_jobs_.begin_turn()) long_jobs_.tick();
    }
    std::uint64_t bytes_max = replica_.bytes + (64 + kRecordBytes) * words.size();
    for (const auto word : words) bytes_max += word.size();
    if (command.extra_bytes != nullptr) bytes_max += command.extra_bytes(context, request);
    if (bytes_max - replica_.bytes > 4 * kValueBytesMost) return;
    command.run(context, request);
    (void)long_jobs_.begin_turn();
    reply_.check_complete();
    FUZZ_CHECK(replica_.bytes <= bytes_max);
  }

  static engine::LargeValueRef block_of(std::string_view bytes) {
    auto block = std::make_shared<engine::LargeValue>();
    FUZZ_CHECK(block->append(bytes));
    return block;
  }

  void check_same(std::string_view bytes) {
    const engine::Key key{bytes, keyspace_.hash_of(bytes)};
    engine::EntryView here;
    engine::EntryView there;
    const bool is_here = keyspace_.find(key, now_ms_, here);
    FUZZ_CHECK(replica_.keyspace.find(key, now_ms_, there) == is_here);
    if (!is_here) return;
    FUZZ_CHECK(here.value == there.value && here.expires_at_ms == there.expires_at_ms);
  }

  SeededRandom random_{1};
  HashKey hash_key_ = HashKey::draw(random_);
  Replica replica_{hash_key_};
  engine::Keyspace keyspace_{hash_key_, replica_};
  LongJobs long_jobs_{1024};
  CoreControl control_;
  CountingSink reply_;
  std::int64_t now_ms_ = kStartMs;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Server().run(fuzz::text_of(data, size));
  return 0;
}
