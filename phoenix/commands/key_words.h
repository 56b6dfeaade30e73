// The keys among the words of a request, and looking them up as a reader does.
#pragma once

#include <cstddef>
#include <string_view>

#include "phoenix/commands/command.h"

namespace phoenix::commands {

/// Of a row whose key is its first word.
inline engine::Key first_key(const Request& request) {
  return {request.args[1], request.first_key_hash};
}

/// Any key of a row whose first key is its first word.
inline engine::Key key_at(const Context& context, const Request& request, std::size_t index) {
  if (index == 1) return first_key(request);
  return {request.args[index], context.keyspace.hash_of(request.args[index])};
}

/// As Keyspace::find, for what only reads: a miss is an event.
inline bool find_to_read(Context& context, const engine::Key& key, engine::EntryView& entry) {
  if (context.keyspace.find(key, context.now_ms, entry)) return true;
  context.notify('m', "keymiss", key.bytes);
  return false;
}

/// Runs `change`, which leaves a value at `key`. That there was none before is an event, told ahead
/// of the command's own.
template <typename Change>
void change_value(const Context& context, const engine::Key& key, const Change& change) {
  engine::EntryView old;
  const bool is_told = context.events != nullptr;
  const bool is_new = is_told && !context.keyspace.find(key, context.now_ms, old);
  change();
  if (is_new) context.notify('n', "new", key.bytes);
}

/// As Keyspace::put, with that event.
inline void put_value(const Context& context, const engine::Key& key, const engine::NewValue& value,
                      engine::ExpiryMs expires_at_ms) {
  change_value(context, key, [&] { context.keyspace.put(key, value, expires_at_ms); });
}

/// As Keyspace::patch, with that event.
void patch_value(const Context& context, const engine::Key& key, std::size_t offset,
                 const engine::NewValue& part);
inline void patch_value(const Context& context, const engine::Key& key, std::size_t offset,
                        std::string_view bytes) {
  patch_value(context, key, offset, engine::NewValue::copy_of(bytes));
}

/// What is to be done before it: the copy of a large value that others hold.
LongJob job_before_patch(const Context& context, const engine::Key& key);
inline LongJob job_before_patch(const Context& context, const Request& request) {
  return job_before_patch(context, first_key(request));
}

}  // namespace phoenix::commands
