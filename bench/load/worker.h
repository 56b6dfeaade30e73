// One thread's part of the load: its ring, its connections, its counts. One turn of the ring
// handles whatever has arrived, and everything that it sends leaves with the next turn's system
// call.
//
// Closed loop: a connection sends as many requests as the pipeline takes, waits until all are
// answered, and sends the next ones. Open loop: requests are due at times that the server has no
// influence on; one that finds all pipelines full waits here, and its latency counts from when it
// was due (Gil Tene calls leaving that out "coordinated omission").
//
// Lives on one thread from construction to destruction. Its result is read by others only after
// that thread has been joined.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/load/run_options.h"
#include "bench/load/schedule.h"
#include "bench/load/timeline.h"
#include "bench/measure/histogram.h"
#include "bench/wire/in_flight.h"
#include "bench/wire/reply_check.h"
#include "bench/wire/wire.h"
#include "bench/workload/requests.h"
#include "phoenix/base/clock.h"
#include "phoenix/base/result.h"
#include "phoenix/io/ring.h"
#include "phoenix/uring/unique_fd.h"

namespace phoenix::bench {

/// What all threads of a run do.
struct Plan {
  RunOptions options;
  RequestShape shape;
  CheckRules rules;
};

/// When to count, on the run's clock.
struct Window {
  std::uint64_t begin_ns = 0;
  std::uint64_t end_ns = 0;
};

/// What the threads of a run share.
struct Shared {
  Shared(const RunOptions& options, const std::atomic<bool>& the_stop)
      : stop(the_stop), keys(options.workload.keys), timeline(options.threads) {}

  const std::atomic<bool>& stop;              // Somebody wants the run to end: with what there is.
  std::atomic<std::uint64_t> keys_stored{0};  // By the preload so far.
  std::atomic<bool> failed{false};            // Somebody gave up: all stop.
  KeyCount keys;
  Timeline timeline;
};

/// Opens one connection to the server.
using Connect = std::function<Result<uring::UniqueFd>()>;

struct WorkerResult {
  Counts window;  // Of the measured time alone.
  Counts all;     // Of everything, the preload included.
  std::array<Histogram, kVerbs> latency_ns;
  std::uint64_t window_ns = 0;
  std::uint64_t unsent = 0;
  std::uint64_t unanswered = 0;  // Sent, and given up when the run was stopped.
  Histogram unsent_ns;        // How long both had waited at the end: they would have waited longer.
  Histogram client_delay_ns;  // Of requests that found room, and left late all the same.
  Complaints complaints;
};

class Worker final : private Answers {
 public:
  /// Everything borrowed must outlive the worker. `index` of options.threads.
  Worker(const Plan& plan, std::uint32_t index, io::Ring& ring, const Clock& clock, Shared& shared);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Opens this thread's share of the connections: one call of `connect` each.
  Result<void> connect(const Connect& connect);

  /// Stores this thread's share of the keys.
  Result<void> preload();

  /// Loads until the window's end or Shared::stop, then waits for the replies that are still on
  /// their way (once it is stopped, for a second at most without one). `on_edge` is called when
  /// counting begins and when it ends.
  Result<void> measure(const Window& window, const std::function<void()>& on_edge);

  const WorkerResult& result() const { return result_; }

 private:
  enum class Phase : std::uint8_t { preload, load, drain };

  struct Connection {
    Connection(const Plan& plan, uring::UniqueFd socket, std::size_t capacity, Worker& worker);

    uring::UniqueFd fd;
    InFlight in_flight;
    std::unique_ptr<Wire> wire;
    ReplyCheck check;
    Outbox filling;              // What leaves next,
    Outbox leaving;              // and what the kernel sends: its own until the completion.
    std::size_t sent_bytes = 0;  // Of leaving.
    bool sending = false;
    bool has_unsent = false;  // Stands in unsent_.
  };

  static constexpr std::size_t kCompletions = 1024;  // Of one turn.
  static constexpr std::uint64_t kPatienceNs = 30 * kNanosPerSecond;

  // worker.cc: connections and the loop.
  void answered(const Pending& pending, std::size_t times) override;
  Result<void> turn(std::uint64_t deadline_ns);
  void handle(const io::Completion& completion);
  void received(std::uint64_t id, const io::Completion& completion);
  void took(std::uint64_t id, const io::Completion& completion);
  void sent(std::uint64_t id, std::int32_t result);
  void receive(std::uint64_t id);
  void send(std::uint64_t id);
  void flush(std::uint64_t id);
  void push(Connection& connection, const Request& request, std::uint64_t due_ns);
  void give_up(std::string why);

  // worker_phases.cc: what is sent when.
  Result<void> drain();
  Result<void> load_until_end(const Window& window);
  void start_all(Phase phase);
  void next_batch(std::uint64_t id);
  void fill(Connection& connection);
  void send_due(std::uint64_t end_ns);
  Connection* connection_with_room();
  void note_delay(std::uint64_t due_ns);
  void count_unsent(std::uint64_t end_ns);
  void count_unanswered();
  void end_second(double length_s, const Counts& counts);
  std::size_t preload_pipeline() const;
  bool is_idle() const { return answered_connections_ == connections_.size(); }
  bool measures(std::uint64_t due_ns) const;

  const Plan& plan_;
  const std::uint32_t index_;
  io::Ring& ring_;
  const Clock& clock_;
  Shared& shared_;

  std::vector<std::unique_ptr<Connection>> connections_;
  std::array<io::Completion, kCompletions> completions_{};
  Requests requests_;
  Phase phase_ = Phase::preload;
  std::uint64_t next_key_ = 0;  // To be stored by the preload.
  std::uint64_t end_key_ = 0;
  std::size_t answered_connections_ = 0;  // With nothing on its way, and nothing more to send.

  // Open loop.
  std::optional<Schedule> schedule_;
  std::vector<std::uint64_t> unsent_;  // Connections that got requests in this turn.
  std::size_t next_connection_ = 0;
  std::size_t full_connections_ = 0;
  bool was_full_ = false;
  std::uint64_t had_room_since_ns_ = 0;

  Window window_;
  bool counting_ = false;
  std::uint64_t now_ns_ = 0;       // Read once per turn.
  std::uint64_t progress_ns_ = 0;  // When the last reply came.
  Counts counts_;                  // Since the last edge.
  Counts second_began_with_;
  std::size_t second_ = 0;  // Of the window.
  Histogram second_latency_ns_;
  std::string failure_;
  WorkerResult result_;
};

}  // namespace phoenix::bench
