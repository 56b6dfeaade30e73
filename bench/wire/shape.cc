#include "bench/wire/shape.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "protocol/error.h"

namespace phoenix::bench {
namespace {

constexpr std::size_t kFramingBytes = 128;  // More than any protocol puts around a request ...
constexpr std::size_t kWordBytes = 32;      // ... and around each of its words.
constexpr std::size_t kShownBytes = 64;     // Long keys differ in their last digits.

}  // namespace

std::size_t RequestShape::keyed_bytes_max(std::size_t verb_keys) const {
  return kFramingBytes +
         std::max(keys.sizes().max() + values.max(), verb_keys * (kWordBytes + keys.sizes().max()));
}

std::size_t RequestShape::request_bytes_max(std::size_t verb_keys) const {
  std::size_t most = keyed_bytes_max(verb_keys);
  for (const Command& command : replayed) {
    std::size_t bytes = kFramingBytes;
    for (const std::string& word : command) bytes += kWordBytes + word.size();
    most = std::max(most, bytes);
  }
  return most;
}

std::string RequestShape::describe(const Request& request) const {
  if (request.verb == Verb::replayed) {
    return fmt::format("command {}, {}", request.key + 1,
                       protocol::printable(replayed[request.key].front()));
  }
  std::string verb(kVerbNames[static_cast<std::size_t>(request.verb)]);
  for (char& letter : verb) letter = static_cast<char>(std::toupper(letter));
  std::string key(keys.bytes_of(request.key), '\0');
  keys.write(key.data(), request.key);
  if (key.size() > kShownBytes) key = "..." + key.substr(key.size() - kShownBytes);
  return fmt::format("{} {}", verb, key);
}

}  // namespace phoenix::bench
