// All commands, immutable after construction: main builds one and passes it by reference.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "phoenix/commands/command.h"

namespace phoenix::commands {

class Table final {
 public:
  Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  /// By name in any case; null when there is none.
  const Command* find(std::string_view name) const;
  /// By short form; null when there is none.
  const Command* find(std::uint8_t opcode) const { return by_opcode_[opcode]; }
  /// Sorted by name.
  std::span<const Command* const> all() const { return sorted_; }

 private:
  static constexpr std::size_t kBuckets = 1024;  // Far above the number of commands: short probes.

  std::vector<const Command*> sorted_;
  std::array<const Command*, 256> by_opcode_{};
  std::array<const Command*, kBuckets> by_name_{};
};

// The families, each in the file of its name.
std::span<const Command> string_commands();
std::span<const Command> key_commands();
std::span<const Command> expiry_commands();
std::span<const Command> connection_commands();
std::span<const Command> server_commands();

}  // namespace phoenix::commands
