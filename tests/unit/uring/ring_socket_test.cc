#include <vector>

#include "phoenix/base/random.h"
#include "tests/unit/uring/fixture.h"

using namespace phoenix;
using namespace phoenix::uring;
using Kind = io::Operation::Kind;

namespace {

constexpr io::Token kAccept = io::make_token(io::TokenKind::accept, 1);
constexpr io::Token kReceive = io::make_token(io::TokenKind::receive, 1);
constexpr io::Token kSend = io::make_token(io::TokenKind::send, 1);

void arm_receive(TestRing& ring, const UniqueFd& socket, io::Token token = kReceive) {
  ring->submit(make_operation(Kind::receive, socket.get(), token));
}

io::Operation make_send(const UniqueFd& socket, std::span<const std::byte> source, bool wait) {
  io::Operation operation = make_operation(Kind::send, socket.get(), kSend);
  operation.source = source;
  operation.wait = wait;
  return operation;
}

void echo_once(TestRing& ring, const UniqueFd& socket, const UniqueFd& peer,
               const std::string& text) {
  peer_sends(peer, text);
  const io::Completion received = ring.next(kReceive);
  REQUIRE(received.result == static_cast<int>(text.size()));
  CHECK(received.more);
  CHECK(as_text(received.bytes) == text);
  CHECK(ring.run(make_send(socket, received.bytes, true)) == received.result);
  ring->release(received.buffer);
  CHECK(peer_receives(peer, text.size()) == text);
}

}  // namespace

TEST_CASE("accept, receive, send: an echo, with every way of running completions") {
  for (const auto task_run : {RingOptions::TaskRun::deferred, RingOptions::TaskRun::cooperative,
                              RingOptions::TaskRun::immediate}) {
    for (const bool incremental : {true, false}) {
      CAPTURE(static_cast<int>(task_run));
      CAPTURE(incremental);
      RingOptions options = TestRing::small();
      options.task_run = task_run;
      options.incremental_buffers = incremental;
      TestRing ring(options);
      REQUIRE(ring->task_run() == task_run);
      const UniqueFd listener = loopback_listener();
      ring->submit(make_operation(Kind::accept, listener.get(), kAccept));
      for (int round = 0; round < 3; ++round) {
        const UniqueFd peer = connect_to(listener.get());
        const io::Completion accepted = ring.next(kAccept);
        REQUIRE(accepted.result >= 0);
        CHECK(accepted.more);
        const UniqueFd socket(accepted.result);
        arm_receive(ring, socket);
        echo_once(ring, socket, peer, "first");
        echo_once(ring, socket, peer, "and second");
        CHECK(::shutdown(peer.get(), SHUT_RDWR) == 0);
        CHECK(ring.next(kReceive).result == 0);
      }
    }
  }
}

TEST_CASE("half close: each side ends on its own") {
  TestRing ring;
  const SocketPair pair = connected_pair();
  arm_receive(ring, pair.ours);
  peer_sends(pair.peer, "last words");
  REQUIRE(::shutdown(pair.peer.get(), SHUT_WR) == 0);
  const io::Completion words = ring.next(kReceive);
  CHECK(as_text(words.bytes) == "last words");
  ring->release(words.buffer);
  const io::Completion end = ring.next(kReceive);
  CHECK(end.result == 0);
  CHECK_FALSE(end.more);
  CHECK(end.buffer == io::kNoBuffer);
  CHECK(ring.run(make_send(pair.ours, as_bytes("answer"), true)) == 6);
  CHECK(ring.run(make_operation(Kind::shutdown, pair.ours.get(), waiter(1))) == 0);
  CHECK(peer_receives(pair.peer, 100) == "answer");
}

TEST_CASE("a byte at a time: every byte arrives once and in order") {
  for (const bool incremental : {true, false}) {
    CAPTURE(incremental);
    TestRing ring(TestRing::with_buffers(incremental, 4, 64));
    const SocketPair pair = connected_pair();
    arm_receive(ring, pair.ours);
    for (int i = 0; i < 500; ++i) {
      const char letter = static_cast<char>('a' + i % 26);
      peer_sends(pair.peer, {&letter, 1});
      const io::Completion received = ring.next(kReceive);
      REQUIRE(received.result == 1);
      REQUIRE(received.more);
      REQUIRE(as_text(received.bytes) == std::string(1, letter));
      ring->release(received.buffer);
    }
  }
}

