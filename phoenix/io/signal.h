// Something that happens once and that one coroutine waits for.
#pragma once

#include <coroutine>
#include <utility>

namespace phoenix::io {

/// `co_await signal` returns at once when set() came first. set() resumes the waiter before it
/// returns; setting twice is the same as once.
class Signal final {
 public:
  Signal() = default;
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  bool is_set() const noexcept { return is_set_; }
  void set() {
    is_set_ = true;
    if (waiter_) std::exchange(waiter_, {}).resume();
  }

  bool await_ready() const noexcept { return is_set_; }
  void await_suspend(std::coroutine_handle<> waiter) noexcept { waiter_ = waiter; }
  void await_resume() const noexcept {}

 private:
  bool is_set_ = false;
  std::coroutine_handle<> waiter_;
};

}  // namespace phoenix::io
