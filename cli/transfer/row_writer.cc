#include "cli/transfer/row_writer.h"

#include <cstddef>
#include <string_view>

#include "cli/base64.h"
#include "cli/json.h"
#include "cli/utf8.h"

namespace phoenix::cli::transfer {

namespace {

/// From here on a row's length counts for more than that people can read it.
constexpr std::size_t kLargeBytes = std::size_t{1} << 20U;

/// A character of up to 6 bytes in JSON: all controls, though some have a shorter form.
bool is_json_control(char c) {
  return static_cast<unsigned char>(c) < 0x20;
}

std::size_t escaped_bytes(std::string_view text, RowFormat format) {
  std::size_t bytes = text.size();
  for (const char c : text) {
    if (c == '"') ++bytes;
    if (format == RowFormat::csv) continue;
    if (c == '\\') ++bytes;
    if (is_json_control(c)) bytes += 5;
  }
  return bytes;
}

bool stays_text(std::string_view bytes, RowFormat format) {
  if (!is_utf8(bytes)) return false;
  // JSON has an escape for it; many readers of CSV end there.
  if (format == RowFormat::csv && bytes.find('\0') != std::string_view::npos) return false;
  if (bytes.size() < kLargeBytes) return true;
  return escaped_bytes(bytes, format) <= (bytes.size() + 2) / 3 * 4;
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (;;) {
    const std::size_t quote = text.find('"');
    out += text.substr(0, quote);
    if (quote == std::string_view::npos) break;
    out += "\"\"";
    text.remove_prefix(quote + 1);
  }
  out += '"';
}

/// Quotes also around blanks at the ends and around nothing: programs that read CSV like to trim
/// the former, and to take the latter for a value that is missing.
void append_csv_field(std::string& out, std::string_view text) {
  const bool is_plain = !text.empty() && text.front() != ' ' && text.back() != ' ' &&
                        text.find_first_of("\",\r\n\t") == std::string_view::npos;
  if (is_plain) {
    out += text;
  } else {
    append_quoted(out, text);
  }
}

void append_csv_row(std::string& out, const Record& record) {
  const bool is_key_text = stays_text(record.key, RowFormat::csv);
  const bool is_value_text = stays_text(record.value, RowFormat::csv);
  append_csv_field(out, is_key_text ? record.key : base64(record.key));
  out += ',';
  append_csv_field(out, is_value_text ? record.value : base64(record.value));
  out += ',';
  if (record.expires_at_ms != 0) out += std::to_string(record.expires_at_ms);
  out += ',';
  if (!is_key_text) out += is_value_text ? "key" : "both";
  if (is_key_text && !is_value_text) out += "value";
  out += '\n';
}

void append_json_field(std::string& out, std::string_view text_name, std::string_view base64_name,
                       std::string_view bytes) {
  const bool is_text = stays_text(bytes, RowFormat::json_lines);
  out += '"';
  out += is_text ? text_name : base64_name;
  out += "\":";
  out += is_text ? json_file_string(bytes) : json_file_string(base64(bytes));
}

void append_json_row(std::string& out, const Record& record) {
  out += '{';
  append_json_field(out, kKey, kKeyBase64, record.key);
  out += ',';
  append_json_field(out, kValue, kValueBase64, record.value);
  if (record.expires_at_ms != 0) {
    out += ",\"";
    out += kExpiresAtMs;
    out += "\":" + std::to_string(record.expires_at_ms);
  }
  out += "}\n";
}

}  // namespace

std::string header_row(RowFormat format) {
  if (format == RowFormat::json_lines) return {};
  std::string row;
  for (const std::string_view name : {kKey, kValue, kExpiresAtMs, kBase64}) {
    if (!row.empty()) row += ',';
    row += name;
  }
  return row + "\n";
}

void append_row(std::string& out, RowFormat format, const Record& record) {
  if (format == RowFormat::csv) {
    append_csv_row(out, record);
  } else {
    append_json_row(out, record);
  }
}

}  // namespace phoenix::cli::transfer
