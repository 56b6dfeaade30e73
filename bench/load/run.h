// A whole run: the threads, their common window, and what the server's process spent in it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "bench/load/result.h"
#include "bench/load/run_options.h"
#include "bench/wire/shape.h"
#include "phoenix/base/clock.h"
#include "phoenix/base/result.h"
#include "phoenix/io/ring.h"

namespace phoenix::bench {

/// Called on the thread that will use the ring.
using MakeRing = std::function<Result<std::unique_ptr<io::Ring>>()>;

/// Is told how a run goes on, on the thread that called run_load().
class Watcher {
 public:
  virtual void preloading(std::uint64_t keys_stored, std::uint64_t keys) = 0;
  virtual void second(const TimelineSecond& second) = 0;
  virtual void ended() = 0;  // Of what has been told of: a line may be cleared away.

 protected:
  ~Watcher() = default;
};

/// What runs need of the world around them.
struct Surroundings {
  const MakeRing& make_ring;
  const Clock& clock;
  const std::atomic<bool>& stop;  // Becomes true: the run ends with what was measured so far.
  Watcher* watcher = nullptr;     // Null: nobody looks.
};

/// An error when the requests of all connections that may be on their way together come to more
/// than 1 GiB, for which this process needs the memory.
Result<void> check_outstanding(const RunOptions& options, const RequestShape& shape);

/// What all requests of such a run have in common. Reads the file that is to be replayed.
Result<RequestShape> make_shape(const RunOptions& options);

/// Runs it all. An error when nothing was measured; a run that fails later comes back with what it
/// has and RunResult::failure.
Result<RunResult> run_load(RunOptions options, const Surroundings& surroundings);

}  // namespace phoenix::bench