TEST_CASE("plain buffers: out of buffers ends the receive, releasing and re-arming goes on") {
  TestRing ring(TestRing::with_buffers(false, 2, 16));
  REQUIRE_FALSE(ring->incremental_buffers());
  const SocketPair pair = connected_pair();
  const std::string text = "0123456789abcdefghijklmnopqrstuvwxyzABCD";
  peer_sends(pair.peer, text);
  arm_receive(ring, pair.ours);
  const io::Completion first = ring.next(kReceive);
  const io::Completion second = ring.next(kReceive);
  const io::Completion refused = ring.next(kReceive);
  CHECK(as_text(first.bytes) == text.substr(0, 16));
  CHECK(as_text(second.bytes) == text.substr(16, 16));
  CHECK(first.buffer != second.buffer);
  CHECK(refused.result == -ENOBUFS);
  CHECK_FALSE(refused.more);
  CHECK(refused.buffer == io::kNoBuffer);
  ring->release(second.buffer);
  arm_receive(ring, pair.ours);
  const io::Completion third = ring.next(kReceive);
  CHECK(third.buffer == second.buffer);
  CHECK(as_text(third.bytes) == text.substr(32));
  CHECK(as_text(first.bytes) == text.substr(0, 16));
}

// Fills the only buffer with three completions and checks that it stays out of use until the last
// of them is given back, in whatever order.
static void check_shared_buffer(std::array<std::size_t, 3> order) {
  TestRing ring(TestRing::with_buffers(true, 1, 64));
  if (!ring->incremental_buffers()) return;
  const SocketPair pair = connected_pair();
  arm_receive(ring, pair.ours);
  const std::array<std::string, 3> parts = {std::string(10, 'a'), std::string(20, 'b'),
                                            std::string(34, 'c')};
  std::array<io::Completion, 3> received;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    peer_sends(pair.peer, parts.at(i));
    received.at(i) = ring.next(kReceive);
    REQUIRE(received.at(i).result == static_cast<int>(parts.at(i).size()));
    CHECK(received.at(i).buffer == 0);
  }
  peer_sends(pair.peer, "next");
  CHECK(ring.next(kReceive).result == -ENOBUFS);
  for (const std::size_t i : order) {
    arm_receive(ring, pair.ours);
    CHECK(ring.next(kReceive).result == -ENOBUFS);
    CHECK(as_text(received.at(i).bytes) == parts.at(i));
    ring->release(0);
  }
  arm_receive(ring, pair.ours);
  CHECK(as_text(ring.next(kReceive).bytes) == "next");
}

TEST_CASE("incremental buffers: one buffer serves several completions until all are released") {
  check_shared_buffer({0, 1, 2});
  check_shared_buffer({2, 1, 0});
  check_shared_buffer({1, 2, 0});
}

namespace {

struct Held {
  io::Completion completion;
  std::string expected;
};

// Two streams over few small buffers; completions are kept for a while and released in random
// order, and what they point at must not change before that.
class RandomReceives final {
 public:
  RandomReceives(bool incremental, std::uint64_t seed)
      : ring_(TestRing::with_buffers(incremental, 4, 64)), random_(seed) {
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      pairs_.at(i) = connected_pair();
      arm_receive(ring_, pairs_.at(i).ours, token(i));
    }
  }

  void run(int rounds) {
    for (int round = 0; round < rounds; ++round) {
      send_some(random_.below(pairs_.size()));
      for (std::size_t i = 0; i < pairs_.size(); ++i) {
        while (received_.at(i).size() < sent_.at(i).size()) receive_one(i);
      }
      if (random_.below(2) == 0) release_one();
    }
    CHECK(received_ == sent_);
    CHECK(shortages_ > 0);
  }

 private:
  static io::Token token(std::size_t i) { return io::make_token(io::TokenKind::receive, i); }

  void send_some(std::size_t i) {
    std::string text(1 + random_.below(150), '\0');
    for (char& letter : text) letter = static_cast<char>(random_.below(256));
    peer_sends(pairs_.at(i).peer, text);
    sent_.at(i) += text;
  }

  void receive_one(std::size_t i) {
    const io::Completion completion = ring_.next(token(i));
    if (completion.result == -ENOBUFS) {
      ++shortages_;
      REQUIRE_FALSE(completion.more);
      release_one();
      arm_receive(ring_, pairs_.at(i).ours, token(i));
      return;
    }
    REQUIRE(completion.result > 0);
    held_.push_back({completion, as_text(completion.bytes)});
    received_.at(i) += held_.back().expected;
    if (!completion.more) arm_receive(ring_, pairs_.at(i).ours, token(i));
  }

  void release_one() {
    if (held_.empty()) return;
    std::swap(held_.at(random_.below(held_.size())), held_.back());
    CHECK(as_text(held_.back().completion.bytes) == held_.back().expected);
    ring_->release(held_.back().completion.buffer);
    held_.pop_back();
  }

