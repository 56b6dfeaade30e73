// The turn itself: waiting, waking, limits of the queues, signals, set-up.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <atomic>
#include <cstddef>
#include <set>
#include <thread>

#include "phoenix/uring/setup_error.h"
#include "tests/unit/uring/fixture.h"

using namespace phoenix;
using namespace phoenix::uring;
using Kind = io::Operation::Kind;

namespace {

io::Operation failing_close(std::uint64_t id) {
  return make_operation(Kind::close, -1, waiter(id));
}

}  // namespace

TEST_CASE("a wait ends at its deadline, and a poll at once") {
  TestRing ring;
  const SystemClock clock;
  std::array<io::Completion, 4> out;
  CHECK(ring->run_once(out, 0) == 0);
  CHECK(ring->run_once(out, clock.monotonic_ns()) == 0);
  const std::uint64_t deadline_ns = clock.monotonic_ns() + 10 * kNanosPerMs;
  while (clock.monotonic_ns() < deadline_ns) CHECK(ring->run_once(out, deadline_ns) == 0);
}

TEST_CASE("a wake from another thread ends a wait") {
  TestRing ring;
  const int handle = ring->wake_handle();
  for (int round = 0; round < 3; ++round) {
    std::thread other([handle] {
      TestRing own;
      own->submit(make_operation(Kind::wake, handle, 0));
      std::array<io::Completion, 1> out;
      CHECK(own->run_once(out, 0) == 0);  // Success is silent at the sender.
    });
    std::array<io::Completion, 4> out;
    std::size_t count = 0;
    const std::uint64_t deadline_ns = patience_ends();
    while (count == 0 && SystemClock().monotonic_ns() < deadline_ns) {
      count = ring->run_once(out, deadline_ns);
    }
    other.join();
    REQUIRE(count == 1);
    CHECK(out[0].token == 0);
    CHECK(out[0].result == 0);
    CHECK_FALSE(out[0].more);
  }
}

TEST_CASE("a wake of a ring that is gone is not lost silently") {
  TestRing ring;
  CHECK(ring.run(make_operation(Kind::wake, -1, 5)) == -EBADF);
}

TEST_CASE("at most out.size() completions a call; the rest comes without waiting") {
  TestRing ring;
  for (std::uint64_t id = 0; id < 10; ++id) ring->submit(failing_close(id));
  std::array<io::Completion, 4> out;
  CHECK(ring->run_once(out, io::kNoDeadline) == 4);
  CHECK(ring->run_once(out, io::kNoDeadline) == 4);
  ring->submit(failing_close(10));  // Handed over although completions are left.
  CHECK(ring->run_once(out, io::kNoDeadline) == 3);
  CHECK(out[2].token == waiter(10));
}

TEST_CASE("more operations and completions than the queues hold: each one completes once") {
  RingOptions options = TestRing::small();
  options.submission_entries = 8;
  options.completion_entries = 8;
  TestRing ring(options);
  constexpr std::uint64_t kCount = 500;
  for (std::uint64_t id = 0; id < kCount; ++id) ring->submit(failing_close(id));
  std::set<io::Token> seen;
  std::array<io::Completion, 3> out;
  const std::uint64_t deadline_ns = patience_ends();
  while (seen.size() < kCount && SystemClock().monotonic_ns() < deadline_ns) {
    const std::size_t count = ring->run_once(out, deadline_ns);
    for (std::size_t i = 0; i < count; ++i) {
      CHECK(out.at(i).result == -EBADF);
      CHECK(seen.insert(out.at(i).token).second);
    }
  }
  CHECK(seen.size() == kCount);
}

TEST_CASE("a chain is not cut when the queue fills up in its middle") {
  RingOptions options = TestRing::small();
  options.submission_entries = 8;
  options.completion_entries = 64;
  TestRing ring(options);
  const ScratchDirectory scratch;
  const UniqueFd directory(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (std::uint64_t queued = 0; queued <= 8; ++queued) {
    CAPTURE(queued);
    for (std::uint64_t id = 0; id < queued; ++id) ring->submit(failing_close(id));
    io::Operation first = failing_close(100);
    first.linked = true;
    io::Operation second = make_operation(Kind::sync, directory.get(), waiter(101));
    second.linked = true;
    ring->submit(first);
    ring->submit(second);
    ring->submit(make_operation(Kind::sync, directory.get(), waiter(102)));
    for (std::uint64_t id = 0; id < queued; ++id) CHECK(ring.next(waiter(id)).result == -EBADF);
    CHECK(ring.next(waiter(100)).result == -EBADF);
    CHECK(ring.next(waiter(101)).result == -ECANCELED);
    CHECK(ring.next(waiter(102)).result == -ECANCELED);
  }
}

TEST_CASE("a signal ends a wait with nothing, and the next wait works") {
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) {};
  REQUIRE(::sigaction(SIGUSR1, &action, &before) == 0);
  {
    TestRing ring;
    std::atomic<bool> interrupted{false};
    const pthread_t waiting = pthread_self();
    std::thread other([&] {
      while (!interrupted.load()) {
        pthread_kill(waiting, SIGUSR1);
        std::this_thread::yield();
      }
    });
    std::array<io::Completion, 1> out;
    const std::uint64_t deadline_ns = patience_ends();
    CHECK(ring->run_once(out, deadline_ns) == 0);
    CHECK(SystemClock().monotonic_ns() < deadline_ns);
    interrupted = true;
    other.join();
    CHECK(ring.run(failing_close(1)) == -EBADF);
  }
  REQUIRE(::sigaction(SIGUSR1, &before, nullptr) == 0);
}

