#include "phoenix/sim/faults.h"

#include <array>

#include "phoenix/base/random.h"

namespace phoenix::sim {
namespace {

class Draw final {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed) {}

  bool coin() { return random_.below(2) == 0; }
  /// 0 in half of the plans, else up to `most`.
  std::uint32_t chance(std::uint32_t most) {
    return coin() ? 0 : static_cast<std::uint32_t>(1 + random_.below(most));
  }
  template <typename T, std::size_t kCount>
  T one_of(const std::array<T, kCount>& choices) {
    return choices[random_.below(kCount)];
  }
  Latency latency(std::uint64_t most_ns) {
    const std::uint64_t top = 1'000 + random_.below(most_ns);
    return Latency{random_.below(top), top};
  }

 private:
  SeededRandom random_;
};

void draw_disk(Draw& draw, FaultPlan& plan) {
  plan.write_alignment = draw.one_of(std::array<std::uint32_t, 3>{512, 4096, 0});
  plan.tear_bytes = draw.one_of(std::array<std::uint32_t, 2>{512, 4096});
  plan.stale_blocks = draw.coin();
  plan.error_budget = draw.one_of(std::array<std::uint32_t, 4>{0, 0, 1, 2});
  plan.write_errors = draw.chance(200);
  plan.sync_errors = draw.chance(200);
  plan.read_errors = draw.chance(50);
  plan.entry_errors = draw.chance(200);
  plan.sticky_errors = draw.chance(10'000);
  plan.no_space = draw.chance(200);
  plan.short_writes = draw.chance(200);
  plan.short_reads = draw.chance(2'000);
  plan.write_back = draw.chance(5'000);
  plan.cut_garbage = draw.chance(3'000);
  plan.disk = draw.latency(300'000);
  plan.slow_operations = draw.chance(100);
}

void draw_network(Draw& draw, FaultPlan& plan) {
  plan.network = draw.latency(100'000);
  plan.socket_buffer_bytes = draw.one_of(std::array<std::size_t, 3>{512, 8'192, 65'536});
  plan.segment_bytes_most = draw.one_of(std::array<std::size_t, 4>{1, 64, 1'500, 65'536});
  plan.small_segments = draw.chance(5'000);
  plan.resets = draw.chance(20);
  plan.short_sends = draw.chance(3'000);
}

void draw_cores(Draw& draw, FaultPlan& plan) {
  plan.buffer_count = draw.one_of(std::array<std::uint16_t, 3>{2, 8, 64});
  plan.buffer_bytes = draw.one_of(std::array<std::size_t, 3>{16, 512, 4'096});
  plan.incremental_buffers = draw.coin();
  plan.no_buffers = draw.chance(500);
  plan.multishot_ends = draw.chance(1'000);
  plan.split_completions = draw.chance(5'000);
  plan.signals = draw.chance(500);
  plan.turn = draw.latency(10'000);
  plan.core_stalls = draw.chance(50);
  plan.wake = draw.latency(50'000);
  plan.late_wakes = draw.chance(500);
  plan.wall_steps = draw.chance(20);
  plan.wall_step_most_ms = draw.one_of(std::array<std::int64_t, 3>{5, 500, 3'600'000});
}

}  // namespace

FaultPlan FaultPlan::random(std::uint64_t seed) {
  Draw draw(seed);
  FaultPlan plan;
  draw_disk(draw, plan);
  draw_network(draw, plan);
  draw_cores(draw, plan);
  return plan;
}

}  // namespace phoenix::sim
