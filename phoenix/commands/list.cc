// All keys, those that match a pattern, or any: LIST, SCAN, KEYS, RANDOMKEY.
#include "phoenix/commands/list.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "phoenix/commands/pattern.h"
#include "phoenix/commands/refusals.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

using engine::EntryView;
using protocol::Status;

// What it takes to visit a line that is not in the cache, and whose entries are not, in the steps
// of a pattern.
constexpr std::uint64_t kStepsPerLine = 512;
constexpr std::uint64_t kStepsPerEmptyLine = 100;

class KeyCollector final : public engine::EntryVisitor {
 public:
  explicit KeyCollector(std::string_view pattern) : pattern_(pattern) {}
  void visit(const EntryView& entry) override {
    ++visited_;
    if (!pattern_.matches(entry.key)) return;
    keys.push_back(entry.key);
    bytes_ += entry.key.size();
  }
  std::size_t visited() const { return visited_; }
  bool is_enough() const {
    return bytes_ >= kSliceBytes || pattern_.matching_steps() >= kSliceSteps;
  }
  std::uint64_t steps() const { return pattern_.steps(); }
  std::vector<std::string_view> keys;

 private:
  Pattern pattern_;
  std::size_t bytes_ = 0;
  std::size_t visited_ = 0;
};

// Words of a slice are our own, but who asks for one otherwise gets an error, not a crash.
constexpr std::string_view kOnlySlices = "this command goes on from core to core: not in here";

struct SliceRequest {
  std::string_view pattern;
  std::uint64_t cursor = 0;
  std::uint64_t keys_max = 0;
  std::uint64_t effort_max = 0;
};

std::optional<SliceRequest> parse_slice(Args args) {
  if (args.size() != kSliceWords) return std::nullopt;
  const auto cursor = parse_unsigned(args[2]);
  const auto keys_max = parse_unsigned(args[3]);
  const auto effort_max = parse_unsigned(args[4]);
  if (!cursor || !keys_max || !effort_max) return std::nullopt;
  return SliceRequest{args[1], *cursor, *keys_max, *effort_max};
}

void list_slice(Context& context, const Request& request) {
  const auto slice = parse_slice(request.args);
  if (!slice) return context.reply.error(Status::error, kOnlySlices);
  KeyCollector collector(slice->pattern);
  engine::ScanCursor next = slice->cursor;
  std::size_t lines = 0;
  std::size_t empty_lines = 0;
  std::uint64_t effort = 0;
  do {
    const std::size_t before = collector.visited();
    next = context.keyspace.scan(next, 1, context.now_ms, collector);
    const std::size_t entries = collector.visited() - before;
    ++(entries > 0 ? lines : empty_lines);
    effort += entries > 0 ? entries * kEffortPerEntry : kEffortPerEmptyLine;
  } while (next != 0 && lines < kSliceLines && empty_lines < kSliceEmptyLines &&
           collector.keys.size() < slice->keys_max && effort < slice->effort_max &&
           !collector.is_enough());
  context.steps = lines * kStepsPerLine + empty_lines * kStepsPerEmptyLine + collector.steps();
  context.reply.begin_list(3);
  context.reply.integer(static_cast<std::int64_t>(next));
  context.reply.integer(static_cast<std::int64_t>(effort));
  context.reply.begin_list(static_cast<std::uint32_t>(collector.keys.size()));
  for (const auto key : collector.keys) context.reply.bytes(key);
  context.reply.end();
  context.reply.end();
}

