// Ctrl-C in a test of many rounds: the round under way is finished and judged, since what was
// measured so far should not be lost, and no server or directory be left behind. A second
// Ctrl-C does not wait for a server that does not start.
#pragma once

#include <csignal>
#include <vector>

namespace phoenix::bench::crash {

/// While it lives, SIGINT, SIGTERM and, where it is not ignored, SIGHUP only leave a note. One at a
/// time.
class InterruptNote final {
 public:
  InterruptNote();
  InterruptNote(const InterruptNote&) = delete;
  InterruptNote& operator=(const InterruptNote&) = delete;
  ~InterruptNote();

  static bool was_interrupted();
  static bool is_urgent();  // And after that by Ctrl-C.

 private:
  struct Before {
    int signal = 0;
    struct sigaction action {};
  };
  std::vector<Before> before_;
};

/// Less when there is an interrupt.
void sleep_ms(double ms);

}  // namespace phoenix::bench::crash
