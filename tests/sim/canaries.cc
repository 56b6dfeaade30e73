#include "tests/sim/canaries.h"

#include <cstdint>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "tests/sim/last_words.h"
#include "tests/sim/scenario.h"

namespace phoenix::simtest {
namespace {

constexpr std::uint64_t kSeedsMost = 3000;
constexpr std::size_t kPartBytes = std::size_t{80} << 10U;

// What the world must do for a bug to matter.
enum class Needs : std::uint8_t {
  crashes,
  rot,
  interval,
  slow_commits,
  clock_back,
  flushes,
  followers,
  long_parts
};

struct Canary {
  std::string_view name;
  bool log::Mutations::*log_bug = nullptr;
  bool server::Mutations::*server_bug = nullptr;
  Needs needs = Needs::crashes;
};

const std::vector<Canary>& canaries() {
  using Log = log::Mutations;
  using Server = server::Mutations;
  static const std::vector<Canary> kCanaries{
      {"acknowledge before durable", &Log::acknowledge_before_durable, nullptr},
      {"retry a failed sync", &Log::retry_failed_sync, nullptr},
      {"acknowledge over holes", &Log::no_contiguous_prefix, nullptr},
      {"state what is not durable", &Log::stable_from_in_flight, nullptr},
      {"recovery truncates at damage", &Log::truncate_at_damage, nullptr, Needs::rot},
      {"recovery does not sync", &Log::skip_recovery_sync, nullptr},
      {"a torn tail returns after the next crash", &Log::forget_recorded_ends, nullptr},
      {"LSNs go back", &Log::lsn_goes_back, nullptr},
      {"skip the directory sync", &Log::skip_directory_sync, nullptr},
      {"batches before their header", &Log::header_not_awaited, nullptr},
      {"interval never syncs", &Log::interval_never_syncs, nullptr, Needs::interval},
      {"a stop does not sync", &Log::asked_sync_is_none, nullptr, Needs::interval},
      {"one superblock copy twice", &Log::superblock_same_copy_twice, nullptr},
      {"a read shows an uncommitted write", nullptr, &Server::hits_do_not_wait,
       Needs::slow_commits},
      {"a miss shows an uncommitted delete", nullptr, &Server::misses_do_not_wait,
       Needs::slow_commits},
      {"a listing shows an uncommitted write", nullptr, &Server::listings_do_not_wait,
       Needs::slow_commits},
      {"a write that did nothing shows an uncommitted one", nullptr,
       &Server::failed_writes_do_not_wait, Needs::slow_commits},
      {"a miss shows an uncommitted FLUSHALL", nullptr, &Server::clears_do_not_wait,
       Needs::flushes},
      {"an expiry is believed too early", &Log::stamp_not_durable, nullptr, Needs::clock_back},
      {"a part of a value is logged without its offset", &Log::patches_at_the_front, nullptr},
      {"a long part of a value is logged in two batches", &Log::parts_are_split, nullptr,
       Needs::long_parts},
      {"a part is written into what is still being logged", nullptr,
       &Server::held_values_are_patched, Needs::long_parts},
      {"EXEC ignores WATCH", nullptr, &Server::watches_are_ignored},
      {"a transaction in two batches", nullptr, &Server::transactions_are_split},
      {"a notification leaves before its change is durable", nullptr, &Server::notices_do_not_wait,
       Needs::followers},
      {"a walk over keys skips some", nullptr, &Server::scans_skip},
      {"replies out of order", nullptr, &Server::replies_out_of_order},
      {"wakes are lost", nullptr, &Server::wakes_are_lost},
      {"a new core count drops expiries", nullptr, &Server::rewrite_drops_expiries},
  };
  return kCanaries;
}

// The first seed whose scenario breaks; 0 when none does.
std::uint64_t seed_that_catches(const Canary& canary) {
  for (std::uint64_t seed = 1; seed <= kSeedsMost; ++seed) {
    note_running(canary.name, seed, " --canaries");
    ScenarioOptions options;
    options.has_faults = seed % 2 == 0 && canary.needs == Needs::crashes;
    options.lives = 4;
    options.rots = canary.needs == Needs::rot;
    options.steps_clock_back = canary.needs == Needs::clock_back;
    options.habits.expires_soon = canary.needs == Needs::clock_back;
    options.habits.flushes = canary.needs == Needs::flushes;
    // The batches of another core would say what time it is, too.
    if (canary.needs == Needs::clock_back) options.cores_max = 1;
    if (canary.needs == Needs::followers) options.followers = 2;
    if (canary.needs == Needs::long_parts) options.habits.part_bytes = kPartBytes;
    if (canary.needs == Needs::interval) {
      options.durability = log::Durability::interval;
      options.stops = options.pauses = true;
      options.habits.draws_waits = false;
    }
    options.has_slow_commits = canary.needs >= Needs::slow_commits;
    const ScenarioOptions sound = options;
    if (canary.log_bug != nullptr) options.mutations.*canary.log_bug = true;
    if (canary.server_bug != nullptr) options.server_mutations.*canary.server_bug = true;
    // It must be the bug that is caught: without it the same seed finds nothing.
    const bool is_caught = !run_scenario(seed, options).violation.empty();
    if (is_caught && run_scenario(seed, sound).violation.empty()) return seed;
  }
  return 0;
}

}  // namespace

bool run_canaries() {
  bool all_caught = true;
  for (const auto& canary : canaries()) {
    const std::uint64_t seed = seed_that_catches(canary);
    all_caught = all_caught && seed != 0;
    if (seed != 0) {
      fmt::print("caught by seed {}: {}\n", seed, canary.name);
    } else {
      fmt::print("NOT CAUGHT in {} seeds: {}\n", kSeedsMost, canary.name);
    }
  }
  return all_caught;
}

}  // namespace phoenix::simtest
