// Lines as they come, for terminals that cannot move their cursor and for output that is no
// terminal: the kernel's own line editing, no history, no completion.
#pragma once

#include "cli/editor.h"
#include "cli/interrupt.h"
#include "cli/line_reader.h"
#include "cli/output.h"

namespace phoenix::cli {

class PlainEditor final : public Editor {
 public:
  /// Prompts go to `output`, which is flushed before each wait.
  PlainEditor(int input_fd, Output& output, const InterruptSignal& interrupt)
      : input_(input_fd), input_fd_(input_fd), output_(output), interrupt_(interrupt) {}

  Result<Outcome> read(const std::string& prompt, std::string& line) override;
  /// Lines that are here already stay: they need not come from a terminal.
  void drop_typed_ahead() override {}
  void remember(const std::string& /*line*/) override {}
  bool wants_help() const override { return false; }
  void set_help(HelpIndex /*help*/) override {}

 private:
  Result<bool> wait_for_input();

  LineReader input_;
  int input_fd_;
  Output& output_;
  const InterruptSignal& interrupt_;
};

}  // namespace phoenix::cli
