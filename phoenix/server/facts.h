// The server's own answers (commands/facts.h), of one core.
#pragma once

#include "phoenix/base/clock.h"
#include "phoenix/commands/facts.h"
#include "phoenix/io/host.h"
#include "phoenix/io/ring.h"
#include "phoenix/server/rate.h"
#include "phoenix/server/shard.h"
#include "phoenix/server/shared.h"

namespace phoenix::server {

class ServerFacts final : public commands::Facts {
 public:
  ServerFacts(Shared& shared, Metrics& metrics, io::Ring& ring, io::Host& host, const Clock& clock)
      : shared_(shared), metrics_(metrics), ring_(ring), host_(host), clock_(clock) {}

  /// Where look-ups are counted; set before requests come.
  void watch(Shard& shard) { shard_ = &shard; }
  /// Every tick: how fast the counters grow. The first core also keeps the peak of memory.
  void tick(std::uint64_t now_ns, bool is_first);
  /// Publishes what this core's requests have changed: at the end of a turn, before their replies
  /// leave. Whoever has a reply finds its effect in INFO, whichever core answers that.
  void publish_counts();

  void info(commands::Args sections, std::string& page) override;
  commands::MemoryFacts memory() override;
  commands::CommandTimes times_of(const commands::Command& row) override {
    return server::times_of(shared_, row.index);
  }
  void reset_statistics() override;
  bool allows_debug() const override { return shared_.config.debug != DebugAccess::no; }
  bool is_durable() const override;
  void sleep_ns(std::uint64_t ns) override { host_.sleep_ns(ns); }
  void stop_server() override;

 private:
  Shared& shared_;
  Metrics& metrics_;
  io::Ring& ring_;
  io::Host& host_;
  const Clock& clock_;
  Shard* shard_ = nullptr;
  Rate requests_;
  Rate received_;
  Rate sent_;
};

}  // namespace phoenix::server
