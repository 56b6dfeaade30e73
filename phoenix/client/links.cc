#include "phoenix/client/links.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "protocol/slot.h"

namespace phoenix::client {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPauseFirst{10};
constexpr milliseconds kPauseMax{500};
/// A core that cannot be reached while the server can: its requests go another way meanwhile.
constexpr milliseconds kCorePause{1'000};

/// What a server that is being started again looks like.
bool may_pass(const Error& error) {
  return error.code == ErrorCode::unreachable || error.code == ErrorCode::disconnected ||
         error.status == protocol::Status::shutting_down || error.status == protocol::Status::busy;
}

}  // namespace

Links::Links(ClientOptions options) : options_(std::move(options)) {}

void Links::begin_round() {
  retired_.clear();
  failure_.reset();
  first_.is_checked = false;
  for (Link& link : cores_) link.is_checked = false;
}

Result<Connection*> Links::to(std::optional<std::string_view> key) {
  // Who owns what is told in the greeting of the first connection.
  if (!map_ || !key) {
    Result<Connection*> opened = first();
    if (!opened || !map_ || !key) return opened;
  }
  const std::size_t core = owners_[protocol::slot_of(*key)];
  Link& link = cores_[core];
  if (is_usable(link)) return link.connection.get();
  retire(link);
  if (link.retry_at > Clock::now()) return first();
  Options options = options_.connection;
  options.endpoint.port = map_->ports[core];
  auto opened = Connection::open(options);
  if (opened && (*opened)->server().cores == map_) {
    link.connection = std::move(*opened);
    return link.connection.get();
  }
  if (!opened && opened.error().code == ErrorCode::interrupted) {
    return tl::unexpected<Error>(std::move(opened.error()));
  }
  // When the server was started anew, maybe with other cores, the first connection has ended, too,
  // and its new greeting tells. Any core serves any key, so the request itself goes the same way.
  link.retry_at = Clock::now() + kCorePause;
  return first();
}

Result<std::unique_ptr<Connection>> Links::open_extra() const {
  return Connection::open(options_.connection);
}

Result<Connection*> Links::first() {
  if (is_usable(first_)) return first_.connection.get();
  if (failure_) return tl::unexpected<Error>(*failure_);
  retire(first_);
  auto opened = open_patiently();
  if (!opened) {
    failure_ = opened.error();
    return tl::unexpected<Error>(std::move(opened.error()));
  }
  was_connected_ = true;
  first_.connection = std::move(*opened);
  first_.is_checked = true;
  adopt(first_.connection->server().cores);
  return first_.connection.get();
}

Result<std::unique_ptr<Connection>> Links::open_patiently() {
  const milliseconds patience = was_connected_ ? options_.reconnect_for : milliseconds(0);
  const Clock::time_point end = Clock::now() + patience;
  for (milliseconds time = kPauseFirst;; time = std::min(2 * time, kPauseMax)) {
    auto opened = Connection::open(options_.connection);
    if (opened || !may_pass(opened.error()) || Clock::now() + time > end) return opened;
    const Result<void> paused = pause(time);
    if (!paused) return tl::unexpected<Error>(paused.error());
  }
}

Result<void> Links::pause(milliseconds time) const {
  pollfd interrupt{options_.connection.interrupt_fd, POLLIN, 0};
  const int ready = ::poll(&interrupt, 1, static_cast<int>(time.count()));
  // A signal only makes the pause shorter.
  if (ready > 0) return fail(ErrorCode::interrupted, "interrupted while connecting again");
  return {};
}

void Links::adopt(const std::optional<CoreMap>& map) {
  // A unix socket says nothing of where the ports are; with one core there is nothing to choose.
  const bool fits = options_.uses_core_ports && options_.connection.endpoint.unix_path.empty() &&
                    map && map->ports.size() > 1;
  if (fits && map_ == map) return;
  for (Link& link : cores_) retire(link);
  cores_.clear();
  owners_.clear();
  map_.reset();
  if (!fits) return;
  map_ = map;
  cores_.resize(map->ports.size());
  for (const SlotRange& range : map->slots) owners_.resize(range.last + std::size_t{1}, range.core);
}

void Links::retire(Link& link) {
  if (link.connection) retired_.push_back(std::move(link.connection));
  link.is_checked = false;
}

/// Looked at once in a round: the look costs a system call.
bool Links::is_usable(Link& link) {
  if (!link.connection) return false;
  if (!link.is_checked && link.connection->peer_closed()) return false;
  link.is_checked = true;
  return true;
}

}  // namespace phoenix::client
