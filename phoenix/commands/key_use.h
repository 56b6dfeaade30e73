// How a command uses its keys, in the words of Redis's key specifications: RO, RW, OW (overwrites)
// or RM (removes), then what it does with the value: access (tells of it), update, insert (adds to
// it, changes nothing of it) or delete.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "phoenix/commands/command.h"

namespace phoenix::commands {

using KeyUse = std::vector<std::string_view>;

/// Of all its keys, in any of its forms: the most that it does. Empty when it has none.
KeyUse key_use(const Command& command);

/// Of the key at `index` of a request.
KeyUse key_use(const Command& command, Args args, std::size_t index);

}  // namespace phoenix::commands
