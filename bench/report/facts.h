// The one place that knows what RunOptions hold: as names and values for all reports.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "bench/load/control.h"
#include "bench/load/run_options.h"
#include "bench/measure/machine.h"
#include "bench/report/page.h"

namespace phoenix::bench {

struct Fact {
  std::string name;  // As in JSON and CSV.
  std::variant<std::monostate, bool, std::uint64_t, double, std::string> value;
};

/// What the run was told to do, in an order that does not change.
std::vector<Fact> facts_of(const RunOptions& options);

/// The value as people and CSV readers see it; empty for none.
std::string text_of(const Fact& fact);

/// The load in a phrase: "get, 50 connections, pipeline 1, ...".
std::string load_text(const RunOptions& options);

/// Name and version, or "unknown". Any bytes.
std::string server_text(const ServerFacts& server);

/// What is known of the machine, in words.
NamedTexts machine_texts(const MachineFacts& machine);

}  // namespace phoenix::bench
