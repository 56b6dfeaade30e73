// Rows of CSV and JSON lines, as an import reads them. In whatever pieces they come, the same rows
// come out; what is read is written so that it reads back the same.
#include <memory>
#include <string>
#include <vector>

#include "cli/transfer/row_parser.h"
#include "cli/transfer/row_writer.h"
#include "tests/fuzz/fuzz.h"

using namespace phoenix::cli::transfer;

namespace {

using Outcome = RowParser::Outcome;

struct Parsed {
  std::vector<Record> records;
  std::string told;  // Errors and the lines of all rows.
  std::size_t errors = 0;
};

/// True when there can be more rows.
bool take(Outcome outcome, const RowParser& parser, const Record& record, Parsed& parsed) {
  if (outcome == Outcome::need_more) return true;
  FUZZ_CHECK(parser.row_line() <= parser.line());
  parsed.told += std::to_string(parser.row_line()) + ' ';
  if (outcome == Outcome::record) {
    FUZZ_CHECK(size_error(record).empty());
    FUZZ_CHECK(record.expires_at_ms <= phoenix::protocol::kTtlMsMax);
    parsed.records.push_back(record);
    return true;
  }
  FUZZ_CHECK(!parser.error().empty());
  parsed.told += parser.error();
  ++parsed.errors;
  return outcome != Outcome::bad_header;
}

Parsed parse(RowFormat format, std::string_view input, std::size_t piece_bytes) {
  Parsed parsed;
  Record record;
  const std::unique_ptr<RowParser> parser = make_row_parser(format);
  while (!input.empty()) {
    std::string_view piece = input.substr(0, piece_bytes);
    input.remove_prefix(piece.size());
    while (!piece.empty()) {
      const std::size_t before = piece.size();
      if (!take(parser->next(piece, record), *parser, record, parsed)) return parsed;
      FUZZ_CHECK(piece.size() < before);
    }
  }
  take(parser->finish(record), *parser, record, parsed);
  return parsed;
}

bool is_same(const Parsed& one, const Parsed& other) {
  if (one.records.size() != other.records.size()) return false;
  for (std::size_t i = 0; i < one.records.size(); ++i) {
    const Record& left = one.records[i];
    const Record& right = other.records[i];
    if (left.key != right.key || left.value != right.value) return false;
    if (left.expires_at_ms != right.expires_at_ms) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = phoenix::fuzz::text_of(data, size);
  const std::uint8_t choice = phoenix::fuzz::take_byte(input);
  const RowFormat format = choice % 2 == 0 ? RowFormat::csv : RowFormat::json_lines;
  const Parsed whole = parse(format, input, input.size() + 1);
  const Parsed pieces = parse(format, input, 1 + choice / 2);
  FUZZ_CHECK(whole.told == pieces.told && is_same(whole, pieces));
  for (const RowFormat other : {RowFormat::csv, RowFormat::json_lines}) {
    std::string text = header_row(other);
    for (const Record& record : whole.records) append_row(text, other, record);
    const Parsed again = parse(other, text, text.size() + 1);
    FUZZ_CHECK(again.errors == 0 && is_same(whole, again));
  }
  return 0;
}
