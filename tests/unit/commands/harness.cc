#include "tests/unit/commands/harness.h"

#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace phoenix::commands::test {

namespace {

constexpr std::uint64_t kRecordBytes = 27;  // Beside its key and value, at most.

}  // namespace

engine::LogPosition EffectCounter::emit(const engine::Effect& effect) {
  bytes += effect.key.size() + effect.value.bytes.size() + kRecordBytes;
  last_kind = effect.kind;
  last_expires_at_ms = effect.expires_at_ms;
  return {++count};
}

std::string quoted(std::string_view bytes) {
  std::string text = "\"";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = byte >= 0x20 && byte < 0x7F && c != '"' && c != '\\';
    text += is_plain ? std::string(1, c) : fmt::format("\\x{:02x}", byte);
  }
  return text + "\"";
}

std::string TextSink::take() {
  REQUIRE_MESSAGE(is_complete_, "the handler did not answer");
  REQUIRE_MESSAGE(open_.empty(), "the handler did not end a list");
  is_complete_ = false;
  return std::exchange(text_, {});
}

void TextSink::before_value() {
  REQUIRE_MESSAGE(!is_complete_, "the handler answered twice");
  if (open_.empty()) {
    status_ = protocol::Status::ok;
    large_.reset();
    return;
  }
  Open& list = open_.back();
  REQUIRE_MESSAGE(list.values_left > 0, "more items than were announced");
  if (list.values_done > 0) text_ += list.is_map && list.values_done % 2 == 1 ? ": " : ", ";
  --list.values_left;
  ++list.values_done;
}

void TextSink::value(const std::string& rendered) {
  before_value();
  text_ += rendered;
  is_complete_ = open_.empty();
}

void TextSink::open(std::uint32_t values, bool is_map) {
  before_value();
  text_ += is_map ? "{" : "[";
  open_.push_back({is_map, values, 0});
}

void TextSink::end() {
  REQUIRE_FALSE(open_.empty());
  REQUIRE_MESSAGE(open_.back().values_left == 0, "fewer items than were announced");
  text_ += open_.back().is_map ? "}" : "]";
  open_.pop_back();
  is_complete_ = open_.empty();
}

void TextSink::ok() {
  value("OK");
}
void TextSink::nil() {
  value("(nil)");
}
void TextSink::integer(std::int64_t number) {
  value(fmt::format("(integer) {}", number));
}
void TextSink::bytes(std::string_view bytes) {
  value(quoted(bytes));
}
void TextSink::text(std::string_view line) {
  value(std::string(line));
}
void TextSink::begin_list(std::uint32_t items) {
  open(items, false);
}
void TextSink::begin_map(std::uint32_t pairs) {
  open(2 * pairs, true);
}

void TextSink::large(const engine::LargeValueRef& block) {
  bytes(block->view());
  if (open_.empty()) large_ = block;
}

void TextSink::error(protocol::Status status, std::string_view text) {
  REQUIRE(protocol::is_error(status));
  value(fmt::format("(error) {} {}", protocol::error_prefix(status), text));
  if (open_.empty()) status_ = status;
}

FakeSession::AuthResult FakeSession::authenticate(std::string_view given) {
  if (password.empty()) return AuthResult::no_password_set;
  if (given != password) return AuthResult::refused;
  has_authenticated = true;
  return AuthResult::accepted;
}

FakeSession::Subscribed FakeSession::subscribe(ChannelKind kind, std::string_view name) {
  auto& names = names_[static_cast<std::size_t>(kind)];
  if (names.size() == subscriptions_max) return Subscribed::too_many;
  names.emplace(name);
  return Subscribed::done;
}

void FakeSession::unsubscribe(ChannelKind kind, std::string_view name) {
  names_[static_cast<std::size_t>(kind)].erase(std::string(name));
}

void FakeSession::hello(ReplySink& reply) {
  reply.begin_map(1);
  reply.bytes("server");
  reply.bytes("phoenix");
  reply.end();
}

void FakeFacts::info(Args sections, std::string& page) {
  page = "# Server\r\nversion:1\r\n";
  for (const auto section : sections) page += fmt::format("# {}\r\n", section);
}

