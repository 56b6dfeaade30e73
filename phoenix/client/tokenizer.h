// A line that a person or a script wrote, as the words of a command. Pure.
//
//   plain        up to the next blank; quotes and backslashes inside are ordinary characters, so
//                that it's and {"a":1} need no quoting
//   "quoted"     any bytes: \n \r \t \\ \" and \xHH (two hex digits)
//   'quoted'     any bytes but ', all taken as they are
//
// A closing quote ends its word, so a blank or the line's end follows. What the renderer prints as
// a string is read back here as the same bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace phoenix::client {

struct TokenError {
  std::size_t column = 0;  // From 1, in characters.
  std::string message;
  bool is_open_quote = false;  // More text could end it.

  /// "column 7: ..."
  std::string text() const { return "column " + std::to_string(column) + ": " + message; }
};

/// No words for a line of blanks.
[[nodiscard]] tl::expected<std::vector<std::string>, TokenError> tokenize(std::string_view line);

/// `word` is the name of the command `upper`, in any case.
[[nodiscard]] bool is_name(std::string_view word, std::string_view upper);

}  // namespace phoenix::client
