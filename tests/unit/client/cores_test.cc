// A Client and a server whose cores have ports of their own.
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "phoenix/client/client.h"
#include "tests/unit/client/fake_server.h"
#include "tests/unit/client/support.h"

namespace phoenix::client {

using namespace std::chrono_literals;
using protocol::Kind;
using test::bytes_value;
using test::FakeServer;
using test::integer_value;
using test::list_value;
using test::Peer;

namespace {

// Their slots are 15495 and 3300: the second and the first half.
constexpr std::string_view kKeyOfCore1 = "a";
constexpr std::string_view kKeyOfCore0 = "b";

/// Two cores, each with half of the slots, on these ports; without ports when there are none.
protocol::Value hello_of_cores(const std::vector<std::uint16_t>& ports, std::int64_t border) {
  std::vector<protocol::Value> items{bytes_value("server"), bytes_value("phoenix")};
  const auto range = [](std::int64_t first, std::int64_t last, std::int64_t core) {
    return list_value({integer_value(first), integer_value(last), integer_value(core)});
  };
  items.push_back(bytes_value("slots"));
  items.push_back(list_value({range(0, border - 1, 0), range(border, 16'383, 1)}));
  if (!ports.empty()) {
    items.push_back(bytes_value("ports"));
    items.push_back(list_value({}));
    for (const std::uint16_t port : ports) items.back().items.push_back(integer_value(port));
  }
  return list_value(std::move(items), Kind::map);
}

/// A main port and two core ports. Each answers a request with its name: main, core0, core1.
class FakeCores final {
 public:
  FakeCores() {
    for (const char* const name : {"core0", "core1"}) {
      cores_.push_back(std::make_unique<FakeServer>(script(name), kConnections));
      ports_.push_back(cores_.back()->port());
    }
    main_ = std::make_unique<FakeServer>(script("main"), kConnections);
  }

  void set_border(std::int64_t border) {
    const std::lock_guard guard(mutex_);
    border_ = border;
  }
  void set_ports(std::vector<std::uint16_t> ports) {
    const std::lock_guard guard(mutex_);
    ports_ = std::move(ports);
  }
  ClientOptions options() const {
    ClientOptions options;
    options.connection = test::options_for(*main_);
    return options;
  }
  std::uint16_t port(std::size_t core) const { return cores_[core]->port(); }

 private:
  static constexpr int kConnections = 8;

  FakeServer::Script script(std::string name) {
    return [this, name = std::move(name)](Peer& peer) {
      auto request = peer.next();
      if (!request || !peer.reply(request->header.id, hello())) return;
      while ((request = peer.next())) {
        if (!peer.reply(request->header.id, bytes_value(name))) return;
        if (request->words()[0] == "EXIT") return;
      }
    };
  }
  protocol::Value hello() {
    const std::lock_guard guard(mutex_);
    return hello_of_cores(ports_, border_);
  }

  std::mutex mutex_;
  std::vector<std::uint16_t> ports_;
  std::int64_t border_ = 8'192;
  std::vector<std::unique_ptr<FakeServer>> cores_;
  std::unique_ptr<FakeServer> main_;
};

std::string who_serves(Client& client, std::string_view key) {
  const auto name = client.get(key);
  return name ? name->value_or("nobody") : name.error().message;
}

}  // namespace

TEST_CASE("a key's requests go to its owner, all others to the server as a whole") {
  FakeCores server;
  Client client(server.options());
  CHECK(who_serves(client, kKeyOfCore0) == "core0");
  CHECK(who_serves(client, kKeyOfCore1) == "core1");
  CHECK(who_serves(client, "x{b}y") == "core0");
  CHECK(client.call({"PING"})->bytes == "main");
  CHECK(client.call({"DEL", "a", "b"})->bytes == "main");
  const auto results = client.pipeline().get(kKeyOfCore0).get(kKeyOfCore1).get(kKeyOfCore0).run();
  REQUIRE(results.size() == 3);
  CHECK(results[0]->bytes == "core0");
  CHECK(results[1]->bytes == "core1");
  CHECK(results[2]->bytes == "core0");
  // A request for both cores' keys sees what was asked before it.
  for (const auto& result : client.pipeline().get("a").call({"MGET", "a", "b"}).get("b").run()) {
    CHECK(result->bytes == "main");
  }
}

TEST_CASE("one connection serves all where there are no ports, or none are wanted") {
  FakeCores server;
  ClientOptions options = server.options();
  SUBCASE("switched off") {
    options.uses_core_ports = false;
  }
  SUBCASE("none offered") {
    server.set_ports({});
  }
  SUBCASE("a map that is wrong") {
    server.set_border(20'000);
  }
  SUBCASE("more cores in the slots than ports") {
    server.set_ports({server.port(0)});
  }
  Client client(options);
  CHECK(who_serves(client, kKeyOfCore0) == "main");
  CHECK(who_serves(client, kKeyOfCore1) == "main");
}

TEST_CASE("a server that was started anew with other cores is noticed") {
  FakeCores server;
  Client client(server.options());
  CHECK(who_serves(client, kKeyOfCore0) == "core0");
  CHECK(who_serves(client, kKeyOfCore1) == "core1");
  server.set_border(1);
  // Their connections end, and what is opened anew tells of other owners.
  CHECK(client.call({"EXIT"})->bytes == "main");
  CHECK(who_serves(client, kKeyOfCore0) == "core0");
  REQUIRE(client.call({"PING"}).has_value());
  CHECK(who_serves(client, kKeyOfCore0) == "core1");
  CHECK(who_serves(client, kKeyOfCore1) == "core1");
}

TEST_CASE("a core that cannot be reached is served by another") {
  std::uint16_t closed_port = 0;
  {
    const FakeServer gone([](Peer&) {});
    closed_port = gone.port();
  }
  FakeCores server;
  server.set_ports({server.port(0), closed_port});
  Client client(server.options());
  CHECK(who_serves(client, kKeyOfCore1) == "main");
  CHECK(who_serves(client, kKeyOfCore1) == "main");
  CHECK(who_serves(client, kKeyOfCore0) == "core0");
}

TEST_CASE("a core's port that belongs to somebody else is not used") {
  const FakeServer stranger([](Peer& peer) { peer.send("HTTP/1.1 400 Bad Request\r\n\r\n"); });
  FakeCores server;
  server.set_ports({server.port(0), stranger.port()});
  Client client(server.options());
  CHECK(who_serves(client, kKeyOfCore1) == "main");
}

}  // namespace phoenix::client
