#include "cli/prompt.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "cli/command_docs.h"
#include "cli/history.h"
#include "cli/units.h"
#include "phoenix/client/tokenizer.h"

namespace phoenix::cli {

namespace {

/// Of a command in several lines.
constexpr std::size_t kCommandBytesMax = std::size_t{64} << 20U;

constexpr const char* kLocalHelp =
    R"(Commands of this prompt:
  \timing [on|off]  tells how long each reply took
  \?                prints this
  EXIT, QUIT or Ctrl-D leaves
Tab completes; up and down recall earlier lines, Ctrl-R searches them; Ctrl-C drops the
line, or stops a reply. "..." takes \n \r \t \\ \" and \xHH, '...' takes all as it is; an
open quote goes on in the next line.
)";

/// As wide as the prompt, when that has room for it.
std::string continuation(const std::string& prompt) {
  constexpr std::string_view kMore = "...> ";
  const std::size_t columns = std::max(prompt.size(), kMore.size());
  return std::string(columns - kMore.size(), ' ').append(kMore);
}

class Prompt final {
 public:
  Prompt(Session& session, Editor& editor, Output& output, const InterruptSignal& interrupt,
         PromptOptions options)
      : session_(session),
        editor_(editor),
        output_(output),
        interrupt_(interrupt),
        options_(options) {}

  Result<ExitCode> run() {
    Result<void> connected = session_.connect();
    if (!connected) return tl::unexpected<Failure>(connected.error());
    const bool is_phoenix = session_.wire() == client::Wire::native;
    output_.buffer() += "Connected to " + session_.peer_text() + ".\n" +
                        (is_phoenix ? "HELP lists the commands, " : "") +
                        "\\? tells about the prompt, EXIT leaves.\n";
    while (!has_ended_) {
      const Result<void> turn = take_turn();
      if (!turn) return tl::unexpected<Failure>(turn.error());
    }
    return ExitCode::ok;
  }

 private:
  using Words = std::vector<std::string>;

  Result<void> take_turn() {
    learn_help();
    Result<void> written = output_.flush();
    if (!written) return written;
    std::string command;
    const Result<Editor::Outcome> outcome = read_command(command);
    if (!outcome) return tl::unexpected<Failure>(outcome.error());
    if (*outcome == Editor::Outcome::line) return take_command(command);
    if (*outcome == Editor::Outcome::too_long) {
      session_.local_error("this line is too long for the prompt; give it in a file or a pipe");
    }
    has_ended_ = *outcome == Editor::Outcome::end;
    return output_.flush();
  }

  /// Asked of each server once, and again when it may have answered a password.
  void learn_help() {
    if (!editor_.wants_help() || has_asked_help_ || !session_.is_connected()) return;
    has_asked_help_ = true;
    Result<HelpIndex> help = ask_help(session_);
    if (help) editor_.set_help(*std::move(help));
    // Without it, there is no completion. A connection that was lost is for the next command.
  }

  /// A line, and more of them while a quote is open.
  Result<Editor::Outcome> read_command(std::string& command) {
    const char* const state = is_lost_                       ? " (not connected)> "
                              : session_.is_in_transaction() ? "(TX)> "
                                                             : "> ";
    const std::string prompt = session_.place_text() + state;
    Result<Editor::Outcome> outcome = editor_.read(prompt, command);
    while (outcome && *outcome == Editor::Outcome::line) {
      const auto words = client::tokenize(command);
      if (words || !words.error().is_open_quote) break;
      if (command.size() > kCommandBytesMax) return Editor::Outcome::too_long;
      std::string line;
      outcome = editor_.read(continuation(prompt), line);
      // What is there at the end is told with what it lacks.
      if (outcome && *outcome == Editor::Outcome::end) return Editor::Outcome::line;
      command.append("\n").append(line);
    }
    return outcome;
  }

  Result<void> take_command(const std::string& command) {
    const auto words = client::tokenize(command);
    if (!words) {
      editor_.remember(command);
      session_.local_error(words.error().text());
      return {};
    }
    if (words->empty()) return {};
    const bool has_newline = command.find('\n') != std::string::npos;
    editor_.remember(has_newline ? one_line(*words) : command);
    const std::string& name = words->front();
    const bool is_alone = words->size() == 1;
    has_ended_ = is_alone && (client::is_name(name, "EXIT") || client::is_name(name, "QUIT"));
    if (has_ended_) return {};
    if (name[0] == '\\') {
      take_local(*words);
      return {};
    }
    const Result<void> done = execute(*words);
    if (done && is_alone && client::is_name(name, "HELP")) {
      print_note("\\? tells about this prompt.\n");
    }
    return done || done.error().code == ExitCode::output ? done : report(done.error());
  }

  void take_local(const Words& words) {
    const bool has_value = words.size() == 2 && (words[1] == "on" || words[1] == "off");
    if (words[0] == "\\?" && words.size() == 1) {
      output_.buffer() += kLocalHelp;
    } else if (words[0] == "\\timing" && (words.size() == 1 || has_value)) {
      options_.has_timing = has_value ? words[1] == "on" : !options_.has_timing;
      output_.buffer() += options_.has_timing ? "Timing is on.\n" : "Timing is off.\n";
    } else {
      session_.local_error("the prompt's own commands are \\timing [on|off] and \\?");
    }
  }

  Result<void> execute(const Words& words) {
    if (session_.was_closed()) {
      session_.disconnect();
      print_note("The server has closed the connection; connecting again.\n");
    }
    Result<void> connected = session_.connect();
    if (!connected) return connected;
    is_lost_ = false;
    if (client::is_name(words.front(), "AUTH")) has_asked_help_ = false;
    const auto start = std::chrono::steady_clock::now();
    Result<void> sent = session_.send(words);
    if (!sent) return sent;
    const Result<bool> is_error = session_.receive();
    if (!is_error) return tl::unexpected<Failure>(is_error.error());
    if (!*is_error) {
      Result<void> followed = session_.follow();
      if (!followed) return followed;
    }
    return options_.has_timing ? tell_time(start) : Result<void>{};
  }

  /// Behind the reply, and not among the data.
  Result<void> tell_time(std::chrono::steady_clock::time_point start) {
    const auto taken = std::chrono::steady_clock::now() - start;
    Result<void> written = output_.flush();
    if (written) print_note("(" + duration_text(taken) + ")\n");
    return written;
  }

  /// Nothing but a broken output ends the prompt.
  Result<void> report(const Failure& failure) {
    Result<void> written = output_.flush();
    if (!written) return written;
    if (failure.code == ExitCode::interrupted) {
      interrupt_.clear();
      editor_.drop_typed_ahead();
      print_note("\nStopped.\n");
    } else {
      is_lost_ = failure.code == ExitCode::connection;
      const std::string end = failure.message.ends_with('?') ? "" : ".";
      const std::string hope = is_lost_ ? end + " The next command connects again." : "";
      print_note("phoenix-cli: " + failure.message + hope + "\n");
    }
    return {};
  }

  Session& session_;
  Editor& editor_;
  Output& output_;
  const InterruptSignal& interrupt_;
  PromptOptions options_;
  bool has_asked_help_ = false;
  bool is_lost_ = false;  // The last command found no server, or lost it.
  bool has_ended_ = false;
};

}  // namespace

Result<ExitCode> run_prompt(Session& session, Editor& editor, Output& output,
                            const InterruptSignal& interrupt, PromptOptions options) {
  return Prompt(session, editor, output, interrupt, options).run();
}

}  // namespace phoenix::cli
