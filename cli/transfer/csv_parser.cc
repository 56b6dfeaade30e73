#include "cli/transfer/csv_parser.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "cli/base64.h"
#include "protocol/error.h"

namespace phoenix::cli::transfer {

namespace {

/// More than any header that can be understood has: only there to name what is too much.
constexpr std::size_t kFieldsMax = 16;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// Memory of a large row that the next one is not likely to need.
constexpr std::size_t kKeepBytes = std::size_t{1} << 20U;

bool parse_expiry(std::string_view text, std::uint64_t& expires_at_ms) {
  expires_at_ms = 0;
  if (text.empty()) return true;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, expires_at_ms);
  return parsed.ec == std::errc() && parsed.ptr == end && expires_at_ms >= 1 &&
         expires_at_ms <= protocol::kTtlMsMax;
}

/// Ends a field without quotes, or must not stand there.
bool is_mark(char c) {
  return c == ',' || c == '"' || c == '\r' || c == '\n';
}

bool decode_base64(std::string& field) {
  std::optional<std::string> bytes = from_base64(field);
  if (!bytes) return false;
  field = std::move(*bytes);
  return true;
}

}  // namespace

RowParser::Outcome CsvParser::next(std::string_view& bytes, Record& record) {
  if (!is_past_mark_) skip_byte_order_mark(bytes);
  while (!bytes.empty()) {
    take_content(bytes);
    if (bytes.empty()) break;
    const char mark = bytes.front();
    bytes.remove_prefix(1);
    if (!take_mark(mark)) continue;
    const Outcome outcome = end_row(record);
    if (outcome != Outcome::need_more) return outcome;
  }
  return Outcome::need_more;
}

RowParser::Outcome CsvParser::finish(Record& record) {
  // Fewer bytes than a mark has, which began like one.
  if (!is_past_mark_) add(std::exchange(mark_seen_, {}));
  const bool is_empty = fields_.empty() && field_.empty() && !has_quotes_;
  if (is_empty && state_ != State::broken && state_ != State::carriage) {
    if (columns_) return Outcome::need_more;
    error_ = "there is no header: the first line names the columns, as in key,value";
    return Outcome::bad_header;
  }
  if (state_ == State::quoted)
    break_row("a field in quotes has no end: the closing quote is missing");
  if (state_ == State::carriage) break_row("a carriage return stands outside of quotes");
  if (state_ != State::broken) end_field('\n');
  return end_row(record);
}

void CsvParser::go_on_at(std::uint64_t line) {
  line_ = line;
  start_row();
}

void CsvParser::skip_byte_order_mark(std::string_view& bytes) {
  while (!bytes.empty() && mark_seen_.size() < kByteOrderMark.size()) {
    if (bytes.front() != kByteOrderMark[mark_seen_.size()]) break;
    mark_seen_ += bytes.front();
    bytes.remove_prefix(1);
  }
  if (bytes.empty() && mark_seen_.size() < kByteOrderMark.size()) return;
  is_past_mark_ = true;
  if (mark_seen_.size() < kByteOrderMark.size()) add(mark_seen_);
}

/// What means nothing but itself, in one piece.
void CsvParser::take_content(std::string_view& bytes) {
  std::size_t count = 0;
  if (state_ == State::quoted) count = bytes.find('"');
  if (state_ == State::plain) {
    count =
        static_cast<std::size_t>(std::find_if(bytes.begin(), bytes.end(), is_mark) - bytes.begin());
  }
  if (state_ == State::broken) count = bytes.find('\n');
  count = std::min(count, bytes.size());
  const std::string_view content = bytes.substr(0, count);
  bytes.remove_prefix(count);
  if (state_ == State::broken) return;
  if (state_ == State::quoted) {
    line_ += static_cast<std::uint64_t>(std::count(content.begin(), content.end(), '\n'));
  }
  add(content);
}

bool CsvParser::take_mark(char c) {
  if (c == '\n' && state_ != State::quoted) ++line_;
  switch (state_) {
    case State::field_start:
      if (c == '"') {
        has_quotes_ = true;
        state_ = State::quoted;
        return false;
      }
      if (is_mark(c)) return end_field(c);
      state_ = State::plain;
      add({&c, 1});
      return false;
    case State::plain:
      if (c != '"') return end_field(c);
      break_row("a quote stands inside a field: put the field in quotes, and double that one");
      return false;
    case State::quoted:
      state_ = State::quote;
      return false;
    case State::quote:
      if (c == ',' || c == '\r' || c == '\n') return end_field(c);
      state_ = State::quoted;
      if (c == '"') {
        add({&c, 1});
      } else {
        break_row("text stands behind a closing quote: double a quote that is part of the field");
      }
      return false;
    case State::carriage:
      if (c == '\n') return end_field(c);
      break_row("a carriage return stands outside of quotes");
      return false;
    case State::broken:
      break;
  }
  return c == '\n';
}

