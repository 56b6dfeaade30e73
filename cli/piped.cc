#include "cli/piped.h"

#include <deque>
#include <optional>
#include <utility>

#include "phoenix/client/tokenizer.h"

namespace phoenix::cli {

namespace {

/// How far ahead of the replies commands are sent: enough to keep a server busy over a slow line.
constexpr std::size_t kRequestsMax = 1'024;
constexpr std::size_t kUnsentBytesMax = std::size_t{1} << 20U;

class Pipe final {
 public:
  Pipe(Session& session, LineReader& input, Output& output)
      : session_(session), input_(input), output_(output) {}

  Result<ExitCode> run() {
    while (!has_ended_ || !due_.empty()) {
      const Result<void> read = read_commands();
      if (!read) return tl::unexpected<Failure>(read.error());
      // Half of what is under way stays there: the server always has work.
      const std::size_t left = is_full() ? due_.size() / 2 : 0;
      const Result<void> answered = print_replies(left);
      if (!answered) return tl::unexpected<Failure>(located(answered.error()));
    }
    return had_error_ ? ExitCode::error_reply : ExitCode::ok;
  }

 private:
  /// What stands in the place of a line that was sent nowhere; none for a line that was sent.
  struct Due {
    std::size_t line = 0;
    std::optional<std::string> local_error;
  };

  bool is_full() const {
    return due_.size() >= kRequestsMax || session_.unsent_bytes() >= kUnsentBytesMax;
  }

  /// As many as fit. Waits for one only when nobody waits for a reply.
  Result<void> read_commands() {
    while (!has_ended_ && !is_full()) {
      const Result<bool> is_ready = input_.is_ready();
      if (!is_ready) return tl::unexpected<Failure>(is_ready.error());
      if (!*is_ready && !due_.empty()) return {};
      std::string_view line;
      const Result<LineReader::Outcome> outcome = input_.next(line);
      if (!outcome) return tl::unexpected<Failure>(outcome.error());
      if (*outcome == LineReader::Outcome::end) {
        has_ended_ = true;
        return {};
      }
      ++line_number_;
      const bool is_too_long = *outcome == LineReader::Outcome::too_long;
      Result<void> sent = is_too_long ? refuse("a line has at most 513 MiB") : send(line);
      if (!sent) return sent;
    }
    return {};
  }

  Result<void> send(std::string_view line) {
    auto words = client::tokenize(line);
    if (!words) return refuse(words.error().text());
    if (words->empty()) return {};
    // As at the prompt; here each line has its reply, and servers know one of the two words.
    const bool is_native = session_.wire() == client::Wire::native;
    const char* known = is_native ? "EXIT" : "QUIT";
    const bool is_other = client::is_name(words->front(), is_native ? "QUIT" : "EXIT");
    if (words->size() == 1 && is_other) words->front() = known;
    const bool is_end = words->size() == 1 && client::is_name(words->front(), known);
    if (Session::is_followed(*words)) {
      return refuse(words->front() + " cannot be followed here: each command has one reply");
    }
    Result<void> sent = session_.send(*words);
    if (!sent && sent.error().code == ExitCode::usage) return refuse(sent.error().message);
    if (!sent) return sent;
    due_.push_back({line_number_, std::nullopt});
    has_ended_ = is_end;
    return {};
  }

  Result<void> refuse(const std::string& why) {
    due_.push_back({line_number_, "line " + std::to_string(line_number_) + ", " + why});
    return {};
  }

  /// Until `left` are still due.
  Result<void> print_replies(std::size_t left) {
    while (due_.size() > left) {
      const Due& due = due_.front();
      if (due.local_error) {
        session_.local_error(*due.local_error);
        had_error_ = true;
      } else {
        const Result<bool> is_error = session_.receive();
        if (!is_error) return tl::unexpected<Failure>(is_error.error());
        had_error_ = had_error_ || *is_error;
      }
      due_.pop_front();
    }
    return left == 0 ? output_.flush() : output_.flush_when_large();
  }

  Failure located(Failure failure) const {
    if (due_.empty() || failure.code == ExitCode::output) return failure;
    failure.message += " (the first is of line " + std::to_string(due_.front().line) + ")";
    return failure;
  }

  Session& session_;
  LineReader& input_;
  Output& output_;
  std::deque<Due> due_;
  std::size_t line_number_ = 0;
  bool has_ended_ = false;
  bool had_error_ = false;
};

}  // namespace

Result<ExitCode> run_piped(Session& session, LineReader& input, Output& output) {
  return Pipe(session, input, output).run();
}

}  // namespace phoenix::cli
