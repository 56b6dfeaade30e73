// Streams keep their bytes in order through every segmentation, end and break as TCP's do, and push
// back when the other end does not read.
#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "phoenix/base/random.h"
#include "tests/unit/sim/echo_server.h"

using namespace phoenix;
using namespace phoenix::sim_test;

namespace {

std::string text_of(std::size_t bytes, std::uint64_t seed) {
  SeededRandom random(seed);
  std::string text;
  while (text.size() < bytes) text.push_back(static_cast<char>('a' + random.below(26)));
  return text;
}

struct Net {
  explicit Net(std::uint64_t seed, const sim::FaultPlan& plan = {})
      : world(seed, plan), host(world), server(std::in_place, world, host) {}

  template <typename Done>
  bool run(Done done) {
    return run_servers(world, {&*server}, done);
  }
  bool idle() {
    return run([] { return false; });
  }

  sim::World world;
  sim::Host host;
  std::optional<EchoServer> server;
};

}  // namespace

TEST_CASE("bytes come back in order, whatever the world does to segments, buffers and sends") {
  sim::Counters sum;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    sim::FaultPlan plan = sim::FaultPlan::random(seed);
    plan.resets = 0;
    Net net(seed, plan);
    net.server->wait = seed % 2 == 0;
    if (!net.server->wait) net.world.plan().socket_buffer_bytes = 65'536;  // EAGAIN would spin.
    const std::string text = text_of(3'000, seed);
    sim::Client client(net.world);
    client.connect(test_endpoint());
    client.send(text.substr(0, 1'000));
    REQUIRE(net.run([&] { return client.received().size() == 1'000; }));
    client.send(text.substr(1'000));
    REQUIRE(net.run([&] { return client.received().size() == text.size(); }));
    REQUIRE(client.take() == text);
    REQUIRE(net.server->ring.buffers_lent() == 0);
    client.half_close();
    REQUIRE(net.run([&] { return client.state() == sim::ClientState::ended; }));
    const sim::Counters& counters = net.world.counters();
    sum.segments += counters.segments;
    sum.no_buffers += counters.no_buffers;
    sum.multishot_ends += counters.multishot_ends;
    sum.short_sends += counters.short_sends;
    sum.split_completions += counters.split_completions;
    sum.signals += counters.signals;
  }
  CHECK(sum.segments > 1'000);
  CHECK(sum.no_buffers > 100);
  CHECK(sum.multishot_ends > 100);
  CHECK(sum.short_sends > 10);
  CHECK(sum.split_completions > 10);
  CHECK(sum.signals > 100);
}

TEST_CASE("a byte-at-a-time client gets one segment per byte") {
  Net net(1);
  sim::Client client(net.world);
  client.connect(test_endpoint());
  client.set_segment_bytes(1);
  client.send("abcdefgh");
  REQUIRE(net.run([&] { return client.received() == "abcdefgh"; }));
  CHECK(net.world.counters().segments == 8);
}

TEST_CASE("a released buffer is overwritten") {
  sim::World world(1);
  sim::Host host(world);
  sim::Ring ring(world);
  ring.set_blocking(true);
  const int listener = host.listen(test_endpoint()).value();
  sim::Client client(world);
  client.connect(test_endpoint());
  client.send("secret");
  io::Operation operation;
  operation.kind = io::Operation::Kind::accept;
  operation.fd = listener;
  ring.submit(operation);
  std::array<io::Completion, 1> out;
  REQUIRE(ring.run_once(out, io::kNoDeadline) == 1);
  operation.kind = io::Operation::Kind::receive;
  operation.fd = out[0].result;
  ring.submit(operation);
  REQUIRE(ring.run_once(out, io::kNoDeadline) == 1);
  CHECK(out[0].bytes[0] == std::byte{'s'});
  CHECK(ring.buffers_lent() == 1);
  ring.release(out[0].buffer);
  CHECK(ring.buffers_lent() == 0);
  if (!sim::Buffers::poisons()) CHECK(out[0].bytes[0] == sim::Buffers::kReleased);
}

TEST_CASE("buffers: incremental ones share an id until all pieces are back; none left is told") {
  sim::Buffers plain(2, 8, false);
  const auto a = plain.lend(3);
  const auto b = plain.lend(100);
  REQUIRE(b.has_value());
  CHECK(a->buffer != b->buffer);
  CHECK(b->bytes.size() == 8);
  CHECK_FALSE(plain.lend(1).has_value());
  plain.release(a->buffer);
  CHECK(plain.lend(1)->buffer == a->buffer);

  sim::Buffers shared(1, 8, true);
  const auto first = shared.lend(3);
  const auto second = shared.lend(100);
  CHECK(first->buffer == second->buffer);
  CHECK(second->bytes.size() == 5);
  CHECK(second->bytes.data() == first->bytes.data() + 3);
  CHECK_FALSE(shared.lend(1).has_value());
  first->bytes[0] = std::byte{'x'};
  shared.release(second->buffer);
  CHECK(first->bytes[0] == std::byte{'x'});
  CHECK_FALSE(shared.lend(1).has_value());
  shared.release(first->buffer);
  CHECK(shared.lend(1).has_value());
}

TEST_CASE("a client that does not read lets the server's sends wait") {
  Net net(1);
  sim::Client client(net.world);
  client.connect(test_endpoint());
  client.set_reading(false);
  client.send(text_of(200'000, 1));
  net.idle();
  CHECK(client.received().empty());
  CHECK(net.server->received == 200'000);                          // It took all that was sent,
  CHECK(net.server->sessions.begin()->second.sending.size() > 0);  // and one send is stuck.
  client.set_reading(true);
  REQUIRE(net.run([&] { return client.received().size() == 200'000; }));
  CHECK(client.take() == text_of(200'000, 1));
}

TEST_CASE("a send that does not wait is short when the buffer is nearly full, then EAGAIN") {
  sim::FaultPlan plan;
  plan.socket_buffer_bytes = 100;
  sim::World world(1, plan);
  sim::Host host(world);
  sim::Ring ring(world);
  ring.set_blocking(true);
  const int listener = host.listen(test_endpoint()).value();
  sim::Client client(world);
  client.connect(test_endpoint());
  client.set_reading(false);
  const auto call = [&](io::Operation::Kind kind, int fd, std::string_view text) {
    io::Operation operation;
    operation.kind = kind;
    operation.fd = fd;
    operation.source = std::as_bytes(std::span(text.data(), text.size()));
    operation.wait = false;
    ring.submit(operation);
    std::array<io::Completion, 1> out;
    REQUIRE(ring.run_once(out, io::kNoDeadline) == 1);
    return out[0].result;
  };
  const int fd = call(io::Operation::Kind::accept, listener, "");
  CHECK(call(io::Operation::Kind::send, fd, std::string(70, 'a')) == 70);
  CHECK(call(io::Operation::Kind::send, fd, std::string(70, 'b')) == 30);
  CHECK(call(io::Operation::Kind::send, fd, std::string(70, 'c')) == -EAGAIN);
  CHECK(world.counters().refused_sends == 1);
  CHECK(call(io::Operation::Kind::shutdown, fd, "") == 0);
  CHECK(call(io::Operation::Kind::send, fd, "d") == -EPIPE);
  client.set_reading(true);
  while (world.advance_events()) {
  }
  CHECK(client.take() == std::string(70, 'a') + std::string(30, 'b'));
  CHECK(client.state() == sim::ClientState::ended);
}

TEST_CASE("nobody listens: refused; and a listener's endpoint is its own") {
  sim::World world(1);
  sim::Host host(world);
  sim::Client client(world);
  CHECK(client.state() == sim::ClientState::closed);
  client.connect(test_endpoint());
  CHECK(client.state() == sim::ClientState::connecting);
  while (world.advance()) {
  }
  CHECK(client.state() == sim::ClientState::refused);

  CHECK(host.listen(test_endpoint()).has_value());
  CHECK(host.listen(test_endpoint()).has_value());  // Another core of the same process.
  sim::Host other(world);
  CHECK(other.listen(test_endpoint()).error().code == ErrorCode::in_use);
  io::Endpoint unix_endpoint;
  unix_endpoint.unix_path = "/run/phoenix.sock";
  CHECK(host.listen(unix_endpoint).has_value());
  CHECK_FALSE(host.listen(unix_endpoint).has_value());
}

TEST_CASE("connections spread over the listeners of an endpoint") {
  sim::World world(1);
  sim::Host host(world);
  EchoServer first(world, host);
  EchoServer second(world, host);
  std::vector<std::unique_ptr<sim::Client>> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(std::make_unique<sim::Client>(world));
    clients.back()->connect(test_endpoint());
    clients.back()->send("hello");
  }
  const auto answered = [&] {
    std::size_t count = 0;
    for (const auto& client : clients) count += client->received() == "hello" ? 1 : 0;
    return count == clients.size();
  };
  REQUIRE(run_servers(world, {&first, &second}, answered));
  CHECK(first.accepted + second.accepted == 100);
  CHECK(first.accepted > 20);
  CHECK(second.accepted > 20);
}

TEST_CASE("a client's end arrives behind its bytes; its close answers later bytes by a reset") {
  Net net(1);
  sim::Client half(net.world);
  half.connect(test_endpoint());
  half.send("last words");
  half.half_close();
  REQUIRE(net.run([&] { return half.state() == sim::ClientState::ended; }));
  CHECK(half.take() == "last words");
  CHECK(net.server->ended_by_error == 0);

  net.server->echoing = false;
  sim::Client gone(net.world);
  gone.connect(test_endpoint());
  REQUIRE(net.run([&] { return gone.open(); }));
  gone.send("ask");
  gone.close();
  REQUIRE(net.run([&] { return net.server->received == 13; }));
  CHECK(net.server->ended_by_error == 0);
}

TEST_CASE("an answer to a client that has closed breaks the connection") {
  int broken = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Net net(seed);
    sim::Client client(net.world);
    client.connect(test_endpoint());
    client.send("ask");
    REQUIRE(net.run([&] { return client.received() == "ask"; }));
    client.send(text_of(100'000, 1));
    client.close();
    net.idle();
    broken += net.server->ended_by_error > 0 ? 1 : 0;
    REQUIRE(net.server->sessions.begin()->second.closing);
  }
  CHECK(broken > 5);
}

TEST_CASE("a reset by the client ends receives and sends with an error") {
  Net net(1);
  sim::Client client(net.world);
  client.connect(test_endpoint());
  client.set_reading(false);
  client.send(text_of(150'000, 1));
  net.idle();
  client.reset();
  net.idle();
  CHECK(client.state() == sim::ClientState::closed);
  CHECK(net.server->ended_by_error == 1);
  CHECK(net.server->sessions.begin()->second.closing);
}

TEST_CASE("a reset may take bytes that had arrived") {
  int taken = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    Net net(seed);
    sim::Client client(net.world);
    client.connect(test_endpoint());
    client.send("hello");
    REQUIRE(net.run([&] { return client.unsent_bytes() == 0; }));
    client.reset();
    net.idle();
    REQUIRE(net.server->ended_by_error == 1);
    taken += net.server->received < 5 ? 1 : 0;
  }
  CHECK(taken > 10);
  CHECK(taken < 90);
}

TEST_CASE("resets by chance break connections, and the client sees a prefix") {
  sim::FaultPlan plan;
  plan.resets = 1'000;
  int broken = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    Net net(seed, plan);
    sim::Client client(net.world);
    client.connect(test_endpoint());
    const std::string text = text_of(100'000, seed);
    client.send(text);
    net.idle();
    const std::string received = client.take();
    REQUIRE(text.substr(0, received.size()) == received);
    REQUIRE((client.state() == sim::ClientState::reset) == (received.size() < text.size()));
    broken += client.state() == sim::ClientState::reset ? 1 : 0;
    REQUIRE((client.state() == sim::ClientState::reset) == (net.world.counters().resets > 0));
  }
  CHECK(broken > 10);
  CHECK(broken < 50);
}

TEST_CASE("closing a socket with unread bytes resets the connection") {
  sim::World world(1);
  sim::Host host(world);
  sim::Ring ring(world);
  ring.set_blocking(true);
  const int listener = host.listen(test_endpoint()).value();
  sim::Client client(world);
  client.connect(test_endpoint());
  client.send("unread");
  io::Operation operation;
  operation.kind = io::Operation::Kind::accept;
  operation.fd = listener;
  ring.submit(operation);
  std::array<io::Completion, 1> out;
  REQUIRE(ring.run_once(out, io::kNoDeadline) == 1);
  while (client.unsent_bytes() > 0) REQUIRE(world.advance_events());
  host.close(out[0].result);
  CHECK(client.state() == sim::ClientState::reset);
}

io::Operation cancel_of_receive(int fd) {
  io::Operation cancel;
  cancel.kind = io::Operation::Kind::cancel;
  cancel.fd = fd;
  cancel.cancelled = io::make_token(io::TokenKind::receive, static_cast<std::uint64_t>(fd));
  return cancel;
}

TEST_CASE("a socket stays open while an operation is on it; cancel ends the operation") {
  Net net(1);
  sim::Client client(net.world);
  client.connect(test_endpoint());
  client.send("x");
  REQUIRE(net.run([&] { return client.received() == "x"; }));
  const int fd = net.server->sessions.begin()->first;
  net.server->ring.submit(cancel_of_receive(fd));
  net.host.close(fd);  // Too early to close anything: the cancel is not yet under way.
  net.idle();
  CHECK(client.open());
  CHECK(net.server->ended_by_error == 0);
  net.server.reset();  // The ring goes, and its operations with it.
  while (net.world.advance()) {
  }
  CHECK(client.state() == sim::ClientState::ended);
}

TEST_CASE("cancel, then close: the receive ends, then the connection") {
  Net net(1);
  sim::Client client(net.world);
  client.connect(test_endpoint());
  client.send("x");
  REQUIRE(net.run([&] { return client.received() == "x"; }));
  const int fd = net.server->sessions.begin()->first;
  io::Operation of_another = cancel_of_receive(fd);
  of_another.cancelled = io::make_token(io::TokenKind::send, static_cast<std::uint64_t>(fd));
  net.server->ring.submit(of_another);
  net.idle();
  CHECK(client.open());
  net.server->ring.submit(cancel_of_receive(fd));
  // The echo server closes when its receive ends with an error.
  REQUIRE(net.run([&] { return client.state() == sim::ClientState::ended; }));
  CHECK(net.server->ended_by_error == 1);
}

TEST_CASE("the process runs out of descriptors") {
  sim::FaultPlan plan;
  plan.descriptors_most = 4;
  Net net(1, plan);
  std::vector<std::unique_ptr<sim::Client>> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(std::make_unique<sim::Client>(net.world));
    clients.back()->connect(test_endpoint());
    clients.back()->send("hello");
  }
  net.idle();
  CHECK(net.server->accepted == 3);  // And the listener.
  CHECK(net.server->refused_accepts == 1);
  CHECK(net.world.counters().refused_accepts == 1);
}

TEST_CASE("a crash breaks connections; some of what was sent may still arrive") {
  int in_order = 0;
  int more_in_order = 0;
  int more_broken = 0;
  int cut_short = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    Net net(seed);
    sim::Client client(net.world);
    sim::Client late(net.world);
    client.connect(test_endpoint());
    const std::string text = text_of(5'000, seed);
    client.send(text);
    REQUIRE(net.run([&] { return net.server->received == text.size(); }));
    late.connect(test_endpoint());
    net.world.crash_now();
    const std::size_t before = client.received().size();
    REQUIRE_FALSE(net.world.advance());
    net.server.reset();
    if (seed % 2 == 0) {
      net.world.kill();
    } else {
      net.world.power_cut();
    }
    REQUIRE(late.state() == sim::ClientState::refused);
    REQUIRE(
        (client.state() == sim::ClientState::reset || client.state() == sim::ClientState::ended));
    const std::string received = client.take();
    REQUIRE(text.substr(0, received.size()) == received);
    const bool ended = client.state() == sim::ClientState::ended;
    in_order += ended ? 1 : 0;
    more_in_order += ended && received.size() > before ? 1 : 0;
    more_broken += !ended && received.size() > before ? 1 : 0;
    cut_short += received.size() < text.size() ? 1 : 0;
    if (seed % 2 == 1) REQUIRE(client.state() == sim::ClientState::reset);

    sim::Host host(net.world);
    EchoServer next(net.world, host);
    client.connect(test_endpoint());
    client.send("again");
    REQUIRE(run_servers(net.world, {&next}, [&] { return client.received() == "again"; }));
  }
  CHECK(in_order > 5);
  CHECK(more_in_order > 3);
  CHECK(more_broken > 10);
  CHECK(cut_short > 20);
}
