// The end of the server, and waiting until what was written is safe.
#include <algorithm>
#include <array>

#include "phoenix/commands/core_control.h"
#include "phoenix/commands/facts.h"
#include "phoenix/commands/refusals.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

using protocol::Status;

// What is acknowledged is on disk, with or without SAVE; nobody can hold the stop up, so there is
// nothing for NOW, FORCE and ABORT.
void shutdown(Context& context, const Request& request) {
  bool saves = false;
  bool does_not_save = false;
  bool aborts = false;
  for (const auto word : request.args.subspan(1)) {
    const auto is = [word](std::string_view name) { return equals_ignoring_case(word, name); };
    saves = saves || is("SAVE");
    does_not_save = does_not_save || is("NOSAVE");
    aborts = aborts || is("ABORT");
    const bool is_known = is("SAVE") || is("NOSAVE") || is("ABORT") || is("NOW") || is("FORCE");
    if (!is_known) return context.reply.error(Status::error, kSyntaxError);
  }
  if ((aborts && request.args.size() > 2) || (saves && does_not_save)) {
    return context.reply.error(Status::error, kSyntaxError);
  }
  if (aborts) return context.reply.error(Status::error, "No shutdown in progress.");
  context.core->facts->stop_server();
  context.session->cut_off();
  context.reply.ok();  // Not sent: that the connection ends is the answer.
}

bool read_timeout(Context& context, std::string_view word) {
  const auto timeout_ms = parse_integer(word);
  if (timeout_ms && *timeout_ms >= 0) return true;
  context.reply.error(Status::error, timeout_ms ? "timeout is negative"
                                                : "timeout is not an integer or out of range");
  return false;
}

// There are no replicas: nothing will change however long one waits.
void wait(Context& context, const Request& request) {
  if (!parse_integer(request.args[1])) {
    return context.reply.error(Status::error, kNotAnInteger);
  }
  if (read_timeout(context, request.args[2])) context.reply.integer(0);
}

void answer_copies(std::int64_t local, ReplySink& reply) {
  reply.begin_list(2);
  reply.integer(local);
  reply.integer(0);
  reply.end();
}

// The answer is held like that to a write which is to be durable: once it leaves, all that this
// connection wrote before is on disk, if there is one.
void waitaof(Context& context, const Request& request) {
  const auto local = parse_integer(request.args[1]);
  const auto replicas = parse_integer(request.args[2]);
  if (!local || *local < 0 || *local > 1) {
    return context.reply.error(
        Status::error, local ? "value is out of range, must be between 0 and 1" : kNotAnInteger);
  }
  if (!replicas || *replicas < 0) {
    return context.reply.error(Status::error, "value is out of range, must be positive");
  }
  if (!read_timeout(context, request.args[3])) return;
  const bool is_durable = context.core->facts->is_durable();
  if (*local > 0 && !is_durable) {
    return context.reply.error(
        Status::error, "WAITAOF cannot be used when numlocal is set but appendonly is disabled.");
  }
  answer_copies(is_durable ? 1 : 0, context.reply);
}

void merge_waitaof(std::span<const protocol::Value> parts, ReplySink& reply) {
  std::int64_t local = 1;
  for (const auto& part : parts) local = std::min(local, part.items[0].integer);
  answer_copies(local, reply);
}

// Who wants no copy on disk is told whether there is one, as soon as the other cores can have said
// so. Words that are refused have their own answer.
std::int64_t waitaof_patience_ms(const Request& request) {
  if (parse_integer(request.args[1]).value_or(1) == 0) return 1;
  const std::int64_t timeout_ms = parse_integer(request.args[3]).value_or(0);
  return timeout_ms > 0 ? timeout_ms : -1;
}

void answer_waitaof_late(ReplySink& reply) {
  answer_copies(0, reply);
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "SHUTDOWN",
     .arity = -1,
     .flags = Flags::admin | Flags::session | Flags::not_in_multi,
     .usage = "SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
     .summary = "Stops the server: what was received is answered, what is acknowledged is on disk. "
                "The connection ends without a reply.",
     .since = "0.1",
     .example = "SHUTDOWN ABORT => (error) ERR No shutdown in progress.",
     .run = shutdown},
    {.name = "WAIT",
     .arity = 3,
     .flags = Flags::none,
     .usage = "WAIT numreplicas timeout",
     .summary = "Answers 0 at once: there are no replicas.",
     .since = "0.1",
     .example = "WAIT 0 100 => (integer) 0",
     .run = wait},
    {.name = "WAITAOF",
     .arity = 4,
     .flags = Flags::every_core | Flags::durable,
     .gather = Gather::by_row,
     .usage = "WAITAOF numlocal numreplicas timeout",
     .summary =
         "Answers [1, 0] once all that this connection wrote before is on disk, or [0, 0] after so "
         "many milliseconds; 0 waits as long as it takes. With numlocal 0 it answers at once what "
         "is "
         "true now. It does not wait for replicas, as there are none.",
     .since = "0.1",
     .example = "WAITAOF 1 0 0 => [(integer) 1, (integer) 0]",
     .run = waitaof,
     .merge = merge_waitaof,
     .patience_ms = waitaof_patience_ms,
     .answer_late = answer_waitaof_late},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> durable_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
