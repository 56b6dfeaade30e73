// LCS: what two values have in common. Its work grows as the product of their sizes.
#include <array>

#include "phoenix/commands/common_subsequence.h"
#include "phoenix/commands/string_words.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"
#include "phoenix/engine/entry.h"

namespace phoenix::commands {
namespace {

struct LcsOptions {
  bool length_only = false;
  bool with_runs = false;
  bool with_sizes = false;
  std::int64_t run_bytes_min = 0;
};

// Empty: all right; else the error's text.
std::string_view parse_lcs(Args args, LcsOptions& options) {
  for (std::size_t i = 3; i < args.size(); ++i) {
    if (equals_ignoring_case(args[i], "LEN")) {
      options.length_only = true;
    } else if (equals_ignoring_case(args[i], "IDX")) {
      options.with_runs = true;
    } else if (equals_ignoring_case(args[i], "WITHMATCHLEN")) {
      options.with_sizes = true;
    } else if (equals_ignoring_case(args[i], "MINMATCHLEN") && i + 1 < args.size()) {
      const auto bytes = parse_integer(args[++i]);
      if (!bytes) return kNotAnInteger;
      options.run_bytes_min = std::max<std::int64_t>(*bytes, 0);
    } else {
      return kSyntaxError;
    }
  }
  if (options.length_only && options.with_runs) {
    return "If you want both the length and indexes, please just use IDX.";
  }
  return {};
}

// Redis bounds the table that it takes, 4 bytes per cell, by the largest value. As many cells are
// allowed here, where they hold a core for some 10 ms; strings that would hold it longer by their
// size alone are not.
std::string_view check_sizes(std::uint64_t a_bytes, std::uint64_t b_bytes) {
  constexpr std::uint64_t kStringBytesMax = std::uint64_t{1} << 20U;
  constexpr std::uint64_t kCellsMax = engine::kEntryValueBytesMax / sizeof(std::uint32_t);
  if ((a_bytes + 1) * (b_bytes + 1) > kCellsMax) {
    return "Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
  }
  if (std::max(a_bytes, b_bytes) > kStringBytesMax) return "String too long for LCS";
  return {};
}

void answer_place(ReplySink& reply, std::size_t first, std::size_t last) {
  reply.begin_list(2);
  reply.integer(static_cast<std::int64_t>(first));
  reply.integer(static_cast<std::int64_t>(last));
  reply.end();
}

void answer_runs(ReplySink& reply, CommonSubsequence common, const LcsOptions& options) {
  std::erase_if(common.runs, [&](const CommonRun& run) {
    return static_cast<std::int64_t>(run.size()) < options.run_bytes_min;
  });
  reply.begin_map(2);
  reply.bytes("matches");
  reply.begin_list(static_cast<std::uint32_t>(common.runs.size()));
  for (const CommonRun& run : common.runs) {
    reply.begin_list(options.with_sizes ? 3 : 2);
    answer_place(reply, run.a_first, run.a_last);
    answer_place(reply, run.b_first, run.b_last);
    if (options.with_sizes) reply.integer(static_cast<std::int64_t>(run.size()));
    reply.end();
  }
  reply.end();
  reply.bytes("len");
  reply.integer(static_cast<std::int64_t>(common.length));
  reply.end();
}

void lcs(Context& context, const Request& request) {
  LcsOptions options;
  const std::string_view a = value_to_read(context, key_at(context, request, 1));
  const std::string_view b = value_to_read(context, key_at(context, request, 2));
  auto error = parse_lcs(request.args, options);
  if (error.empty()) error = check_sizes(a.size(), b.size());
  if (!error.empty()) return answer_error(context, error);
  context.steps += common_subsequence_steps(a.size(), b.size());
  if (options.length_only) {
    return context.reply.integer(static_cast<std::int64_t>(common_length(a, b)));
  }
  CommonSubsequence common = common_subsequence(a, b);
  if (!options.with_runs) return context.reply.bytes(common.text);
  answer_runs(context.reply, std::move(common), options);
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "LCS",
     .arity = -3,
     .flags = Flags::readonly,
     .keys = {1, 2, 1},
     .gather = Gather::same_core,
     .usage = "LCS key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
     .summary = "Answers the longest sequence of bytes that two values have in common, with gaps "
                "between them. LEN: only its length; IDX: the runs that it is made of, those of at "
                "least MINMATCHLEN bytes, with their sizes WITHMATCHLEN. The sizes multiplied may "
                "be 134217728 at most, and none above 1 MiB. The keys must share a core: give them "
                "the same {tag}.",
     .since = "0.1",
     .example = "MSET {t}a ohmytext {t}b mynewtext => OK; LCS {t}a {t}b => \"mytext\"",
     .run = lcs},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> lcs_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