TEST_CASE("options that cannot be right are refused in words") {
  const auto refused = [](auto change) {
    RingOptions options = TestRing::small();
    change(options);
    const auto ring = Ring::create(options);
    REQUIRE_FALSE(ring.has_value());
    CHECK(ring.error().code == ErrorCode::invalid);
    return ring.error().message;
  };
  CHECK(refused([](RingOptions& o) { o.buffer_count = 3; }).find("power of two") !=
        std::string::npos);
  CHECK(refused([](RingOptions& o) { o.buffer_count = 65536; }).find("32768") != std::string::npos);
  CHECK(refused([](RingOptions& o) { o.buffer_size_bytes = 1U << 31U; }).find("1 GiB") !=
        std::string::npos);
  CHECK(refused([](RingOptions& o) { o.submission_entries = 4; }).find("8 to 32768") !=
        std::string::npos);
  CHECK(refused([](RingOptions& o) { o.completion_entries = 32; }).find("at least as many") !=
        std::string::npos);
}

TEST_CASE("why the kernel refused, in words") {
  const auto text = [](int error, int sysctl) {
    return explain({.step = "io_uring_setup",
                    .error_number = error,
                    .disabled_sysctl = sysctl,
                    .kernel_release = "5.10.0"});
  };
  CHECK(text(EPERM, 0).code == ErrorCode::not_permitted);
  CHECK(text(EPERM, 0).message.find("seccomp") != std::string::npos);
  CHECK(text(EACCES, 0).message.find("security policy") != std::string::npos);
  CHECK(text(EPERM, 1).message.find("kernel.io_uring_group") != std::string::npos);
  CHECK(text(EPERM, 2).message.find("kernel.io_uring_disabled is 2") != std::string::npos);
  CHECK(text(EPERM, 2).code == ErrorCode::not_permitted);
  CHECK(text(ENOSYS, 0).code == ErrorCode::unsupported);
  CHECK(text(ENOSYS, 0).message.find("Linux 6.1 or later") != std::string::npos);
  CHECK(text(EINVAL, 0).code == ErrorCode::unsupported);
  CHECK(text(EINVAL, 0).message.find("(5.10.0) is too old") != std::string::npos);
  CHECK(text(ENOMEM, 0).code == ErrorCode::not_permitted);
  CHECK(text(ENOMEM, 0).message.find("ulimit -l") != std::string::npos);
  CHECK(text(EMFILE, 0).message.find("ulimit -n") != std::string::npos);
  CHECK(text(EIO, 0).code == ErrorCode::io);
}

namespace {

// Lets one system call of this thread fail, as a container's profile does.
void forbid(int call, unsigned error) {
  std::array<sock_filter, 4> program = {{
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, static_cast<unsigned>(call)},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | error},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  }};
  sock_fprog filter{.len = program.size(), .filter = program.data()};
  REQUIRE(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  REQUIRE(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
}

// The filter dies with its thread.
Error refused_create(int call, unsigned error) {
  Error refusal;
  std::thread thread([&] {
    forbid(call, error);
    const auto ring = Ring::create(TestRing::small());
    REQUIRE_FALSE(ring.has_value());
    refusal = ring.error();
  });
  thread.join();
  return refusal;
}

}  // namespace

TEST_CASE("a filter on any of the three calls is told as one") {
  for (const int call : {SYS_io_uring_setup, SYS_io_uring_register, SYS_io_uring_enter}) {
    CAPTURE(call);
    const Error refusal = refused_create(call, EPERM);
    CHECK(refusal.code == ErrorCode::not_permitted);
    CHECK(refusal.message.find("seccomp") != std::string::npos);
  }
  CHECK(refused_create(SYS_io_uring_setup, ENOSYS).message.find("missing") != std::string::npos);
  CHECK(refused_create(SYS_io_uring_setup, EINVAL).message.find("too old") != std::string::npos);
  CHECK(refused_create(SYS_io_uring_register, EINVAL).message.find("receive buffers") !=
        std::string::npos);
  CHECK(refused_create(SYS_io_uring_setup, ENOMEM).message.find("memory") != std::string::npos);
}
