// CSV as RFC 4180 has it, with a header line that names the columns. The small libraries for it do
// not tell the line and the byte at which a row stands, which resuming needs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/transfer/row_parser.h"

namespace phoenix::cli::transfer {

class CsvParser final : public RowParser {
 public:
  Outcome next(std::string_view& bytes, Record& record) override;
  Outcome finish(Record& record) override;
  void go_on_at(std::uint64_t line) override;

 private:
  enum class State : std::uint8_t {
    field_start,
    plain,     // In a field without quotes.
    quoted,    // Between quotes.
    quote,     // Behind a quote between quotes: the end, or half of a doubled one.
    carriage,  // Behind a \r: a \n must follow.
    broken,    // The rest of the line is passed over.
  };
  enum class Column : std::uint8_t { key, value, expires_at_ms, base64 };

  void skip_byte_order_mark(std::string_view& bytes);
  void take_content(std::string_view& bytes);
  /// Takes a character that may mean something. True at the end of the row.
  bool take_mark(char c);
  bool end_field(char c);
  void add(std::string_view content);
  void break_row(std::string why);

  Outcome end_row(Record& record);
  void start_row();
  Outcome learn_header();
  std::string learn_column(const std::string& name);
  std::string decode(Record& record);

  std::optional<std::vector<Column>> columns_;  // None before the header.

  // Of the row under way.
  State state_ = State::field_start;
  std::vector<std::string> fields_;
  std::string field_;
  bool has_quotes_ = false;  // The row has any.
  std::size_t row_bytes_ = 0;
  std::uint64_t next_row_line_ = 1;

  std::string mark_seen_;  // Of the byte order mark that a file may begin with.
  bool is_past_mark_ = false;
};

}  // namespace phoenix::cli::transfer
