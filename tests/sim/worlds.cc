#include "tests/sim/worlds.h"

#include <string_view>

#include "phoenix/base/random.h"
#include "phoenix/server/limits.h"

namespace phoenix::simtest {
namespace {

class Draw final {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed ^ 0x776F'726C'64U) {}

  bool one_in(std::uint64_t many) { return random_.below(many) == 0; }
  std::uint64_t between(std::uint64_t least, std::uint64_t most) {
    return least + random_.below(most - least + 1);
  }

 private:
  SeededRandom random_;
};

void draw_users(Draw& draw, Habits& habits) {
  habits.expires_soon = draw.one_in(5);
  habits.half_closes = draw.one_in(2);
  habits.reads_late = draw.one_in(3);
  habits.draws_waits = !draw.one_in(3);
}

void draw_server(Draw& draw, ScenarioOptions& options) {
  if (draw.one_in(6)) options.durability = log::Durability::interval;
  if (draw.one_in(20)) options.durability = log::Durability::off;
  if (draw.one_in(4)) {
    options.bounds.hops_per_pair = draw.between(1, 3);
    options.bounds.parts_per_hop = draw.between(1, 8);
    options.bounds.long_slice_bytes = options.bounds.parts_per_hop << 10U;
  }
  if (draw.one_in(10)) options.memory_bytes_max = draw.between(1, 8) << 20U;
}

// So many listings that a turn has not the work for a slice of each. They take descriptors, too.
void draw_listers(Draw& draw, ScenarioOptions& options) {
  if (!draw.one_in(5) || options.descriptors_most != 0) return;
  options.listers = static_cast<unsigned>(draw.between(4, 8));
  options.bounds.list_work_per_turn_max = draw.between(1, 2000);
}

// They take descriptors, too.
void draw_followers(Draw& draw, ScenarioOptions& options) {
  if (!draw.one_in(3) || options.descriptors_most != 0) return;
  options.followers = static_cast<unsigned>(draw.between(1, 2));
}

}  // namespace

ScenarioOptions world_of(std::uint64_t seed) {
  Draw draw(seed);
  ScenarioOptions options;
  options.has_faults = !draw.one_in(4);
  options.has_slow_commits = draw.one_in(5);
  options.steps_clock_back = draw.one_in(10);
  options.stops = draw.one_in(3);
  options.pauses = draw.one_in(2);
  options.fills_disk = draw.one_in(8);
  if (draw.one_in(10)) options.descriptors_most = draw.between(8, 20);
  draw_users(draw, options.habits);
  draw_server(draw, options);
  draw_listers(draw, options);
  draw_followers(draw, options);
  const bool keeps_connections =
      !options.has_faults && !options.fills_disk && options.descriptors_most == 0;
  options.habits.flushes = keeps_connections && draw.one_in(2);
  if (options
          .steps_clock_back) {  // What expires is read while the batch that proves it is written.
    options.has_slow_commits = true;
    options.habits.expires_soon = true;
  }
  // As flushes: nothing may be refused there, either.
  if (keeps_connections && options.memory_bytes_max == 0 && draw.one_in(2)) {
    options.habits.part_bytes = draw.between(40, 120) << 10U;
  }
  // Last, so that the other worlds stay as they were.
  options.habits.sends_many = draw.one_in(4);
  return options;
}

std::string describe(const ScenarioOptions& options) {
  std::string text;
  const auto say = [&text](bool is_so, std::string_view what) {
    if (is_so) text.append(text.empty() ? "" : ", ").append(what);
  };
  say(options.has_faults, "faults");
  say(options.has_slow_commits, "slow commits");
  say(options.steps_clock_back, "the clock steps back in crashes");
  say(options.stops, "stops");
  say(options.pauses, "pauses");
  say(options.fills_disk, "a full disk");
  say(options.descriptors_most != 0, "few descriptors");
  say(options.bounds.hops_per_pair < server::kHopsPerPair, "small mailboxes");
  say(options.listers != 0, "many listings");
  say(options.followers != 0, "subscribers");
  say(options.memory_bytes_max != 0, "a memory limit");
  say(options.durability == log::Durability::interval, "interval");
  say(options.durability == log::Durability::off, "no log");
  say(options.habits.expires_soon, "keys expire soon");
  say(options.habits.half_closes, "half-closed connections");
  say(options.habits.reads_late, "slow readers");
  say(options.habits.flushes, "everything is removed now and then");
  say(options.habits.part_bytes != 0, "long parts of long values");
  say(options.habits.sends_many, "requests of thousands of words");
  say(!options.habits.draws_waits, "nobody says what to wait for");
  return text;
}

}  // namespace phoenix::simtest
