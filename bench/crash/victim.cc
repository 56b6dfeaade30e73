#include "bench/crash/victim.h"

#include <chrono>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "bench/crash/interrupt.h"
#include "bench/crash/target.h"

namespace phoenix::bench::crash {

Victim::Victim(Peer& peer, const Clock& clock, std::string key_to_ask)
    : peer_(peer),
      clock_(clock),
      key_to_ask_(std::move(key_to_ask)),
      options_(crash::connection_options(peer.spec(), peer.port())) {}

Result<Victim::Start> Victim::start(bool (*gives_up)()) {
  constexpr std::chrono::milliseconds kAskInterval{1};
  const std::uint64_t begin_ns = clock_.monotonic_ns();
  const auto launched = peer_.launch();
  if (!launched) return tl::unexpected<Error>(launched.error());
  const auto took_ns = [&] { return clock_.monotonic_ns() - begin_ns; };
  while (!gives_up() && peer_.running() && took_ns() < kStartPatienceMs * kNanosPerMs) {
    auto connection = ask();
    // Whoever else took the port may answer: ours has ended then.
    if (connection && peer_.running()) return Start{std::move(connection), took_ns()};
    std::this_thread::sleep_for(kAskInterval);
  }
  if (!peer_.running()) {
    const auto answered = peer_.await_answer();  // Tells how it ended.
    if (!answered) return tl::unexpected<Error>(answered.error());
  }
  return tl::unexpected<Error>(
      with_output(gives_up() ? "interrupted before it answered a read" : "it answers no reads"));
}

/// A server that still loads its data accepts connections and refuses reads.
std::unique_ptr<client::Connection> Victim::ask() const {
  auto connection = client::Connection::open(options_);
  if (!connection) return nullptr;
  const auto reply = (*connection)->call({"GET", key_to_ask_});
  return reply && !reply->is_error() ? std::move(*connection) : nullptr;
}

Result<void> Victim::start_and_kill(double after_ms) {
  auto launched = peer_.launch();
  if (!launched) return launched;
  sleep_ms(after_ms);
  kill();
  return {};
}

Error Victim::with_output(const std::string& what) const {
  return {ErrorCode::io,
          fmt::format("{}: {}; it printed:\n{}", peer_.name(), what, peer_.output_tail())};
}

}  // namespace phoenix::bench::crash
