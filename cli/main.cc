// phoenix-cli: one command, commands from a pipe, or a prompt.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "cli/interrupt.h"
#include "cli/line_reader.h"
#include "cli/modes.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/piped.h"
#include "cli/plain_editor.h"
#include "cli/prompt.h"
#include "cli/session.h"
#include "cli/terminal_editor.h"
#include "cli/units.h"

namespace phoenix::cli {

namespace {

Result<ExitCode> run_one(Session& session, const std::vector<std::string>& command) {
  const Result<void> connected = session.connect();
  if (!connected) return tl::unexpected<Failure>(connected.error());
  const Result<void> sent = session.send(command);
  if (!sent) return tl::unexpected<Failure>(sent.error());
  const Result<bool> is_error = session.receive();
  if (!is_error) return tl::unexpected<Failure>(is_error.error());
  if (*is_error) return ExitCode::error_reply;
  const Result<void> followed = session.follow();
  if (followed || followed.error().code == ExitCode::interrupted) return ExitCode::ok;
  return tl::unexpected<Failure>(followed.error());
}

Result<ExitCode> run_lines(Session& session, Output& output) {
  const Result<void> connected = session.connect();
  if (!connected) return tl::unexpected<Failure>(connected.error());
  LineReader input(STDIN_FILENO);
  return run_piped(session, input, output);
}

/// The terminal can move its cursor.
bool is_capable_terminal() {
  const char* term = std::getenv("TERM");
  return term != nullptr && *term != '\0' && std::strcmp(term, "dumb") != 0;
}

Style choose_style(Color color) {
  const char* no_color = std::getenv("NO_COLOR");
  const bool is_unwanted = no_color != nullptr && *no_color != '\0';
  const bool is_fit = ::isatty(STDOUT_FILENO) == 1 && is_capable_terminal() && !is_unwanted;
  const bool is_coloured = color == Color::always || (color == Color::automatic && is_fit);
  return is_coloured ? Style::coloured() : Style{};
}

Result<std::unique_ptr<Editor>> open_editor(Output& output, const InterruptSignal& interrupt) {
  if (::isatty(STDOUT_FILENO) != 1 || !is_capable_terminal()) {
    return std::make_unique<PlainEditor>(STDIN_FILENO, output, interrupt);
  }
  const HistoryPlaces places{std::getenv("PHOENIX_CLI_HISTORY"), std::getenv("XDG_STATE_HOME"),
                             std::getenv("HOME")};
  return TerminalEditor::open(interrupt, History(history_path(places)));
}

Result<ExitCode> run_interactive(Options options, Output& output) {
  InterruptSignal interrupt;
  const Result<void> opened = interrupt.open();
  if (!opened) return tl::unexpected<Failure>(opened.error());
  options.connection.interrupt_fd = interrupt.fd();
  const Renderer renderer(options.format, choose_style(options.color));
  Session session(options.connection, renderer, output);
  const auto editor = open_editor(output, interrupt);
  if (!editor) return tl::unexpected<Failure>(editor.error());
  return run_prompt(session, **editor, output, interrupt, {options.has_timing});
}

Result<ExitCode> run_mode(Options options, Output& output) {
  InterruptSignal interrupt;
  const Result<void> opened = interrupt.open();
  if (!opened) return tl::unexpected<Failure>(opened.error());
  options.connection.interrupt_fd = interrupt.fd();
  const bool is_terminal = ::isatty(STDOUT_FILENO) == 1 && is_capable_terminal();
  if (options.mode.mode == Mode::watch) {
    const Renderer renderer(options.format, choose_style(options.color));
    Session session(options.connection, renderer, output);
    return run_watch({session, interrupt, output, is_terminal, options.mode}, options.command);
  }
  const auto connection = client::Connection::open(options.connection);
  if (!connection) return tl::unexpected<Failure>(failure_of(connection.error()));
  const ModeContext context{**connection, options.connection.wire, interrupt,
                            output,       options.format,          is_terminal,
                            options.mode};
  switch (options.mode.mode) {
    case Mode::stat:
      return run_stat(context);
    case Mode::scan:
      return run_scan(context);
    case Mode::bigkeys:
    case Mode::memkeys:
      return run_bigkeys(context);
    case Mode::latency:
      return run_latency(context);
    case Mode::commands:
    case Mode::watch:
      break;
  }
  return ExitCode::usage;
}

Result<ExitCode> run_transfer(const Options& options, Output& output) {
  if (const auto* help = std::get_if<std::string>(&*options.transfer)) {
    output.buffer() += *help;
    return ExitCode::ok;
  }
  InterruptSignal interrupt;
  const Result<void> opened = interrupt.open();
  if (!opened) return tl::unexpected<Failure>(opened.error());
  client::Options connection = options.connection;
  connection.interrupt_fd = interrupt.fd();
  if (const auto* request = std::get_if<transfer::ImportRequest>(&*options.transfer)) {
    return transfer::run_import(connection, *request);
  }
  return transfer::run_export(connection, std::get<transfer::ExportRequest>(*options.transfer),
                              output);
}

Result<ExitCode> run(const Options& options, Output& output) {
  if (!options.help.empty()) {
    output.buffer() += options.help;
    return ExitCode::ok;
  }
  if (options.transfer) return run_transfer(options, output);
  if (options.mode.mode != Mode::commands) return run_mode(options, output);
  if (options.command.empty() && ::isatty(STDIN_FILENO) == 1) {
    return run_interactive(options, output);
  }
  const Renderer renderer(options.format, choose_style(options.color));
  Session session(options.connection, renderer, output);
  const auto start = std::chrono::steady_clock::now();
  Result<ExitCode> ended =
      options.command.empty() ? run_lines(session, output) : run_one(session, options.command);
  const auto taken = std::chrono::steady_clock::now() - start;
  if (ended && options.has_timing) print_note("(" + duration_text(taken) + ")\n");
  return ended;
}

/// A socket must not get the number of a standard stream that the caller has closed: it would be
/// taken for it. The place is held by what fails as a closed one does.
bool hold_standard_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest free number is this one.
    if (::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) return false;
  }
  return true;
}

int complain(const Failure& failure) {
  print_note("phoenix-cli: " + failure.message + "\n");
  return static_cast<int>(failure.code);
}

int run_all(int argc, const char* const* argv) {
  const Result<Options> options = parse_options(argc, argv);
  if (!options) {
    return complain({options.error().code, options.error().message + " (--help shows the usage)"});
  }
  Output output(STDOUT_FILENO);
  const Result<ExitCode> ended = run(*options, output);
  // What was answered before a failure is still told, and told first.
  const Result<void> written = output.finish();
  if (!ended) return complain(ended.error());
  return written ? static_cast<int>(*ended) : complain(written.error());
}

}  // namespace

}  // namespace phoenix::cli

int main(int argc, char** argv) {
  // A reader that has gone is an error to report, not a death.
  if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR || !phoenix::cli::hold_standard_streams()) return 2;
  return phoenix::cli::run_all(argc, argv);
}
