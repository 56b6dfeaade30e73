#include "bench/load/worker.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace phoenix::bench {
namespace {

constexpr std::size_t kPreloadPipeline = 128;
constexpr std::size_t kPreloadBatchBytes = std::size_t{256} << 10U;

// The part [first, second) of 0 .. total-1 that falls to one of `parts`.
std::pair<std::uint64_t, std::uint64_t> share(std::uint64_t total, std::uint32_t part,
                                              std::uint32_t parts) {
  const std::uint64_t each = total / parts;
  const std::uint64_t rest = total % parts;
  const std::uint64_t first = each * part + std::min<std::uint64_t>(part, rest);
  return {first, first + each + (part < rest ? 1 : 0)};
}

}  // namespace

Worker::Worker(const Plan& plan, std::uint32_t index, io::Ring& ring, const Clock& clock,
               Shared& shared)
    : plan_(plan),
      index_(index),
      ring_(ring),
      clock_(clock),
      shared_(shared),
      requests_(plan.options.keys, plan.options.get_share, plan.options.seed + index) {
  if (!plan.options.preload) return;
  std::tie(next_key_, end_key_) = share(plan.options.keys, index, plan.options.threads);
}

std::size_t Worker::preload_pipeline() const {
  const std::size_t one = RequestBatch::bytes_max(plan_.shape, 1);
  return std::clamp<std::size_t>(kPreloadBatchBytes / one, 1, kPreloadPipeline);
}

Result<void> Worker::connect(const Connect& connect) {
  const RunOptions& options = plan_.options;
  const auto [first, end] = share(options.connections, index_, options.threads);
  std::size_t capacity = options.pipeline;
  if (options.preload) capacity = std::max(capacity, preload_pipeline());
  for (std::uint64_t i = first; i < end; ++i) {
    auto fd = connect();
    if (!fd) return tl::unexpected<Error>(fd.error());
    connections_.push_back(
        std::make_unique<Connection>(plan_, std::move(*fd), capacity, counts_, result_.complaints));
    receive(connections_.size() - 1);
  }
  return {};
}

void Worker::receive(std::uint64_t id) {
  io::Operation operation;
  operation.kind = io::Operation::Kind::receive;
  operation.fd = connections_[id]->fd.get();
  operation.token = io::make_token(io::TokenKind::receive, id);
  ring_.submit(operation);
}

void Worker::send(std::uint64_t id) {
  Connection& connection = *connections_[id];
  const std::string_view rest = connection.batch.bytes().substr(connection.sent_bytes);
  io::Operation operation;
  operation.kind = io::Operation::Kind::send;
  operation.fd = connection.fd.get();
  operation.token = io::make_token(io::TokenKind::send, id);
  operation.source = std::as_bytes(std::span(rest.data(), rest.size()));
  connection.sending = true;
  ring_.submit(operation);
}

void Worker::fill(RequestBatch& batch) {
  if (phase_ == Phase::load) {
    for (std::uint32_t i = 0; i < plan_.options.pipeline; ++i) batch.add(requests_.next());
    return;
  }
  if (phase_ == Phase::drain) return;
  const std::uint64_t left = end_key_ - next_key_;
  const std::uint64_t count = std::min<std::uint64_t>(left, preload_pipeline());
  for (std::uint64_t i = 0; i < count; ++i) batch.add({Verb::set, next_key_++});
}

void Worker::next_batch(std::uint64_t id) {
  Connection& connection = *connections_[id];
  connection.batch.clear();
  connection.check.restart();
  fill(connection.batch);
  if (connection.batch.size() == 0) {
    ++idle_;
    return;
  }
  connection.sent_ns = now_ns_;
  connection.sent_bytes = 0;
  send(id);
}

void Worker::start_all(Phase phase) {
  phase_ = phase;
  idle_ = 0;
  now_ns_ = clock_.monotonic_ns();
  progress_ns_ = now_ns_;
  for (std::uint64_t id = 0; id < connections_.size(); ++id) next_batch(id);
}

void Worker::give_up(std::string why) {
  if (failure_.empty()) failure_ = std::move(why);
}

