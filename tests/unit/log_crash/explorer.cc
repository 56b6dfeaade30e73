#include "tests/unit/log_crash/explorer.h"

namespace phoenix::log_test {

Setting setting(const std::string& name) {
  Setting plain;
  plain.name = name;
  return plain;
}

void write_changes(Process& process, Oracle& oracle, SeededRandom& random, unsigned changes) {
  for (unsigned i = 0; i < changes && !process.down(); ++i) {
    const std::string key = std::string("k").append(std::to_string(random.below(12)));
    const std::uint64_t choice = random.below(12);
    if (random.below(30) == 0) {
      oracle.clear(process, static_cast<unsigned>(random.below(oracle.cores())));
    } else if (choice >= 10) {
      // Now and then one that is streamed from its block.
      const std::size_t size = i % 20 == 0 ? 36'000 : 0;
      const std::string part = std::to_string(i).append(size, 'p');
      oracle.patch(process, key, random.below(choice == 10 ? 10 : 1000), part);
    } else if (choice < 7) {
      const std::size_t size = random.below(8) == 0 ? random.below(40'000) : random.below(600);
      oracle.put(process, key, {std::to_string(i) + std::string(size, 'x'), engine::kNoExpiry});
    } else if (choice < 9) {
      oracle.erase(process, key);
    } else {
      oracle.set_expiry(process, key, static_cast<engine::ExpiryMs>(1 + random.below(1000)));
    }
    if (random.below(2) == 0) process.seal();
    if (random.below(2) == 0) process.turn();
  }
}

std::string Explorer::run() {
  sim::World world(seed_, setting_.plan);
  Oracle oracle;
  for (unsigned life = 0; life < setting_.lives && failure_.empty(); ++life) {
    live(world, oracle);
    if (!world.down()) continue;
    if (random_.below(2) == 0)
      world.power_cut();
    else
      world.kill();
  }
  return failure_;
}

void Explorer::live(sim::World& world, Oracle& oracle) {
  Process process(world, setting_.options, setting_.cores);
  bool serves = false;
  world.on_point([&] {
    if (serves) oracle.note_acknowledged(process);
    crash_here(world, oracle, kDepth);
  });
  const auto started = process.start();
  if (judge(oracle, process, started)) {
    oracle.begin(process, setting_.cores);
    serves = true;
    write_changes(process, oracle, random_, setting_.changes);
    if (random_.below(2) == 0) process.close();
    oracle.note_acknowledged(process);
  }
  world.on_point({});
  world.crash_now();
}

void Explorer::crash_here(sim::World& world, const Oracle& oracle, unsigned depth) {
  if (depth == 0 || !failure_.empty()) return;
  // Deeper levels try a sample of their points, or the tree would never end.
  if (depth < kDepth && random_.below(60) != 0) return;
  ++crashes_;
  const bool power_cut = random_.below(3) != 0;
  const std::uint64_t seed = random_.next();
  sim::World after(seed, setting_.plan, world.disk_after(power_cut, seed));
  Oracle known = oracle;
  const unsigned cores = random_.below(2) == 0 ? setting_.cores : setting_.cores_after;
  Process process(after, setting_.options, cores);
  after.on_point([&] { crash_here(after, known, depth - 1); });
  const auto started = process.start();
  if (judge(known, process, started) && depth > 1) {
    known.begin(process, cores);
    go_on(after, process, known, depth);
  }
  after.on_point({});
}

// What was recovered was shown: it must stay, and so must what is acknowledged from now on.
void Explorer::go_on(sim::World& world, Process& process, Oracle& oracle, unsigned depth) {
  world.on_point([&] {
    oracle.note_acknowledged(process);
    crash_here(world, oracle, depth - 1);
  });
  write_changes(process, oracle, random_, 6);
}

bool Explorer::judge(const Oracle& oracle, const Process& process, const Result<void>& started) {
  if (!started) {
    const bool disk_failed = setting_.errors && (process.down() || !process.failure().empty() ||
                                                 started.error().code == ErrorCode::io);
    if (!disk_failed) wrong("refused to start: " + started.error().message);
    return false;
  }
  const std::string verdict = oracle.judge(process.map());
  if (!verdict.empty()) wrong(verdict);
  return verdict.empty();
}

void Explorer::wrong(const std::string& what) {
  if (!failure_.empty()) return;
  failure_ = setting_.name + ", seed " + std::to_string(seed_) + ", crash " +
             std::to_string(crashes_) + ": " + what;
}

}  // namespace phoenix::log_test
