// What the crash test starts and kills, and what of its promise a kill can show.
#pragma once

#include <string>

#include "bench/crash/options.h"
#include "bench/peers/catalog.h"
#include "phoenix/base/result.h"
#include "phoenix/client/connection.h"

namespace phoenix::bench::crash {

/// How to start it in the mode that was asked for. `unsupported` when it is not installed,
/// `invalid` when it speaks neither Phoenix's protocol nor RESP.
Result<PeerSpec> find_target(const CrashOptions& options);

/// A sentence about its mode: what it promises, and what this test cannot show of it.
std::string promise_text(const PeerSpec& spec);

client::Options connection_options(const PeerSpec& spec, std::uint16_t port);

}  // namespace phoenix::bench::crash
