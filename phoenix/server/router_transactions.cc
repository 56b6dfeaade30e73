// MULTI, EXEC and WATCH, as far as they concern where requests run. See router.h.
#include <algorithm>
#include <utility>

#include "phoenix/base/check.h"
#include "phoenix/commands/refusals.h"
#include "phoenix/server/router.h"

namespace phoenix::server {

using commands::Command;
using commands::Flags;
using protocol::Status;

namespace {

// PUBLISH and SPUBLISH: the core that runs the transaction counts its own subscribers.
bool is_publish(const Command& command) {
  return has(command.flags, Flags::every_core) && has(command.flags, Flags::pubsub) &&
         has(command.flags, Flags::paused_as_write);
}

}  // namespace

// Of a session that has queued requests, or watches keys.
bool Router::run_in_transaction(PendingRequest& pending) {
  Transaction& transaction = *pending.session->transaction;
  const Command& command = *pending.command;
  if (!transaction.is_open()) return run_command(pending);
  if (has(command.flags, Flags::executes)) return run_exec(pending);
  if (has(command.flags, Flags::watches)) {
    answer(pending, Status::error, "WATCH inside MULTI is not allowed");
    return true;
  }
  if (has(command.flags, Flags::at_once)) return run_command(pending);
  const Refusal refusal = queue(pending);
  if (!refusal.text.empty()) {
    transaction.refuse();
    reject(pending, refusal.status, refusal.text);
    return true;
  }
  meter_.was_queued(command);
  SessionSink& sink = writers_.begin_sink(pending.head());
  sink.line("QUEUED");
  file(sink, *pending.session, 0);
  return true;
}

// Empty text: it is queued.
Router::Refusal Router::queue(const PendingRequest& pending) {
  Transaction& transaction = *pending.session->transaction;
  const Command& command = *pending.command;
  const auto& args = pending.request.args;
  if (has(command.flags, Flags::not_in_multi)) {
    return {Status::error, "Command not allowed inside a transaction"};
  }
  const bool asks_all = has(command.flags, Flags::every_core | Flags::scan) && !is_publish(command);
  if (asks_all && shared_.cores() > 1) {
    return {Status::cross_slot,
            "the command asks every core: outside of a transaction, or on a server with one core"};
  }
  if (shard_.budget().is_full()) return {Status::out_of_memory, shard_.budget().refusal()};
  if (has(command.flags, Flags::write) && shard_.lacks_replicas()) {
    return {Status::no_replicas, std::string(commands::kNoReplicas)};
  }
  if (!transaction.has_room_for(pending.request)) {
    return {Status::too_large, "the transaction is too long: at most 65536 commands and 64 MiB"};
  }
  if (removes_all(command) && !transaction.has_room_for_flush()) {
    return {Status::too_large, "the transaction is too long: at most 128 FLUSHALL or FLUSHDB"};
  }
  const KeyRange keys = key_range(command, args.size());
  for (std::size_t i = keys.first; i < keys.end; i += keys.step) {
    const std::uint16_t core = core_of(args[i]);
    if (!transaction.takes_core(core)) return {Status::cross_slot, std::string(kCrossSlot)};
    transaction.set_core(core);
  }
  transaction.queue(command, pending.request);
  return {};
}

bool Router::run_exec(const PendingRequest& pending) {
  Session& session = *pending.session;
  Transaction& transaction = *session.transaction;
  if (transaction.is_refused()) {
    session.transaction.reset();
    answer(pending, Status::exec_aborted, "Transaction discarded because of previous errors.");
    return true;
  }
  transaction.job().flags = pending.request.flags;
  const std::uint16_t owner = transaction.core().value_or(static_cast<std::uint16_t>(core_));
  return owner == core_ ? exec_here(pending) : exec_away(pending, owner);
}

bool Router::exec_here(const PendingRequest& pending) {
  Session& session = *pending.session;
  std::string reply;
  Encoder& encoder = writers_.begin_encoder(pending.head(), reply);
  actions_.act_for(session);
  const auto verdict = shard_.admit(session.transaction->job(), encoder);
  if (verdict == Shard::Verdict::wait) return false;
  TransactionJob job = session.transaction->take();
  session.transaction.reset();
  log::Position position = 0;
  if (verdict == Shard::Verdict::execute) {
    position = run_job(job, encoder, &actions_);
    keep_slow(job, session);
  } else {
    meter_.was_refused(*pending.command);
  }
  (void)encoder.finish();  // Items of lists are copied.
  take_for_reply(work_, session, reply.size());
  if (!session.client.mutes_reply()) session.output.append_owned(std::move(reply), {}, position);
  return true;
}

// Messages go to the other cores' subscribers without an answer.
log::Position Router::run_job(TransactionJob& job, Encoder& encoder,
                              commands::SessionControl* session) {
  const Shard::Ran ran = shard_.run(job, encoder, session, meter_);
  work_.take(shard_.steps_of_last());
  if (!ran.is_done) return ran.position;
  for (const auto& queued : job.requests) {
    if (!is_publish(queued.command())) continue;
    const bool is_shard = queued.command().name == "SPUBLISH";
    const commands::Request request = queued.request();
    messaging_.tell_message(is_shard ? commands::ChannelKind::shard : commands::ChannelKind::plain,
                            request.args[1], request.args[2]);
  }
  return ran.position;
}

bool Router::exec_away(const PendingRequest& pending, unsigned owner) {
  if (!hops_.has_room(owner)) return false;
  Session& session = *pending.session;
  auto job = std::make_unique<TransactionJob>(session.transaction->take());
  session.transaction.reset();
  std::size_t bytes = 0;
  for (auto& queued : job->requests) {
    bytes += queued.memory_bytes();
    const bool is_keyless = queued.command().keys.first == 0;
    queued.is_at_home = is_keyless && !is_publish(queued.command());
    session.awaits_core = session.awaits_core || queued.is_at_home;
  }
  HopPart& part = hops_.add_part(owner, session, *pending.command, pending.request, pending.head());
  Run* const run =
      session.output.append_awaited(static_cast<std::uint32_t>(kAwaitedListBytes + bytes));
  if (session.awaits_core) {
    job->run = run;
  } else {
    part.run = run;
    run->is_muted = session.client.mutes_reply();
  }
  hops_.add_job(part, owner, std::move(job), bytes);
  return true;
}

// The core with the keys has decided. What has no key is run now, before anything that the session
// has sent behind EXEC.
void Router::go_on_at_home(const HopPart& part, std::string_view frame) {
  Session& session = *part.session;
  TransactionJob& job = *part.job;
  session.awaits_core = false;
  connections_.make_ready(session);
  std::string reply;
  log::Position position = 0;
  if (job.is_done) {
    actions_.act_for(session);
    position = run_at_home(session, job, frame, writers_.begin_encoder(part.head, reply));
  }
  if (!job.has_replies) reply = frame;
  job.run->is_muted = session.client.mutes_reply();
  take_for_reply(work_, session, reply.size());
  session.output.fill(*job.run, std::move(reply), {}, position);
}

// What has no key may need its session. Its replies are put between those of the others.
log::Position Router::run_at_home(Session& session, TransactionJob& job, std::string_view others,
                                  Encoder& encoder) {
  log::Position position = 0;
  TransactionWork work;
  std::size_t taken = job.replies_begin;
  const auto take_others = [&](std::size_t end) {
    if (job.has_replies) encoder.encoded_item(others.substr(taken, end - taken));
    taken = end;
  };
  encoder.begin_list(static_cast<std::uint32_t>(job.requests.size()));
  for (auto& queued : job.requests) {
    if (!queued.is_at_home) continue;
    take_others(queued.reply_at);
    if (work.leaves_out(queued.command())) {
      encoder.error(Status::error, TransactionWork::kLeftOut);
      continue;
    }
    const commands::Request request = queued.request();
    const std::size_t begin = encoder.size_bytes();
    meter_.begin_queued(queued.command());
    const log::Position its_own = shard_.execute(queued.command(), request, encoder, &actions_);
    queued.took_ns = meter_.end_queued(work.take(queued, shard_.steps_of_last(), encoder, begin));
    if (queued.took_ns != 0) keep_slow(queued, session);
    position = std::max(position, its_own);
  }
  work_.take(work.sum());
  take_others(others.size());
  encoder.end(kRepliesTooLarge);
  (void)encoder.finish();  // Items of lists are copied.
  return position;
}

// Until the versions are here nothing of the session is run: an EXEC may follow at once.
bool Router::run_watch(const PendingRequest& pending) {
  Session& session = *pending.session;
  const commands::Args keys = pending.request.args.subspan(1);
  if (!session.transaction) session.transaction = std::make_unique<Transaction>();
  Transaction& transaction = *session.transaction;
  if (const Refusal refusal = refusal_of_watch(transaction, pending); !refusal.text.empty()) {
    reject(pending, refusal.status, refusal.text);
    return true;
  }
  if (pending.core != core_) {
    if (!hops_.has_room(pending.core)) return false;
    transaction.set_core(pending.core);
    session.awaits_core = true;
    return run_away(pending, pending.core);
  }
  transaction.set_core(pending.core);
  for (auto& watch : watches_of(keys)) transaction.watch(std::move(watch));
  return run_here(pending);
}

// Empty text: none. What is watched is not refused while memory is full unless it is much: who
// wants to free some may watch first.
Router::Refusal Router::refusal_of_watch(const Transaction& transaction,
                                         const PendingRequest& pending) const {
  if (!transaction.takes_core(pending.core)) return {Status::cross_slot, std::string(kCrossSlot)};
  const commands::Args keys = pending.request.args.subspan(1);
  if (!transaction.has_room_for_watches(keys)) {
    return {Status::too_large, "too many watched keys: at most 65536 and 64 MiB"};
  }
  const bool is_much = transaction.memory_bytes() > kFrameBytesWhenFullMax;
  if (is_much && shard_.budget().is_full()) {
    return {Status::out_of_memory, shard_.budget().refusal()};
  }
  return {};
}

std::vector<Watch> Router::watches_of(commands::Args keys) {
  std::vector<Watch> watches;
  watches.reserve(keys.size());
  for (const auto key : keys) {
    watches.push_back(shard_.watch({key, shard_.keyspace().hash_of(key)}));
  }
  return watches;
}

void Router::take_watches(Session& session, std::vector<Watch> watches) {
  session.awaits_core = false;
  connections_.make_ready(session);
  if (!session.transaction) return;
  for (auto& watch : watches) session.transaction->watch(std::move(watch));
}

}  // namespace phoenix::server
