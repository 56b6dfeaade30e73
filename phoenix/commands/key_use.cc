#include "phoenix/commands/key_use.h"

#include <algorithm>
#include <array>

#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

struct Row {
  std::string_view name;
  std::string_view first;   // Of the first key,
  std::string_view others;  // and of the others where that is something else.
};

constexpr std::string_view kOverwrites = "OW update";
constexpr std::string_view kInsertsNew = "OW insert";
constexpr std::string_view kUpdates = "RW update";
constexpr std::string_view kTakes = "RW access delete";
constexpr std::string_view kReads = "RO access";
constexpr std::string_view kLooks = "RO";  // Tells something of it, not what it is.
constexpr std::string_view kChanges = "RW access update";
constexpr std::string_view kRemoves = "RM delete";

// Those of which their flags do not tell it.
constexpr auto kRows = std::to_array<Row>({
    {"APPEND", "RW insert", {}},
    {"BITOP", kOverwrites, kReads},
    {"COPY", kReads, kOverwrites},
    {"EXISTS", kLooks, {}},
    {"EXPIRE", kUpdates, {}},
    {"EXPIREAT", kUpdates, {}},
    {"GETDEL", kTakes, {}},
    {"MEMORY|USAGE", kLooks, {}},
    {"MSET", kOverwrites, {}},
    {"MSETNX", kInsertsNew, {}},
    {"OBJECT|ENCODING", kLooks, {}},
    {"OBJECT|FREQ", kLooks, {}},
    {"OBJECT|IDLETIME", kLooks, {}},
    {"OBJECT|REFCOUNT", kLooks, {}},
    {"PERSIST", kUpdates, {}},
    {"PEXPIRE", kUpdates, {}},
    {"PEXPIREAT", kUpdates, {}},
    {"PSETEX", kOverwrites, {}},
    {"RENAME", kTakes, kOverwrites},
    {"RENAMENX", kTakes, kInsertsNew},
    {"RESTORE", kOverwrites, {}},
    {"SETEX", kOverwrites, {}},
    {"SETNX", kInsertsNew, {}},
    {"SETRANGE", kUpdates, {}},
    {"STRLEN", kLooks, {}},
    {"TOUCH", kLooks, {}},
    {"TYPE", kLooks, {}},
});

const Row* row_of(const Command& command) {
  const auto* const found = std::find_if(kRows.begin(), kRows.end(),
                                         [&](const Row& row) { return row.name == command.name; });
  return found == kRows.end() ? nullptr : found;
}

std::string_view use_by_flags(const Command& command) {
  if (has(command.flags, Flags::watches)) return kLooks;
  if (!has(command.flags, Flags::write)) return kReads;
  return has(command.flags, Flags::frees) ? kRemoves : kChanges;
}

// These do less without some of their words.
bool is_variable(const Command& command) {
  return command.name == "SET" || command.name == "BITFIELD";
}

bool tells_old_value(Args args) {
  constexpr std::size_t kOptions = 3;
  return std::any_of(args.begin() + kOptions, args.end(),
                     [](std::string_view word) { return equals_ignoring_case(word, "GET"); });
}

// Of a BITFIELD: all that it has are whole GETs, and OVERFLOWs.
bool only_gets(Args args) {
  for (std::size_t i = 2; i < args.size(); ++i) {
    const std::size_t behind = args.size() - i - 1;
    if (equals_ignoring_case(args[i], "GET") && behind >= 2) {
      i += 2;
    } else if (equals_ignoring_case(args[i], "OVERFLOW") && behind >= 1) {
      i += 1;
    } else {
      return false;
    }
  }
  return true;
}

KeyUse split(std::string_view words) {
  KeyUse use;
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    use.push_back(words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return use;
}

}  // namespace

KeyUse key_use(const Command& command) {
  if (command.keys.first <= 0) return {};
  const Row* const row = row_of(command);
  KeyUse use = split(row != nullptr && row->others.empty() ? row->first : use_by_flags(command));
  if (is_variable(command)) use.emplace_back("variable_flags");
  return use;
}

KeyUse key_use(const Command& command, Args args, std::size_t index) {
  if (command.name == "SET") return split(tells_old_value(args) ? kChanges : kOverwrites);
  if (command.name == "BITFIELD") return split(only_gets(args) ? kReads : kChanges);
  const Row* const row = row_of(command);
  if (row == nullptr) return split(use_by_flags(command));
  const bool is_first = index == static_cast<std::size_t>(command.keys.first);
  return split(is_first || row->others.empty() ? row->first : row->others);
}

}  // namespace phoenix::commands
