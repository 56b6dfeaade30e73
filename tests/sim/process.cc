#include "tests/sim/process.h"

#include <algorithm>

#include "phoenix/base/check.h"

namespace phoenix::simtest {

server::Config small_config(unsigned cores) {
  server::Config config;
  config.cores = cores;
  config.port = kPort;
  config.log.directory = "data";
  config.log.segment_bytes_min = 64 * 1024;
  config.log.segment_bytes_max = 128 * 1024;
  config.log.disk_reserve_bytes = 0;
  return config;
}

Process::Process(sim::World& world, server::Config config)
    : world_(world),
      config_(std::move(config)),
      host_(world),
      failure_(world),
      shared_(config_, table_) {
  // Clients come and go faster than commits let go of what they left.
  shared_.settings.set(commands::Setting::clients_max, 1'000'000);
  for (unsigned core = 0; core < config_.cores; ++core) {
    rings_.push_back(std::make_unique<sim::Ring>(world));
    const server::CoreEnvironment environment{*rings_[core], world.clock(), host_, failure_,
                                              world.random()};
    cores_.push_back(std::make_unique<server::Core>(core, shared_, environment));
  }
}

Process::~Process() {
  cores_.clear();
  shared_.store.reset();
}

void Process::tell_changes_of_keys() {
  using commands::Setting;
  shared_.settings.set(Setting::key_events, *commands::parse_key_events("KEA"));
}

bool Process::boot() {
  for (const auto phase : server::kPhases) {
    if (!run_phase(phase)) return false;
  }
  is_serving_ = true;
  for (auto& core : cores_) {
    core->turn();  // The ring learns what its core waits for.
    note_time();
  }
  return !world_.down();
}

bool Process::run_phase(server::Phase phase) {
  std::vector<io::Task<Result<void>>> tasks;
  for (auto& core : cores_) {
    tasks.push_back(core->run_phase(phase));
    tasks.back().start();
    core->io().run_one_turn();  // The ring learns of the timers that the task has armed.
    note_time();
  }
  const auto all_done = [&] {
    return std::all_of(tasks.begin(), tasks.end(), [](const auto& task) { return task.done(); });
  };
  constexpr std::uint64_t kBootNs = 600 * kNanosPerSecond;
  if (!run_until(all_done, kBootNs)) return false;
  for (auto& task : tasks) {
    const auto result = task.result();
    if (!result && refusal_.empty()) refusal_ = result.error().message;
  }
  return refusal_.empty() && !world_.down();
}

bool Process::step(std::uint64_t until_ns) {
  if (sim::Ring* const ring = world_.pick()) {
    server::Core& core = *cores_[ring->index()];
    if (!is_serving_) {
      core.io().run_one_turn();
    } else if (!core.is_done()) {
      core.turn();
    } else {
      io::Completion none;  // Its thread has ended: nothing wakes it any more.
      (void)ring->run_once({&none, 1}, io::kNoDeadline);
    }
    note_time();
    return !world_.down();
  }
  return world_.advance(until_ns);
}

bool Process::run_until(const std::function<bool()>& done, std::uint64_t within_ns) {
  const std::uint64_t until_ns = world_.now_ns() + within_ns;
  while (!done()) {
    if (world_.down() || !step(until_ns)) return !world_.down() && done();
  }
  return true;
}

void Process::note_time() {
  highest_wall_ms_ = std::max(highest_wall_ms_, world_.clock().wall_ms());
}

bool Process::stop() {
  shared_.stops = true;
  const auto all_done = [&] {
    return std::all_of(cores_.begin(), cores_.end(),
                       [](const auto& core) { return core->is_done(); });
  };
  if (!run_until(all_done, 60 * kNanosPerSecond)) return false;
  for (const auto& core : cores_) PHX_CHECK(core->has_given_back());
  return true;
}

}  // namespace phoenix::simtest
