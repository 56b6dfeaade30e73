#include <algorithm>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "phoenix/base/random.h"
#include "phoenix/io/context.h"
#include "phoenix/io/mailbox.h"
#include "phoenix/io/task.h"
#include "phoenix/io/timers.h"

using namespace phoenix;

namespace {

class FakeClock final : public Clock {
 public:
  std::int64_t wall_ms() const override { return 0; }
  std::uint64_t monotonic_ns() const override { return now_ns; }
  std::uint64_t now_ns = 0;
};

// Completes operations in the order they came, with the result that `answer` gives.
class FakeRing final : public io::Ring {
 public:
  explicit FakeRing(FakeClock& clock) : clock_(clock) {}
  void submit(const io::Operation& operation) override { queue.push_back(operation); }
  std::size_t run_once(std::span<io::Completion> out, std::uint64_t deadline_ns) override {
    if (queue.empty()) {
      if (deadline_ns != io::kNoDeadline) clock_.now_ns = std::max(clock_.now_ns, deadline_ns);
      return 0;
    }
    io::Completion completion;
    completion.token = queue.front().token;
    completion.result = static_cast<std::int32_t>(queue.front().source.size());
    queue.pop_front();
    out[0] = completion;
    return 1;
  }
  void release(io::BufferId) override {}
  int wake_handle() const override { return 0; }

  std::deque<io::Operation> queue;

 private:
  FakeClock& clock_;
};

io::Task<int> write_sizes(io::Context& context, const std::vector<std::string>& texts) {
  int total = 0;
  for (const auto& text : texts) {
    const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
    const std::int32_t written = co_await context.write(3, bytes, 0);
    total += written;
  }
  co_return total;
}

io::Task<int> doubled(io::Context& context, const std::vector<std::string>& texts) {
  const int total = co_await write_sizes(context, texts);
  co_return 2 * total;
}

io::Task<void> note_after(io::Context& context, std::uint64_t at_ns, std::vector<int>& notes,
                          int n) {
  co_await context.sleep_until(at_ns);
  notes.push_back(n);
}

}  // namespace

TEST_CASE("a task waits for operations through nested tasks") {
  FakeClock clock;
  FakeRing ring(clock);
  io::Context context(ring, clock);
  const std::vector<std::string> texts{"a", "bc", "def"};
  auto task = doubled(context, texts);
  task.start();
  CHECK_FALSE(task.done());
  CHECK(context.waiting() == 1);
  context.run_until([&] { return task.done(); });
  CHECK(task.result() == 12);
  CHECK(context.waiting() == 0);
}

TEST_CASE("a destroyed task's completion is dropped, and its slot is not confused with a new one") {
  FakeClock clock;
  FakeRing ring(clock);
  io::Context context(ring, clock);
  const std::vector<std::string> texts{"abc"};
  {
    auto dropped = write_sizes(context, texts);
    dropped.start();
  }
  auto task = write_sizes(context, texts);
  task.start();
  CHECK(ring.queue.size() == 2);
  CHECK(ring.queue[0].token != ring.queue[1].token);
  context.run_until([&] { return task.done(); });
  CHECK(task.result() == 3);
  CHECK(context.waiting() == 0);
}

TEST_CASE("sleepers wake in order of their deadlines; a destroyed sleeper does not wake") {
  FakeClock clock;
  FakeRing ring(clock);
  io::Context context(ring, clock);
  std::vector<int> notes;
  std::vector<io::Task<void>> tasks;
  for (const int n : {5, 1, 4, 2, 3}) {
    tasks.push_back(note_after(context, static_cast<std::uint64_t>(n) * 10, notes, n));
    tasks.back().start();
  }
  tasks.erase(tasks.begin() + 2);  // Number 4.
  context.run_until([&] { return notes.size() == 4; });
  CHECK(notes == std::vector<int>{1, 2, 3, 5});
  CHECK(context.timers().next_deadline_ns() == io::kNoDeadline);
}

namespace {

io::Task<void> rearm_other(io::Context& context, io::Timers& timers, io::Timer& other,
                           bool cancel) {
  co_await context.sleep_until(10);
  if (cancel) {
    timers.cancel(other);
  } else {
    timers.arm(other, 50);
  }
}

}  // namespace

TEST_CASE("a timer that is due may be cancelled or moved by one that runs before it") {
  for (const bool cancel : {false, true}) {
    FakeClock clock;
    FakeRing ring(clock);
    io::Context context(ring, clock);
    std::vector<int> notes;
    io::Timer other;
    auto first = rearm_other(context, context.timers(), other, cancel);
    first.start();
    other.waiter = std::noop_coroutine();
    context.timers().arm(other, 11);
    context.timers().run_due(20);
    CHECK(first.done());
    CHECK(other.armed() == !cancel);
    CHECK(context.timers().next_deadline_ns() == (cancel ? io::kNoDeadline : 50));
    context.timers().cancel(other);
  }
}

TEST_CASE("timers against a sorted list") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    SeededRandom random(seed);
    std::vector<io::Timer> owned(64);
    io::Timers timers;
    for (auto& timer : owned) timer.waiter = std::noop_coroutine();
    for (int step = 0; step < 2'000; ++step) {
      auto& timer = owned[random.below(owned.size())];
      if (random.below(3) == 0) {
        timers.cancel(timer);
        REQUIRE_FALSE(timer.armed());
      } else {
        timers.arm(timer, random.below(1'000));
      }
      std::uint64_t least = io::kNoDeadline;
      for (const auto& t : owned) {
        if (t.armed()) least = std::min(least, t.deadline_ns);
      }
      REQUIRE(timers.next_deadline_ns() == least);
    }
    timers.run_due(2'000);
    REQUIRE(timers.next_deadline_ns() == io::kNoDeadline);
  }
}

TEST_CASE("a mailbox is bounded and keeps order between two threads") {
  constexpr int kItems = 20'000;
  io::Mailbox<int, 64> mailbox;
  int overflow = 0;
  for (int i = 0; i < 65; ++i) overflow += mailbox.push(i) ? 0 : 1;
  CHECK(overflow == 1);
  for (int i = 0, item = -1; i < 64; ++i) {
    REQUIRE(mailbox.pop(item));
    REQUIRE(item == i);
  }
  CHECK(mailbox.empty());

  std::thread producer([&] {
    for (int i = 0; i < kItems;) {
      if (mailbox.push(i)) {
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  bool ordered = true;
  for (int expected = 0, item = 0; expected < kItems;) {
    if (mailbox.pop(item)) {
      ordered = ordered && item == expected++;
    } else {
      std::this_thread::yield();
    }
  }
  producer.join();
  CHECK(ordered);
}
