// The ring's own promises, and the world's: links, wakes, deadlines, determinism, dead rings.
#include <array>
#include <cerrno>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "phoenix/io/context.h"
#include "phoenix/io/task.h"
#include "tests/unit/sim/echo_server.h"
#include "tests/unit/sim/process.h"

using namespace phoenix;
using namespace phoenix::sim_test;

TEST_CASE("nothing completes before run_once, and run_once never waits") {
  sim::World world(1);
  Process process(world);
  const std::uint64_t start_ns = world.now_ns();
  const io::Token token = process.begin(Process::sync_of(process.directory));
  CHECK(world.counters().operations == 0);
  CHECK(process.turn() == 0);
  CHECK(world.counters().operations == 1);
  CHECK(world.now_ns() == start_ns);
  CHECK(process.await(token) == 0);
  CHECK(world.now_ns() > start_ns);
}

TEST_CASE("a linked operation starts when the one before it ended in full, else it is cancelled") {
  for (const bool cut_short : {false, true}) {
    sim::FaultPlan plan;
    plan.short_writes = cut_short ? 10'000 : 0;
    sim::World world(1, plan);
    Process process(world);
    const int fd = process.create("f");
    io::Operation write = Process::write_of(fd, 0, bytes_of("abcdef"));
    write.linked = true;
    io::Operation sync = Process::sync_of(fd);
    sync.linked = true;
    const io::Token first = process.begin(write);
    const io::Token second = process.begin(sync);
    const io::Token third = process.begin(Process::sync_of(process.directory));
    const std::int32_t written = process.await(first);
    CHECK((written < 6) == cut_short);
    CHECK(process.await(second) == (cut_short ? -ECANCELED : 0));
    CHECK(process.await(third) == (cut_short ? -ECANCELED : 0));
    world.crash_now();
    world.power_cut();
    if (!cut_short) CHECK(world.disk().content(kData, "f") == "abcdef");
  }
}

TEST_CASE("operations that are not linked complete in any order") {
  std::set<bool> orders;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    sim::World world(seed);
    Process process(world);
    const int fd = process.create("f");
    const io::Token first = process.begin(Process::write_of(fd, 0, bytes_of("a")));
    const io::Token second = process.begin(Process::write_of(fd, 1, bytes_of("b")));
    while (process.seen.size() < 2) {
      if (process.turn() == 0) REQUIRE(world.advance());
    }
    orders.insert(process.seen[0].token == first);
    CHECK(process.seen[0].token + process.seen[1].token == first + second);
  }
  CHECK(orders.size() == 2);
}

TEST_CASE("a wake reaches the other ring with token 0, sometimes late") {
  sim::FaultPlan plan;
  plan.late_wakes = 5'000;
  sim::World world(1, plan);
  Process one(world);
  sim::Ring other(world);
  CHECK(one.ring.index() == 0);
  CHECK(other.index() == 1);
  std::array<io::Completion, 4> out;
  std::uint64_t longest_ns = 0;
  for (int i = 0; i < 20; ++i) {
    CHECK(other.run_once(out, io::kNoDeadline) == 0);
    io::Operation wake;
    wake.kind = Kind::wake;
    wake.fd = other.wake_handle();
    one.ring.submit(wake);
    const std::uint64_t start_ns = world.now_ns();
    std::size_t woken = 0;
    while (woken == 0) {
      if (sim::Ring* const ring = world.pick()) {
        if (ring == &other) {
          woken = other.run_once(out, io::kNoDeadline);
        } else {
          one.turn();
        }
      } else {
        REQUIRE(world.advance());
      }
    }
    CHECK(woken == 1);
    CHECK(out[0].token == 0);
    CHECK(out[0].buffer == io::kNoBuffer);
    longest_ns = std::max(longest_ns, world.now_ns() - start_ns);
  }
  CHECK(world.counters().wakes == 20);
  CHECK(world.counters().late_wakes > 3);
  CHECK(longest_ns > 1'000'000);
  io::Operation wrong;
  wrong.kind = Kind::wake;
  wrong.fd = 7;
  CHECK(one.call(wrong) == -EBADF);
}

TEST_CASE("a parked core is due at its deadline, and time never goes past it unseen") {
  sim::World world(1);
  sim::Ring ring(world);
  std::array<io::Completion, 1> out;
  const std::uint64_t deadline_ns = world.now_ns() + 5'000'000;
  CHECK(ring.run_once(out, deadline_ns) == 0);
  CHECK(world.pick() == nullptr);
  CHECK_FALSE(world.advance(deadline_ns - 1));
  CHECK(world.now_ns() == deadline_ns - 1);
  CHECK(world.advance());
  CHECK(world.now_ns() == deadline_ns);
  CHECK(world.pick() == &ring);
}