void Worker::received(std::uint64_t id, const io::Completion& completion) {
  Connection& connection = *connections_[id];
  if (completion.result > 0) {
    const std::size_t before = connection.check.answered();
    const std::string_view bytes(reinterpret_cast<const char*>(completion.bytes.data()),
                                 completion.bytes.size());
    const bool sound = connection.walker.walk(bytes, connection.check);
    ring_.release(completion.buffer);
    if (!sound) return give_up(connection.check.fatal());
    const std::size_t answered = connection.check.answered();
    if (counting_) result_.latency_ns.record(now_ns_ - connection.sent_ns, answered - before);
    if (phase_ == Phase::preload) shared_.keys_stored += answered - before;
    progress_ns_ = now_ns_;
    // The bytes of a batch are the kernel's until its send is over.
    if (answered == connection.batch.size() && !connection.sending) next_batch(id);
  } else if (completion.result == 0) {
    const auto& complaints = result_.complaints.texts();
    return give_up("the server closed a connection" +
                   (complaints.empty() ? std::string() : "; before: " + complaints.front()));
  } else if (completion.result != -ENOBUFS) {
    return give_up(fmt::format("receiving failed: {}", std::strerror(-completion.result)));
  }
  if (!completion.more) receive(id);
}

void Worker::sent(std::uint64_t id, std::int32_t result) {
  Connection& connection = *connections_[id];
  connection.sending = false;
  // Why it has gone may still be there to be received.
  if (result == -EPIPE || result == -ECONNRESET) return;
  if (result < 0) return give_up(fmt::format("sending failed: {}", std::strerror(-result)));
  connection.sent_bytes += static_cast<std::size_t>(result);
  if (connection.sent_bytes < connection.batch.bytes().size()) return send(id);
  if (connection.check.answered() == connection.batch.size()) next_batch(id);
}

void Worker::handle(const io::Completion& completion) {
  const std::uint64_t id = io::token_id(completion.token);
  if (io::token_kind(completion.token) == io::TokenKind::receive) return received(id, completion);
  if (io::token_kind(completion.token) == io::TokenKind::send) return sent(id, completion.result);
}

Result<void> Worker::turn(std::uint64_t deadline_ns) {
  const std::size_t count = ring_.run_once(completions_, deadline_ns);
  now_ns_ = clock_.monotonic_ns();
  for (std::size_t i = 0; i < count; ++i) handle(completions_[i]);
  if (!failure_.empty()) return fail(ErrorCode::io, failure_);
  if (shared_.failed.load(std::memory_order_relaxed)) {
    return fail(ErrorCode::io, "stopped, since another thread failed");
  }
  return {};
}

Result<void> Worker::preload() {
  start_all(Phase::preload);
  while (idle_ < connections_.size()) {
    if (auto good = turn(now_ns_ + kNanosPerSecond); !good) return good;
    if (!result_.complaints.texts().empty()) {
      return fail(ErrorCode::io, "the preload failed: " + result_.complaints.texts().front());
    }
    if (now_ns_ - progress_ns_ > kPatienceNs) {
      return fail(ErrorCode::io, "the preload stands still: no reply for 30 s");
    }
  }
  result_.all.add(counts_);
  counts_ = {};
  return {};
}

Result<void> Worker::measure(const Window& window, const std::function<void()>& on_edge) {
  start_all(Phase::load);
  while (now_ns_ < window.begin_ns) {
    if (auto good = turn(window.begin_ns); !good) return good;
  }
  const std::uint64_t begun_ns = now_ns_;
  result_.all.add(counts_);
  counts_ = {};
  counting_ = true;
  on_edge();
  while (now_ns_ < window.end_ns) {
    if (auto good = turn(window.end_ns); !good) return good;
  }
  on_edge();
  counting_ = false;
  result_.window_ns = now_ns_ - begun_ns;
  result_.window = counts_;
  return drain();
}

Result<void> Worker::drain() {
  phase_ = Phase::drain;
  progress_ns_ = now_ns_;
  while (idle_ < connections_.size()) {
    if (auto good = turn(now_ns_ + kNanosPerSecond); !good) return good;
    if (now_ns_ - progress_ns_ > kPatienceNs) {
      return fail(ErrorCode::io, fmt::format("{} connections got no more replies for 30 s",
                                             connections_.size() - idle_));
    }
  }
  result_.all.add(counts_);
  return {};
}

}  // namespace phoenix::bench
