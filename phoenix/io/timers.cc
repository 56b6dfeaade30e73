#include "phoenix/io/timers.h"

#include "phoenix/base/check.h"
#include "phoenix/io/ring.h"

namespace phoenix::io {
namespace {

// The place of a timer that has left the heap for due_ and waits for its turn there.
constexpr std::size_t kDue = Timer::kNotArmed - 1;

}  // namespace

void Timers::arm(Timer& timer, std::uint64_t deadline_ns) {
  if (timer.place == kDue) cancel(timer);
  timer.deadline_ns = deadline_ns;
  if (!timer.armed()) {
    heap_.push_back(&timer);
    timer.place = heap_.size() - 1;
  }
  sift_up(timer.place);
  sift_down(timer.place);
}

void Timers::cancel(Timer& timer) noexcept {
  if (!timer.armed()) return;
  const std::size_t place = timer.place;
  timer.place = Timer::kNotArmed;
  if (place == kDue) {
    for (auto*& due : due_) {
      if (due == &timer) due = nullptr;
    }
    return;
  }
  PHX_CHECK(place < heap_.size() && heap_[place] == &timer);
  Timer* const last = heap_.back();
  heap_.pop_back();
  if (last == &timer) return;
  place_at(place, *last);
  sift_up(last->place);
  sift_down(last->place);
}

std::uint64_t Timers::next_deadline_ns() const {
  return heap_.empty() ? kNoDeadline : heap_.front()->deadline_ns;
}

void Timers::run_due(std::uint64_t now_ns) {
  PHX_CHECK(due_.empty());
  while (!heap_.empty() && heap_.front()->deadline_ns <= now_ns) {
    Timer* const timer = heap_.front();
    cancel(*timer);
    timer->place = kDue;
    due_.push_back(timer);
  }
  for (std::size_t i = 0; i < due_.size(); ++i) {
    Timer* const timer = due_[i];
    if (timer == nullptr) continue;
    due_[i] = nullptr;
    timer->place = Timer::kNotArmed;
    timer->waiter.resume();
  }
  due_.clear();
}

void Timers::place_at(std::size_t place, Timer& timer) {
  heap_[place] = &timer;
  timer.place = place;
}

void Timers::sift_up(std::size_t place) {
  Timer* const timer = heap_[place];
  while (place > 0) {
    const std::size_t parent = (place - 1) / 2;
    if (heap_[parent]->deadline_ns <= timer->deadline_ns) break;
    place_at(place, *heap_[parent]);
    place = parent;
  }
  place_at(place, *timer);
}

void Timers::sift_down(std::size_t place) {
  Timer* const timer = heap_[place];
  while (true) {
    std::size_t child = 2 * place + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->deadline_ns < heap_[child]->deadline_ns) {
      ++child;
    }
    if (timer->deadline_ns <= heap_[child]->deadline_ns) break;
    place_at(place, *heap_[child]);
    place = child;
  }
  place_at(place, *timer);
}

}  // namespace phoenix::io
