// The index's own hash. Its constants are secret and drawn per database, so that nobody can aim
// collisions; with public constants a seed alone does not help (a key can zero the product).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "phoenix/base/random.h"

namespace phoenix {

/// Five secret odd constants, kept in the superblock for the life of a database. Never shown.
struct HashKey {
  std::array<std::uint64_t, 5> constants{};

  static HashKey draw(Random& random);
  bool operator==(const HashKey&) const = default;
};

/// 64 well-mixed bits of `bytes`: the multiply-and-fold structure of wyhash (Wang Yi, 2019), with
/// all constants secret.
[[nodiscard]] std::uint64_t hash_bytes(const HashKey& key, std::string_view bytes);

}  // namespace phoenix
