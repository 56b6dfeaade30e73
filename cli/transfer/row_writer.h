// Records as rows of text: CSV (RFC 4180) and JSON lines. What is written reads back as the same
// bytes (row_parser.h). Pure.
#pragma once

#include <string>

#include "cli/transfer/record.h"

namespace phoenix::cli::transfer {

/// What stands before the first row: the names of the columns in CSV, nothing in JSON lines.
[[nodiscard]] std::string header_row(RowFormat format);

/// Text stays text. What is not UTF-8, holds a NUL, or is large and would grow less in base64 than
/// by its escapes, is base64.
void append_row(std::string& out, RowFormat format, const Record& record);

}  // namespace phoenix::cli::transfer