TEST_CASE("of the cores that are due the seed chooses one") {
  std::set<std::size_t> chosen;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    sim::World world(seed);
    sim::Ring first(world);
    sim::Ring second(world);
    chosen.insert(world.pick()->index());
  }
  CHECK(chosen.size() == 2);
}

TEST_CASE("signals end a call or a sleep, and nothing else is seen of them") {
  sim::FaultPlan plan;
  plan.signals = 5'000;
  int calls = 0;
  int sleeps = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    sim::World world(seed, plan);
    sim::Ring ring(world);
    std::array<io::Completion, 1> out;
    CHECK(ring.run_once(out, io::kNoDeadline) == 0);
    const bool sleeps_on = ring.due_ns() == sim::kNever;
    CHECK(sleeps_on == (world.counters().signals == 0));
    const bool at_once = ring.due_ns() <= world.now_ns() + plan.turn.most_ns;
    calls += at_once ? 1 : 0;
    sleeps += !at_once && !sleeps_on ? 1 : 0;
  }
  CHECK(calls > 5);
  CHECK(sleeps > 5);
}

TEST_CASE("a blocking ring moves time by itself") {
  sim::World world(1);
  Process process(world);
  process.ring.set_blocking(true);
  std::array<io::Completion, 1> out;
  const std::uint64_t deadline_ns = world.now_ns() + 5'000'000;
  CHECK(process.ring.run_once(out, deadline_ns) == 0);
  CHECK(world.now_ns() == deadline_ns);
  process.begin(Process::sync_of(process.directory));
  CHECK(process.ring.run_once(out, io::kNoDeadline) == 1);
}

namespace {

io::Task<std::int32_t> write_and_sync(io::Context& context, int directory, std::string text) {
  const std::uint8_t flags = io::Operation::kOpenCreate;
  const std::int32_t fd = co_await context.open(directory, "log", flags);
  const auto bytes = bytes_of(text);
  const std::int32_t written = co_await context.write(fd, bytes, 0);
  const std::int32_t synced = co_await context.sync(fd);
  const std::uint64_t later_ns = context.clock().monotonic_ns() + kNanosPerSecond;
  co_await context.sleep_until(later_ns);
  co_return written + synced;
}

}  // namespace

TEST_CASE("coroutines run on a blocking ring as on the real one") {
  sim::World world(1);
  Process process(world);
  process.ring.set_blocking(true);
  io::Context context(process.ring, world.clock());
  auto task = write_and_sync(context, process.directory, "hello");
  const std::uint64_t start_ns = world.now_ns();
  task.start();
  context.run_until([&] { return task.done() || world.down(); });
  REQUIRE(task.done());
  CHECK(task.result() == 5);
  CHECK(world.now_ns() - start_ns >= kNanosPerSecond);
  CHECK(world.disk().content(kData, "log") == "hello");
}

TEST_CASE("after a crash the old rings, hosts and failures are silent and harmless") {
  sim::World world(1);
  std::optional<Process> old(std::in_place, world);
  const int fd = old->create("f");
  REQUIRE(old->sync(old->directory) == 0);
  std::string text = "abc";
  old->begin(Process::write_of(fd, 0, bytes_of(text)));
  old->turn();
  old->failure.raise("the commit failed");
  old->failure.raise("again");
  CHECK(old->failure.process_failed());
  CHECK(old->failure.message() == "the commit failed");
  CHECK(world.down());
  CHECK(world.pick() == nullptr);
  CHECK_FALSE(world.advance());
  text.assign("???");  // The process's memory goes; the world must not look at it any more.
  old->begin(Process::sync_of(fd));
  CHECK(old->turn() == 0);
  world.kill();
  CHECK(world.life() == 1);
  CHECK_FALSE(world.down());

  Process next(world);
  CHECK(old->turn() == 0);  // Still there, still dead.
  old->host.close(next.directory);
  CHECK(next.sync(next.directory) == 0);
  old->failure.raise("late");
  CHECK_FALSE(world.down());
  old.reset();
  const std::string content = world.disk().content(kData, "f");
  CHECK((content.empty() || content == "abc"));
}

TEST_CASE("crash_after stops at each point in turn") {
  const auto points_of_run = [](std::uint64_t crash_after) {
    sim::World world(1);
    Process process(world);
    world.crash_after(crash_after);
    const int fd = process.create("f");                  // Two points,
    if (fd >= 0) process.write(fd, 0, "abc");            // two,
    if (!world.down()) process.read(fd, 0, 3);           // none,
    if (!world.down()) process.sync(fd);                 // two,
    if (!world.down()) process.sync(process.directory);  // and two.
    return std::pair(world.points(), world.down());
  };
  for (std::uint64_t n = 0; n < 8; ++n) CHECK(points_of_run(n) == std::pair(n + 1, true));
  CHECK(points_of_run(8) == std::pair(std::uint64_t{8}, false));
}

