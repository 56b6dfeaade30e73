// Keys, whatever is stored under them.
#include <array>
#include <string>
#include <vector>

#include "phoenix/commands/list.h"
#include "phoenix/commands/pattern.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

using engine::EntryView;
using engine::Key;
using protocol::Status;

Key key_at(const Context& context, const Request& request, std::size_t index) {
  const std::string_view bytes = request.args[index];
  if (index == 1) return Key{bytes, request.first_key_hash};
  return Key{bytes, context.keyspace.hash_of(bytes)};
}

void del(Context& context, const Request& request) {
  std::int64_t removed = 0;
  for (std::size_t i = 1; i < request.args.size(); ++i) {
    removed += context.keyspace.erase(key_at(context, request, i), context.now_ms) ? 1 : 0;
  }
  context.reply.integer(removed);
}

void exists(Context& context, const Request& request) {
  std::int64_t found = 0;
  for (std::size_t i = 1; i < request.args.size(); ++i) {
    EntryView entry;
    found += context.keyspace.find(key_at(context, request, i), context.now_ms, entry) ? 1 : 0;
  }
  context.reply.integer(found);
}

void dbsize(Context& context, const Request&) {
  context.reply.integer(static_cast<std::int64_t>(context.keyspace.size()));
}

// What it takes to visit a line whose entries are not in the cache, in the steps of a pattern.
constexpr std::uint64_t kStepsPerLine = 512;

class KeyCollector final : public engine::EntryVisitor {
 public:
  explicit KeyCollector(std::string_view pattern) : pattern_(pattern) {}
  void visit(const EntryView& entry) override {
    if (!pattern_.matches(entry.key)) return;
    keys.push_back(entry.key);
    bytes_ += entry.key.size();
  }
  bool is_enough() const {
    return bytes_ >= kSliceBytes || pattern_.matching_steps() >= kSliceSteps;
  }
  std::uint64_t steps() const { return pattern_.steps(); }
  std::vector<std::string_view> keys;

 private:
  Pattern pattern_;
  std::size_t bytes_ = 0;
};

// One slice of one shard: [next cursor, [keys]]. The session asks for slice after slice and streams
// them; see ListRequest.
void list(Context& context, const Request& request) {
  const auto parsed = parse_list(request.args);
  if (!parsed) return context.reply.error(Status::error, parsed.error().message);
  KeyCollector collector(parsed->pattern);
  engine::ScanCursor next = parsed->cursor;
  std::size_t lines = 0;
  do {
    next = context.keyspace.scan(next, 1, context.now_ms, collector);
    ++lines;
  } while (next != 0 && lines < kSliceLines && collector.keys.size() < parsed->limit &&
           !collector.is_enough());
  context.steps = lines * kStepsPerLine + collector.steps();
  context.reply.begin_list(2);
  context.reply.integer(static_cast<std::int64_t>(next));
  context.reply.begin_list(static_cast<std::uint32_t>(collector.keys.size()));
  for (const auto key : collector.keys) context.reply.bytes(key);
  context.reply.end();
  context.reply.end();
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "DBSIZE",
     .arity = 1,
     .flags = Flags::readonly | Flags::every_core,
     .gather = Gather::sum,
     .usage = "DBSIZE",
     .summary = "Answers the number of keys, those expired but not yet removed included.",
     .since = "0.1",
     .example = "SET a 1 => OK; DBSIZE => (integer) 1",
     .run = dbsize},
    {.name = "DEL",
     .opcode = protocol::Opcode::del,
     .arity = -2,
     .flags = Flags::write | Flags::frees,
     .keys = kAllKeys,
     .gather = Gather::sum,
     .usage = "DEL key [key ...]",
     .summary = "Removes keys and answers how many there were.",
     .since = "0.1",
     .example = "SET a 1 => OK; DEL a missing => (integer) 1",
     .run = del},
    {.name = "EXISTS",
     .opcode = protocol::Opcode::exists,
     .arity = -2,
     .flags = Flags::readonly,
     .keys = kAllKeys,
     .gather = Gather::sum,
     .usage = "EXISTS key [key ...]",
     .summary = "Answers how many of the keys exist; one that is named twice counts twice.",
     .since = "0.1",
     .example = "SET a 1 => OK; EXISTS a missing => (integer) 1",
     .run = exists},
    {.name = "LIST",
     .arity = -1,
     .flags = Flags::readonly | Flags::scan,
     .usage = "LIST [pattern] [CURSOR cursor] [LIMIT keys]",
     .summary = "Streams the keys that match a glob pattern (at most 1024 bytes), in no order, "
                "then a cursor: 0, or where to go on after LIMIT keys (a few more may come). Keys "
                "that are there all the time come exactly once, others once or not at all.",
     .since = "0.1",
     .example = "MSET user:1 x user:2 y other z => OK; LIST other => [\"other\"] \"0\"",
     .run = list},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

Result<ListRequest> parse_list(Args args) {
  ListRequest request;
  std::size_t at = 1;
  const auto is_option = [&](std::size_t i) {
    return i + 1 < args.size() &&
           (equals_ignoring_case(args[i], "CURSOR") || equals_ignoring_case(args[i], "LIMIT"));
  };
  if (at < args.size() && !(is_option(at) && args.size() % 2 == 1)) request.pattern = args[at++];
  for (; at < args.size(); at += 2) {
    if (!is_option(at)) return fail(ErrorCode::invalid, "syntax error: try HELP LIST");
    const auto number = parse_unsigned(args[at + 1]);
    const bool is_cursor = equals_ignoring_case(args[at], "CURSOR");
    if (!number || (!is_cursor && *number == 0)) {
      return fail(ErrorCode::invalid, is_cursor ? "invalid cursor: a number that LIST answered"
                                                : "invalid limit: a whole number from 1");
    }
    (is_cursor ? request.cursor : request.limit) = *number;
  }
  if (request.pattern.size() > kPatternBytesMax) {
    return fail(ErrorCode::invalid, "pattern over 1024 bytes: use a shorter one with *");
  }
  return request;
}

std::span<const Command> key_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
