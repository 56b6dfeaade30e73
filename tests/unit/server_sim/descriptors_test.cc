// Descriptors are numbers that are given out again: the end of a connection must not reach the one
// that gets its number.
#include <doctest/doctest.h>

#include "phoenix/sim/client.h"
#include "tests/sim/process.h"

using namespace phoenix;
using namespace phoenix::simtest;

namespace {

TEST_CASE("a connection that ends takes no other one with it") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    sim::FaultPlan plan;
    plan.wake = {0, kNanosPerMs};  // A shutdown takes as long, too.
    sim::World world(seed, plan);
    Process process(world, small_config(1));
    REQUIRE(process.boot());
    {
      sim::Client quitter(world);
      sim::Client newcomer(world);
      for (int i = 0; i < 20; ++i) {
        quitter.connect(endpoint());
        quitter.send("QUIT\r\n");
        const auto is_answered = [&] { return quitter.received() == "+OK\r\n"; };
        REQUIRE(process.run_until(is_answered, kNanosPerSecond));
        quitter.close();
        newcomer.connect(endpoint());
        for (int ping = 0; ping < 4; ++ping) {
          newcomer.send("PING\r\n");
          const auto is_served = [&] { return newcomer.received() == "+PONG\r\n"; };
          CHECK(process.run_until(is_served, kNanosPerSecond));
          (void)newcomer.take();
        }
        CHECK(newcomer.open());
      }
    }
    world.crash_now();
  }
}

}  // namespace
