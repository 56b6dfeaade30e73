#include "cli/prompt.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "cli/tokenizer.h"

namespace phoenix::cli {

namespace {

sigset_t interrupt_set() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  return set;
}

class Prompt final {
 public:
  Prompt(Session& session, int input_fd, Output& output, const InterruptSignal& interrupt)
      : session_(session),
        input_(input_fd),
        input_fd_(input_fd),
        output_(output),
        interrupt_(interrupt) {}

  Result<ExitCode> run() {
    Result<void> connected = session_.connect();
    if (!connected) return tl::unexpected<Failure>(connected.error());
    output_.buffer() +=
        "Connected to " + session_.peer_text() + ". HELP lists the commands, EXIT leaves.\n";
    while (!has_ended_) {
      const Result<void> turn = take_turn();
      if (!turn) return tl::unexpected<Failure>(turn.error());
    }
    return ExitCode::ok;
  }

 private:
  Result<void> take_turn() {
    output_.buffer() += "phoenix> ";
    Result<void> written = output_.flush();
    if (!written) return written;
    const Result<bool> has_input = wait_for_input();
    if (!has_input) return tl::unexpected<Failure>(has_input.error());
    if (!*has_input) return {};
    std::string_view line;
    const Result<LineReader::Outcome> outcome = input_.next(line);
    if (!outcome) return tl::unexpected<Failure>(outcome.error());
    if (*outcome == LineReader::Outcome::end) {
      output_.buffer() += '\n';
      has_ended_ = true;
      return output_.flush();
    }
    return *outcome == LineReader::Outcome::line ? read_command(line) : Result<void>{};
  }

  /// False when Ctrl-C came instead: the terminal has dropped what was typed.
  Result<bool> wait_for_input() {
    Result<bool> is_ready = input_.is_ready();
    if (!is_ready || *is_ready) return is_ready;
    std::array<pollfd, 2> entries{{{input_fd_, POLLIN, 0}, {interrupt_.fd(), POLLIN, 0}}};
    while (::poll(entries.data(), entries.size(), -1) < 0) {
      if (errno != EINTR) return fail(ExitCode::usage, "cannot wait for the terminal");
    }
    if (entries[1].revents == 0) return true;
    interrupt_.clear();
    output_.buffer() += '\n';
    return false;
  }

  Result<void> read_command(std::string_view line) {
    const auto words = tokenize(line);
    if (!words) {
      session_.local_error(words.error().text());
      return {};
    }
    if (words->empty()) return {};
    const bool is_alone = words->size() == 1;
    has_ended_ = is_alone && (is_name((*words)[0], "EXIT") || is_name((*words)[0], "QUIT"));
    if (has_ended_) return {};
    const Result<void> done = execute(*words);
    return done || done.error().code == ExitCode::output ? done : report(done.error());
  }

  Result<void> execute(const std::vector<std::string>& words) {
    if (session_.was_closed()) {
      session_.disconnect();
      print_note("The server has closed the connection; connecting again.\n");
    }
    Result<void> connected = session_.connect();
    if (!connected) return connected;
    Result<void> sent = session_.send(words);
    if (!sent) return sent;
    const Result<bool> is_error = session_.receive();
    if (!is_error) return tl::unexpected<Failure>(is_error.error());
    return {};
  }

  /// Nothing but a broken output ends the prompt.
  Result<void> report(const Failure& failure) {
    Result<void> written = output_.flush();
    if (!written) return written;
    if (failure.code == ExitCode::interrupted) {
      interrupt_.clear();
      print_note("\nStopped.\n");
    } else {
      const bool is_lost = failure.code == ExitCode::connection;
      const std::string hope = is_lost ? ". The next command connects again." : "";
      print_note("phoenix-cli: " + failure.message + hope + "\n");
    }
    return {};
  }

  Session& session_;
  LineReader input_;
  int input_fd_;
  Output& output_;
  const InterruptSignal& interrupt_;
  bool has_ended_ = false;
};

}  // namespace

InterruptSignal::~InterruptSignal() {
  if (fd_ < 0) return;
  clear();
  // Neither can fail with these arguments, and the descriptor has no data to lose.
  static_cast<void>(::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr));
  static_cast<void>(::close(fd_));
}

Result<void> InterruptSignal::open() {
  const sigset_t set = interrupt_set();
  const int blocked = ::pthread_sigmask(SIG_BLOCK, &set, &mask_before_);
  if (blocked == 0) fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ >= 0) return {};
  const int error = blocked == 0 ? errno : blocked;
  return fail(ExitCode::usage, "cannot take Ctrl-C: " + client::os_error_text(error));
}

void InterruptSignal::clear() const {
  signalfd_siginfo info{};
  while (::read(fd_, &info, sizeof info) > 0) {
  }
}

Result<ExitCode> run_prompt(Session& session, int input_fd, Output& output,
                            const InterruptSignal& interrupt) {
  return Prompt(session, input_fd, output, interrupt).run();
}

}  // namespace phoenix::cli
