// Rows of text back into records: CSV (RFC 4180) and JSON lines, from bytes that come in any
// pieces. Pure; memory is bounded by one row (kRowBytesMax).
//
// Both are strict: what could be meant in two ways is an error of its row, never a guess. A bad row
// is read to the end of its line, and the next one is parsed as if nothing had been.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cli/transfer/record.h"

namespace phoenix::cli::transfer {

class RowParser {
 public:
  enum class Outcome : std::uint8_t {
    need_more,   // All bytes are taken, and there was no whole row in them.
    record,      // One more row.
    bad_row,     // It is no record; error() says why. The next one may be.
    bad_header,  // Nothing that follows can be understood; error() says why.
  };

  RowParser() = default;
  RowParser(const RowParser&) = delete;
  RowParser& operator=(const RowParser&) = delete;
  virtual ~RowParser() = default;

  /// Takes bytes off the front of `bytes`, up to the end of a row. Lines that are empty are passed
  /// over.
  virtual Outcome next(std::string_view& bytes, Record& record) = 0;

  /// Once, behind the last byte: the row that no newline ended. need_more: there was none.
  virtual Outcome finish(Record& record) = 0;

  /// What follows is the beginning of line `line` of the same input: the header is known.
  virtual void go_on_at(std::uint64_t line) = 0;

  /// A sentence about the row, without its line.
  const std::string& error() const { return error_; }
  /// Where the last row began, from 1.
  std::uint64_t row_line() const { return row_line_; }
  /// Where what was not taken yet begins.
  std::uint64_t line() const { return line_; }

 protected:
  std::string error_;
  std::uint64_t row_line_ = 1;
  std::uint64_t line_ = 1;
};

[[nodiscard]] std::unique_ptr<RowParser> make_row_parser(RowFormat format);

/// What is wrong with the sizes of a record; empty when a server takes it.
[[nodiscard]] std::string size_error(const Record& record);

/// "expires_at_ms is ..."
[[nodiscard]] std::string expiry_error();

}  // namespace phoenix::cli::transfer
