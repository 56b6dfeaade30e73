#include "cli/renderer.h"

#include <algorithm>

#include "cli/json.h"
#include "cli/utf8.h"

namespace phoenix::cli {

namespace {

using protocol::Kind;
using protocol::Value;

void append_hex(std::string& out, std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += "\\x";
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
}

/// Appends the character that `bytes` starts with, escaped when it is not printable UTF-8.
std::size_t append_visible(std::string& out, std::string_view bytes) {
  const Character character = first_character(bytes);
  const std::size_t count = std::max<std::size_t>(character.bytes, 1);
  if (character.bytes > 0 && is_printable(character.code_point)) {
    out.append(bytes.substr(0, count));
  } else {
    append_hex(out, bytes.substr(0, count));
  }
  return count;
}

bool is_plain_ascii(char c) {
  return c >= ' ' && c <= '~';
}

void append_human(std::string& out, const Value& value, std::size_t indent, const Style& style);

void append_styled(std::string& out, std::string_view text, std::string_view begin,
                   const Style& style) {
  out.append(begin).append(text).append(style.end);
}

// The decoder bounds the depth (kReplyDepthMax).
// NOLINTNEXTLINE(misc-no-recursion)
void append_item(std::string& out, std::string_view prefix, const Value* key, const Value& item,
                 std::size_t indent, const Style& style) {
  append_styled(out, prefix, style.faint, style);
  if (key != nullptr) {
    append_human(out, *key, indent + prefix.size(), style);
    out += " => ";
  }
  append_human(out, item, indent + prefix.size(), style);
}

// NOLINTNEXTLINE(misc-no-recursion)
void append_items(std::string& out, const Value& value, std::size_t indent, const Style& style) {
  const bool is_map = value.kind == Kind::map;
  if (value.items.empty()) {
    return append_styled(out, is_map ? "(empty map)" : "(empty list)", style.faint, style);
  }
  const std::size_t step = is_map ? 2 : 1;
  const std::size_t digits = std::to_string(value.items.size() / step).size();
  for (std::size_t i = 0; i + step <= value.items.size(); i += step) {
    if (i > 0) out.append("\n").append(indent, ' ');
    const Value* key = is_map ? &value.items[i] : nullptr;
    std::string number = std::to_string(i / step + 1);
    number.insert(0, digits - number.size(), ' ');
    append_item(out, number + ") ", key, value.items[i + step - 1], indent, style);
  }
}

void append_error(std::string& out, std::string_view text, const Style& style) {
  out.append(style.error).append("(error) ");
  append_text(out, text);
  out += style.end;
}

void append_status(std::string& out, const Value& value, const Style& style) {
  if (protocol::is_error(value.status)) return append_error(out, error_line(value), style);
  if (value.status != protocol::Status::nil) {
    out += "OK";
  } else {
    append_styled(out, "(nil)", style.faint, style);
  }
}

/// Without a newline behind. Further lines start with `indent` blanks.
// NOLINTNEXTLINE(misc-no-recursion)
void append_human(std::string& out, const Value& value, std::size_t indent, const Style& style) {
  switch (value.kind) {
    case Kind::none:
    case Kind::nil:
    case Kind::error:
      return append_status(out, value, style);
    case Kind::bytes:
      return append_quoted(out, value.bytes);
    case Kind::integer:
      append_styled(out, "(integer) ", style.faint, style);
      out += std::to_string(value.integer);
      return;
    case Kind::text:
      return append_text(out, value.bytes);
    case Kind::list:
    case Kind::map:
      return append_items(out, value, indent, style);
  }
}

/// Ends what began at `start`. A page of text ends with one newline, whether the server sent one
/// or not.
void end_line(std::string& out, std::size_t start) {
  if (out.size() == start || out.back() != '\n') out += '\n';
}

/// A scalar a line.
// NOLINTNEXTLINE(misc-no-recursion)
void append_raw(std::string& out, const Value& value) {
  const std::size_t start = out.size();
  switch (value.kind) {
    case Kind::none:
    case Kind::nil:
    case Kind::error:
      if (protocol::is_error(value.status)) {
        out += error_line(value);
      } else if (value.status == protocol::Status::ok) {
        out += "OK";
      }
      break;
    case Kind::bytes:
      out += value.bytes;
      break;
    case Kind::text:
      out += value.bytes;
      return end_line(out, start);
    case Kind::integer:
      out += std::to_string(value.integer);
      break;
    case Kind::list:
    case Kind::map:
      for (const Value& item : value.items) append_raw(out, item);
      return;
  }
  out += '\n';
}

/// "(cursor) 1234" when a listing can go on there.
void append_cursor_line(std::string& out, const Value& cursor) {
  if (cursor.kind != Kind::bytes || cursor.bytes == "0") return;
  out += "(cursor) ";
  append_text(out, cursor.bytes);
  out += '\n';
}

}  // namespace

void append_quoted(std::string& out, std::string_view bytes) {
  constexpr std::string_view kEscaped = "\n\r\t\\\"";
  constexpr std::string_view kNames = "nrt\\\"";
  out += '"';
  while (!bytes.empty()) {
    std::size_t count = 1;
    const std::size_t which = kEscaped.find(bytes[0]);
    if (which != std::string_view::npos) {
      out += '\\';
      out += kNames[which];
    } else if (is_plain_ascii(bytes[0])) {
      out += bytes[0];
    } else {
      count = append_visible(out, bytes);
    }
    bytes.remove_prefix(count);
  }
  out += '"';
}

void append_text(std::string& out, std::string_view text) {
  while (!text.empty()) {
    std::size_t count = 1;
    if (text.starts_with("\r\n")) {  // The lines of INFO end as Redis's do.
      out += '\n';
      count = 2;
    } else if (is_plain_ascii(text[0]) || text[0] == '\n' || text[0] == '\t') {
      out += text[0];
    } else {
      count = append_visible(out, text);
    }
    text.remove_prefix(count);
  }
}

void Renderer::reply(const client::Reply& reply, bool is_listing, std::string& out,
                     std::string& notes) {
  // Within MULTI it is answered as a whole.
  const bool is_cursor = is_listing && !reply.is_error() && reply.value.kind == Kind::bytes;
  const bool is_stream = reply.more_follows || is_cursor;
  if (is_stream || parts_ > 0) {
    streamed(reply, out, notes);
  } else {
    whole(reply.value, out);
  }
}

void Renderer::local_error(std::string_view text, std::string& out) const {
  if (format_ == Format::json) {
    out += json_error(text);
  } else if (format_ == Format::human) {
    append_error(out, text, style_);
  } else {
    append_text(out, text);
  }
  out += '\n';
}

void Renderer::abandon(std::string& out) {
  if (format_ == Format::json && parts_ > 0) out += '\n';
  parts_ = items_ = 0;
}

void Renderer::whole(const Value& value, std::string& out) const {
  const std::size_t start = out.size();
  switch (format_) {
    case Format::human:
      append_human(out, value, 0, style_);
      return end_line(out, start);
    case Format::raw:
      return append_raw(out, value);
    case Format::json:
      out.append(to_json(value)).append("\n");
  }
}

/// The parts of a stream are lists of keys; the last one is the cursor to go on with ("0" when
/// there is nothing more), or an error.
void Renderer::streamed(const client::Reply& reply, std::string& out, std::string& notes) {
  const Value& value = reply.value;
  const bool is_last = !reply.more_follows;
  switch (format_) {
    case Format::human:
      streamed_human(value, is_last, out);
      break;
    case Format::json:
      streamed_json(value, is_last, out);
      break;
    case Format::raw:
      streamed_raw(value, is_last, out, notes);
      break;
  }
  ++parts_;
  items_ += value.items.size();
  if (is_last) parts_ = items_ = 0;
}

void Renderer::streamed_human(const Value& value, bool is_last, std::string& out) const {
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    append_item(out, std::to_string(items_ + i + 1) + ") ", nullptr, value.items[i], 0, style_);
    out += '\n';
  }
  if (!is_last) return;
  const bool is_error = protocol::is_error(value.status);
  if (items_ + value.items.size() == 0 && !is_error) out += "(empty list)\n";
  append_cursor_line(out, value);
  if (is_error) whole(value, out);
}

/// The cursor is no key: it goes where it does not get into the data.
void Renderer::streamed_raw(const Value& value, bool is_last, std::string& out,
                            std::string& notes) {
  if (!is_last || value.kind != Kind::bytes) append_raw(out, value);
  if (is_last) append_cursor_line(notes, value);
}

void Renderer::streamed_json(const Value& value, bool is_last, std::string& out) const {
  if (parts_ == 0) out += R"({"keys":[)";
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (items_ + i > 0) out += ',';
    out += to_json(value.items[i]);
  }
  if (!is_last) return;
  out += ']';
  // A string: many readers of JSON round whole numbers beyond 2^53.
  if (value.kind == Kind::bytes) out += R"(,"cursor":)" + json_string(value.bytes);
  if (protocol::is_error(value.status)) out += R"(,"error":)" + json_string(error_line(value));
  out += "}\n";
}

}  // namespace phoenix::cli
