#include "cli/transfer/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "cli/output.h"
#include "cli/units.h"

namespace phoenix::cli::transfer {

namespace {

constexpr std::chrono::milliseconds kBarInterval(200);
constexpr std::chrono::seconds kLineInterval(10);
constexpr std::size_t kBarCells = 20;
constexpr std::size_t kColumnsDefault = 80;
/// Shorter measures make estimates that jump.
constexpr double kEstimateSecondsMin = 1;

std::string two_digits(std::uint64_t number) {
  return (number < 10 ? "0" : "") + std::to_string(number);
}

std::size_t terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kColumnsDefault;
  return size.ws_col;
}

/// The rest at the pace so far; empty while that cannot be told.
std::string remaining_text(const Progress& now, const Progress& since_start, double seconds) {
  if (since_start.done == 0 || seconds < kEstimateSecondsMin || now.done > now.total) return {};
  const double left = static_cast<double>(now.total - now.done);
  const double left_seconds = left * seconds / static_cast<double>(since_start.done);
  return "  " + clock_text(static_cast<std::uint64_t>(left_seconds + 0.5)) + " left";
}

}  // namespace

std::string count_text(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

std::string rows_text(std::uint64_t rows) {
  return count_text(rows) + (rows == 1 ? " row" : " rows");
}

std::string clock_text(std::uint64_t seconds) {
  const std::uint64_t minutes = seconds / 60;
  const std::string rest = ":" + two_digits(seconds % 60);
  if (minutes < 60) return std::to_string(minutes) + rest;
  return std::to_string(minutes / 60) + ":" + two_digits(minutes % 60) + rest;
}

std::string progress_text(const Progress& now, const Progress& since_start, double seconds,
                          std::size_t columns) {
  std::string text;
  if (now.total > 0) {
    const double share =
        std::min(1.0, static_cast<double>(now.done) / static_cast<double>(now.total));
    const auto cells = static_cast<std::size_t>(share * kBarCells);
    const std::string percent = std::to_string(static_cast<int>(share * 100));
    text = "[" + std::string(cells, '#') + std::string(kBarCells - cells, '.') + "] " +
           std::string(3 - percent.size(), ' ') + percent + " %  ";
  }
  text += rows_text(now.rows) + "  " + size_text(now.bytes);
  if (seconds > 0) {
    const double rate = static_cast<double>(since_start.rows) / seconds;
    text += "  " + count_text(static_cast<std::uint64_t>(rate)) + " rows/s";
  }
  if (now.total > 0) text += remaining_text(now, since_start, seconds);
  return text.substr(0, columns);
}

ProgressMeter::ProgressMeter(const Progress& start, bool is_silent)
    : start_(start), is_silent_(is_silent), is_terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressMeter::show(const Progress& now) {
  const Clock::time_point time = Clock::now();
  const bool is_early = is_terminal_ ? time - shown_ < kBarInterval : time - shown_ < kLineInterval;
  if (is_silent_ || is_early) return;
  shown_ = time;
  Progress since = now;
  since.rows -= std::min(start_.rows, since.rows);
  since.done -= std::min(start_.done, since.done);
  // The last column would wrap the line.
  const std::size_t columns = is_terminal_ ? terminal_columns() - 1 : 200;
  const std::string text =
      progress_text(now, since, std::chrono::duration<double>(duration()).count(), columns);
  is_shown_ = is_terminal_;
  print_note(is_terminal_ ? "\r\033[K" + text : text + "\n");
}

void ProgressMeter::clear() {
  if (is_shown_) print_note("\r\033[K");
  is_shown_ = false;
}

std::chrono::nanoseconds ProgressMeter::duration() const {
  return Clock::now() - began_;
}

}  // namespace phoenix::cli::transfer
