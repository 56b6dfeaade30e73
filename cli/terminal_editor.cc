#include "cli/terminal_editor.h"

#include <histedit.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <utility>

#include "cli/output.h"
#include "cli/utf8.h"

namespace phoenix::cli {

namespace {

constexpr std::size_t kReadBytes = 4'096;
/// What is behind the cursor is wiped with this. Hints stand in the last row; a window that became
/// narrower may have broken it.
constexpr const char* kWipe = "\x1b[J";
constexpr const char* kFaint = "\x1b[2m";
/// Terminals that know it then mark what is pasted; others ignore it.
constexpr const char* kMarkPastes = "\x1b[?2004h";
constexpr const char* kMarkNoPastes = "\x1b[?2004l";
constexpr std::string_view kPasteBegins = "\x1b[200~";
constexpr std::string_view kPasteEnds = "\x1b[201~";
constexpr int kRestMs = 100;  // The rest of a character or a mark comes at once, or not at all.
constexpr const char* kPlain = "\x1b[0m";
/// As configure() names it, so that no binding in ~/.editrc means it by chance.
constexpr const char* kComplete = "phoenix-complete";

struct Binding {
  const char* keys;
  const char* function;
};

/// What people expect of keys that libedit leaves alone; the arrows it knows itself.
constexpr std::array<Binding, 14> kBindings = {{
    {"^I", kComplete},
    {"^R", "em-inc-search-prev"},
    {"\\e[1~", "ed-move-to-beg"},
    {"\\e[7~", "ed-move-to-beg"},
    {"\\e[H", "ed-move-to-beg"},
    {"\\e[4~", "ed-move-to-end"},
    {"\\e[8~", "ed-move-to-end"},
    {"\\e[F", "ed-move-to-end"},
    {"\\e[3~", "ed-delete-next-char"},
    {"\\e[1;5C", "em-next-word"},
    {"\\e[1;5D", "ed-prev-word"},
    {"\\e[1;3C", "em-next-word"},
    {"\\e[1;3D", "ed-prev-word"},
    {"^W", "ed-delete-prev-word"},
}};

/// Of the terminal, 80 when it does not say.
std::size_t terminal_columns() {
  winsize size{};
  const bool is_known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return is_known ? size.ws_col : 80;
}

/// Columns that `text` takes, or -1 when it has characters that are drawn in ways of their own.
int columns_of(std::string_view text) {
  int columns = 0;
  while (!text.empty()) {
    const Character character = first_character(text);
    const int width = character.bytes == 0 || !is_printable(character.code_point)
                          ? -1
                          : ::wcwidth(static_cast<wchar_t>(character.code_point));
    if (width < 0) return -1;
    columns += width;
    text.remove_prefix(character.bytes);
  }
  return columns;
}

/// libedit asks the locale what characters are and how they are written. The program's own text is
/// UTF-8 wherever it runs.
void choose_locale() {
  const char* chosen = std::setlocale(LC_CTYPE, "");
  if (chosen != nullptr && MB_CUR_MAX > 1) return;
  // Without this one too, other characters than ASCII cannot be typed.
  static_cast<void>(std::setlocale(LC_CTYPE, "C.UTF-8"));
}

std::string_view common_beginning(const std::vector<std::string>& words) {
  std::string_view common = words.front();
  for (const std::string& word : words) {
    std::size_t size = 0;
    while (size < std::min(common.size(), word.size()) && common[size] == word[size]) ++size;
    common = common.substr(0, size);
  }
  return common;
}

TerminalEditor* editor_of(EditLine* line) {
  void* editor = nullptr;
  static_cast<void>(::el_get(line, EL_CLIENTDATA, &editor));
  return static_cast<TerminalEditor*>(editor);
}

}  // namespace

Result<std::unique_ptr<TerminalEditor>> TerminalEditor::open(const InterruptSignal& interrupt,
                                                             History history) {
  choose_locale();
  std::unique_ptr<TerminalEditor> editor(new TerminalEditor(interrupt, std::move(history)));
  if (editor->line_ == nullptr || editor->recalled_ == nullptr) {
    return fail(ExitCode::usage, "cannot edit lines on this terminal; set TERM=dumb to do without");
  }
  const Result<void> opened = editor->signals_.open();
  if (!opened) return tl::unexpected<Failure>(opened.error());
  editor->configure();
  const Result<void> loaded = editor->history_.load();
  if (!loaded) print_note("phoenix-cli: " + loaded.error().message + "\n");
  for (const std::string& line : editor->history_.lines()) editor->recall(line);
  return editor;
}

TerminalEditor::TerminalEditor(const InterruptSignal& interrupt, History history)
    : interrupt_(interrupt), history_(std::move(history)) {
  line_ = ::el_init("phoenix-cli", stdin, stdout, stderr);
  recalled_ = ::history_init();
}

TerminalEditor::~TerminalEditor() {
  if (line_ != nullptr) ::el_end(line_);
  if (recalled_ != nullptr) ::history_end(recalled_);
}

/// The calls cannot fail with these arguments.
void TerminalEditor::configure() {
  using Prompt = char* (*)(EditLine*);
  using Function = unsigned char (*)(EditLine*, int);
  using Hook = int (*)(EditLine*, wchar_t*);
  const Prompt prompt = [](EditLine* line) { return editor_of(line)->prompt_.data(); };
  const Function complete_word = [](EditLine* line, int) { return editor_of(line)->complete(); };
  const Hook next = [](EditLine* line, wchar_t* character) {
    return editor_of(line)->next_character(*character);
  };
  HistEvent event{};
  ::history(recalled_, &event, H_SETSIZE, static_cast<int>(kHistoryLinesMax));
  ::el_set(line_, EL_CLIENTDATA, static_cast<void*>(this));
  ::el_set(line_, EL_PROMPT, prompt);
  ::el_set(line_, EL_EDITOR, "emacs");
  ::el_set(line_, EL_HIST, ::history, recalled_);
  ::el_set(line_, EL_SIGNAL, 0);  // signals_ and interrupt_ have them.
  ::el_set(line_, EL_GETCFN, next);
  // It keeps the words as they are given; the other form would leak copies of them.
  ::el_wset(line_, EL_ADDFN, L"phoenix-complete", L"Complete the word before the cursor",
            complete_word);
  for (const Binding& binding : kBindings) {
    ::el_set(line_, EL_BIND, binding.keys, binding.function, nullptr);
  }
  static_cast<void>(::el_source(line_, nullptr));  // There need not be one.
}

Result<Editor::Outcome> TerminalEditor::read(const std::string& prompt, std::string& line) {
  prompt_ = prompt;
  is_interrupted_ = is_too_long_ = false;
  int bytes = 0;
  // Before the prompt is seen: what is typed from then on is echoed by libedit alone.
  ::el_set(line_, EL_PREP_TERM, 1);
  static_cast<void>(std::fputs(kMarkPastes, stdout));
  signals_.hold();
  const char* text = ::el_gets(line_, &bytes);
  signals_.release();
  static_cast<void>(std::fputs(kMarkNoPastes, stdout));
  static_cast<void>(std::fflush(stdout));
  if (is_interrupted_) {
    interrupt_.clear();
    return Outcome::interrupted;
  }
  if (text == nullptr || bytes <= 0) {
    print_note("\n");
    return Outcome::end;
  }
  if (is_too_long_) return Outcome::too_long;
  line.assign(text, static_cast<std::size_t>(bytes));
  if (line.ends_with('\n')) line.pop_back();
  return Outcome::line;
}

void TerminalEditor::remember(const std::string& line) {
  const Result<bool> added = history_.add(line);
  if (!added) print_note("phoenix-cli: " + added.error().message + "\n");
  if (!added || *added) recall(line);
}

void TerminalEditor::recall(const std::string& line) {
  HistEvent event{};
  // Without memory for it there is no recalling it.
  static_cast<void>(::history(recalled_, &event, H_ENTER, line.c_str()));
}

/// As libedit asks for it: 1 with a character, 0 at the end, -1 with errno.
int TerminalEditor::next_character(wchar_t& character) {
  if (unread_.empty()) draw_hint();
  while (!is_interrupted_) {
    if (!unread_.empty()) {
      character = take_character();
      if (character == L'\0') continue;
      wipe_hint();
      return 1;
    }
    if (!receive()) break;
  }
  wipe_hint();
  if (has_ended_) return 0;
  // Ends the line in every mode of the editor, also in a search, and moves the cursor off it.
  character = L'\n';
  return 1;
}

/// False when Ctrl-C came.
bool TerminalEditor::wait_for_input() {
  std::array<pollfd, 3> entries{
      {{STDIN_FILENO, POLLIN, 0}, {interrupt_.fd(), POLLIN, 0}, {signals_.fd(), POLLIN, 0}}};
  for (;;) {
    const int count = ::poll(entries.data(), entries.size(), -1);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return true;  // The read will tell what is wrong.
    if (entries[2].revents != 0) handle_signals();
    if (entries[1].revents != 0) return false;
    if (entries[0].revents != 0) return true;
  }
}

void TerminalEditor::handle_signals() {
  bool was_away = false;
  wipe_hint();
  static_cast<void>(std::fflush(stdout));
  while (const int signal = signals_.next()) {
    if (signal == SIGWINCH) {
      ::el_resize(line_);
      continue;
    }
    was_away = true;
    // Whoever has the terminal meanwhile finds it as it was.
    ::el_set(line_, EL_PREP_TERM, 0);
    if (signal != SIGCONT) signals_.deliver(signal);
  }
  if (was_away) {
    ::el_set(line_, EL_PREP_TERM, 1);
    ::el_set(line_, EL_REFRESH);
  }
  draw_hint();
}

/// False when nothing more is to be read: Ctrl-C, or the end.
bool TerminalEditor::receive() {
  if (!wait_for_input()) {
    is_interrupted_ = true;
    drop_typed_ahead();
    return false;
  }
  const std::size_t kept = unread_.size();
  unread_.resize(kept + kReadBytes);
  const ssize_t count = ::read(STDIN_FILENO, unread_.data() + kept, kReadBytes);
  const bool is_retry = count < 0 && (errno == EINTR || errno == EAGAIN);
  unread_.resize(kept + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  has_ended_ = count <= 0 && !is_retry;
  return !has_ended_;
}

/// False when what unread_ begins with goes on in bytes that have not come.
bool TerminalEditor::is_whole() const {
  const auto lead = static_cast<unsigned char>(unread_[0]);
  const std::size_t bytes = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  const std::string_view mark = kPasteBegins.substr(0, unread_.size());
  const bool is_part_of_mark = unread_.size() > 2 && unread_.size() < kPasteBegins.size() &&
                               (mark == unread_ || kPasteEnds.substr(0, mark.size()) == unread_);
  return unread_.size() >= bytes && !is_part_of_mark;
}

/// The next one of unread_, which is not empty. 0: there was none that can be typed.
wchar_t TerminalEditor::take_character() {
  while (!unread_.empty() && !is_whole()) {
    pollfd entry{STDIN_FILENO, POLLIN, 0};
    if (::poll(&entry, 1, kRestMs) <= 0 || !receive()) break;
  }
  if (unread_.empty()) return L'\0';
  for (const std::string_view mark : {kPasteBegins, kPasteEnds}) {
    if (!unread_.starts_with(mark)) continue;
    is_pasting_ = mark == kPasteBegins;
    unread_.erase(0, mark.size());
    return L'\0';
  }
  const Character character = first_character(unread_);
  unread_.erase(0, std::max<std::size_t>(character.bytes, 1));
  if (character.bytes == 0) return L'\0';
  const auto taken = static_cast<wchar_t>(character.code_point);
  const bool is_text = is_printable(character.code_point);
  // Pasted text edits nothing: its newlines end lines, its tabs are tabs.
  if (!is_text && is_pasting_ && taken != L'\n' && taken != L'\r' && taken != L'\t') return L'\0';
  if (!is_text || !is_full()) return taken;
  is_too_long_ = true;
  return L'\0';
}

bool TerminalEditor::is_full() const {
  // As libedit holds it: the other form would be made anew for each character.
  const LineInfoW* info = ::el_wline(line_);
  return info->lastchar - info->buffer >= static_cast<std::ptrdiff_t>(kTypedCharactersMax);
}

unsigned char TerminalEditor::complete() {
  const LineInfo* info = ::el_line(line_);
  const std::string before(info->buffer, info->cursor);
  if (is_pasting_) return ::el_insertstr(line_, "\t") == 0 ? CC_REFRESH : CC_ERROR;
  const Completion completion = help_.complete(before);
  if (completion.candidates.empty()) return CC_ERROR;
  const bool is_only = completion.candidates.size() == 1;
  std::string word(common_beginning(completion.candidates));
  if (is_only) word += ' ';
  if (word.size() <= completion.typed_bytes) {
    print_candidates(completion);
    return CC_REDISPLAY;
  }
  ::el_deletestr(line_, static_cast<int>(completion.typed_bytes));
  return ::el_insertstr(line_, word.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
}

/// Below the line, which libedit then draws anew.
void TerminalEditor::print_candidates(const Completion& completion) const {
  std::size_t width = 0;
  for (const std::string& word : completion.candidates) width = std::max(width, word.size() + 2);
  const std::size_t in_row = std::max<std::size_t>(terminal_columns() / width, 1);
  std::string text = "\n";
  for (std::size_t i = 0; i < completion.candidates.size(); ++i) {
    const std::string& word = completion.candidates[i];
    const bool is_last = (i + 1) % in_row == 0 || i + 1 == completion.candidates.size();
    text += word;
    text.append(is_last ? "\n" : std::string(width - word.size(), ' '));
  }
  static_cast<void>(std::fputs(text.c_str(), stdout));
}

/// Only behind the end of the line, and in the room that the row has left: nothing that libedit has
/// drawn moves.
void TerminalEditor::draw_hint() {
  const LineInfo* info = ::el_line(line_);
  if (info->cursor != info->lastchar) return;
  const std::string_view typed(info->buffer,
                               static_cast<std::size_t>(info->lastchar - info->buffer));
  const int prompt_columns = columns_of(prompt_);
  const int typed_columns = columns_of(typed);
  if (prompt_columns < 0 || typed_columns < 0) return;
  const std::size_t columns = terminal_columns();
  const std::size_t column = static_cast<std::size_t>(prompt_columns + typed_columns) % columns;
  if (column == 0) return;  // Terminals differ in which row the cursor is then.
  const std::size_t room = columns - column - 1;
  const std::string hint = help_.hint(typed, room);
  const int width = columns_of(hint);
  if (width <= 0) return;
  has_hint_ = true;
  const std::string drawn =
      kFaint + hint + kPlain + "\x1b[" + std::to_string(width) + "D";  // And back.
  static_cast<void>(std::fputs(drawn.c_str(), stdout));
  static_cast<void>(std::fflush(stdout));
}

/// libedit's own output follows, and takes it along.
void TerminalEditor::wipe_hint() {
  if (std::exchange(has_hint_, false)) static_cast<void>(std::fputs(kWipe, stdout));
}

}  // namespace phoenix::cli
