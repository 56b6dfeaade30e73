// The load of one connection of the crash test: a pipeline of writes and deletes of keys of its own
// and reads of anybody's, each noted before it is sent and once more when it is answered, until the
// server goes.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/history/operation.h"
#include "phoenix/base/clock.h"
#include "phoenix/base/random.h"
#include "phoenix/client/connection.h"

namespace phoenix::bench::crash {

inline constexpr std::uint32_t kKeysPerConnection = 64;
inline constexpr std::size_t kPipelineMax = 16;

/// The keys of all connections: those of number n begin at n * kKeysPerConnection.
std::vector<std::string> key_names(std::uint32_t connections);

/// Monotonic time since the beginning of the test. Any thread.
class Stopwatch final {
 public:
  explicit Stopwatch(const Clock& clock) : clock_(clock), begin_ns_(clock.monotonic_ns()) {}
  std::uint64_t now_ns() const { return clock_.monotonic_ns() - begin_ns_; }

 private:
  const Clock& clock_;
  std::uint64_t begin_ns_;
};

class Load final {
 public:
  Load(std::uint32_t number, std::uint64_t seed, const std::vector<std::string>& keys,
       const Stopwatch& watch);

  /// Asks and listens until the connection breaks or `operations_max` operations are noted (and up
  /// to kPipelineMax more). Another end than that the server went after `may_end` was set is told
  /// by error(). For one thread.
  void run(const client::Options& options, std::size_t operations_max,
           const std::atomic<bool>& may_end, std::atomic<std::size_t>& connected);

  /// What has been noted since the last call. `dead_ns`: by then the server was gone, so what has
  /// no answer has taken effect, or never will.
  std::vector<history::Operation> take(std::uint64_t dead_ns);

  /// Why it ended too early; empty if it did not.
  const std::string& error() const { return error_; }
  /// The first error that the server answered with; empty if there was none.
  const std::string& refusal() const { return refusal_; }

 private:
  client::Result<void> ask(client::Connection& connection);
  client::Result<void> queue_one(client::Connection& connection);
  void note_reply(const client::Reply& reply, history::Operation& operation);
  std::uint32_t any_key();
  std::uint32_t own_key();

  std::uint32_t number_;
  SeededRandom random_;
  const std::vector<std::string>& keys_;
  const Stopwatch& watch_;
  std::uint64_t written_ = 0;
  std::vector<history::Operation> operations_;
  std::string error_;
  std::string refusal_;
};

/// Reads every key once, as client number `number`. The error is one of the connection, or of a
/// read that was refused.
client::Result<std::vector<history::Operation>> read_all(client::Connection& connection,
                                                         const std::vector<std::string>& keys,
                                                         const Stopwatch& watch,
                                                         std::uint32_t number);

}  // namespace phoenix::bench::crash
