// Ctrl-C in a test of many rounds: the round under way is finished and judged, since what was
// measured so far should not be lost, and no server or directory be left behind.
#pragma once

namespace phoenix::bench::crash {

/// While it lives, SIGINT and SIGTERM only leave a note. One at a time.
class InterruptNote final {
 public:
  InterruptNote();
  InterruptNote(const InterruptNote&) = delete;
  InterruptNote& operator=(const InterruptNote&) = delete;
  ~InterruptNote();

  static bool was_interrupted();

 private:
  using Handler = void (*)(int);
  Handler interrupt_before_;
  Handler terminate_before_;
};

/// Less when there is an interrupt.
void sleep_ms(double ms);

}  // namespace phoenix::bench::crash
