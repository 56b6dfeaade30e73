// The values that the crash test writes: their first words say which write of which key they are,
// and the rest follows from these, so that a read shows which write it saw and that every byte is
// still that write's.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "bench/history/operation.h"

namespace phoenix::bench::crash {

/// "KEY VALUE BYTES CHECKSUM " and filler, `size_bytes` long, or as long as these words need.
std::string encode_value(std::string_view key, history::Value value, std::size_t size_bytes);

/// Which write made these bytes; kForeign when none could have, to the last byte. That it is a
/// write of `key` is not checked: a value that is whole and of another key is told as such later.
history::Value decode_value(std::string_view bytes);

}  // namespace phoenix::bench::crash
