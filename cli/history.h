// The lines that were typed at the prompt, kept between runs in a file that all prompts of a user
// share: each appends its lines under a lock, and none rewrites what another has added.
//
// The file: a line per entry, oldest first, UTF-8, mode 0600. Lines with a password never get in.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "cli/result.h"

namespace phoenix::cli {

inline constexpr std::size_t kHistoryLinesMax = 1'000;
/// Longer lines are not kept.
inline constexpr std::size_t kHistoryLineBytesMax = std::size_t{16} << 10U;

/// Variables of the environment; null when not set.
struct HistoryPlaces {
  const char* chosen = nullptr;      // PHOENIX_CLI_HISTORY: the file; empty for none.
  const char* state_home = nullptr;  // XDG_STATE_HOME
  const char* home = nullptr;        // HOME
};

/// Where the file is; empty when there is to be none.
std::string history_path(const HistoryPlaces& places);

/// `words` on one line that the tokenizer reads back as them, newlines escaped.
std::string one_line(const std::vector<std::string>& words);

class History final {
 public:
  /// `path` may be empty: lines are then kept in memory only.
  explicit History(std::string path) : path_(std::move(path)) {}

  /// Reads what earlier runs have left, and makes the file and its folder. After a failure lines
  /// are kept in memory only.
  Result<void> load();

  /// Keeps `line`, unless it is the last one again, too long, or may hold a password (AUTH, or
  /// CONFIG SET requirepass and the like of Redis): false then. As load() on failures.
  Result<bool> add(const std::string& line);

  /// Oldest first, at most kHistoryLinesMax.
  const std::deque<std::string>& lines() const { return lines_; }

 private:
  void take(std::string_view text);
  void keep(std::string line);

  std::string path_;
  std::deque<std::string> lines_;
};

}  // namespace phoenix::cli