Harness::Harness(std::uint64_t seed) : random(seed), keyspace(HashKey::draw(random), effects) {
  control.channels = &channels;
  control.clients = &clients;
  settings.set_fact("databases", "1");
  control.settings = &settings;
  control.facts = &facts;
  control.long_jobs = &long_jobs;
  control.slow_log = &slow_log;
  control.latency = &latency;
}
void EventRecorder::happened(char kind, std::string_view event, std::string_view key) {
  seen += fmt::format("{}:{} {}; ", kind, event, key);
}

const Command* Harness::find(const std::vector<std::string_view>& words) const {
  const Command* const command = table.find(words[0]);
  const bool has_more = command != nullptr && words.size() > 1;
  if (!has_more || !has(command->flags, Flags::container)) return command;
  return table.find_subcommand(*command, words[1]);
}

std::string Harness::run(const std::vector<std::string_view>& words, const Extras& extras) {
  REQUIRE_FALSE(words.empty());
  const Command* const command = find(words);
  if (command == nullptr) return "unknown command";
  if (!arity_fits(*command, words.size())) return "wrong arity";
  Request request;
  request.args = words;
  request.flags = extras.flags;
  request.ttl_ms = extras.ttl_ms;
  request.large = extras.large;
  if (command->keys.first > 0) {
    const auto first = static_cast<std::size_t>(command->keys.first);
    request.first_key_hash = keyspace.hash_of(words[first]);
  }
  const std::uint64_t bytes_max = effects.bytes + reserved_bytes(*command, request);
  Context context{keyspace, now_ms, reply, table, &session};
  context.core = &control;
  context.events = events;
  if (command->long_job != nullptr) {
    for (; !long_jobs.advance(command->long_job(context, request)); ++waits) {
      long_jobs.begin_turn();
      if (waits % 1000 == 999) long_jobs.tick();  // As time does.
    }
  }
  command->run(context, request);
  long_jobs.begin_turn();
  REQUIRE_MESSAGE(effects.bytes <= bytes_max, "more than was reserved in the log");
  return reply.take();
}

std::uint64_t Harness::reserved_bytes(const Command& command, const Request& request) {
  if (!has(command.flags, Flags::write)) return 0;
  constexpr std::uint64_t kGrowthPerKey = 64;
  std::uint64_t bytes = 0;
  for (const auto word : request.args) bytes += word.size();
  const auto words = static_cast<std::int64_t>(request.args.size());
  const std::int64_t end = command.keys.last < 0 ? words + command.keys.last : command.keys.last;
  for (std::int64_t i = command.keys.first; i == command.keys.first || i <= end;
       i += std::max<std::int64_t>(command.keys.step, 1)) {
    bytes += kGrowthPerKey + kRecordBytes;
  }
  if (command.extra_bytes == nullptr) return bytes;
  const Context context{keyspace, now_ms, reply, table, nullptr};
  return bytes + command.extra_bytes(context, request);
}

std::string Harness::operator()(std::string_view line) {
  return run(words_of(line));
}

engine::ExpiryMs Harness::expiry_of(std::string_view bytes) {
  engine::EntryView entry;
  REQUIRE(keyspace.find(key(bytes), now_ms, entry));
  return entry.expires_at_ms;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const auto end = line.find(' ');
    words.push_back(line.substr(0, end));
    if (end == std::string_view::npos) return words;
    line.remove_prefix(end + 1);
  }
}

std::vector<ExampleStep> steps_of(std::string_view example) {
  constexpr std::string_view kBetween = "; ";
  constexpr std::string_view kArrow = " => ";
  std::vector<ExampleStep> steps;
  while (!example.empty()) {
    const auto end = example.find(kBetween);
    const std::string_view step = example.substr(0, end);
    const auto arrow = step.find(kArrow);
    REQUIRE_MESSAGE(arrow != std::string_view::npos, "no ' => ' in: ", step);
    steps.push_back({step.substr(0, arrow), step.substr(arrow + kArrow.size())});
    example = end == std::string_view::npos ? "" : example.substr(end + kBetween.size());
  }
  return steps;
}

bool fits_example(std::string_view reply, std::string_view shown) {
  std::string line;
  for (const char c : reply) line += c == '\n' ? std::string("\\n") : std::string(1, c);
  const auto gap = shown.find("...");
  if (gap == std::string_view::npos) return line == shown;
  const std::string_view head = shown.substr(0, gap);
  const std::string_view tail = shown.substr(gap + 3);
  return line.size() > head.size() + tail.size() && line.starts_with(head) && line.ends_with(tail);
}

}  // namespace phoenix::commands::test
