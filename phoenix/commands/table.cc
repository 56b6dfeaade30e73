#include "phoenix/commands/table.h"

#include <algorithm>
#include <bit>

#include "phoenix/base/check.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

// One family a line.
constexpr auto kFamilies = std::to_array<Family>({
    {"string", string_commands},
    {"string", set_commands},
    {"string", range_commands},
    {"string", counter_commands},
    {"string", lcs_commands},
    {"bitmap", bit_commands},
    {"bitmap", bitop_commands},
    {"bitmap", bitfield_commands},
    {"generic", key_commands},
    {"generic", dump_commands},
    {"generic", list_commands},
    {"generic", object_commands},
    {"generic", expiry_commands},
    {"connection", connection_commands},
    {"server", introspection_commands},
    {"server", acl_commands},
    {"server", standing_commands},
    {"cluster", cluster_commands},
    {"connection", client_commands},
    {"server", monitor_commands},
    {"pubsub", pubsub_commands},
    {"server", server_commands},
    {"transactions", transaction_commands},
    {"server", configuration_commands},
    {"server", slow_log_commands},
    {"server", latency_commands},
    {"server", memory_commands},
    {"server", debug_commands},
    {"generic", durable_commands},
    {"scripting", function_commands},
    {"scripting", script_commands},
});

// The upper-cased name as a number. Up to kWholeBytes of them are all in it; of longer names the
// bytes lie over each other.
std::uint64_t fold(std::uint64_t folded, std::string_view name) {
  for (const char c : name) folded = std::rotl(folded, 8) ^ static_cast<unsigned char>(to_upper(c));
  return folded;
}
constexpr std::size_t kWholeBytes = sizeof(std::uint64_t);

// The upper bits of a product depend on all of the number (Fibonacci hashing).
std::size_t bucket_of(std::uint64_t folded, std::size_t buckets) {
  return ((folded * 0x9E37'79B9'7F4A'7C15) >> 32U) % buckets;
}

}  // namespace

Table::Table() {
  for (const auto& family : kFamilies) {
    const auto rows = family.rows();
    rows_.insert(rows_.end(), rows.begin(), rows.end());
    groups_.resize(rows_.size(), family.group);
  }
  for (auto& command : rows_) {
    command.index = static_cast<std::uint16_t>(sorted_.size());
    sorted_.push_back(&command);
  }
  PHX_CHECK(sorted_.size() < kBuckets / 4);
  std::sort(sorted_.begin(), sorted_.end(),
            [](const auto* a, const auto* b) { return a->name < b->name; });
  for (const auto* command : sorted_) {
    PHX_CHECK(find_row(command->name) == nullptr);
    auto& rows = is_subcommand(*command) ? subcommands_ : by_name_;
    const std::uint64_t folded = fold(0, command->name);
    std::size_t bucket = bucket_of(folded, kBuckets);
    while (rows[bucket].row != nullptr) bucket = (bucket + 1) % kBuckets;
    rows[bucket] = {folded, command};
    if (command->opcode == protocol::Opcode::argv) continue;
    auto& place = by_opcode_[static_cast<std::size_t>(command->opcode)];
    PHX_CHECK(place == nullptr);
    place = command;
  }
}

const Command* Table::find(std::string_view name) const {
  const std::uint64_t folded = fold(0, name);
  std::size_t bucket = bucket_of(folded, kBuckets);
  for (; by_name_[bucket].row != nullptr; bucket = (bucket + 1) % kBuckets) {
    const Command& row = *by_name_[bucket].row;
    if (by_name_[bucket].folded != folded || row.name.size() != name.size()) continue;
    if (name.size() <= kWholeBytes || equals_ignoring_case(row.name, name)) return &row;
  }
  return nullptr;
}

const Command* Table::find_row(std::string_view name) const {
  const auto bar = name.find('|');
  const Command* const command = find(name.substr(0, bar));
  if (command == nullptr || bar == std::string_view::npos) return command;
  return find_subcommand(*command, name.substr(bar + 1));
}

const Command* Table::find_subcommand(const Command& container, std::string_view word) const {
  const std::uint64_t folded = fold(fold(fold(0, container.name), "|"), word);
  const std::size_t prefix = container.name.size() + 1;
  std::size_t bucket = bucket_of(folded, kBuckets);
  for (; subcommands_[bucket].row != nullptr; bucket = (bucket + 1) % kBuckets) {
    const std::string_view name = subcommands_[bucket].row->name;
    const bool is_of_container = name.size() == prefix + word.size() &&
                                 name.substr(0, prefix - 1) == container.name &&
                                 name[prefix - 1] == '|';
    if (is_of_container && equals_ignoring_case(name.substr(prefix), word)) {
      return subcommands_[bucket].row;
    }
  }
  return nullptr;
}

std::span<const Command* const> Table::subcommands_of(std::string_view container) const {
  const std::string prefix = std::string(container) + '|';
  const auto is_before = [](const auto* row, const auto& name) { return row->name < name; };
  const auto first = std::lower_bound(sorted_.begin(), sorted_.end(), prefix, is_before);
  const auto last = std::find_if_not(
      first, sorted_.end(), [&](const auto* row) { return row->name.starts_with(prefix); });
  return {first, last};
}

}  // namespace phoenix::commands