  TestRing ring_;
  SeededRandom random_;
  std::array<SocketPair, 2> pairs_;
  std::array<std::string, 2> sent_;
  std::array<std::string, 2> received_;
  std::vector<Held> held_;
  int shortages_ = 0;
};

}  // namespace

TEST_CASE("received bytes stay put until released, in any order of releases") {
  for (const bool incremental : {true, false}) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      CAPTURE(incremental);
      CAPTURE(seed);
      RandomReceives(incremental, seed).run(200);
    }
  }
}

TEST_CASE("a send that does not wait takes what the socket takes and then refuses") {
  TestRing ring;
  const SocketPair pair = connected_pair();
  const std::string block(256 * 1024, 'x');
  std::size_t taken = 0;
  std::int32_t result = 0;
  for (int i = 0; i < 1000 && result >= 0; ++i) {
    result = ring.run(make_send(pair.ours, as_bytes(block), false));
    if (result > 0) taken += static_cast<std::size_t>(result);
  }
  CHECK(result == -EAGAIN);
  CHECK(taken > 0);
  CHECK(taken % block.size() != 0);  // The last one that went through was short.
  CHECK(peer_receives(pair.peer, taken).size() == taken);
}

TEST_CASE("a send that waits delivers everything to a slow reader") {
  TestRing ring;
  const SocketPair pair = connected_pair();
  const std::string block(16 * 1024 * 1024, 'y');
  ring->submit(make_send(pair.ours, as_bytes(block), true));
  std::array<io::Completion, 1> out;
  CHECK(ring->run_once(out, 0) == 0);  // More than the socket takes: it waits for the reader.
  std::string got;
  pollfd readable{.fd = pair.peer.get(), .events = POLLIN, .revents = 0};
  std::size_t completed = 0;
  while (got.size() < block.size()) {
    if (completed == 0) completed = ring->run_once(out, 0);
    if (::poll(&readable, 1, 1) == 1) {
      std::string part(1024 * 1024, '\0');
      const ssize_t size = ::recv(pair.peer.get(), part.data(), part.size(), 0);
      REQUIRE(size > 0);
      got.append(part, 0, static_cast<std::size_t>(size));
    }
  }
  if (completed == 0) out[0] = ring.next(kSend);
  CHECK(out[0].token == kSend);
  CHECK(out[0].result == static_cast<int>(block.size()));
  CHECK(got == block);
}

TEST_CASE("a send to a peer that is gone fails and raises no signal") {
  TestRing ring;
  SocketPair pair = connected_pair();
  pair.peer = UniqueFd();
  std::int32_t result = 0;
  for (int i = 0; i < 1000 && result >= 0; ++i) {
    result = ring.run(make_send(pair.ours, as_bytes("hello"), true));
  }
  CHECK((result == -EPIPE || result == -ECONNRESET));
}

io::Operation make_cancel(int fd, io::Token cancelled, io::Token token) {
  io::Operation operation = make_operation(Kind::cancel, fd, token);
  operation.cancelled = cancelled;
  return operation;
}

TEST_CASE("cancel ends the operation that it names") {
  TestRing ring;
  const SocketPair pair = connected_pair();
  const UniqueFd listener = loopback_listener();
  arm_receive(ring, pair.ours);
  ring->submit(make_operation(Kind::accept, listener.get(), kAccept));
  CHECK(ring.run(make_cancel(pair.ours.get(), kReceive, waiter(1))) >= 0);
  const io::Completion receive = ring.next(kReceive);
  CHECK(receive.result == -ECANCELED);
  CHECK_FALSE(receive.more);
  // An ignored one says nothing of its own success.
  ring->submit(make_cancel(listener.get(), kAccept, 0));
  const io::Completion accept = ring.next(kAccept);
  CHECK(accept.result == -ECANCELED);
  CHECK_FALSE(accept.more);
  std::array<io::Completion, 1> out;
  CHECK(ring->run_once(out, 0) == 0);
  CHECK(ring.kept() == 0);
}

TEST_CASE("close: silent when ignored and successful, never when it fails") {
  TestRing ring;
  SocketPair pair = connected_pair();
  ring->submit(make_operation(Kind::close, pair.ours.take(), 7));
  std::array<io::Completion, 1> out;
  CHECK(ring->run_once(out, 0) == 0);
  CHECK(peer_receives(pair.peer, 1).empty());
  CHECK(ring.run(make_operation(Kind::close, pair.peer.take(), waiter(1))) == 0);
  CHECK(ring.kept() == 0);
  CHECK(ring.run(make_operation(Kind::close, -1, 7)) == -EBADF);
}
