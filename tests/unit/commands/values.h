// Answers of single cores, as a row that joins them gets them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/unit/commands/harness.h"

namespace phoenix::commands::test {

inline protocol::Value value_of(std::string_view bytes) {
  protocol::Value value;
  value.kind = protocol::Kind::bytes;
  value.bytes = bytes;
  return value;
}

inline protocol::Value value_of(std::int64_t integer) {
  protocol::Value value;
  value.kind = protocol::Kind::integer;
  value.integer = integer;
  return value;
}

inline protocol::Value list_of(std::vector<protocol::Value> items) {
  protocol::Value value;
  value.kind = protocol::Kind::list;
  value.items = std::move(items);
  return value;
}

/// What the row makes of them.
inline std::string merged(Harness& harness, std::string_view row,
                          const std::vector<protocol::Value>& parts) {
  harness.table.find_row(row)->merge(parts, harness.reply);
  return harness.reply.take();
}

}  // namespace phoenix::commands::test
