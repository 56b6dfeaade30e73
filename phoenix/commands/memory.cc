// MEMORY: what keys and the server take.
#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

#include "phoenix/commands/container_help.h"
#include "phoenix/commands/core_control.h"
#include "phoenix/commands/facts.h"
#include "phoenix/commands/refusals.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

using protocol::Status;

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// Values have no parts to take samples of: the number is checked and not needed.
void usage(Context& context, const Request& request) {
  for (std::size_t i = 3; i < request.args.size(); i += 2) {
    const bool is_samples =
        equals_ignoring_case(request.args[i], "SAMPLES") && i + 1 < request.args.size();
    if (!is_samples) return context.reply.error(Status::error, kSyntaxError);
    const auto samples = parse_integer(request.args[i + 1]);
    if (!samples) {
      return context.reply.error(Status::error, kNotAnInteger);
    }
    if (*samples < 0) return context.reply.error(Status::error, kSyntaxError);
  }
  const engine::Key key{request.args[2], request.first_key_hash};
  const std::uint64_t bytes = context.keyspace.memory_of(key, context.now_ms);
  if (bytes == 0) return context.reply.nil();
  context.reply.integer(static_cast<std::int64_t>(bytes));
}

void doctor(Context& context, const Request&) {
  constexpr std::uint64_t kLittle = std::uint64_t{5} << 20U;
  constexpr double kMuchMore = 1.5;
  const MemoryFacts facts = context.core->facts->memory();
  std::string page;
  if (facts.used < kLittle) {
    page = "There is next to nothing in memory: nothing to find fault with.\n";
  } else {
    if (ratio(facts.peak, facts.used) > kMuchMore) {
      page +=
          "It was much more once: what the system still counts for this process may be from "
          "then.\n";
    }
    if (ratio(facts.resident, facts.used) > kMuchMore) {
      page +=
          "The process holds much more than is in use: pages that deletes left partly empty "
          "are filled again by new keys.\n";
    }
    if (ratio(facts.buffers, facts.used) > 1 / kMuchMore && facts.keys > 0) {
      page +=
          "Most of it is requests and replies: look for clients that do not read (CLIENT "
          "LIST).\n";
    }
    if (page.empty()) page = "Nothing to find fault with.\n";
  }
  context.reply.text(page);
}

void stats(Context& context, const Request&) {
  struct Whole {
    std::string_view name;
    std::uint64_t value;
  };
  struct Part {
    std::string_view name;
    double value;
  };
  const MemoryFacts facts = context.core->facts->memory();
  const std::uint64_t data = facts.used - facts.buffers;
  const auto wholes = std::to_array<Whole>({
      {"peak.allocated", facts.peak},
      {"total.allocated", facts.used},
      {"startup.allocated", 0},
      {"replication.backlog", 0},
      {"clients.slaves", 0},
      {"cluster.links", 0},
      {"lua.caches", 0},
      {"functions.caches", 0},
      {"overhead.total", facts.buffers},
      {"keys.count", facts.keys},
      {"keys.bytes-per-key", facts.keys == 0 ? 0 : data / facts.keys},
      {"dataset.bytes", data},
      {"allocator.allocated", facts.used},
      {"allocator.resident", facts.resident},
      {"fragmentation.bytes", facts.resident - std::min(facts.used, facts.resident)},
  });
  const auto parts = std::to_array<Part>({
      {"dataset.percentage", 100 * ratio(data, facts.used)},
      {"peak.percentage", 100 * ratio(facts.used, facts.peak)},
      {"fragmentation", ratio(facts.resident, facts.used)},
  });
  context.reply.begin_map(static_cast<std::uint32_t>(wholes.size() + parts.size()));
  for (const auto& whole : wholes) {
    context.reply.bytes(whole.name);
    context.reply.integer(static_cast<std::int64_t>(whole.value));
  }
  for (const auto& part : parts) {
    context.reply.bytes(part.name);
    context.reply.real(part.value);
  }
  context.reply.end();
}

// Whole pages go back to the system when they become empty.
void purge(Context& context, const Request&) {
  context.reply.ok();
}

void malloc_stats(Context& context, const Request&) {
  context.reply.text("Stats not supported for the current allocator");
}

void help(Context& context, const Request&) {
  answer_container_help(context, "MEMORY");
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "MEMORY",
     .arity = -2,
     .flags = Flags::container,
     .usage = "MEMORY",
     .summary = "Tells what keys and the server take in memory.",
     .since = "0.1",
     .example = "MEMORY USAGE missing => (nil)",
     .run = help},
    {.name = "MEMORY|DOCTOR",
     .arity = 2,
     .flags = Flags::none,
     .usage = "MEMORY DOCTOR",
     .summary = "Answers in words whether anything is wrong with it.",
     .since = "0.1",
     .example = "MEMORY DOCTOR => There is next to nothing in memory...",
     .run = doctor},
    {.name = "MEMORY|HELP",
     .arity = 2,
     .flags = Flags::none,
     .usage = "MEMORY HELP",
     .summary = "Answers these lines.",
     .since = "0.1",
     .example = "MEMORY HELP => [MEMORY <subcommand>...",
     .run = help},
    {.name = "MEMORY|MALLOC-STATS",
     .arity = 2,
     .flags = Flags::none,
     .usage = "MEMORY MALLOC-STATS",
     .summary = "Answers that the allocator tells nothing.",
     .since = "0.1",
     .example = "MEMORY MALLOC-STATS => Stats not supported for the current allocator",
     .run = malloc_stats},
    {.name = "MEMORY|PURGE",
     .arity = 2,
     .flags = Flags::none,
     .usage = "MEMORY PURGE",
     .summary = "Does nothing: pages go back to the system as they become empty.",
     .since = "0.1",
     .example = "MEMORY PURGE => OK",
     .run = purge},
    {.name = "MEMORY|STATS",
     .arity = 2,
     .flags = Flags::none,
     .usage = "MEMORY STATS",
     .summary = "Answers what the server takes, and for what.",
     .since = "0.1",
     .example = "MEMORY STATS => {\"peak.allocated\": (integer) 4000, ...",
     .run = stats},
    {.name = "MEMORY|USAGE",
     .arity = -3,
     .flags = Flags::readonly,
     .keys = {2, 2, 1},
     .usage = "MEMORY USAGE key [SAMPLES count]",
     .summary = "Answers the bytes that a key takes, with its value and its share of the index.",
     .since = "0.1",
     .example = "SET a 1 => OK; MEMORY USAGE a => (integer) ...; MEMORY USAGE b => (nil)",
     .run = usage},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> memory_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
