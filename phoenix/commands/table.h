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

  /// By the first word of a request, in any case; null when there is none.
  const Command* find(std::string_view name) const;
  /// By name in any case, that of a subcommand ("client|list") included; null when there is none.
  const Command* find_row(std::string_view name) const;
  /// The subcommand of a container that a request's second word names; null when there is none.
  const Command* find_subcommand(const Command& container, std::string_view word) const;
  /// By short form; null when there is none.
  const Command* find(std::uint8_t opcode) const { return by_opcode_[opcode]; }
  /// Sorted by name; subcommands stand behind their container.
  std::span<const Command* const> all() const { return sorted_; }
  /// The rows of a container's subcommands, sorted by name.
  std::span<const Command* const> subcommands_of(std::string_view container) const;
  /// The family's name, as Redis groups commands: "string", "generic", "connection" ...
  std::string_view group_of(const Command& command) const { return groups_[index_of(command)]; }
  /// A number for each command of the table, below all().size().
  std::size_t index_of(const Command& command) const { return command.index; }

 private:
  static constexpr std::size_t kBuckets = 1024;  // Far above the number of commands: short probes.

  std::vector<Command> rows_;  // Together, so that they can be counted.
  std::vector<std::string_view> groups_;
  std::vector<const Command*> sorted_;
  std::array<const Command*, 256> by_opcode_{};
  struct Bucket {
    std::uint64_t folded = 0;  // The name's: most names differ in it already.
    const Command* row = nullptr;
  };
  // Subcommands apart: "client|list" is no first word of a request.
  using Buckets = std::array<Bucket, kBuckets>;
  Buckets by_name_{};
  Buckets subcommands_{};
};

/// Commands of one kind, in the file of its name.
struct Family {
  std::string_view group;
  std::span<const Command> (*rows)();
};

std::span<const Command> string_commands();
std::span<const Command> set_commands();
std::span<const Command> range_commands();
std::span<const Command> counter_commands();
std::span<const Command> lcs_commands();
std::span<const Command> bit_commands();
std::span<const Command> bitop_commands();
std::span<const Command> bitfield_commands();
std::span<const Command> key_commands();
std::span<const Command> dump_commands();
std::span<const Command> list_commands();
std::span<const Command> object_commands();
std::span<const Command> expiry_commands();
std::span<const Command> connection_commands();
std::span<const Command> introspection_commands();
std::span<const Command> acl_commands();
std::span<const Command> standing_commands();
std::span<const Command> cluster_commands();
std::span<const Command> client_commands();
std::span<const Command> monitor_commands();
std::span<const Command> pubsub_commands();
std::span<const Command> server_commands();
std::span<const Command> transaction_commands();
std::span<const Command> configuration_commands();
std::span<const Command> slow_log_commands();
std::span<const Command> latency_commands();
std::span<const Command> memory_commands();
std::span<const Command> debug_commands();
std::span<const Command> durable_commands();
std::span<const Command> function_commands();
std::span<const Command> script_commands();

}  // namespace phoenix::commands
