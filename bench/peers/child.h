// A process that the bench tool starts, watches and never leaves behind: no shell in between, input
// from nowhere, output into a file, a session of its own.
//
// Invariants: while the object lives the process is running or its end is known; what it started in
// its session (a command may be a script) ends with it, and is gone before its end is told; the
// destructor kills what still runs and waits for it; if the bench tool itself is killed, the kernel
// kills the child (PR_SET_PDEATHSIG), though not what the child started. That binds it to the
// thread that started it, which must outlive it: start children on the main thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "phoenix/base/result.h"
#include "phoenix/uring/unique_fd.h"

namespace phoenix::bench {

struct ChildOptions {
  std::vector<std::string> words;  // The program's path, then its arguments.
  std::string output_path;         // Standard output and error are appended here.
  std::string directory;           // To work in; must exist.
  int cpu = -1;                    // The first of `cpus` CPUs it may use; -1: all that we may.
  std::uint32_t cpus = 1;
};

class Child final {
 public:
  /// An error when the program cannot be executed. Sessions share the CPU evenly where the kernel
  /// groups by session, so the child's is put first where that is allowed: a compiler elsewhere
  /// would take half of the CPU otherwise.
  static Result<std::unique_ptr<Child>> start(const ChildOptions& options);

  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  int pid() const { return pid_; }

  /// Asks the kernel; once false, it stays false.
  bool running() { return !wait_for_end(0); }

  /// True when the process has ended, at once or within the time.
  bool wait_for_end(std::uint32_t patience_ms);

  /// SIGTERM to its session, and SIGKILL when the process takes longer than `patience_ms`, or to
  /// what is left when it has ended. An error when it had to be killed, or ended with another
  /// status than 0 or by another signal than SIGTERM.
  Result<void> stop(std::uint32_t patience_ms);

  /// SIGKILL to it and the processes of its session; returns when it is gone.
  void kill_now();

  /// How it ended, as "exit status 1" or "killed by signal 9"; "it is running" before.
  std::string end_text() const;

 private:
  void bury();

  Child(pid_t pid, uring::UniqueFd handle) : pid_(pid), handle_(std::move(handle)) {}

  pid_t pid_;
  uring::UniqueFd handle_;     // A pidfd: readable when the process has ended.
  std::optional<int> status_;  // As of waitpid.
};

/// Puts the calling process's session first among those that share its CPUs, and back at the end,
/// since the session may be a terminal's. Does nothing where that is not possible.
class SessionFirst final {
 public:
  SessionFirst();
  SessionFirst(const SessionFirst&) = delete;
  SessionFirst& operator=(const SessionFirst&) = delete;
  ~SessionFirst();

 private:
  std::optional<int> nice_before_;
};

}  // namespace phoenix::bench
