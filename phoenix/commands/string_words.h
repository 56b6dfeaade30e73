// What the families of string and bit commands share: error texts (Redis's own), values as answers,
// and ranges of a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "phoenix/commands/command.h"
#include "phoenix/commands/key_words.h"
#include "phoenix/commands/refusals.h"

namespace phoenix::commands {

void answer_error(const Context& context, std::string_view text);
void answer_arity_error(const Context& context, std::string_view name);
void answer_value(const Context& context, const engine::EntryView& entry);

/// The value of `key`, empty where there is none. Lives until the keyspace changes.
std::string_view value_of(const Context& context, const engine::Key& key);
/// As value_of, for what only reads: a miss is an event.
std::string_view value_to_read(Context& context, const engine::Key& key);

/// Bytes or bits of a value, by their place; both inclusive.
struct Span {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t size() const { return last - first + 1; }
};

/// What `start` and `end` are of `size` places, as Redis reads them: negative ones count from the
/// end, and what lies outside is cut off. Nothing when none is left.
std::optional<Span> clamp_span(std::int64_t start, std::int64_t end, std::uint64_t size);

/// Two places from the end, in the wrong order: nothing, also where both lie before the first place
/// and clamp_span would make one of them. (BITPOS alone does not look for it, in Redis neither.)
inline bool is_backwards(std::int64_t start, std::int64_t end) {
  return start < 0 && end < 0 && start > end;
}

}  // namespace phoenix::commands
