// Coroutines of one core that wait for something to change: each wakes, looks again, and may wait
// again. Nothing is remembered: a notify() that nobody waits for is lost.
#pragma once

#include <coroutine>
#include <cstdint>

#include "phoenix/io/timers.h"

namespace phoenix::log {

class Event final {
  struct Node {
    Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    ~Node() { unlink(); }

    bool empty() const { return next == this; }
    void unlink() noexcept {
      previous->next = next;
      next->previous = previous;
      previous = next = this;
    }
    void link_before(Node& other) noexcept {
      previous = other.previous;
      next = &other;
      previous->next = this;
      other.previous = this;
    }

    Node* previous = this;
    Node* next = this;
    std::coroutine_handle<> waiter;
  };

 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  /// Lives in the awaiting frame; the frame may be destroyed while it waits.
  class [[nodiscard]] Wait {
   public:
    explicit Wait(Event& event) : event_(event) {}
    Wait(Event& event, io::Timers& timers, std::uint64_t deadline_ns)
        : event_(event), timers_(&timers), deadline_ns_(deadline_ns) {}
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;
    ~Wait() { await_resume(); }

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
      node_.waiter = waiter;
      node_.link_before(event_.waiters_);
      if (timers_ == nullptr) return;
      timer_.waiter = waiter;
      timers_->arm(timer_, deadline_ns_);
    }
    void await_resume() noexcept {
      node_.unlink();
      if (timers_ != nullptr) timers_->cancel(timer_);
    }

   private:
    Event& event_;
    io::Timers* timers_ = nullptr;
    std::uint64_t deadline_ns_ = 0;
    Node node_;
    io::Timer timer_;
  };

  /// Until the next notify().
  Wait wait() { return Wait(*this); }
  /// Until the next notify() or the time.
  Wait wait_until(io::Timers& timers, std::uint64_t deadline_ns) {
    return {*this, timers, deadline_ns};
  }

  /// Resumes all who wait now, in order; who waits again meanwhile waits for the next call.
  void notify() {
    Node woken;
    while (!waiters_.empty()) {
      Node& node = *waiters_.next;
      node.unlink();
      node.link_before(woken);
    }
    while (!woken.empty()) {
      Node& node = *woken.next;
      node.unlink();
      node.waiter.resume();
    }
  }

 private:
  Node waiters_;
};

}  // namespace phoenix::log
