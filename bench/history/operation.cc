#include "bench/history/operation.h"

#include <fmt/format.h>

#include "protocol/error.h"

namespace phoenix::bench::history {
namespace {

double in_ms(std::uint64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

std::string action_text(const Operation& operation) {
  switch (operation.kind) {
    case Kind::write:
      return "wrote " + value_text(operation.value);
    case Kind::erase:
      return "deleted it";
    case Kind::read:
      break;
  }
  return operation.outcome == Outcome::ok ? "read " + value_text(operation.value) : "read it";
}

const char* outcome_text(const Operation& operation) {
  if (operation.outcome == Outcome::fail) return "refused";
  if (operation.outcome == Outcome::unknown) return "no answer";
  return operation.kind == Kind::read ? "answered" : "acknowledged";
}

}  // namespace

std::string value_text(Value value) {
  if (value == kAbsent) return "absent";
  if (value == kForeign) return "foreign bytes";
  return fmt::format("{}.{}", writer_of(value), counter_of(value));
}

std::string operation_text(const Operation& operation) {
  const std::string until = operation.responded_ns == kNever
                                ? "no end"
                                : fmt::format("{:.6f} ms", in_ms(operation.responded_ns));
  return fmt::format("client {} {}: {:.6f} to {}, {}", operation.client, action_text(operation),
                     in_ms(operation.invoked_ns), until, outcome_text(operation));
}

std::string violation_text(const Violation& violation, const History& history) {
  std::string text = fmt::format("key {}: {}\n", protocol::printable(history.keys[violation.key]),
                                 violation.sentence);
  for (const Operation& operation : violation.evidence) {
    text += "    " + operation_text(operation) + "\n";
  }
  return text;
}

}  // namespace phoenix::bench::history
