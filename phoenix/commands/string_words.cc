#include "phoenix/commands/string_words.h"

#include <algorithm>
#include <string>

namespace phoenix::commands {

using engine::EntryView;
using engine::Key;

void answer_error(const Context& context, std::string_view text) {
  context.reply.error(protocol::Status::error, text);
}

void answer_arity_error(const Context& context, std::string_view name) {
  answer_error(context, wrong_arity_text(name));
}

void answer_value(const Context& context, const EntryView& entry) {
  if (entry.large != nullptr) {
    context.reply.large(*entry.large);
  } else {
    context.reply.bytes(entry.value);
  }
}

std::string_view value_of(const Context& context, const Key& key) {
  EntryView entry;
  return context.keyspace.find(key, context.now_ms, entry) ? entry.value : std::string_view();
}

std::string_view value_to_read(Context& context, const Key& key) {
  EntryView entry;
  return find_to_read(context, key, entry) ? entry.value : std::string_view();
}

std::optional<Span> clamp_span(std::int64_t start, std::int64_t end, std::uint64_t size) {
  const auto total = static_cast<std::int64_t>(size);
  const auto from_front = [total](std::int64_t place) {
    return std::max<std::int64_t>(place < 0 ? total + place : place, 0);
  };
  const std::int64_t first = from_front(start);
  const std::int64_t last = std::min(from_front(end), total - 1);
  if (first > last) return std::nullopt;
  return Span{static_cast<std::uint64_t>(first), static_cast<std::uint64_t>(last)};
}

}  // namespace phoenix::commands
