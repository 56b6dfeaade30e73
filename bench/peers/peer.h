// A server under test: started from its spec on a free port and in a directory of its own, stopped
// or killed, and started again on what it left there.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/peers/catalog.h"
#include "bench/peers/child.h"
#include "phoenix/base/result.h"

namespace phoenix::bench {

struct PeerPlace {
  std::string directory;  // Must exist; the server gets `directory`/NAME in it.
  int cpu = -1;           // The first of `threads` CPUs; -1: not pinned.
  std::uint32_t threads = 1;
};

/// Long enough for a server that reads gigabytes back at its start.
inline constexpr std::uint32_t kStartPatienceMs = 60'000;
inline constexpr std::uint32_t kStopPatienceMs = 15'000;

class Peer final {
 public:
  /// Takes a port and makes the directory; starts nothing.
  static Result<std::unique_ptr<Peer>> make(PeerSpec spec, const PeerPlace& place);

  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() = default;  // Kills it when it runs.

  /// Starts the process, also again after stop() or kill_now(): same port, same directory. Must be
  /// called on a thread that outlives the server (see Child).
  Result<void> launch();

  /// Until it answers in its protocol. An error as soon as the process has ended, with the end of
  /// its output, and when it does not answer in time, or `stop` becomes true before; it is killed
  /// then.
  Result<void> await_answer(std::uint32_t patience_ms = kStartPatienceMs,
                            const std::atomic<bool>* stop = nullptr);

  /// SIGTERM, then SIGKILL when that takes longer than kStopPatienceMs. The error says how it
  /// ended when it did not end well.
  Result<void> stop();

  /// SIGKILL; returns when the process is gone.
  void kill_now();

  bool running() { return child_ != nullptr && child_->running(); }

  const PeerSpec& spec() const { return spec_; }
  const std::string& name() const { return spec_.name; }
  std::uint16_t port() const { return port_; }
  /// Where its data and its output (the file "output") are.
  const std::string& directory() const { return directory_; }
  /// The command with everything filled in.
  const std::vector<std::string>& words() const { return words_; }

  /// The process that serves: who listens on the port (a command may be a script that starts the
  /// server), else the one that was started; 0 when none runs.
  int server_pid() const;

  /// The last lines of what it printed, up to 4 KiB; a '?' for what a terminal would obey.
  std::string output_tail() const;

 private:
  Peer(PeerSpec spec, const PeerPlace& place, std::uint16_t port);

  std::string output_path() const { return directory_ + "/output"; }
  Error ended_early(std::string_view what) const;

  PeerSpec spec_;
  PeerPlace place_;
  std::uint16_t port_;
  std::string directory_;
  std::vector<std::string> words_;
  std::unique_ptr<Child> child_;
};

}  // namespace phoenix::bench