TEST_CASE("the clocks: monotonic moves on, the wall clock steps both ways") {
  sim::FaultPlan plan;
  plan.wall_steps = 1'000;
  sim::World world(1, plan);
  Process process(world);
  std::int64_t last_ms = world.clock().wall_ms();
  int back = 0;
  int forth = 0;
  for (int i = 0; i < 200; ++i) {
    const std::uint64_t before_ns = world.clock().monotonic_ns();
    process.sync(process.directory);
    REQUIRE(world.clock().monotonic_ns() > before_ns);
    const std::int64_t now_ms = world.clock().wall_ms();
    back += now_ms < last_ms ? 1 : 0;
    forth += now_ms > last_ms + 1'000 ? 1 : 0;
    last_ms = now_ms;
  }
  CHECK(back > 5);
  CHECK(forth > 5);
  CHECK(world.counters().wall_steps > 10);
  world.step_wall(-5'000);
  CHECK(world.clock().wall_ms() == last_ms - 5'000);
}

TEST_CASE("cores stall, so that others overtake them") {
  sim::FaultPlan plan;
  plan.core_stalls = 1'000;
  sim::World world(1, plan);
  Process process(world);
  for (int i = 0; i < 100; ++i) process.sync(process.directory);
  CHECK(world.counters().core_stalls > 5);
}

namespace {

// A run that touches everything: files, two cores, clients, faults, a crash.
std::uint64_t hash_of_run(std::uint64_t seed, std::uint64_t plan_seed, std::size_t memory_noise) {
  std::vector<std::string> noise;
  for (std::size_t i = 0; i < memory_noise; ++i) noise.emplace_back(1'000 + i, 'x');
  sim::World world(seed, sim::FaultPlan::random(plan_seed));
  {
    Process process(world);
    const int fd = process.create("f");
    for (int i = 0; i < 10 && fd >= 0; ++i) {
      process.write(fd, static_cast<std::uint64_t>(i) * 700, "hello, world");
      process.sync(fd);
    }
    world.crash_now();
  }
  world.power_cut();
  sim::Host host(world);
  EchoServer first(world, host);
  EchoServer second(world, host);
  std::vector<std::unique_ptr<sim::Client>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<sim::Client>(world));
    clients.back()->connect(test_endpoint());
    clients.back()->send("abcdefgh");
  }
  run_servers(
      world, {&first, &second}, [] { return false; }, 50'000'000);
  return world.trace_hash() ^ world.random().next();
}

}  // namespace

TEST_CASE("one seed is one run, wherever memory lies; another seed is another run") {
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    const std::uint64_t hash = hash_of_run(seed, seed, 0);
    REQUIRE(hash_of_run(seed, seed, 3 + seed) == hash);
    hashes.insert(hash);
    hashes.insert(hash_of_run(seed + 1'000, seed, 0));
  }
  CHECK(hashes.size() == 40);
}

TEST_CASE("the trace shows what goes into the hash") {
  sim::World world(7);
  Process process(world);
  std::vector<std::string> lines;
  world.on_trace([&](const sim::TraceLine& line) { lines.emplace_back(line.what); });
  const std::uint64_t before = world.trace_hash();
  process.sync(process.directory);
  CHECK(world.trace_hash() != before);
  CHECK(std::count(lines.begin(), lines.end(), "start") == 1);
  CHECK(std::count(lines.begin(), lines.end(), "answer") == 1);
  CHECK(world.describe().find("seed 7, life 0, point 2") == 0);
}

TEST_CASE("random plans differ and keep to what a correct server survives") {
  std::set<std::uint32_t> alignments;
  std::set<std::uint32_t> budgets;
  int quiet = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const sim::FaultPlan plan = sim::FaultPlan::random(seed);
    alignments.insert(plan.write_alignment);
    budgets.insert(plan.error_budget);
    quiet += plan.sync_errors == 0 ? 1 : 0;
    REQUIRE_FALSE(plan.lying_cache_survives_kill);
    REQUIRE(plan.error_budget <= 2);
    REQUIRE(plan.turn.least_ns <= plan.turn.most_ns);
  }
  CHECK(alignments == std::set<std::uint32_t>{0, 512, 4096});
  CHECK(budgets == std::set<std::uint32_t>{0, 1, 2});
  CHECK(quiet > 50);
  CHECK(quiet < 150);
}