// The words are the command's name and a number drawn by chance.
void random_key(Context& context, const Request& request) {
  const bool has_chance = request.args.size() == kRandomKeyWords;
  const auto chance = has_chance ? parse_unsigned(request.args[1]) : std::nullopt;
  if (!chance) return context.reply.error(Status::error, kOnlySlices);
  EntryView entry;
  if (context.keyspace.random_entry(*chance, context.now_ms, entry)) {
    context.reply.bytes(entry.key);
  } else {
    context.reply.nil();
  }
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "KEYS",
     .arity = 2,
     .flags = Flags::readonly | Flags::scan,
     .usage = "KEYS pattern",
     .summary = "Answers all keys that match a glob pattern (at most 1024 bytes), in no order. An "
                "error when they are more than one reply holds (16 MiB): SCAN has no such end.",
     .since = "0.1",
     .example = "MSET user:1 x user:2 y other z => OK; KEYS o* => [\"other\"]",
     .run = list_slice,
     .listing = ListingKind::keys},
    {.name = "LIST",
     .arity = -1,
     .flags = Flags::readonly | Flags::scan,
     .usage = "LIST [pattern] [CURSOR cursor] [LIMIT keys]",
     .summary = "Streams the keys that match a glob pattern (at most 1024 bytes), in no order, "
                "then a cursor: 0, or where to go on after LIMIT keys (a few more may come). Keys "
                "that are there all the time come exactly once, others once or not at all. Over "
                "RESP it answers the cursor and a list of keys.",
     .since = "0.1",
     .example = "MSET user:1 x user:2 y other z => OK; LIST other => [\"other\"] \"0\"",
     .run = list_slice,
     .listing = ListingKind::list},
    {.name = "RANDOMKEY",
     .arity = 1,
     .flags = Flags::readonly | Flags::scan,
     .usage = "RANDOMKEY",
     .summary = "Answers a key, any about as likely as any other, or nil when there is none.",
     .since = "0.1",
     .example = "SET a 1 => OK; RANDOMKEY => \"a\"",
     .run = random_key,
     .listing = ListingKind::random_key},
    {.name = "SCAN",
     .arity = -2,
     .flags = Flags::readonly | Flags::scan,
     .usage = "SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]",
     .summary = "Looks at about COUNT keys (10) from a cursor on, 0 at first, and answers where to "
                "go on, 0 at the end, and those that match. Keys that are there from the first "
                "call to the last come exactly once, others once or not at all.",
     .since = "0.1",
     .example = "MSET user:1 x user:2 y other z => OK; "
                "SCAN 0 MATCH o* COUNT 100 => [\"0\", [\"other\"]]",
     .run = list_slice,
     .listing = ListingKind::scan},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

Result<std::string_view> checked_pattern(std::string_view pattern) {
  if (pattern.size() <= kPatternBytesMax) return pattern;
  return fail(ErrorCode::invalid, "pattern over 1024 bytes: use a shorter one with *");
}

// Empty: all right; else the error's text.
std::string_view read_scan_option(std::string_view name, std::string_view value,
                                  ScanRequest& request) {
  if (equals_ignoring_case(name, "MATCH")) {
    request.pattern = value;
  } else if (equals_ignoring_case(name, "TYPE")) {
    request.is_of_other_type = !equals_ignoring_case(value, "string");
  } else if (equals_ignoring_case(name, "COUNT")) {
    const auto count = parse_integer(value);
    if (!count) return kNotAnInteger;
    if (*count < 1) return kSyntaxError;
    request.count = static_cast<std::uint64_t>(*count);
  } else {
    return kSyntaxError;
  }
  return {};
}

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
  const auto pattern = checked_pattern(request.pattern);
  if (!pattern) return tl::unexpected<Error>(pattern.error());
  return request;
}

Result<ScanRequest> parse_scan(Args args) {
  ScanRequest request;
  const auto cursor = parse_unsigned(args[1]);
  if (!cursor) return fail(ErrorCode::invalid, "invalid cursor");
  request.cursor = *cursor;
  for (std::size_t at = 2; at < args.size(); at += 2) {
    if (at + 1 == args.size()) return fail(ErrorCode::invalid, std::string(kSyntaxError));
    const auto error = read_scan_option(args[at], args[at + 1], request);
    if (!error.empty()) return fail(ErrorCode::invalid, std::string(error));
  }
  const auto pattern = checked_pattern(request.pattern);
  if (!pattern) return tl::unexpected<Error>(pattern.error());
  return request;
}

Result<std::string_view> parse_keys(Args args) {
  return checked_pattern(args[1]);
}

std::span<const Command> list_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
