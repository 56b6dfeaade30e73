// The page that INFO answers: sections of lines name:value, under the names that clients of Redis
// and their exporters know where there is a true value, and ours.
#pragma once

#include <cstdint>
#include <string>

#include "phoenix/commands/command.h"
#include "phoenix/io/host.h"
#include "phoenix/server/shared.h"

namespace phoenix::server {

struct InfoSources {
  const Shared& shared;
  io::ProcessUsage usage;
  std::int64_t now_ms = 0;
};

/// Appends the named sections in the page's order. "default" (also where none is named) leaves out
/// what few want, "all" and "everything" leave out nothing; names that are none are passed over.
void append_info(const InfoSources& sources, commands::Args sections, std::string& page);

/// Memory that all cores hold now; the peak is at least that.
std::uint64_t memory_used(const Shared& shared);
std::uint64_t memory_peak(const Shared& shared);
/// "1.50M".
std::string short_size(std::uint64_t bytes);

/// A figure of all cores together.
std::uint64_t sum_of(const Shared& shared, Gauge Metrics::*field);

std::string_view durability_name(log::Durability durability);

}  // namespace phoenix::server
