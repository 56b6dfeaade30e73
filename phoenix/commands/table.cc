#include "phoenix/commands/table.h"

#include <algorithm>

#include "phoenix/base/check.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

// FNV-1a over the upper-cased name: short, and every name is a constant of this table.
std::size_t name_hash(std::string_view name) {
  std::uint32_t hash = 2'166'136'261U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(to_upper(c))) * 16'777'619U;
  return hash ^ (hash >> 15U);
}

}  // namespace

Table::Table() {
  for (const auto family : {string_commands(), key_commands(), expiry_commands(),
                            connection_commands(), server_commands()}) {
    for (const auto& command : family) sorted_.push_back(&command);
  }
  PHX_CHECK(sorted_.size() < kBuckets / 4);
  std::sort(sorted_.begin(), sorted_.end(),
            [](const auto* a, const auto* b) { return a->name < b->name; });
  for (const auto* command : sorted_) {
    PHX_CHECK(find(command->name) == nullptr);
    std::size_t bucket = name_hash(command->name) % kBuckets;
    while (by_name_[bucket] != nullptr) bucket = (bucket + 1) % kBuckets;
    by_name_[bucket] = command;
    if (command->opcode == protocol::Opcode::argv) continue;
    auto& place = by_opcode_[static_cast<std::size_t>(command->opcode)];
    PHX_CHECK(place == nullptr);
    place = command;
  }
}

const Command* Table::find(std::string_view name) const {
  std::size_t bucket = name_hash(name) % kBuckets;
  for (; by_name_[bucket] != nullptr; bucket = (bucket + 1) % kBuckets) {
    if (equals_ignoring_case(by_name_[bucket]->name, name)) return by_name_[bucket];
  }
  return nullptr;
}

}  // namespace phoenix::commands
