#include "bench/crash/target.h"

#include <algorithm>

#include <fmt/format.h>

namespace phoenix::bench::crash {
namespace {

PeerDurability durability_of(std::string_view mode) {
  if (mode == "always") return PeerDurability::always;
  return mode == "off" ? PeerDurability::off : PeerDurability::interval;
}

/// Redis's third mode is of no interest to a comparison, so the catalogue does not have it.
void never_sync(PeerSpec& spec) {
  std::ranges::replace(spec.words, "everysec", "no");
  spec.durability = "no";
}

}  // namespace

Result<PeerSpec> find_target(const CrashOptions& options) {
  if (options.target.find('=') != std::string::npos) {
    auto spec = parse_peer(options.target);
    if (spec && spec->protocol != Protocol::native && spec->protocol != Protocol::resp) {
      return fail(ErrorCode::invalid, options.target + ": it must speak native or resp");
    }
    return spec;
  }
  if (options.target != "phoenix" && options.target != "redis" && options.target != "valkey") {
    return fail(ErrorCode::invalid,
                fmt::format("--target {}: it must be phoenix, redis, valkey or a "
                            "NAME=PROTOCOL:COMMAND; others keep nothing or cannot be asked",
                            options.target));
  }
  CatalogOptions catalog;
  catalog.durability = durability_of(options.mode);
  catalog.phoenix_server = options.server_path;
  catalog.connections = options.connections + 1;
  auto spec = find_peer(options.target, catalog);
  if (spec && options.mode == "no") never_sync(*spec);
  return spec;
}

std::string promise_text(const PeerSpec& spec) {
  const std::string& mode = spec.durability;
  const bool is_redis = spec.name == "redis" || spec.name == "valkey";
  if (mode == "always") {
    return "what is acknowledged is on the device first; neither a kill nor a power cut may take "
           "it (this test shows the kill)";
  }
  if (mode == "off") return "nothing is kept; a kill takes everything";
  if (mode == "interval") {
    return "a kill may take the last moment, a power cut the last 100 ms and a sync (this test "
           "shows the kill)";
  }
  if (is_redis && mode == "everysec") {
    return "a kill may take up to two seconds when the disk is slow, because what is acknowledged "
           "during a sync is given to the kernel after it; a power cut may take the last second or "
           "two (this test shows the kill)";
  }
  if (is_redis && mode == "no") {
    return "a kill takes nothing, because the kernel has been given every acknowledged write; a "
           "power cut may take some 30 seconds, which this test cannot show";
  }
  return "what a power cut takes cannot be shown by this test, which kills the process only";
}

client::Options connection_options(const PeerSpec& spec, std::uint16_t port) {
  client::Options options;
  options.endpoint.port = port;
  options.wire = spec.protocol == Protocol::resp ? client::Wire::resp : client::Wire::native;
  options.client_name = spec.protocol == Protocol::resp ? "" : "phoenix-bench";
  return options;
}

}  // namespace phoenix::bench::crash
