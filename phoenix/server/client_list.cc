#include "phoenix/server/client_list.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "phoenix/commands/refusals.h"
#include "phoenix/commands/words.h"

namespace phoenix::server {

using commands::ChannelKind;
using commands::ClientFilter;

namespace {

bool is_open(const Session& session) {
  return !session.ignores_input && !session.is_broken && !session.is_finished;
}

std::size_t subscriptions_of(const Session& session, ChannelKind kind) {
  if (!session.subscriptions) return 0;
  return session.subscriptions->by_kind[static_cast<std::size_t>(kind)].size();
}

// Requests since MULTI; -1: there was none.
std::int64_t queued_by(const Session& session) {
  if (!session.transaction || !session.transaction->is_open()) return -1;
  return static_cast<std::int64_t>(session.transaction->job().requests.size());
}

std::string flags_of(const Session& session) {
  std::string flags;
  if (session.client.is_monitor) flags += 'O';
  if (session.is_subscribed()) flags += 'P';
  if (queued_by(session) >= 0) flags += 'x';
  if (session.is_paused) flags += 'b';
  if (!session.client.is_evictable) flags += 'e';
  if (!session.client.touches_keys) flags += 'T';
  return flags.empty() ? "N" : flags;
}

int version_of(commands::Wire wire) {
  if (wire == commands::Wire::native) return 0;
  return wire == commands::Wire::resp3 ? 3 : 2;
}

}  // namespace

void ClientList::find_addresses(Session& session) {
  if (!session.peer_address.empty()) return;
  const io::SocketNames names = host_.socket_names(session.fd());
  session.peer_address = names.peer;
  session.local_address = names.local;
}

const std::string& ClientList::address_of(Session& session) {
  find_addresses(session);
  return session.peer_address;
}

// With the requests of the running batch, and one that is a listing, as Redis counts them until
// they are done.
std::size_t ClientList::input_bytes(const Session& session) const {
  if (session.listing) return session.listing->request_bytes + session.unparsed_bytes();
  if (batch_ == nullptr) return session.unparsed_bytes();
  const auto& requests = batch_->requests;
  const auto first = std::find_if(requests.begin(), requests.end(), [&](const auto& pending) {
    return pending.session == &session && pending.frame != nullptr;
  });
  if (first == requests.end()) return session.unparsed_bytes();
  const std::string_view rest = session.first_bytes();
  return static_cast<std::size_t>(rest.data() + rest.size() - first->frame);
}

void ClientList::describe(Session& session, std::string& line) {
  find_addresses(session);
  const std::uint64_t now_ns = clock_.monotonic_ns();
  const auto seconds_since = [now_ns](std::uint64_t then_ns) {
    return now_ns > then_ns ? (now_ns - then_ns) / kNanosPerSecond : 0;
  };
  const auto& output = session.output;
  const std::string last =
      session.last_command == nullptr ? "NULL" : commands::lower_case(session.last_command->name);
  auto out = std::back_inserter(line);
  fmt::format_to(out, "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db=0",
                 session.client.id, session.peer_address, session.local_address, session.fd(),
                 session.client.name, seconds_since(session.opened_ns),
                 seconds_since(session.active_ns), flags_of(session));
  fmt::format_to(out, " sub={} psub={} ssub={} multi={} qbuf={} qbuf-free=0 argv-mem=0 multi-mem=0",
                 subscriptions_of(session, ChannelKind::plain),
                 subscriptions_of(session, ChannelKind::pattern),
                 subscriptions_of(session, ChannelKind::shard), queued_by(session),
                 input_bytes(session));
  fmt::format_to(out, " rbs=0 rbp=0 obl=0 oll={} omem={} tot-mem={} events={} cmd={} user=default",
                 output.runs(), output.queued_bytes(),
                 session.memory_bytes() + output.queued_bytes(), output.empty() ? "r" : "rw", last);
  fmt::format_to(out, " redir=-1 resp={} lib-name={} lib-ver={}\n", version_of(session.wire),
                 session.client.library_name, session.client.library_version);
}

bool ClientList::fits(Session& session, const ClientFilter& filter) {
  const auto& ids = filter.ids;
  if (!ids.empty() && !std::binary_search(ids.begin(), ids.end(), session.client.id)) return false;
  const bool is_pubsub = session.is_subscribed();
  if (filter.type == ClientFilter::Type::none) return false;
  if (filter.type == ClientFilter::Type::pubsub && !is_pubsub) return false;
  if (filter.type == ClientFilter::Type::normal && is_pubsub) return false;
  if (!filter.address && !filter.local_address) return true;
  find_addresses(session);
  if (filter.address && *filter.address != session.peer_address) return false;
  return !filter.local_address || *filter.local_address == session.local_address;
}

std::uint64_t ClientList::list(const ClientFilter& filter, std::uint64_t place, std::string& page,
                               std::uint64_t& steps) {
  constexpr std::uint64_t kSessionsPerSlice = 1024;
  constexpr std::uint64_t kLinesPerSlice = 128;
  constexpr std::uint64_t kStepsEach = 50;
  constexpr std::uint64_t kStepsPerLine = 2500;
  const auto& sessions = connections_.sessions();
  const std::uint64_t end = std::min<std::uint64_t>(place + kSessionsPerSlice, sessions.size());
  std::uint64_t lines = 0;
  for (; place < end && lines < kLinesPerSlice; ++place) {
    Session* const session = sessions[place].get();
    steps += kStepsEach;
    if (session == nullptr || !is_open(*session) || !fits(*session, filter)) continue;
    describe(*session, page);
    steps += kStepsPerLine;
    ++lines;
  }
  return place < sessions.size() ? place : 0;
}

std::uint64_t ClientList::kill(const ClientFilter& filter, commands::SessionControl* caller,
                               bool skips_caller) {
  const std::uint64_t own_id = caller == nullptr ? 0 : caller->client().id;
  std::uint64_t killed = 0;
  for (const auto& session : connections_.sessions()) {
    if (!session || !is_open(*session) || !fits(*session, filter)) continue;
    const bool is_caller = session->client.id == own_id;
    if (is_caller && skips_caller) continue;
    ++killed;
    if (is_caller) {
      caller->close_after_reply();
    } else {
      connections_.cut_off_soon(*session);
    }
  }
  return killed;
}

void ClientList::pause(std::uint64_t duration_ms, bool only_writes) {
  const std::uint64_t now_ns = clock_.monotonic_ns();
  const std::uint64_t ms_max = (std::numeric_limits<std::uint64_t>::max() - now_ns) / kNanosPerMs;
  const std::uint64_t until_ns = now_ns + std::min(duration_ms, ms_max) * kNanosPerMs;
  only_writes_are_paused_ = only_writes && (paused_until_ns_ == 0 || only_writes_are_paused_);
  paused_until_ns_ = std::max(paused_until_ns_, until_ns);
}

void ClientList::unpause() {
  paused_until_ns_ = 0;
  connections_.release_held();
}

}  // namespace phoenix::server
