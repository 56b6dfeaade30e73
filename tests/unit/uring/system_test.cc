#include <sys/wait.h>

#include <set>

#include "tests/unit/uring/fixture.h"

using namespace phoenix;
using namespace phoenix::uring;

TEST_CASE("the clocks go, in their units") {
  const SystemClock clock;
  CHECK(clock.wall_ms() > 1'600'000'000'000);  // After 2020, so milliseconds.
  const std::uint64_t start_ns = clock.monotonic_ns();
  std::uint64_t last_ns = start_ns;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t now_ns = clock.monotonic_ns();
    REQUIRE(now_ns >= last_ns);
    last_ns = now_ns;
  }
  CHECK(last_ns > start_ns);
}

TEST_CASE("random numbers do not repeat, within one source and between two") {
  SystemRandom first;
  SystemRandom second;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 200; ++i) {
    CHECK(seen.insert(first.next()).second);
    CHECK(seen.insert(second.next()).second);
  }
}

TEST_CASE("a fatal failure prints its message and ends the process at once") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    ExitOnFailure().raise("the disk is gone");
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text;
  std::array<char, 256> part{};
  const auto read_part = [&] { return ::read(ends[0], part.data(), part.size()); };
  for (ssize_t size = 0; (size = uninterrupted(read_part)) > 0;) {
    text.append(part.data(), static_cast<std::size_t>(size));
  }
  ::close(ends[0]);
  int status = 0;
  REQUIRE(uninterrupted([&] { return ::waitpid(child, &status, 0); }) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == kFatalExitStatus);
  CHECK(text == "phoenix-server: fatal: the disk is gone\n");
}
