// phoenix-cli: one command, commands from a pipe, or a prompt.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "cli/line_reader.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/piped.h"
#include "cli/prompt.h"
#include "cli/session.h"

namespace phoenix::cli {

namespace {

Result<ExitCode> run_one(Session& session, const std::vector<std::string>& command) {
  const Result<void> connected = session.connect();
  if (!connected) return tl::unexpected<Failure>(connected.error());
  const Result<void> sent = session.send(command);
  if (!sent) return tl::unexpected<Failure>(sent.error());
  const Result<bool> is_error = session.receive();
  if (!is_error) return tl::unexpected<Failure>(is_error.error());
  return *is_error ? ExitCode::error_reply : ExitCode::ok;
}

Result<ExitCode> run_lines(Session& session, Output& output) {
  const Result<void> connected = session.connect();
  if (!connected) return tl::unexpected<Failure>(connected.error());
  LineReader input(STDIN_FILENO);
  return run_piped(session, input, output);
}

Result<ExitCode> run_interactive(Options options, Output& output) {
  InterruptSignal interrupt;
  const Result<void> opened = interrupt.open();
  if (!opened) return tl::unexpected<Failure>(opened.error());
  options.connection.interrupt_fd = interrupt.fd();
  Session session(options.connection, options.format, output);
  return run_prompt(session, STDIN_FILENO, output, interrupt);
}

Result<ExitCode> run(const Options& options, Output& output) {
  if (!options.help.empty()) {
    output.buffer() += options.help;
    return ExitCode::ok;
  }
  if (options.command.empty() && ::isatty(STDIN_FILENO) == 1) {
    return run_interactive(options, output);
  }
  Session session(options.connection, options.format, output);
  if (!options.command.empty()) return run_one(session, options.command);
  return run_lines(session, output);
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
