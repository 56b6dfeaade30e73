#include "phoenix/server/router.h"

#include <algorithm>

#include <fmt/format.h>

#include "phoenix/base/check.h"
#include "phoenix/commands/refusals.h"
#include "phoenix/commands/words.h"
#include "protocol/slot.h"

namespace phoenix::server {

using commands::Command;
using commands::Flags;
using commands::Gather;
using commands::Request;
using protocol::Status;

namespace {

// What a request holds while it is away: its words there, and what its reply may be here.
std::uint32_t bytes_away(const Command& command, commands::Args args) {
  constexpr std::size_t kBytesPerWord = 64;  // Its view, and its share of what is gathered.
  const bool is_list = command.gather == Gather::in_key_order;
  std::size_t bytes = is_list ? kAwaitedListBytes : engine::kSmallValueBytesMax;
  for (const auto word : args) bytes += word.size() + kBytesPerWord;
  return static_cast<std::uint32_t>(bytes);  // Bounded by protocol::kArgvBytesMax.
}

// What a browser was made to send here behind a first line that passed as a command: the rest is
// not meant for us.
bool is_of_http(commands::Args args) {
  return !args.empty() && (commands::equals_ignoring_case(args[0], "POST") ||
                           commands::equals_ignoring_case(args[0], "Host:"));
}

}  // namespace

Router::Router(unsigned core, Shared& shared, Shard& shard, Connections& connections,
               Messaging& messaging, ChunkPool& pool, SessionActions& actions, io::Ring& ring,
               Metrics& metrics, SlowWatch& watch)
    : core_(core),
      shared_(shared),
      shard_(shard),
      connections_(connections),
      messaging_(messaging),
      actions_(actions),
      metrics_(metrics),
      watch_(watch),
      meter_(metrics, &actions, watch),
      buffers_(pool.buffers()),
      writers_(pool, shard.budget(), meter_),
      hops_(core, shared, ring, buffers_),
      gatherings_({shard, connections, buffers_, watch.clock(), meter_, writers_}),
      listings_({core, shared, shard, connections, buffers_, watch.clock(), meter_, writers_, hops_,
                 work_}),
      slots_(shared.store->slots()),
      inboxes_(shared.cores()) {}

std::uint16_t Router::core_of(std::string_view key) const {
  return shared_.cores() == 1 ? std::uint16_t{0} : slots_[protocol::slot_of(key)];
}

// Of one that has run, at `place` among some: how many there were of each command, and how long it
// took if that is looked at. `work` is that of its reply.
inline void Router::note_run(const PendingRequest& pending, std::size_t work, std::size_t place) {
  if (pending.fault != Fault::none) return;
  const std::uint64_t calls_before = metrics_.calls[pending.command->index].count() - 1;
  const bool is_away =
      shared_.cores() > 1 && pending.command->keys.first > 0 && pending.core != core_;
  if (is_away) return;  // Its owner looks at the time.
  const std::uint64_t words = pending.request.args.size() * kWorkPerWord;
  const std::uint64_t all_work = work + shard_.steps_of_last() + words;
  if (watch_.looks_at(all_work, CommandFigures::is_first(calls_before))) [[unlikely]]
    keep_time(pending, all_work, place);
}

// Tells each request its core, and has the processor fetch what those of this core will look at.
inline void Router::prefetch(RequestBatch& batch) const {
  const auto& keyspace = shard_.keyspace();
  for (auto& pending : batch.requests) {
    if (pending.fault != Fault::none || pending.command->keys.first == 0) continue;
    const auto first = static_cast<std::size_t>(pending.command->keys.first);
    const std::string_view key = pending.request.args[first];
    pending.core = core_of(key);
    pending.request.first_key_hash = keyspace.hash_of(key);
    if (pending.core == core_) keyspace.prefetch_index(pending.request.first_key_hash);
  }
  for (const auto& pending : batch.requests) {
    const bool is_keyed = pending.fault == Fault::none && pending.command->keys.first > 0;
    if (is_keyed && pending.core == core_) {
      keyspace.prefetch_entry(pending.request.first_key_hash);
    }
  }
}

void Router::run(RequestBatch& batch) {
  ++batch_number_;
  prefetch(batch);
  if (shared_.config.mutations.replies_out_of_order) {
    std::reverse(batch.requests.begin(), batch.requests.end());
  }
  std::size_t requests_run = 0;
  watch_.begin();
  for (std::span rest(batch.requests); !rest.empty();) {
    const std::size_t before = watch_.before_sample(rest.size());
    requests_run += run_some(rest.first(before));
    rest = rest.subspan(before);
    if (rest.empty()) break;
    watch_.begin_sample();
    requests_run += run_some(rest.first(1));
    watch_.end_sample();
    rest = rest.subspan(1);
  }
  metrics_.requests.add(requests_run);
}

// Returns how many of them were executed or sent on; the others were put back.
std::size_t Router::run_some(std::span<PendingRequest> requests) {
  std::size_t requests_run = 0;
  for (auto& pending : requests) {
    Session& session = *pending.session;
    session.requests_in_batch = 0;
    if (session.skipped_batch == batch_number_ || session.ignores_input) continue;
    if (is_paused(pending)) [[unlikely]] {
      put_back(pending);
      connections_.hold(session);
      continue;
    }
    const std::size_t left = work_.left();
    session.last_command = pending.command;
    if (!may_run(session) || !run_one(pending)) {
      put_off(pending);
      continue;
    }
    ++requests_run;
    note_run(pending, left - work_.left(), static_cast<std::size_t>(&pending - requests.data()));
    if (messaging_.has_monitors()) [[unlikely]]
      messaging_.show(pending);
    if (pending.frame == nullptr) session.large_input_done();
  }
  return requests_run;
}

inline bool Router::may_run(const Session& session) const {
  const bool is_held = session.listing || session.awaits_core;
  return !is_held && !session.output.full() && !work_.is_spent();
}

// With all that its session has sent behind it.
void Router::put_back(const PendingRequest& pending) {
  pending.session->put_back(pending);
  pending.session->skipped_batch = batch_number_;
}

// It cannot go on: for what it waits.
void Router::put_off(const PendingRequest& pending) {
  Session& session = *pending.session;
  put_back(pending);
  if (work_.is_spent()) {
    connections_.make_ready(session);
  } else if (!session.listing) {
    connections_.wait_for_room(session);
  }
}

bool Router::is_held_by_pause(const PendingRequest& pending) const {
  const Command* const command = pending.command;
  if (command == nullptr) return messaging_.clients().is_paused(false);
  const auto* const transaction = pending.session->transaction.get();
  const bool executes_writes =
      has(command->flags, Flags::executes) && transaction != nullptr && transaction->writes();
  const bool writes = executes_writes || has(command->flags, Flags::write) ||
                      has(command->flags, Flags::paused_as_write);
  return messaging_.clients().is_paused(writes);
}

// What may have come about since it was decoded: by a SUBSCRIBE or RESET right before it.
Fault Router::fault_now(const PendingRequest& pending) const {
  const Session& session = *pending.session;
  const Flags flags = pending.command->flags;
  if (!session.is_authenticated && !has(flags, Flags::before_auth)) [[unlikely]]
    return Fault::not_authenticated;
  const bool is_listener = session.is_subscribed() && session.wire == Wire::resp2;
  if (is_listener && !has(flags, Flags::when_subscribed)) return Fault::subscribed;
  return Fault::none;
}

std::size_t Router::file(SessionSink& sink, Session& session, log::Position position) {
  if (session.client.mutes_reply()) [[unlikely]] {
    sink.discard();
    return 0;
  }
  return sink.finish(session.output, position);
}

inline bool Router::run_one(PendingRequest& pending) {
  connections_.touch(*pending.session);
  Session& session = *pending.session;
  if (pending.fault == Fault::none) pending.fault = fault_now(pending);
  if (pending.fault != Fault::none) {
    answer_fault(pending);
    return true;
  }
  if (session.transaction) [[unlikely]]
    return run_in_transaction(pending);
  return run_command(pending);
}

bool Router::run_command(PendingRequest& pending) {
  const Command& command = *pending.command;
  if (command.keys.first > 0) return run_keyed(pending);
  const bool is_gathered = shared_.cores() > 1 || command.patience_ms != nullptr;
  if (has(command.flags, Flags::every_core) && is_gathered) return run_gathered(pending);
  if (!has(command.flags, Flags::scan)) return run_here(pending);
  listings_.start(pending);
  return true;
}

std::pair<Status, std::string> Router::error_of(const PendingRequest& pending) const {
  const auto& args = pending.request.args;
  switch (pending.fault) {
    case Fault::unknown_command:
      return {Status::error, commands::unknown_command_text(args)};
    case Fault::unknown_subcommand:
      return {Status::error, commands::unknown_subcommand_text(*pending.command, args[1])};
    case Fault::wrong_arity:
      return {Status::error, commands::wrong_arity_text(*pending.command)};
    case Fault::not_authenticated:
      return {Status::not_authenticated, "Authentication required."};
    case Fault::key_too_large:
      return {Status::too_large, "key size over 64 KiB"};
    case Fault::bad_request:
      return {Status::error, std::string(pending.reason)};
    case Fault::out_of_memory:
      return {Status::out_of_memory, shard_.budget().refusal(pending.dropped_bytes)};
    case Fault::too_many_words:
      return {
          Status::too_large,
          "too many words: at most 65536; DEL, UNLINK, EXISTS, TOUCH, MGET and MSET outside of a "
          "transaction take 1048576"};
    case Fault::subscribed:
      return {Status::error,
              fmt::format("Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / "
                          "QUIT / RESET are allowed in this context",
                          commands::lower_case(pending.command->name))};
    case Fault::none:
      break;
  }
  PHX_CHECK(false);
  return {};
}

// It spoils the transaction that it belongs to; an EXEC ends it.
void Router::answer_fault(const PendingRequest& pending) {
  auto [status, text] = error_of(pending);
  Session& session = *pending.session;
  const bool is_unknown = pending.fault == Fault::unknown_command;
  const bool names_none = is_unknown || pending.fault == Fault::unknown_subcommand;
  meter_.name(names_none ? nullptr : pending.command, CommandMeter::Kind::refusal);
  if (is_unknown && is_of_http(pending.request.args)) connections_.end_input(session);
  if (pending.command != nullptr && has(pending.command->flags, Flags::executes)) {
    session.transaction.reset();
    const bool has_prefix = status != Status::error;
    text =
        fmt::format("Transaction discarded because of: {}{}{}",
                    has_prefix ? protocol::error_prefix(status) : "", has_prefix ? " " : "", text);
    status = Status::exec_aborted;
  } else if (session.transaction) {
    session.transaction->refuse();
  }
  answer(pending, status, text);
  meter_.end_naming();
}

bool Router::run_here(const PendingRequest& pending) {
  Session& session = *pending.session;
  SessionSink& sink = writers_.begin_sink(pending.head());
  actions_.act_for(session);
  const auto verdict = shard_.admit(*pending.command, pending.request, sink);
  if (verdict == Shard::Verdict::wait) return false;
  log::Position position = 0;
  if (verdict == Shard::Verdict::execute) {
    position = shard_.execute(*pending.command, pending.request, sink, &actions_);
    work_.take(shard_.steps_of_last());
  } else {
    meter_.was_refused(*pending.command);
  }
  // That a subscription was made or ended is a message itself: it is told in any case.
  const Flags flags = pending.command->flags;
  const bool is_message = has(flags, Flags::session) && has(flags, Flags::pubsub);
  take_for_reply(
      work_, session,
      is_message ? sink.finish(session.output, position) : file(sink, session, position));
  return true;
}

// The command could have run: it has failed.
void Router::answer(const PendingRequest& pending, Status status, std::string_view text) {
  actions_.act_for(*pending.session);
  SessionSink& sink = writers_.begin_sink(pending.head());
  sink.error(status, text);
  file(sink, *pending.session, 0);
}

// It counts as called, since it had no fault, and was not run.
void Router::reject(const PendingRequest& pending, Status status, std::string_view text) {
  answer(pending, status, text);
  meter_.was_refused(*pending.command);
}

inline bool Router::run_keyed(PendingRequest& pending) {
  if (shared_.cores() > 1 && !has_keys_on_one_core(pending)) {
    if (pending.command->gather != Gather::same_core) return run_gathered(pending);
    reject(pending, Status::cross_slot, kCrossSlot);
    return true;
  }
  if (has(pending.command->flags, Flags::watches)) return run_watch(pending);
  return pending.core == core_ ? run_here(pending) : run_away(pending, pending.core);
}

bool Router::has_keys_on_one_core(const PendingRequest& pending) const {
  const auto& args = pending.request.args;
  const KeyRange keys = key_range(*pending.command, args.size());
  for (std::size_t i = keys.first + keys.step; i < keys.end; i += keys.step) {
    if (core_of(args[i]) != pending.core) return false;
  }
  return true;
}

bool Router::run_away(const PendingRequest& pending, unsigned owner) {
  if (!hops_.has_room(owner)) return false;
  Session& session = *pending.session;
  HopPart& part = hops_.add_part(owner, session, *pending.command, pending.request, pending.head());
  part.run = session.output.append_awaited(bytes_away(*pending.command, pending.request.args));
  part.run->is_muted = session.client.mutes_reply();
  return true;
}

// The words of each core's part: all of them when every core is asked, else those of its keys.
Router::Split Router::split_by_owner(const Command& command, commands::Args args) const {
  const unsigned cores = shared_.cores();
  Split split{std::vector<std::vector<std::string_view>>(cores),
              std::vector<std::vector<std::uint32_t>>(cores)};
  if (has(command.flags, Flags::every_core)) {
    for (auto& words : split.words) words.assign(args.begin(), args.end());
    return split;
  }
  const KeyRange keys = key_range(command, args.size());
  for (std::size_t i = keys.first; i < keys.end; i += keys.step) {
    const unsigned owner = core_of(args[i]);
    auto& words = split.words[owner];
    if (words.empty()) words.push_back(args[0]);
    const std::size_t end = std::min(i + keys.step, args.size());
    for (std::size_t w = i; w < end; ++w) words.push_back(args[w]);
    split.ranks[owner].push_back(split.keys++);
  }
  return split;
}

Request Router::part_of(const PendingRequest& pending, commands::Args words) const {
  Request part = pending.request;
  part.args = words;
  const bool has_key = pending.command->keys.first > 0;
  part.first_key_hash = has_key ? shard_.keyspace().hash_of(words[1]) : 0;
  return part;
}

void Router::send_parts(const PendingRequest& pending, Split& split, Gathering& gathering) {
  gathering.command = pending.command;
  gathering.head = pending.head();
  if (pending.command->gather == Gather::in_key_order) gathering.items.resize(split.keys);
  if (pending.command->gather == Gather::by_row) gathering.frames.resize(shared_.cores());
  gathering.key_order = std::move(split.ranks);
  for (unsigned core = 0; core < shared_.cores(); ++core) {
    const auto& words = split.words[core];
    if (words.empty()) continue;
    ++gathering.parts_missing;
    if (core == core_) continue;
    const Request request = part_of(pending, words);
    HopPart& part =
        hops_.add_part(core, *gathering.session, *pending.command, request, part_head());
    part.gathering = &gathering;
    part.gathering_part = core;
    part.is_of_keys_slice = gathering.sliced != nullptr;
  }
}

// Nothing is sent unless every part can be. This core's part is run first: only it may have to wait
// for the log, and when it is refused the others are not asked.
bool Router::run_gathered(const PendingRequest& pending) {
  Session& session = *pending.session;
  Split split = split_by_owner(*pending.command, pending.request.args);
  if (!has_room_for(split)) return false;
  auto gathering = std::make_unique<Gathering>();
  std::string frame;
  const auto verdict = run_own_part(pending, split, *gathering, frame);
  if (verdict == Shard::Verdict::wait) return false;
  if (verdict == Shard::Verdict::refused) {
    SessionSink& sink = writers_.begin_sink(pending.head());
    answer_frame(frame, sink);
    file(sink, session, 0);
    meter_.was_refused(*pending.command);
    return true;
  }
  gathering->session = &session;
  gathering->run =
      session.output.append_awaited(bytes_away(*pending.command, pending.request.args));
  gathering->run->is_muted = session.client.mutes_reply();
  send_parts(pending, split, *gathering);
  if (!frame.empty()) gatherings_.join(*gathering, core_, frame);
  Gathering& added = gatherings_.add(std::move(gathering), pending.request);
  if (added.parts_missing == 0) gatherings_.finish(added);
  return true;
}

void Router::finish(Gathering& gathering) {
  if (gathering.sliced != nullptr) {
    finish_slice(gathering);
  } else {
    gatherings_.finish(gathering);
  }
}

bool Router::has_room_for(const Split& split) const {
  for (unsigned core = 0; core < shared_.cores(); ++core) {
    if (!split.words[core].empty() && core != core_ && !hops_.has_room(core)) return false;
  }
  return true;
}

// It may have none.
Shard::Verdict Router::run_own_part(const PendingRequest& pending, const Split& split,
                                    Gathering& gathering, std::string& frame) {
  if (split.words[core_].empty()) return Shard::Verdict::execute;
  const Request part = part_of(pending, split.words[core_]);
  Encoder& encoder = writers_.begin_encoder(part_head(), frame);
  const auto verdict = shard_.admit(*pending.command, part, encoder);
  if (verdict == Shard::Verdict::wait) return verdict;
  actions_.act_for(*pending.session);
  if (verdict == Shard::Verdict::execute) {
    gathering.position = shard_.execute(*pending.command, part, encoder, &actions_);
    work_.take(shard_.steps_of_last());
  }
  (void)encoder.finish();  // Parts are lists, sums or OK: never a large value.
  return verdict;
}

}  // namespace phoenix::server
