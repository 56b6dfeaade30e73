#include "cli/modes.h"
#include "cli/units.h"

namespace phoenix::cli {

namespace {

constexpr const char* kClearScreen = "\x1b[H\x1b[2J";

Result<bool> run_once(Session& session, const std::vector<std::string>& command) {
  const Result<void> connected = session.connect();
  if (!connected) return tl::unexpected<Failure>(connected.error());
  const Result<void> sent = session.send(command);
  if (!sent) return tl::unexpected<Failure>(sent.error());
  return session.receive();
}

std::string title(const WatchContext& context, const std::vector<std::string>& command) {
  std::string words;
  for (const std::string& word : command) words.append(words.empty() ? "" : " ").append(word);
  std::string text = "Every " + decimal_text(context.options.interval_seconds, 1) + " s at " +
                     context.session.place_text() + ": ";
  append_text(text, words);
  return text + "\n\n";
}

/// What ends the watch, and not only its round.
bool is_final(ExitCode code, bool is_first) {
  if (code == ExitCode::connection || code == ExitCode::timeout) return is_first;
  return true;
}

}  // namespace

Result<ExitCode> run_watch(const WatchContext& context, const std::vector<std::string>& command) {
  ModeBounds bounds(context.options);
  const auto pause_ms = static_cast<std::uint32_t>(context.options.interval_seconds * 1'000);
  bool had_error = false;
  for (bool is_first = true; !bounds.is_reached(); is_first = false) {
    if (!is_first && context.interrupt.wait_ms(pause_ms)) {
      // The terminal has shown ^C.
      if (context.is_terminal) context.output.buffer() += '\n';
      break;
    }
    if (context.is_terminal) context.output.buffer() += kClearScreen + title(context, command);
    const Result<bool> is_error = run_once(context.session, command);
    if (!is_error && is_error.error().code == ExitCode::interrupted) break;
    if (!is_error && is_final(is_error.error().code, is_first)) {
      return tl::unexpected<Failure>(is_error.error());
    }
    const Result<void> written = context.output.flush();
    if (!written) return tl::unexpected<Failure>(written.error());
    if (!is_error) print_note("phoenix-cli: " + is_error.error().message + "\n");
    had_error = !is_error || *is_error;
    bounds.count_one();
  }
  return had_error ? ExitCode::error_reply : ExitCode::ok;
}

}  // namespace phoenix::cli
