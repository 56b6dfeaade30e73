// LATENCY. Each core's part tells all that it has kept; the joined whole is answered as asked.
#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "phoenix/commands/command.h"
#include "phoenix/commands/container_help.h"
#include "phoenix/commands/core_control.h"
#include "phoenix/commands/facts.h"
#include "phoenix/commands/latency.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

using protocol::Status;
using protocol::Value;

/// Answers from what all cores have kept; `word` is the event that was asked for, or empty.
using Report = void (*)(const Latency& all, std::string_view word, ReplySink& reply);

std::size_t event_named(std::string_view word) {
  std::size_t event = 0;
  while (event < Latency::kEvents && Latency::kNames[event] != word) ++event;
  return event;
}

// [word, threshold, [longest, second, ms, second, ms ...] per event]
void answer_part(const Latency& latency, std::string_view word, ReplySink& reply) {
  reply.begin_list(2 + Latency::kEvents);
  reply.bytes(word);
  reply.integer(latency.threshold_ms);
  for (std::size_t event = 0; event < Latency::kEvents; ++event) {
    const auto& history = latency.history(event);
    reply.begin_list(static_cast<std::uint32_t>(1 + 2 * history.samples.size()));
    reply.integer(history.longest_ms);
    for (const auto& sample : history.samples) {
      reply.integer(sample.at_s);
      reply.integer(sample.ms);
    }
    reply.end();
  }
  reply.end();
}

void take_part(const Value& part, Latency& all) {
  all.threshold_ms = part.items[1].integer;
  for (std::size_t event = 0; event < Latency::kEvents; ++event) {
    const auto& items = part.items[2 + event].items;
    Latency::History history;
    history.longest_ms = items[0].integer;
    for (std::size_t i = 1; i + 1 < items.size(); i += 2) {
      history.samples.push_back({items[i].integer, items[i + 1].integer});
    }
    all.add(event, history);
  }
}

template <Report kReport>
void run(Context& context, const Request& request) {
  const Latency& latency = *context.core->latency;
  const std::string_view word = request.args.size() > 2 ? request.args[2] : std::string_view();
  if (context.core->cores > 1) return answer_part(latency, word, context.reply);
  kReport(latency, word, context.reply);
}

template <Report kReport>
void merge(std::span<const Value> parts, ReplySink& reply) {
  Latency all;
  for (const auto& part : parts) take_part(part, all);
  kReport(all, parts[0].items[0].bytes, reply);
}

void report_latest(const Latency& all, std::string_view, ReplySink& reply) {
  std::uint32_t count = 0;
  for (std::size_t event = 0; event < Latency::kEvents; ++event) {
    if (!all.history(event).samples.empty()) ++count;
  }
  reply.begin_list(count);
  for (std::size_t event = 0; event < Latency::kEvents; ++event) {
    const auto& history = all.history(event);
    if (history.samples.empty()) continue;
    reply.begin_list(4);
    reply.bytes(Latency::kNames[event]);
    reply.integer(history.samples.back().at_s);
    reply.integer(history.samples.back().ms);
    reply.integer(history.longest_ms);
    reply.end();
  }
  reply.end();
}

void report_history(const Latency& all, std::string_view word, ReplySink& reply) {
  const std::size_t event = event_named(word);
  if (event == Latency::kEvents) {
    reply.begin_list(0);
    return reply.end();
  }
  const auto& samples = all.history(event).samples;
  reply.begin_list(static_cast<std::uint32_t>(samples.size()));
  for (const auto& sample : samples) {
    reply.begin_list(2);
    reply.integer(sample.at_s);
    reply.integer(sample.ms);
    reply.end();
  }
  reply.end();
}

// A column per sample, the newest on the right, four lines high.
void report_graph(const Latency& all, std::string_view word, ReplySink& reply) {
  constexpr std::size_t kColumns = 80;
  constexpr std::int64_t kLines = 4;
  const std::size_t event = event_named(word);
  if (event == Latency::kEvents || all.history(event).samples.empty()) {
    return reply.error(Status::error,
                       fmt::format("No samples available for event '{}'", printable(word)));
  }
  const auto& history = all.history(event);
  const std::size_t count = std::min(history.samples.size(), kColumns);
  const std::span shown(history.samples.end() - static_cast<std::ptrdiff_t>(count), count);
  const auto by_ms = [](const auto& a, const auto& b) { return a.ms < b.ms; };
  const auto [low, high] = std::minmax_element(shown.begin(), shown.end(), by_ms);
  std::string page = fmt::format("{} - high {} ms, low {} ms (all time high {} ms)\n", word,
                                 high->ms, low->ms, history.longest_ms);
  page += std::string(kColumns, '-') + "\n";
  for (std::int64_t line = kLines; line > 0; --line) {
    for (const auto& sample : shown) {
      const std::int64_t height =
          1 + (sample.ms * (kLines - 1)) / std::max(high->ms, std::int64_t{1});
      page += height == line ? '_' : (height > line ? '|' : ' ');
    }
    page += '\n';
  }
  reply.text(page);
}

