// A client that asks for listings which find nothing, many at a time, and goes away in their midst:
// the server must forget a listing with its connection, also one whose turn has not come.
#pragma once

#include "phoenix/base/random.h"
#include "phoenix/sim/client.h"
#include "phoenix/sim/world.h"

namespace phoenix::simtest {

class Lister final {
 public:
  Lister(sim::World& world, SeededRandom& random) : random_(random), client_(world) {}

  /// Mostly nothing. Else it asks, or goes; and comes again.
  void act();

 private:
  void ask();

  SeededRandom& random_;
  sim::Client client_;
};

}  // namespace phoenix::simtest
