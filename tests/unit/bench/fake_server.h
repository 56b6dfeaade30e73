// A server in memory behind io::Ring, on virtual time: every run of a worker is decided by a seed,
// with short sends, replies in pieces of any size, and receives that end early. A calm one does
// nothing of the kind: it answers at the next turn, but for a stall and a rate that are set. Faults
// are planted by number.
#pragma once

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/base/check.h"
#include "phoenix/base/clock.h"
#include "phoenix/base/random.h"
#include "phoenix/io/ring.h"
#include "protocol/binary.h"

namespace phoenix::bench {

class ManualClock final : public Clock {
 public:
  std::int64_t wall_ms() const override { return 0; }
  std::uint64_t monotonic_ns() const override { return now_ns; }

  std::uint64_t now_ns = 1;
};

/// What goes wrong, at which request (counted from 1 over all connections); 0: never.
struct Faults {
  std::uint64_t wrong_value_at = 0;  // One bit of the next GET's value.
  std::uint64_t lose_write_at = 0;   // Acknowledged and not kept.
  std::uint64_t error_at = 0;        // Answered with an error.
  std::uint64_t swap_ids_at = 0;     // Answered with the wrong id.
  std::uint64_t close_at = 0;        // The connection ends instead of the reply.
  std::uint64_t refuse_at = 0;       // As close_at, and the server says why.
  std::uint64_t silent_from = 0;     // No reply from then on.
};

class FakeServer final : public io::Ring {
 public:
  static constexpr std::uint64_t kTurnNs = 1000;  // That every turn takes.

  FakeServer(ManualClock& clock, std::uint64_t seed) : clock_(clock), random_(seed) {}

  /// Everything whole and at once, but that nothing leaves it from one time to the other.
  void be_calm(std::uint64_t stall_from_ns = 0, std::uint64_t stall_until_ns = 0) {
    is_calm_ = true;
    stall_from_ns_ = stall_from_ns;
    stall_until_ns_ = stall_until_ns;
  }

  void submit(const io::Operation& operation) override {
    Peer& peer = peers_[operation.fd];
    if (operation.kind == io::Operation::Kind::receive) {
      PHX_CHECK(!peer.receive);
      peer.receive = operation.token;
    } else {
      PHX_CHECK(operation.kind == io::Operation::Kind::send && !peer.send);
      peer.send = operation.token;
      peer.source = operation.source;
    }
  }

  std::size_t run_once(std::span<io::Completion> out, std::uint64_t deadline_ns) override {
    PHX_CHECK(lent_ == 0);
    clock_.now_ns += kTurnNs;
    std::size_t count = 0;
    for (auto& [fd, peer] : peers_) {
      if (count + 2 > out.size()) break;
      if (peer.send && acts()) out[count++] = take(peer);
      if (peer.receive && acts()) deliver(peer, out, count);
    }
    if (count == 0 && idle()) clock_.now_ns = std::max(clock_.now_ns, wakes_at(deadline_ns));
    if (stop_at_ns != 0 && clock_.now_ns >= stop_at_ns) stop = true;
    return count;
  }

  void release(io::BufferId buffer) override {
    PHX_CHECK(buffer == kBuffer && lent_ != 0);
    --lent_;
  }

  int wake_handle() const override { return -1; }

  Faults faults;
  std::uint64_t ns_per_request = 0;  // That answering takes, one after the other.
  std::uint64_t stop_at_ns = 0;      // When `stop` becomes true; 0: never.
  std::atomic<bool> stop{false};
  std::map<std::string, std::string> stored;
  std::uint64_t requests = 0;
  std::uint64_t gets = 0;
  std::vector<std::string> commands;  // First words of what came as words, in order.
  std::uint16_t set_flags = 0;        // Of the last SET.
  std::size_t outstanding_max = 0;    // Requests that one connection had in one piece.

 private:
  static constexpr io::BufferId kBuffer = 7;

  struct Peer {
    std::optional<io::Token> receive;
    std::optional<io::Token> send;
    std::span<const std::byte> source;
    std::string input;
    std::string output;
    std::string delivered;  // What the last completion points to.
    bool closed = false;
  };

  bool acts() { return is_calm_ || random_.below(4) != 0; }
  bool stalls() const { return clock_.now_ns >= stall_from_ns_ && clock_.now_ns < stall_until_ns_; }

  std::uint64_t wakes_at(std::uint64_t deadline_ns) const {
    return stalls() ? std::min(deadline_ns, stall_until_ns_) : deadline_ns;
  }

  bool idle() const {
    return std::none_of(peers_.begin(), peers_.end(), [this](const auto& each) {
      const bool has_output = !each.second.output.empty() && !stalls();
      return each.second.send || has_output || each.second.closed;
    });
  }

  // Takes some of what is being sent: mostly all, else at least one byte of it.
  io::Completion take(Peer& peer) {
    if (peer.closed) return broken(peer);
    std::size_t size = peer.source.size();
    if (!is_calm_ && random_.below(3) == 0) size = 1 + random_.below(size);
    peer.input.append(reinterpret_cast<const char*>(peer.source.data()), size);
    answer(peer);
    io::Completion completion;
    completion.token = *peer.send;
    completion.result = static_cast<std::int32_t>(size);
    peer.send.reset();
    return completion;
  }