std::string advice(std::size_t event) {
  if (event == static_cast<std::size_t>(Latency::Event::commit)) {
    return "the disk took long to make writes durable: look at what else uses it, or choose "
           "--durability interval";
  }
  return "SLOWLOG GET shows which requests it was: ask for less at a time";
}

void report_doctor(const Latency& all, std::string_view, ReplySink& reply) {
  if (all.threshold_ms == 0) {
    return reply.text(
        "Latency is not watched: CONFIG SET latency-monitor-threshold <milliseconds> begins to.\n");
  }
  std::string page;
  for (std::size_t event = 0; event < Latency::kEvents; ++event) {
    const auto& history = all.history(event);
    if (history.samples.empty()) continue;
    std::int64_t sum_ms = 0;
    for (const auto& sample : history.samples) sum_ms += sample.ms;
    const auto count = static_cast<std::int64_t>(history.samples.size());
    page += fmt::format("{}: {} spikes, {} ms on average, {} ms the longest; {}.\n",
                        Latency::kNames[event], count, sum_ms / count, history.longest_ms,
                        advice(event));
  }
  if (page.empty()) {
    page = fmt::format("Nothing took {} ms or more since it is watched.\n", all.threshold_ms);
  }
  reply.text(page);
}

// Which events were there, as bits: the same one may have been on several cores.
void reset(Context& context, const Request& request) {
  Latency& latency = *context.core->latency;
  const Args words = request.args.subspan(2);
  std::uint64_t bits = 0;
  std::int64_t count = 0;
  for (std::size_t event = 0; event < Latency::kEvents; ++event) {
    const bool is_named = words.empty() || std::find(words.begin(), words.end(),
                                                     Latency::kNames[event]) != words.end();
    if (!is_named || latency.history(event).samples.empty()) continue;
    latency.clear(event);
    bits |= std::uint64_t{1} << event;
    ++count;
  }
  context.reply.integer(context.core->cores > 1 ? static_cast<std::int64_t>(bits) : count);
}

void merge_reset(std::span<const Value> parts, ReplySink& reply) {
  std::uint64_t bits = 0;
  for (const auto& part : parts) bits |= static_cast<std::uint64_t>(part.integer);
  reply.integer(std::popcount(bits));
}

/// The rows that are asked for and were timed, each as often as it is named.
class TimedRows {
 public:
  explicit TimedRows(Context& context) : context_(context) {}

  using Timed = std::pair<const Command* const, CommandTimes>;

  void add(const Command& row) {
    auto found = times_.find(&row);
    if (found == times_.end()) {
      constexpr std::uint64_t kStepsPerRow = 100;
      context_.steps += kStepsPerRow;
      found = times_.emplace(&row, context_.core->facts->times_of(row)).first;
    }
    if (found->second.is_known && found->second.calls > 0) rows_.push_back(&*found);
  }
  const std::vector<const Timed*>& rows() const { return rows_; }

 private:
  Context& context_;
  std::unordered_map<const Command*, CommandTimes> times_;
  std::vector<const Timed*> rows_;
};

void answer_timed(ReplySink& reply, const TimedRows::Timed& timed) {
  const auto& [row, times] = timed;
  const auto& up_to = times.up_to;
  // The ranges that nothing fell into are left out.
  std::vector<std::size_t> ranges;
  for (std::size_t range = 0; range < up_to.size(); ++range) {
    if (up_to[range] > (range == 0 ? 0 : up_to[range - 1])) ranges.push_back(range);
  }
  reply.bytes(lower_case(row->name));
  reply.begin_map(2);
  reply.bytes("calls");
  reply.integer(static_cast<std::int64_t>(times.calls));
  reply.bytes("histogram_usec");
  reply.begin_map(static_cast<std::uint32_t>(ranges.size()));
  for (const auto range : ranges) {
    reply.integer(static_cast<std::int64_t>(CommandTimes::end_ns(range) / 1000));
    reply.integer(static_cast<std::int64_t>(up_to[range]));
  }
  reply.end();
  reply.end();
}

