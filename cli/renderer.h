// Replies as people, pipes and programs read them. The form depends on the arguments alone, never
// on where standard output leads to; only colours do. Pure.
//
//   human   "bytes" in quotes with escapes (the tokenizer reads them back), (integer) 7, (nil),
//           (error) ERR text, 1) numbered lists, texts of the server as they are
//   raw     the bytes and a newline; an item of a list a line; nil is an empty line
//   json    one value a line; bytes that are not UTF-8 are {"base64": "..."}, an error {"error":
//           "ERR text"}, and LIST {"keys": [...], "cursor": "N"}
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "phoenix/client/connection.h"

namespace phoenix::cli {

enum class Format : std::uint8_t { human, raw, json };

/// Escape sequences around what stands out in the human format; none of them by default.
struct Style {
  std::string_view error;
  std::string_view faint;  // What is not data: (nil), (integer), the numbers of lists.
  std::string_view end;

  static Style coloured() { return {"\x1b[31m", "\x1b[2m", "\x1b[0m"}; }
};

/// `bytes` in double quotes. Printable UTF-8 stays as it is.
void append_quoted(std::string& out, std::string_view bytes);

/// `text` of a server for a terminal: tabs and newlines (CR LF, too) stay, other controls
/// are escaped.
void append_text(std::string& out, std::string_view text);

class Renderer final {
 public:
  explicit Renderer(Format format, Style style = {}) : format_(format), style_(style) {}

  /// Appends a whole reply, or what the next part of a streamed one adds. `is_listing`: LIST was
  /// asked for, so that even a single part is the last one of a stream. `notes` is what does not
  /// belong into the format's data: lines for standard error.
  void reply(const client::Reply& reply, bool is_listing, std::string& out, std::string& notes);

  /// Appends an error of this program in the place of a reply.
  void local_error(std::string_view text, std::string& out) const;

  /// A stream that has begun will not end: ends its line. What comes next is a new reply.
  void abandon(std::string& out);

 private:
  void streamed(const client::Reply& reply, std::string& out, std::string& notes);
  void streamed_human(const protocol::Value& value, bool is_last, std::string& out) const;
  static void streamed_raw(const protocol::Value& value, bool is_last, std::string& out,
                           std::string& notes);
  void streamed_json(const protocol::Value& value, bool is_last, std::string& out) const;
  void whole(const protocol::Value& value, std::string& out) const;

  Format format_;
  Style style_;
  std::size_t parts_ = 0;  // Of the streamed reply under way.
  std::size_t items_ = 0;
};

}  // namespace phoenix::cli
