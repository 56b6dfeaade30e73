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

}  // namespace phoenix::commands