  static io::Completion broken(Peer& peer) {
    io::Completion completion;
    completion.token = *peer.send;
    completion.result = -EPIPE;
    peer.send.reset();
    return completion;
  }

  void deliver(Peer& peer, std::span<io::Completion> out, std::size_t& count) {
    io::Completion completion;
    completion.token = *peer.receive;
    if (is_calm_ && stalls()) return;
    if (!peer.output.empty()) {
      const std::size_t size = is_calm_ || random_.below(2) == 0
                                   ? peer.output.size()
                                   : 1 + random_.below(peer.output.size());
      peer.delivered = peer.output.substr(0, size);
      peer.output.erase(0, size);
      completion.bytes = std::as_bytes(std::span(peer.delivered.data(), size));
      completion.result = static_cast<std::int32_t>(size);
      completion.buffer = kBuffer;
      ++lent_;
    } else if (!is_calm_ && random_.below(8) == 0) {
      completion.result = -ENOBUFS;
    } else if (!peer.closed) {
      return;
    }
    completion.more = completion.result > 0 && (is_calm_ || random_.below(3) != 0);
    if (!completion.more) peer.receive.reset();
    out[count++] = completion;
  }

  void answer(Peer& peer) {
    std::size_t outstanding = 0;
    while (peer.input.size() >= protocol::kHeaderBytes) {
      protocol::RequestHeader header;
      PHX_CHECK(decode_header(peer.input.data(), header).ok());
      PHX_CHECK(header.id != 0);  // Left to what the server says unasked.
      if (peer.input.size() < header.frame_bytes()) return;
      answer_one(peer, header, peer.input.substr(0, header.frame_bytes()));
      peer.input.erase(0, header.frame_bytes());
      outstanding_max = std::max(outstanding_max, ++outstanding);
    }
  }

  // MGET, and whatever else is replayed: OK.
  void answer_words(std::string_view frame, protocol::Value& reply,
                    std::vector<std::string>& values) {
    std::vector<std::string_view> words;
    PHX_CHECK(protocol::decode_argv(frame, protocol::kArgsMax, words).ok());
    commands.emplace_back(words.front());
    if (words.front() != "MGET") return;
    reply.kind = protocol::Kind::list;
    values.reserve(words.size());  // Its strings are pointed to.
    for (const std::string_view word : std::span(words).subspan(1)) {
      const auto found = stored.find(std::string(word));
      protocol::Value& item = reply.items.emplace_back();
      item.kind = found == stored.end() ? protocol::Kind::nil : protocol::Kind::bytes;
      if (found == stored.end()) continue;
      item.bytes = values.emplace_back(found->second);
    }
  }

  void answer_one(Peer& peer, const protocol::RequestHeader& header, const std::string& frame) {
    ++requests;
    clock_.now_ns += ns_per_request;
    const std::string key =
        frame.substr(protocol::kHeaderBytes + header.ttl_bytes(), header.key_bytes);
    protocol::Value reply;
    std::string value;
    std::vector<std::string> values;
    if (header.type == static_cast<std::uint8_t>(protocol::Opcode::set)) {
      set_flags = header.flags;
      if (requests != faults.lose_write_at)
        stored[key] = frame.substr(frame.size() - header.value_bytes);
    } else if (header.type == static_cast<std::uint8_t>(protocol::Opcode::del)) {
      reply.kind = protocol::Kind::integer;
      reply.integer = static_cast<std::int64_t>(stored.erase(key));
    } else if (header.type == static_cast<std::uint8_t>(protocol::Opcode::argv)) {
      answer_words(std::string_view(frame).substr(protocol::kHeaderBytes), reply, values);
    } else {
      ++gets;
      reply.status = stored.contains(key) ? protocol::Status::ok : protocol::Status::nil;
      reply.kind = stored.contains(key) ? protocol::Kind::bytes : protocol::Kind::none;
      value = stored.contains(key) ? stored[key] : std::string();
      if (requests >= faults.wrong_value_at && faults.wrong_value_at != 0 && !value.empty()) {
        value.back() ^= 1;
        faults.wrong_value_at = 0;
      }
      reply.bytes = value;
    }
    if (requests == faults.error_at) {
      reply = {};
      reply.status = protocol::Status::disk_full;
      reply.bytes = "the log has no room";
    }
    if (faults.silent_from != 0 && requests >= faults.silent_from) return;
    if (requests == faults.refuse_at) {
      reply = {};
      reply.status = protocol::Status::busy;
      reply.bytes = "go away";
      append_reply(peer.output, 0, reply);
      peer.closed = true;
    }
    peer.closed = peer.closed || requests == faults.close_at;
    if (peer.closed) return;
    append_reply(peer.output, header.id + (requests == faults.swap_ids_at ? 1 : 0), reply);
  }

  ManualClock& clock_;
  SeededRandom random_;
  bool is_calm_ = false;
  std::uint64_t stall_from_ns_ = 0;
  std::uint64_t stall_until_ns_ = 0;
  std::map<int, Peer> peers_;
  std::size_t lent_ = 0;
};

}  // namespace phoenix::bench