// A container stands for its subcommands.
void histogram(Context& context, const Request& request) {
  constexpr std::size_t kRowsMax = 10'000;  // Who names a command again and again.
  TimedRows timed(context);
  for (const auto name : request.args.subspan(2)) {
    const Command* const row = context.table.find_row(name);
    if (row == nullptr) continue;
    timed.add(*row);
    if (is_subcommand(*row)) continue;
    for (const auto* each : context.table.subcommands_of(row->name)) timed.add(*each);
    if (timed.rows().size() > kRowsMax) {
      return context.reply.error(Status::too_large, "too many commands are named");
    }
  }
  if (request.args.size() == 2) {
    for (const auto* row : context.table.all()) timed.add(*row);
  }
  context.reply.begin_map(static_cast<std::uint32_t>(timed.rows().size()));
  for (const auto* each : timed.rows()) answer_timed(context.reply, *each);
  context.reply.end();
}

void help(Context& context, const Request&) {
  answer_container_help(context, "LATENCY");
}

constexpr Flags kOfAllCores = Flags::admin | Flags::every_core;

constexpr auto kCommands = std::to_array<Command>({
    {.name = "LATENCY",
     .arity = -2,
     .flags = Flags::container,
     .usage = "LATENCY",
     .summary = "Tells of events that took longer than latency-monitor-threshold.",
     .since = "0.1",
     .example = "LATENCY LATEST => []",
     .run = help},
    {.name = "LATENCY|DOCTOR",
     .arity = 2,
     .flags = kOfAllCores,
     .gather = Gather::by_row,
     .usage = "LATENCY DOCTOR",
     .summary = "Answers in words what took long, and what may help.",
     .since = "0.1",
     .example = "LATENCY DOCTOR => Latency is not watched...",
     .run = run<report_doctor>,
     .merge = merge<report_doctor>},
    {.name = "LATENCY|GRAPH",
     .arity = 3,
     .flags = kOfAllCores,
     .gather = Gather::by_row,
     .usage = "LATENCY GRAPH event",
     .summary = "Draws the samples of an event.",
     .since = "0.1",
     .example = "LATENCY GRAPH command => (error) ERR No samples available for event 'command'",
     .run = run<report_graph>,
     .merge = merge<report_graph>},
    {.name = "LATENCY|HELP",
     .arity = 2,
     .flags = Flags::none,
     .usage = "LATENCY HELP",
     .summary = "Answers these lines.",
     .since = "0.1",
     .example = "LATENCY HELP => [LATENCY <subcommand>...",
     .run = help},
    {.name = "LATENCY|HISTOGRAM",
     .arity = -2,
     .flags = Flags::admin,
     .usage = "LATENCY HISTOGRAM [command [command ...]]",
     .summary = "Answers of commands, or of all that were called, how often, and how many calls "
                "took at most 1 microsecond, 2, 4, 8 ... The first 64 of each command on each core "
                "are timed, and long ones; of the others about one in 64, which stand for all.",
     .since = "0.1",
     .example = "LATENCY HISTOGRAM nothing => {}",
     .run = histogram},
    {.name = "LATENCY|HISTORY",
     .arity = 3,
     .flags = kOfAllCores,
     .gather = Gather::by_row,
     .usage = "LATENCY HISTORY event",
     .summary = "Answers the samples of an event: unix time and milliseconds, the longest of each "
                "second. Events are command, fast-command, and aof-fsync-always for commits.",
     .since = "0.1",
     .example = "LATENCY HISTORY command => []",
     .run = run<report_history>,
     .merge = merge<report_history>},
    {.name = "LATENCY|LATEST",
     .arity = 2,
     .flags = kOfAllCores,
     .gather = Gather::by_row,
     .usage = "LATENCY LATEST",
     .summary = "Answers of each event its name, when it was last seen, how many milliseconds it "
                "took then, and the most of all.",
     .since = "0.1",
     .example = "LATENCY LATEST => []",
     .run = run<report_latest>,
     .merge = merge<report_latest>},
    {.name = "LATENCY|RESET",
     .arity = -2,
     .flags = kOfAllCores,
     .gather = Gather::by_row,
     .usage = "LATENCY RESET [event [event ...]]",
     .summary = "Forgets the samples of these events, or of all, and answers of how many events.",
     .since = "0.1",
     .example = "LATENCY RESET => (integer) 0",
     .run = reset,
     .merge = merge_reset},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> latency_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
