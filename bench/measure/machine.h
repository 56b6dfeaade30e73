// What a reader must know of the machine to weigh figures that were measured on it. Never its name,
// nor anything else that tells whose it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace phoenix::bench {

/// Texts are empty, and numbers 0, where the machine does not say.
struct MachineFacts {
  std::string cpu_model;
  std::uint32_t cpus_online = 0;
  std::uint64_t memory_bytes = 0;
  std::string kernel;                  // "Linux 6.1.0"
  std::string compiler;                // That made this program.
  std::string governor;                // Of the clock of CPU 0: "performance", say.
  std::string virtualisation;          // What kind of machine it pretends to be.
  std::optional<double> load_average;  // Of the last minute, before the run.
};

/// Reads /proc and /sys, both below `root` (for tests; empty for the machine's own).
MachineFacts read_machine_facts(const std::string& root = {});

}  // namespace phoenix::bench
