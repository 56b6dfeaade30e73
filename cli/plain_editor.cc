#include "cli/plain_editor.h"

#include <poll.h>

#include <array>
#include <cerrno>

namespace phoenix::cli {

Result<Editor::Outcome> PlainEditor::read(const std::string& prompt, std::string& line) {
  output_.buffer() += prompt;
  Result<void> written = output_.flush();
  if (!written) return tl::unexpected<Failure>(written.error());
  const Result<bool> has_input = wait_for_input();
  if (!has_input) return tl::unexpected<Failure>(has_input.error());
  if (!*has_input) {
    output_.buffer() += '\n';
    return Outcome::interrupted;
  }
  std::string_view text;
  const Result<LineReader::Outcome> outcome = input_.next(text);
  if (!outcome) return tl::unexpected<Failure>(outcome.error());
  switch (*outcome) {
    case LineReader::Outcome::line:
      line = text;
      return Outcome::line;
    case LineReader::Outcome::too_long:
      return Outcome::too_long;
    case LineReader::Outcome::end:
      output_.buffer() += '\n';
      break;
  }
  return Outcome::end;
}

/// False when Ctrl-C came instead: the terminal has dropped what was typed.
Result<bool> PlainEditor::wait_for_input() {
  Result<bool> is_ready = input_.is_ready();
  if (!is_ready || *is_ready) return is_ready;
  std::array<pollfd, 2> entries{{{input_fd_, POLLIN, 0}, {interrupt_.fd(), POLLIN, 0}}};
  while (::poll(entries.data(), entries.size(), -1) < 0) {
    if (errno != EINTR) return fail(ExitCode::usage, "cannot wait for the terminal");
  }
  if (entries[1].revents == 0) return true;
  interrupt_.clear();
  return false;
}

}  // namespace phoenix::cli
