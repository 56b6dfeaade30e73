#include "phoenix/commands/string_words.h"

#include <algorithm>
#include <string>
#include <utility>

#include "phoenix/commands/core_control.h"

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

LongJob job_before_patch(const Context& context, const Key& key) {
  EntryView entry;
  const bool is_held = context.keyspace.find(key, context.now_ms, entry) &&
                       entry.large != nullptr && entry.large->use_count() > 1;
  return is_held ? copy_job(context, *entry.large) : LongJob();
}

namespace {

// Where none was made ahead, patch() makes it.
void use_copy_made_ahead(const Context& context, const Key& key) {
  LongJob job = context.core->long_jobs->take(job_before_patch(context, key));
  if (job.result == nullptr || job.has_failed) return;
  context.keyspace.use_copy(key, job.sources[0], std::move(job.result));
}

}  // namespace

void patch_value(const Context& context, const Key& key, std::size_t offset,
                 const engine::NewValue& part) {
  const bool has_jobs = context.core != nullptr && context.core->long_jobs != nullptr &&
                        !context.core->long_jobs->empty();
  if (has_jobs) [[unlikely]]
    use_copy_made_ahead(context, key);
  change_value(context, key, [&] { context.keyspace.patch(key, offset, part, context.now_ms); });
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
