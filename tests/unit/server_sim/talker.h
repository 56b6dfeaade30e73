// A whole server in a world of its own, and clients that talk RESP to it: what the tests of what
// clients see share.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "phoenix/sim/client.h"
#include "tests/sim/process.h"

namespace phoenix::simtest {

inline server::Config memory_only(unsigned cores) {
  server::Config config = small_config(cores);
  config.log.durability = log::Durability::off;
  return config;
}

class Talker final {
 public:
  Talker(sim::World& world, Process& process) : process_(process), client_(world) {
    client_.connect(endpoint());
  }

  void send(std::string_view bytes) { client_.send(bytes); }
  /// What has come once it is as long as `expected`, or when nothing more comes.
  std::string receive(const std::string& expected) {
    (void)process_.run_until([&] { return client_.received().size() >= expected.size(); },
                             10 * kNanosPerSecond);
    return client_.take();
  }
  /// For requests whose answers are known.
  void expect(std::string_view bytes, const std::string& expected) {
    send(bytes);
    const std::string received = receive(expected);
    CHECK_MESSAGE(received == expected, std::string(bytes.substr(0, 100)));
  }
  /// For requests, outside of MULTI, the length of whose answers is not known: all of them, and
  /// what was still to come before.
  std::string ask(std::string_view bytes) {
    constexpr std::string_view kEnd = "$7\r\nthe-end\r\n";
    send(bytes);
    send("ECHO the-end\r\n");
    (void)process_.run_until([&] { return client_.received().ends_with(kEnd); },
                             10 * kNanosPerSecond);
    const std::string received = client_.take();
    return received.substr(0, received.size() - std::min(received.size(), kEnd.size()));
  }
  sim::Client& client() { return client_; }

 private:
  Process& process_;
  sim::Client client_;
};

struct Served {
  explicit Served(const server::Config& config, const sim::FaultPlan& plan = {})
      : world(1, plan), process(world, config) {
    REQUIRE_MESSAGE(process.boot(), process.refusal());
  }
  ~Served() { world.crash_now(); }
  std::unique_ptr<Talker> talker() { return std::make_unique<Talker>(world, process); }

  sim::World world;
  Process process;
};

}  // namespace phoenix::simtest
