// How far a transfer has come: a bar on a terminal, a line now and then elsewhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace phoenix::cli::transfer {

struct Progress {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;  // Of the file, from its beginning.
  // What the bar shows: parts of a whole, in whatever unit.
  std::uint64_t done = 0;
  std::uint64_t total = 0;  // 0: not known.
};

/// "1,234,567"
[[nodiscard]] std::string count_text(std::uint64_t count);
/// "1 row", "3 rows"
[[nodiscard]] std::string rows_text(std::uint64_t rows);
/// "0:09", "2:03:04"
[[nodiscard]] std::string clock_text(std::uint64_t seconds);

/// A line of at most `columns` characters. `since_start` is what came since this process began,
/// `seconds` ago: rates are of that.
[[nodiscard]] std::string progress_text(const Progress& now, const Progress& since_start,
                                        double seconds, std::size_t columns);

class ProgressMeter final {
 public:
  /// `start` is what was done before. Prints to standard error, unless `is_silent`.
  explicit ProgressMeter(const Progress& start, bool is_silent = false);
  ProgressMeter(const ProgressMeter&) = delete;
  ProgressMeter& operator=(const ProgressMeter&) = delete;

  /// Prints if it is time to.
  void show(const Progress& now);
  /// Takes the bar away, so that something else can be printed.
  void clear();

  std::chrono::nanoseconds duration() const;

 private:
  using Clock = std::chrono::steady_clock;

  Progress start_;
  Clock::time_point began_ = Clock::now();
  Clock::time_point shown_ = began_;
  bool is_silent_;
  bool is_terminal_;
  bool is_shown_ = false;
};

}  // namespace phoenix::cli::transfer
