// JSON lines: an object a line. Which fields it may have is told in docs/TRANSFER.md.
#pragma once

#include <string>
#include <string_view>

#include "cli/transfer/row_parser.h"

namespace phoenix::cli::transfer {

class JsonParser final : public RowParser {
 public:
  Outcome next(std::string_view& bytes, Record& record) override;
  Outcome finish(Record& record) override;
  void go_on_at(std::uint64_t line) override;

 private:
  void add(std::string_view content);
  Outcome end_line(Record& record);

  std::string text_;  // Of the line under way.
  bool is_too_long_ = false;
};

}  // namespace phoenix::cli::transfer
