#include "cli/history.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>

#include "cli/renderer.h"
#include "cli/utf8.h"
#include "phoenix/client/socket.h"
#include "phoenix/client/tokenizer.h"

namespace phoenix::cli {

namespace {

/// What is read of a file, from its end. A larger one is cut to the lines that are kept.
constexpr std::size_t kFileBytesMax = std::size_t{1} << 20U;

/// The file, open and locked against all other prompts while this lives.
class LockedFile final {
 public:
  explicit LockedFile(const std::string& path) {
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
    while (fd_ >= 0 && ::flock(fd_, LOCK_EX) != 0) {
      if (errno != EINTR) break;
    }
    struct stat status {};
    if (fd_ < 0 || ::fstat(fd_, &status) != 0) {
      error_ = errno;
      return;
    }
    // /dev/null, say, is no place to keep things, and is to stay as it is.
    is_regular_ = S_ISREG(status.st_mode);
    size_ = is_regular_ ? static_cast<std::size_t>(status.st_size) : 0;
    // An older file may be open to others.
    const bool is_private = !is_regular_ || (status.st_mode & 077U) == 0;
    if (!is_private && ::fchmod(fd_, 0600) != 0) error_ = errno;
  }
  LockedFile(const LockedFile&) = delete;
  LockedFile& operator=(const LockedFile&) = delete;
  ~LockedFile() {
    // What was written is seen by all once write() has returned; this also gives the lock back.
    if (fd_ >= 0) static_cast<void>(::close(fd_));
  }

  /// 0, or the errno of what failed.
  int error() const { return error_; }
  bool is_regular() const { return is_regular_; }
  std::size_t size() const { return size_; }

  std::string read(std::size_t from) {
    std::string text(size_ - from, '\0');
    const ssize_t count = ::pread(fd_, text.data(), text.size(), static_cast<off_t>(from));
    if (count < 0) error_ = errno;
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    return text;
  }

  void write(std::size_t at, std::string_view text) {
    const ssize_t count = ::pwrite(fd_, text.data(), text.size(), static_cast<off_t>(at));
    if (count < 0) {
      error_ = errno;
    } else if (static_cast<std::size_t>(count) < text.size()) {
      error_ = ENOSPC;
    }
  }

  void cut(std::size_t size) {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) error_ = errno;
  }

 private:
  int fd_ = -1;
  int error_ = 0;
  bool is_regular_ = false;
  std::size_t size_ = 0;
};

/// Leaves the newest of `lines`, up to half of what is read. Without: it grows, no harm.
void shorten(LockedFile& file, const std::deque<std::string>& lines) {
  std::string kept;
  for (const std::string& line : lines) kept.append(line).append("\n");
  const std::size_t excess = kept.size() - std::min(kept.size(), kFileBytesMax / 2);
  if (excess > 0) kept.erase(0, kept.find('\n', excess - 1) + 1);
  file.write(0, kept);
  if (file.error() == 0) file.cut(kept.size());
}

Failure no_history(const std::string& path, int error) {
  return {ExitCode::usage, "cannot keep the history in '" + path +
                               "': " + client::os_error_text(error) +
                               "; set PHOENIX_CLI_HISTORY to another file, or to nothing"};
}

/// Lines that an editor shows as they are.
bool is_plain(std::string_view line) {
  while (!line.empty()) {
    const Character character = first_character(line);
    if (character.bytes == 0) return false;
    if (!is_printable(character.code_point) && line[0] != '\t') return false;
    line.remove_prefix(character.bytes);
  }
  return true;
}

/// Words that a password stands behind; all but the first are Redis's.
constexpr std::array<std::string_view, 5> kSecretWords = {"AUTH", "AUTH2", "REQUIREPASS",
                                                          "MASTERAUTH", "SETUSER"};

bool is_secret_word(std::string_view word) {
  return std::any_of(kSecretWords.begin(), kSecretWords.end(),
                     [word](std::string_view each) { return client::is_name(word, each); });
}

/// In doubt, it may: a line that cannot be read as words is searched for the letters.
bool may_hold_password(const std::string& line) {
  const auto words = client::tokenize(line);
  if (words) return std::any_of(words->begin(), words->end(), is_secret_word);
  for (std::size_t at = 0; at < line.size(); ++at) {
    for (const std::string_view each : kSecretWords) {
      if (is_secret_word(std::string_view(line).substr(at, each.size()))) return true;
    }
  }
  return false;
}

}  // namespace

std::string history_path(const HistoryPlaces& places) {
  if (places.chosen != nullptr) return places.chosen;
  constexpr const char* kName = "/phoenix-cli/history";
  // The standard asks that relative paths are ignored.
  const bool has_state = places.state_home != nullptr && places.state_home[0] == '/';
  if (has_state) return std::string(places.state_home) + kName;
  const bool has_home = places.home != nullptr && places.home[0] == '/';
  return has_home ? std::string(places.home) + "/.local/state" + kName : std::string();
}

std::string one_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    const bool is_word = !word.empty() && word.find_first_of(" \t\r\n\"'\\") == std::string::npos;
    if (is_word && is_plain(word)) {
      line += word;
    } else {
      append_quoted(line, word);
    }
  }
  return line;
}

Result<void> History::load() {
  if (path_.empty()) return {};
  std::error_code ignored;  // What cannot be made cannot be opened either.
  const auto folder = std::filesystem::path(path_).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
  LockedFile file(path_);
  std::size_t from = 0;
  std::string text;
  if (file.error() == 0 && file.is_regular()) {
    from = file.size() > kFileBytesMax ? file.size() - kFileBytesMax : 0;
    text = file.read(from);
  }
  if (file.error() != 0) {
    return tl::unexpected<Failure>(no_history(std::exchange(path_, {}), file.error()));
  }
  if (!file.is_regular()) path_.clear();
  if (from > 0) text.erase(0, text.find('\n'));  // It may begin within a line.
  take(text);
  if (from > 0) shorten(file, lines_);
  return {};
}

void History::take(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.empty() && line.size() <= kHistoryLineBytesMax && is_plain(line)) {
      keep(std::string(line));
    }
  }
}

Result<bool> History::add(const std::string& line) {
  const bool is_again = !lines_.empty() && lines_.back() == line;
  if (line.empty() || is_again || line.size() > kHistoryLineBytesMax) return false;
  if (!is_plain(line) || may_hold_password(line)) return false;
  keep(line);
  if (path_.empty()) return true;
  LockedFile file(path_);
  if (file.error() == 0) {
    const bool is_cut_off = file.size() > 0 && file.read(file.size() - 1) != "\n";
    file.write(file.size(), (is_cut_off ? "\n" : "") + line + "\n");
  }
  if (file.error() == 0) return true;
  return tl::unexpected<Failure>(no_history(std::exchange(path_, {}), file.error()));
}

void History::keep(std::string line) {
  lines_.push_back(std::move(line));
  if (lines_.size() > kHistoryLinesMax) lines_.pop_front();
}

}  // namespace phoenix::cli
