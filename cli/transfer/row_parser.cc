#include "cli/transfer/row_parser.h"

#include "cli/transfer/csv_parser.h"
#include "cli/transfer/json_parser.h"

namespace phoenix::cli::transfer {

std::unique_ptr<RowParser> make_row_parser(RowFormat format) {
  if (format == RowFormat::csv) return std::make_unique<CsvParser>();
  return std::make_unique<JsonParser>();
}

std::string size_error(const Record& record) {
  if (record.key.size() > protocol::kKeyBytesMax) {
    return "the key has " + std::to_string(record.key.size()) + " bytes, and may have 65536";
  }
  if (record.value.size() > protocol::kValueBytesMax) {
    return "the value has " + std::to_string(record.value.size()) + " bytes, and may have 512 MiB";
  }
  return {};
}

std::string expiry_error() {
  return "expires_at_ms is a Unix time in milliseconds from 1 to " +
         std::to_string(protocol::kTtlMsMax) + ", or nothing for a key that stays";
}

}  // namespace phoenix::cli::transfer
