// One thread's part of the load: its ring, its connections, its counts. A connection sends a batch,
// waits until all of it is answered, and sends the next one. One turn of the ring handles whatever
// has arrived, and everything that it sends leaves with the next turn's system call.
//
// Lives on one thread from construction to destruction. Its counts are read by others only after
// that thread has been joined.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/run_options.h"
#include "bench/measure/histogram.h"
#include "bench/wire/frame_walker.h"
#include "bench/wire/reply_check.h"
#include "bench/wire/request_batch.h"
#include "bench/workload/workload.h"
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

/// What the threads of a run tell each other.
struct Shared {
  std::atomic<std::uint64_t> keys_stored{0};  // By the preload so far.
  std::atomic<bool> failed{false};            // Somebody gave up: all stop.
};

/// Opens one connection to the server.
using Connect = std::function<Result<uring::UniqueFd>()>;

struct WorkerResult {
  Counts window;         // Of the measured time alone.
  Counts all;            // Of everything, the preload included.
  Histogram latency_ns;  // From a batch's send to each reply, in the measured time.
  std::uint64_t window_ns = 0;
  Complaints complaints;
};

class Worker final {
 public:
  /// Everything borrowed must outlive the worker. `index` of options.threads.
  Worker(const Plan& plan, std::uint32_t index, io::Ring& ring, const Clock& clock, Shared& shared);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Opens this thread's share of the connections: one call of `connect` each.
  Result<void> connect(const Connect& connect);

  /// Stores this thread's share of the keys.
  Result<void> preload();

  /// Loads until the window's end, then waits for the replies that are still on their way.
  /// `on_edge` is called when counting begins and when it ends.
  Result<void> measure(const Window& window, const std::function<void()>& on_edge);

  const WorkerResult& result() const { return result_; }

 private:
  enum class Phase : std::uint8_t { preload, load, drain };

  struct Connection {
    Connection(const Plan& plan, uring::UniqueFd socket, std::size_t batch_capacity, Counts& counts,
               Complaints& complaints)
        : fd(std::move(socket)),
          batch(plan.shape, batch_capacity),
          check(plan.shape, plan.rules, batch, counts, complaints) {}

    uring::UniqueFd fd;
    RequestBatch batch;
    ReplyCheck check;
    FrameWalker walker;
    std::uint64_t sent_ns = 0;   // When the batch was queued.
    std::size_t sent_bytes = 0;  // Of it.
    bool sending = false;
  };

  static constexpr std::size_t kCompletions = 1024;  // Of one turn.
  static constexpr std::uint64_t kPatienceNs = 30 * kNanosPerSecond;

  Result<void> turn(std::uint64_t deadline_ns);
  Result<void> drain();
  void handle(const io::Completion& completion);
  void received(std::uint64_t id, const io::Completion& completion);
  void sent(std::uint64_t id, std::int32_t result);
  void start_all(Phase phase);
  void next_batch(std::uint64_t id);
  void fill(RequestBatch& batch);
  void receive(std::uint64_t id);
  void send(std::uint64_t id);
  void give_up(std::string why);
  std::size_t preload_pipeline() const;

  const Plan& plan_;
  const std::uint32_t index_;
  io::Ring& ring_;
  const Clock& clock_;
  Shared& shared_;

  std::vector<std::unique_ptr<Connection>> connections_;
  std::array<io::Completion, kCompletions> completions_{};
  RandomRequests requests_;
  Phase phase_ = Phase::preload;
  std::uint64_t next_key_ = 0;  // To be stored by the preload.
  std::uint64_t end_key_ = 0;
  std::size_t idle_ = 0;  // Connections with nothing on its way.
  bool counting_ = false;
  std::uint64_t now_ns_ = 0;       // Read once per turn.
  std::uint64_t progress_ns_ = 0;  // When the last reply came.
  Counts counts_;                  // Since the last edge.
  std::string failure_;
  WorkerResult result_;
};

}  // namespace phoenix::bench
