#include "bench/peers/child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "phoenix/uring/os_error.h"

namespace phoenix::bench {
namespace {

using uring::UniqueFd;

constexpr const char* kAutogroup = "/proc/self/autogroup";
constexpr int kFirstNice = -20;

/// All that the new process needs, made before it exists: between fork and exec it must not
/// allocate, since another thread may have held a lock of the allocator.
struct Plan {
  std::vector<char*> words;
  const char* directory = nullptr;
  int input = -1;
  int output = -1;
  int report = -1;  // Takes the errno of what failed; closed by a successful exec.
  cpu_set_t cpus{};
  bool pinned = false;
  pid_t parent = 0;
};

void take_first_place() {
  const int group = open(kAutogroup, O_WRONLY | O_CLOEXEC);
  if (group < 0) return;
  // No right to: what is measured is noisier.
  static_cast<void>(!write(group, "-20", 3));
  close(group);
}

bool prepare(const Plan& plan) {
  if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return false;
  if (getppid() != plan.parent) _exit(1);  // It died before it could be waited for.
  sigset_t none;
  sigemptyset(&none);
  if (sigprocmask(SIG_SETMASK, &none, nullptr) != 0) return false;
  // What is ignored stays ignored over exec; handlers do not.
  if (signal(SIGPIPE, SIG_DFL) == SIG_ERR || signal(SIGINT, SIG_DFL) == SIG_ERR) return false;
  if (dup2(plan.input, 0) < 0 || dup2(plan.output, 1) < 0 || dup2(plan.output, 2) < 0) {
    return false;
  }
  if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return false;
  if (plan.pinned && sched_setaffinity(0, sizeof plan.cpus, &plan.cpus) != 0) return false;
  take_first_place();
  return chdir(plan.directory) == 0;
}

[[noreturn]] void become(const Plan& plan) {
  if (prepare(plan)) execv(plan.words[0], plan.words.data());
  const int error = errno;
  static_cast<void>(!write(plan.report, &error, sizeof error));
  _exit(127);
}

// The errno that the new process told before it ended; 0 when it became the program.
int wait_for_exec(int report) {
  int error = 0;
  ssize_t size = 0;
  do {
    size = read(report, &error, sizeof error);
  } while (size < 0 && errno == EINTR);
  return size == static_cast<ssize_t>(sizeof error) ? error : 0;
}

Result<Plan> make_plan(const ChildOptions& options) {
  Plan plan;
  for (const std::string& word : options.words) {
    plan.words.push_back(const_cast<char*>(word.c_str()));  // execv does not change them.
  }
  plan.words.push_back(nullptr);
  plan.directory = options.directory.c_str();
  plan.parent = getpid();
  if (options.cpu < 0) return plan;
  plan.pinned = true;
  CPU_ZERO(&plan.cpus);
  for (std::uint32_t i = 0; i < options.cpus; ++i) {
    const std::size_t cpu = static_cast<std::size_t>(options.cpu) + i;
    if (cpu >= CPU_SETSIZE) {
      return fail(ErrorCode::invalid, fmt::format("CPU {}: there are no such CPUs", cpu));
    }
    CPU_SET(cpu, &plan.cpus);
  }
  return plan;
}

}  // namespace

Result<std::unique_ptr<Child>> Child::start(const ChildOptions& options) {
  auto plan = make_plan(options);
  if (!plan) return tl::unexpected<Error>(plan.error());
  const UniqueFd input(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd output(
      open(options.output_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!input.valid() || !output.valid()) return uring::os_failure(options.output_path, errno);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return uring::os_failure("a pipe", errno);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  plan->input = input.get();
  plan->output = output.get();
  plan->report = writer.get();
  // What the child starts and leaves behind becomes ours, and can be waited for. Where it is
  // refused, init takes it: it dies all the same.
  static_cast<void>(prctl(PR_SET_CHILD_SUBREAPER, 1));
  const pid_t pid = fork();
  if (pid == 0) become(*plan);
  if (pid < 0) return uring::os_failure("cannot start a process", errno);
  // Not pidfd_open(): the header of glibc 2.36 declares it wrongly for C++.
  UniqueFd handle(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  const int handle_error = errno;
  std::unique_ptr<Child> child(new Child(pid, std::move(handle)));
  if (!child->handle_.valid()) {
    return uring::os_failure(fmt::format("cannot watch process {}", pid), handle_error);
  }
  writer = UniqueFd();  // Its own end: else the read below would never see the end.
  if (const int error = wait_for_exec(reader.get()); error != 0) {
    return uring::os_failure(
        fmt::format("cannot start {} in {}", options.words[0], options.directory), error);
  }
  return child;
}

Child::~Child() {
  kill_now();
}

bool Child::wait_for_end(std::uint32_t patience_ms) {
  if (status_) return true;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
  pollfd end{handle_.get(), POLLIN, 0};
  int ready = 0;
  do {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    ready = poll(&end, 1, std::max(0, static_cast<int>(left.count())));
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) return false;
  bury();
  return true;
}

Result<void> Child::stop(std::uint32_t patience_ms) {
  if (!wait_for_end(0)) {
    kill(-pid_, SIGTERM);  // A script does not pass it on to the server that it started.
    const bool ended = wait_for_end(patience_ms);
    if (!ended) {
      kill_now();
      return fail(ErrorCode::io,
                  fmt::format("process {} did not stop within {} ms of SIGTERM and was killed",
                              pid_, patience_ms));
    }
  }
  const bool as_asked =
      WIFEXITED(*status_) ? WEXITSTATUS(*status_) == 0 : WTERMSIG(*status_) == SIGTERM;
  if (as_asked) return {};
  return fail(ErrorCode::io, fmt::format("process {}: {}", pid_, end_text()));
}

void Child::kill_now() {
  if (status_) return;
  kill(pid_, SIGKILL);  // In the moment before it has a session.
  bury();
}

// The process has ended, or has been killed. Its number is its own, and its session's, until it has
// been waited for.
void Child::bury() {
  kill(-pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  status_ = status;
  // What it had started has become ours, if it became init's it is not among them.
  while (waitpid(-pid_, nullptr, 0) > 0 || errno == EINTR) {
  }
}

std::string Child::end_text() const {
  if (!status_) return "it is running";
  if (WIFEXITED(*status_)) return fmt::format("exit status {}", WEXITSTATUS(*status_));
  return fmt::format("killed by signal {}", WTERMSIG(*status_));
}

// "/autogroup-123 nice 0"
SessionFirst::SessionFirst() {
  std::ifstream file(kAutogroup);
  std::string name;
  std::string word;
  int nice = 0;
  if (!(file >> name >> word >> nice) || nice == kFirstNice) return;
  nice_before_ = nice;
  take_first_place();
}

SessionFirst::~SessionFirst() {
  if (!nice_before_) return;
  std::ofstream file(kAutogroup);
  // Where it was not allowed to go up there is nothing to take back.
  file << *nice_before_ << std::flush;
}

}  // namespace phoenix::bench
