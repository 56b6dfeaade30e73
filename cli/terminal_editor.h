// Line editing on a terminal: libedit behind the prompt's own interface, with a history, completion
// by Tab, and hints of what may follow behind the cursor.
//
// libedit draws no hints, so they are drawn by the hook that it calls for the next character: by
// then its line stands on the screen. They are wiped before libedit gets that character.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "cli/editor.h"
#include "cli/history.h"
#include "cli/interrupt.h"
#include "cli/terminal_signals.h"

// As <histedit.h> declares them.
struct editline;
struct history;

namespace phoenix::cli {

/// The longest line that can be typed.
inline constexpr std::size_t kTypedCharactersMax = std::size_t{64} << 10U;

class TerminalEditor final : public Editor {
 public:
  /// On standard input and output, which are a terminal that can move its cursor. Bindings in
  /// ~/.editrc (or EDITRC) hold. A history that cannot be kept is told and done without.
  static Result<std::unique_ptr<TerminalEditor>> open(const InterruptSignal& interrupt,
                                                      History history);
  ~TerminalEditor() override;

  Result<Outcome> read(const std::string& prompt, std::string& line) override;
  void drop_typed_ahead() override {
    unread_.clear();
    is_pasting_ = false;
  }
  void remember(const std::string& line) override;
  bool wants_help() const override { return true; }
  void set_help(HelpIndex help) override { help_ = std::move(help); }

 private:
  TerminalEditor(const InterruptSignal& interrupt, History history);

  void configure();
  void recall(const std::string& line);
  int next_character(wchar_t& character);
  bool receive();
  bool wait_for_input();
  void handle_signals();
  bool is_whole() const;
  wchar_t take_character();
  bool is_full() const;
  unsigned char complete();
  void print_candidates(const Completion& completion) const;
  void draw_hint();
  void wipe_hint();

  const InterruptSignal& interrupt_;
  TerminalSignals signals_;
  History history_;
  HelpIndex help_;
  editline* line_ = nullptr;
  history* recalled_ = nullptr;
  std::string prompt_;
  std::string unread_;           // Bytes from the terminal that libedit has not got yet.
  bool is_interrupted_ = false;  // The line under way is to be dropped.
  bool is_too_long_ = false;
  bool is_pasting_ = false;  // What comes is no typing.
  bool has_ended_ = false;
  bool has_hint_ = false;  // On the screen.
};

}  // namespace phoenix::cli