bool CsvParser::end_field(char c) {
  if (c == '\r') {
    state_ = State::carriage;
    return false;
  }
  const bool is_empty_row = c == '\n' && fields_.empty() && field_.empty() && !has_quotes_;
  if (!is_empty_row) fields_.push_back(std::exchange(field_, {}));
  state_ = State::field_start;
  if (c == ',' && fields_.size() >= kFieldsMax) break_row("it has more than 16 fields");
  return c == '\n';
}

void CsvParser::add(std::string_view content) {
  row_bytes_ += content.size();
  if (row_bytes_ > kRowBytesMax) {
    break_row("it has more than 1 GiB");
  } else {
    if (state_ == State::field_start && !content.empty()) state_ = State::plain;
    field_ += content;
  }
}

void CsvParser::break_row(std::string why) {
  error_ = std::move(why);
  std::string().swap(field_);
  std::vector<std::string>().swap(fields_);
  state_ = State::broken;
}

RowParser::Outcome CsvParser::end_row(Record& record) {
  const bool is_broken = state_ == State::broken;
  const bool is_blank = !is_broken && fields_.empty();
  Outcome outcome = Outcome::bad_row;
  if (is_blank) {
    outcome = Outcome::need_more;
  } else if (!columns_) {
    outcome = is_broken ? Outcome::bad_header : learn_header();
  } else if (!is_broken) {
    error_ = decode(record);
    outcome = error_.empty() ? Outcome::record : Outcome::bad_row;
  }
  const std::uint64_t row_line = next_row_line_;
  start_row();
  if (outcome != Outcome::need_more) row_line_ = row_line;
  return outcome;
}

void CsvParser::start_row() {
  state_ = State::field_start;
  fields_.clear();
  if (field_.capacity() > kKeepBytes) std::string().swap(field_);
  field_.clear();
  has_quotes_ = false;
  row_bytes_ = 0;
  next_row_line_ = line_;
}

RowParser::Outcome CsvParser::learn_header() {
  columns_.emplace();
  for (const std::string& name : fields_) {
    error_ = learn_column(name);
    if (!error_.empty()) return Outcome::bad_header;
  }
  for (const Column needed : {Column::key, Column::value}) {
    if (std::find(columns_->begin(), columns_->end(), needed) != columns_->end()) continue;
    error_ = "the header names no column " + std::string(needed == Column::key ? kKey : kValue);
    return Outcome::bad_header;
  }
  return Outcome::need_more;
}

std::string CsvParser::learn_column(const std::string& name) {
  Column column = Column::key;
  if (name == kValue) {
    column = Column::value;
  } else if (name == kExpiresAtMs) {
    column = Column::expires_at_ms;
  } else if (name == kBase64) {
    column = Column::base64;
  } else if (name != kKey) {
    return "the header names a column '" + protocol::printable(name.substr(0, 64)) +
           "': there are key, value, expires_at_ms and base64";
  }
  if (std::find(columns_->begin(), columns_->end(), column) != columns_->end()) {
    return "the header names the column " + name + " twice";
  }
  columns_->push_back(column);
  return {};
}

/// What is wrong with it, or nothing.
std::string CsvParser::decode(Record& record) {
  if (fields_.size() != columns_->size()) {
    return "it has " + std::to_string(fields_.size()) + " fields, and the header names " +
           std::to_string(columns_->size());
  }
  record.expires_at_ms = 0;
  std::string encoded;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    std::string& field = fields_[i];
    switch ((*columns_)[i]) {
      case Column::key:
        record.key = std::move(field);
        break;
      case Column::value:
        record.value = std::move(field);
        break;
      case Column::base64:
        encoded = std::move(field);
        break;
      case Column::expires_at_ms:
        if (!parse_expiry(field, record.expires_at_ms)) return expiry_error();
        break;
    }
  }
  const bool is_both = encoded == "both";
  if (!is_both && !encoded.empty() && encoded != kKey && encoded != kValue) {
    return "base64 is key, value, both or nothing: which of the two are written so";
  }
  if ((is_both || encoded == kKey) && !decode_base64(record.key)) return "the key is no base64";
  if ((is_both || encoded == kValue) && !decode_base64(record.value)) {
    return "the value is no base64";
  }
  return size_error(record);
}

}  // namespace phoenix::cli::transfer
