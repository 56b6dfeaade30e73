#include "bench/load/worker.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace phoenix::bench {

Worker::Worker(const Plan& plan, std::uint32_t index, io::Ring& ring, const Clock& clock,
               Shared& shared)
    : plan_(plan),
      index_(index),
      ring_(ring),
      clock_(clock),
      shared_(shared),
      requests_(plan.options.workload, plan.shape.replayed.size(), shared.keys,
                plan.shape.keys.count(), index, plan.options.threads, plan.options.seed + index) {
  if (!plan.options.stores_keys()) return;
  std::tie(next_key_, end_key_) = share_of(plan.options.workload.keys, index, plan.options.threads);
}

Worker::Connection::Connection(const Plan& plan, uring::UniqueFd socket, std::size_t capacity,
                               Worker& worker)
    : fd(std::move(socket)),
      in_flight(capacity),
      wire(make_wire(plan.options.target.protocol, plan.shape)),
      check(plan.shape, plan.rules, in_flight, worker.counts_, worker.result_.complaints, worker) {}

Result<void> Worker::connect(const Connect& connect) {
  const RunOptions& options = plan_.options;
  const auto [first, end] = share_of(options.connections, index_, options.threads);
  std::size_t capacity = options.pipeline;
  if (options.stores_keys()) capacity = std::max(capacity, preload_pipeline());
  for (std::uint64_t i = first; i < end; ++i) {
    auto fd = connect();
    if (!fd) return tl::unexpected<Error>(fd.error());
    connections_.push_back(std::make_unique<Connection>(plan_, std::move(*fd), capacity, *this));
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
  const std::string_view rest = connection.leaving.bytes().substr(connection.sent_bytes);
  io::Operation operation;
  operation.kind = io::Operation::Kind::send;
  operation.fd = connection.fd.get();
  operation.token = io::make_token(io::TokenKind::send, id);
  operation.source = std::as_bytes(std::span(rest.data(), rest.size()));
  connection.sending = true;
  ring_.submit(operation);
}

void Worker::flush(std::uint64_t id) {
  Connection& connection = *connections_[id];
  if (connection.sending || connection.filling.bytes().empty()) return;
  std::swap(connection.filling, connection.leaving);
  connection.filling.clear();
  connection.sent_bytes = 0;
  send(id);
}

void Worker::push(Connection& connection, const Request& request, std::uint64_t due_ns) {
  connection.in_flight.push({request, due_ns});
  connection.wire->encode(request, connection.filling);
}

void Worker::give_up(std::string why) {
  if (failure_.empty()) failure_ = std::move(why);
}

void Worker::answered(const Pending& pending, std::size_t times) {
  progress_ns_ = now_ns_;
  if (phase_ == Phase::preload) {
    shared_.keys_stored.fetch_add(times, std::memory_order_relaxed);
  } else if (measures(pending.due_ns)) {
    const std::uint64_t latency_ns = now_ns_ - pending.due_ns;
    result_.latency_ns[static_cast<std::size_t>(pending.request.verb)].record(latency_ns, times);
    second_latency_ns_.record(latency_ns, times);
  }
}

void Worker::took(std::uint64_t id, const io::Completion& completion) {
  Connection& connection = *connections_[id];
  const bool was_full = connection.in_flight.size() >= plan_.options.pipeline;
  const std::string_view bytes(reinterpret_cast<const char*>(completion.bytes.data()),
                               completion.bytes.size());
  const bool is_sound = connection.wire->take(bytes, connection.check);
  ring_.release(completion.buffer);
  if (!is_sound) return give_up(connection.check.fatal());
  if (schedule_) {
    const bool is_full = connection.in_flight.size() >= plan_.options.pipeline;
    if (was_full && !is_full) --full_connections_;
  }
  // The bytes of a batch are the kernel's until its send is over.
  if (connection.in_flight.empty() && !connection.sending) next_batch(id);
}

void Worker::received(std::uint64_t id, const io::Completion& completion) {
  if (completion.result > 0) {
    took(id, completion);
    if (!failure_.empty()) return;
  } else if (completion.result == 0) {
    const auto& complaints = result_.complaints.texts();
    const bool is_inside = connections_[id]->wire->inside_reply();
    return give_up(fmt::format("the server closed a connection{}{}",
                               is_inside ? " in the middle of a reply" : "",
                               complaints.empty() ? "" : "; before: " + complaints.front()));
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
  if (connection.sent_bytes < connection.leaving.bytes().size()) return send(id);
  if (connection.in_flight.empty()) return next_batch(id);
  flush(id);
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

}  // namespace phoenix::bench
