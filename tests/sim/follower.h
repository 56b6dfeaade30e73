// A client that has subscribed to what the users publish and to all changes of keys. What it is
// told of a key is held against the oracle: no crash may undo it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "phoenix/base/random.h"
#include "phoenix/sim/client.h"
#include "phoenix/sim/world.h"
#include "tests/sim/truth.h"
#include "tests/sim/wire.h"

namespace phoenix::simtest {

class Follower final {
 public:
  /// `is_durable`: what the server tells is on disk.
  Follower(sim::World& world, Truth& truth, SeededRandom& random, bool is_durable)
      : truth_(truth), random_(random), is_durable_(is_durable), client_(world) {}

  /// Connects and subscribes, again when its connection breaks; takes what has come.
  void act();
  void take_messages();
  /// Of a server that has crashed.
  void forget();
  std::uint64_t messages() const { return messages_; }

 private:
  void subscribe();
  void take(const protocol::Value& message);
  void take_news(std::string_view text);
  void take_event(const std::string& key);

  Truth& truth_;
  SeededRandom& random_;
  bool is_durable_;
  sim::Client client_;
  Wire wire_;
  std::uint64_t messages_ = 0;
  std::map<std::string, std::size_t> sets_;      // Of each key: so many were told, in this life.
  std::map<std::string, std::uint64_t> latest_;  // Message of each sender.
};

}  // namespace phoenix::simtest
