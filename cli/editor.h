// Where the prompt gets its lines from. Two of them exist: one that edits on a terminal
// (terminal_editor.h), and one that takes lines as they come (plain_editor.h).
#pragma once

#include <cstdint>
#include <string>

#include "cli/help_index.h"
#include "cli/result.h"

namespace phoenix::cli {

class Editor {
 public:
  enum class Outcome : std::uint8_t {
    line,
    interrupted,  // Ctrl-C: what was typed is dropped, and the cursor is on a line of its own.
    too_long,     // The line was read to its end and dropped.
    end,          // Ctrl-D, or the terminal has gone.
  };

  Editor() = default;
  Editor(const Editor&) = delete;
  Editor& operator=(const Editor&) = delete;
  virtual ~Editor() = default;

  /// Shows `prompt` and waits for a line, which comes without its newline.
  virtual Result<Outcome> read(const std::string& prompt, std::string& line) = 0;

  /// Forgets what was typed or pasted ahead: Ctrl-C meant that too.
  virtual void drop_typed_ahead() = 0;

  /// A command that was typed, on one line.
  virtual void remember(const std::string& line) = 0;

  /// It completes and hints, so that set_help() is worth the asking.
  virtual bool wants_help() const = 0;
  virtual void set_help(HelpIndex help) = 0;
};

}  // namespace phoenix::cli
