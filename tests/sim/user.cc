#include "tests/sim/user.h"

#include <algorithm>

#include "tests/sim/process.h"

namespace phoenix::simtest {
namespace {

constexpr std::size_t kPipeline = 12;
constexpr std::size_t kSegmentBytes = 65'536;

}  // namespace

User::User(sim::World& world, Truth& truth, SeededRandom& random, unsigned number,
           const Habits& habits)
    : world_(world),
      truth_(truth),
      random_(random),
      number_(number),
      habits_(habits),
      client_(world),
      values_(habits.values_before) {}

void User::connect() {
  io::Endpoint endpoint;
  endpoint.address = "127.0.0.1";
  endpoint.port = kPort;
  client_.connect(endpoint);
  ++connects_;
  watched_.reset();
  is_queue_refused_ = false;
  const bool is_resp = habits_.speaks_resp && random_.below(3) != 0;
  wire_.start(is_resp ? Protocol::resp : Protocol::native);
  if (is_resp && random_.below(2) == 0) send_hello(3);
  // Split anywhere; a long value takes its time then.
  const bool is_split = habits_.reply_within_ns == 0 && random_.below(4) == 0;
  client_.set_segment_bytes(is_split ? 1 + random_.below(300) : kSegmentBytes);
  has_half_closed_ = false;
  acts_unread_ = 0;
}

bool User::is_broken() const {
  return client_.state() != sim::ClientState::open &&
         client_.state() != sim::ClientState::connecting;
}

bool User::was_left_without_answers() const {
  return client_.state() == sim::ClientState::ended && !in_flight_.empty();
}

// What was sent and not answered may still happen on a server that lives on, at any time: those
// keys cannot be reasoned about any more, and new names take their place.
void User::lose_connection(bool server_lives_on) {
  client_.reset();
  const bool has_flush = std::any_of(in_flight_.begin(), in_flight_.end(), [](const auto& request) {
    return request.kind == Kind::flush;
  });
  if (has_flush) truth_.flush = Flush::none;
  in_flight_.clear();
  if (server_lives_on) ++key_generation_;
}

void User::act() {
  const bool may_send = client_.open() && !has_half_closed_;
  if (may_send && in_flight_.size() < kPipeline && random_.below(3) != 0) {
    const std::uint64_t burst = 1 + random_.below(6);
    for (std::uint64_t i = 0; i < burst; ++i) send_something();
  }
  if (client_.open()) act_oddly();
  take_replies();
  check_delay();
}

void User::act_oddly() {
  if (habits_.half_closes && !has_half_closed_ && random_.below(40) == 0) {
    client_.half_close();
    has_half_closed_ = true;
  }
  if (acts_unread_ > 0 && --acts_unread_ == 0) {
    only_read();
  } else if (habits_.reads_late && acts_unread_ == 0 && random_.below(20) == 0) {
    client_.set_reading(false);
    acts_unread_ = 1 + static_cast<unsigned>(random_.below(30));
  }
}

void User::only_read() {
  client_.set_reading(true);
  reads_since_ns_ = world_.now_ns();
}

void User::take_replies() {
  // Where clocks step by themselves the driver has noted each step.
  if (!clocks_step()) truth_.highest_wall_ms = std::max(truth_.highest_wall_ms, wall_ms());
  while (truth_.violation.empty() && take_reply()) {
  }
}

bool flush_now_and_then(Truth& truth, SeededRandom& random,
                        const std::vector<std::unique_ptr<User>>& users) {
  constexpr std::uint64_t kEvery = 200;
  if (truth.flush == Flush::none && random.below(kEvery) == 0) truth.flush = Flush::awaited;
  if (truth.flush != Flush::awaited) return false;
  const bool all_idle =
      std::all_of(users.begin(), users.end(), [](const auto& user) { return user->is_idle(); });
  return all_idle && users[random.below(users.size())]->flush();
}

// What has been answered was answered in time if it is here now.
void User::check_delay() {
  if (habits_.reply_within_ns == 0 || in_flight_.empty() || acts_unread_ > 0) return;
  if (!client_.open() || world_.down()) return;
  const std::uint64_t since_ns = std::max(in_flight_.front().sent_ns, reads_since_ns_);
  if (world_.now_ns() - since_ns <= habits_.reply_within_ns) return;
  fail(in_flight_.front(),
       "no answer within " + std::to_string(habits_.reply_within_ns / kNanosPerMs) + " ms");
}

}  // namespace phoenix::simtest
