// What can be typed next: command names, option words and arguments, from the synopses that the
// server itself prints in HELP. So the prompt knows the server's commands, not those of the day it
// was built. Pure.
//
//   SET key value [NX | XX] [EX seconds]      words in upper case are typed as they are; others
//   DEL key [key ...]                         stand for a value; [...] may be left out, <...> not;
//                                             | separates what excludes each other
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace phoenix::cli {

struct Completion {
  std::size_t typed_bytes = 0;          // Of the word before the cursor, which they replace.
  std::vector<std::string> candidates;  // Whole words that begin as it does, in order.
};

class HelpIndex final {
 public:
  /// Takes every synopsis of a HELP page: the lines that begin with a name in upper case, or with
  /// that of a command and its subcommand, and do not end as a sentence does. Lines that begin with
  /// '@' name groups of commands.
  void add_page(std::string_view page);

  /// One command; `name` may have two words, `arguments` is what stands behind it. Those beyond
  /// kCommandsMax or kSynopsisBytesMax are left out.
  void add(std::string_view name, std::string_view arguments);

  bool empty() const { return arguments_.empty(); }

  /// `before` is what stands before the cursor. In lower case when that was begun so.
  Completion complete(std::string_view before) const;

  /// What may follow `line`, with a blank in front where the line has none; cut to `columns` at the
  /// end of an argument. Empty when nothing does, or the line is no known command. Of one that only
  /// has subcommands, their names.
  std::string hint(std::string_view line, std::size_t columns) const;

 private:
  struct Known {
    std::string_view arguments;
    std::size_t words = 0;  // Of the name; 0: no such command.
  };

  Known find(const std::vector<std::string>& words) const;
  std::string names_hint(const std::string& name, std::size_t columns, bool is_in_word) const;
  void add_names(const std::string& parent, std::set<std::string>& found) const;
  std::vector<std::string> next_words(const std::vector<std::string>& words) const;

  std::map<std::string, std::string, std::less<>> arguments_;  // By name.
  std::set<std::string> groups_;                               // In upper case, with '@'.
};

}  // namespace phoenix::cli
