#include "phoenix/server/listings.h"

#include <algorithm>
#include <utility>

#include "phoenix/server/session.h"

namespace phoenix::server {

using commands::Request;

Listings::Listings(const Parts& parts)
    : core_(parts.core),
      shared_(parts.shared),
      shard_(parts.shard),
      connections_(parts.connections),
      buffers_(parts.buffers),
      clock_(parts.clock),
      meter_(parts.meter),
      writers_(parts.writers),
      hops_(parts.hops),
      work_(parts.work) {}

void Listings::start(const PendingRequest& pending) {
  Session& session = *pending.session;
  if (session.client.mutes_reply()) return;  // It would do nothing else.
  ListingSetup setup;
  setup.head = pending.head();
  setup.flags = pending.request.flags;
  setup.cores = shared_.cores();
  setup.meter = buffers_.large;
  setup.skips = shared_.config.mutations.scans_skip;
  if (pending.command->listing == commands::ListingKind::random_key) draw_core(setup);
  auto listing = Listing::begin(*pending.command, pending.request.args, setup);
  if (!listing) return refuse(pending, listing.error().message);
  session.listing = std::move(*listing);
  if (pending.frame != nullptr) {  // It is the last that was parsed.
    session.listing->request_bytes =
        static_cast<std::size_t>(session.first_bytes().data() - pending.frame);
  }
  session.is_listed = true;
  sessions_.push_back(&session);
}

void Listings::refuse(const PendingRequest& pending, std::string_view text) {
  meter_.name(pending.command);
  SessionSink& sink = writers_.begin_sink(pending.head());
  sink.error(protocol::Status::error, text);
  sink.finish(pending.session->output, 0);
  meter_.end_naming();
}

void Listings::draw_core(ListingSetup& setup) {
  setup.chance = shard_.draw();
  for (unsigned core = 0; core < setup.cores; ++core) {
    setup.keys_of_cores.push_back(shared_.metrics[core].keys.get());
  }
}

void Listings::step(std::uint64_t now_ns) {
  drop_dead();
  std::size_t in_vain = 0;  // So many listings in a row could not go on.
  while (in_vain < sessions_.size() && !work_.is_spent()) {
    next_ %= sessions_.size();
    Session& session = *sessions_[next_];
    ++in_vain;
    if (session.listing) {
      if (session.output.empty()) send_sign_of_life(session, now_ns);
      const bool may_go_on = !session.listing->is_waiting && !session.output.full();
      if (may_go_on && run_slice(session)) in_vain = 0;
    }
    if (session.listing) {
      ++next_;
    } else {
      finish(next_);
    }
  }
}

void Listings::send_sign_of_life(Session& session, std::uint64_t now_ns) {
  if (session.listing->has_sign_of_life(now_ns)) send_part(session);
}

// A frame behind which more follows: only the native protocol has them.
void Listings::send_part(Session& session) {
  Listing& listing = *session.listing;
  std::string frame;
  Encoder& encoder = writers_.begin_encoder(listing.head(), frame);
  listing.write_part(encoder);
  (void)encoder.finish();  // Keys are never large values.
  const auto kind = protocol::load_le<std::uint16_t>(frame.data() + 2);
  protocol::store_le(frame.data() + 2, static_cast<std::uint16_t>(kind | protocol::kMoreFollows));
  session.output.append_owned(std::move(frame), {}, listing.position);
  connections_.touch(session);
}

void Listings::take_slice(Session& session, std::string_view frame) {
  Listing& listing = *session.listing;
  listing.take_slice(frame, shard_.budget().is_full());
  if (listing.has_part()) send_part(session);
  if (!listing.is_complete()) return;
  std::string end;
  Encoder& encoder = writers_.begin_encoder(listing.head(), end);
  meter_.name(&listing.command());
  listing.write_end(encoder);
  meter_.end_naming();
  (void)encoder.finish();  // Likewise.
  meter_.of(listing.command()).record(listing.took_ns);
  take_for_reply(work_, session, end.size());
  session.output.append_owned(std::move(end), {}, listing.position);
  session.listing.reset();
  connections_.touch(session);
}

// In every turn and all of them: a session that is broken may be gone after the next.
void Listings::drop_dead() {
  for (std::size_t i = 0; i < sessions_.size();) {
    Session& session = *sessions_[i];
    if (session.is_broken && session.listing && !session.listing->is_waiting) {
      session.listing.reset();
    }
    if (session.listing) {
      ++i;
    } else {
      finish(i);
    }
  }
}

void Listings::finish(std::size_t index) {
  Session& session = *sessions_[index];
  session.is_listed = false;
  connections_.touch(session);
  connections_.make_ready(session);
  sessions_[index] = sessions_.back();
  sessions_.pop_back();
}

// False: there is no room on the way to the core whose turn it is.
bool Listings::run_slice(Session& session) {
  Listing& listing = *session.listing;
  Request request;
  request.flags = listing.flags();
  const unsigned owner = listing.core();
  if (owner != core_ && !hops_.has_room(owner)) return false;
  request.args = listing.next_slice();
  work_.take(request.args.size() * kWorkPerWord);
  listing.is_waiting = true;
  if (owner != core_) {
    hops_.add_part(owner, session, listing.command(), request, part_head());
    return true;
  }
  std::string frame;
  Encoder& encoder = writers_.begin_encoder(part_head(), frame);
  const std::uint64_t begin_ns = clock_.monotonic_ns();
  const log::Position position = shard_.execute(listing.command(), request, encoder, nullptr);
  listing.took_ns += clock_.monotonic_ns() - begin_ns;
  (void)encoder.finish();  // Keys are never large values.
  listing.position = std::max(listing.position, position);
  work_.take(shard_.steps_of_last() + frame.size());
  take_slice(session, frame);
  return true;
}

bool Listings::has_work_left() const {
  return std::any_of(sessions_.begin(), sessions_.end(), [](const auto* session) {
    return session->listing && !session->listing->is_waiting && !session->output.full();
  });
}

}  // namespace phoenix::server
