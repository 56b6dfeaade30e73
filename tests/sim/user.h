// A client of the simulated server that keeps a pipeline going: it draws requests, tells the oracle
// what it intends before it sends, and checks each reply: its place in the order, and its content.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "phoenix/base/random.h"
#include "phoenix/sim/client.h"
#include "phoenix/sim/world.h"
#include "protocol/binary.h"
#include "tests/sim/oracle.h"

namespace phoenix::simtest {

/// What all users share: the histories of all keys and the latest time the server can know.
struct Truth {
  std::map<std::string, KeyHistory> keys;
  std::map<std::string, std::int64_t> counters;  // Keys that INCR writes: the next number.
  std::int64_t highest_wall_ms = 0;              // Process::highest_wall_ms() of all lives.
  bool server_stops = false;                     // It was told to: who connects late is sent away.
  std::string violation;                         // The first one.

  void violate(const std::string& what) {
    if (violation.empty()) violation = what;
  }
};

/// How users behave, beside what they ask for.
struct Habits {
  bool expires_soon = false;  // Most values get a TTL of some milliseconds.
  bool half_closes = false;   // Now and then one ends its side and waits for what it is owed.
  bool reads_late = false;    // Now and then one takes nothing for a while.
};

class User final {
 public:
  User(sim::World& world, Truth& truth, SeededRandom& random, unsigned number,
       const Habits& habits = {});
  User(const User&) = delete;
  User& operator=(const User&) = delete;

  void connect();
  /// Sends some requests if the pipeline has room; takes and checks replies.
  void act();
  /// Only takes and checks replies.
  void take_replies();
  /// Asks for nothing more on this connection, and takes all that comes.
  void only_read() { client_.set_reading(true); }
  /// Asks for one key, for the check after a crash.
  void read(const std::string& key);
  /// Asks for all keys.
  void list();
  /// The server is gone: nothing in flight will be answered.
  void lose_connection();

  bool is_idle() const { return in_flight_.empty(); }
  std::uint64_t replies() const { return replies_; }
  /// Value of the last reply to read(); nothing when the key was not there.
  const std::optional<std::string>& last_value() const { return last_value_; }
  /// Keys of the last listing.
  const std::vector<std::string>& listed() const { return listed_; }
  bool is_connected() const { return client_.open(); }
  /// The connection has ended, for whatever reason.
  bool is_broken() const;
  /// The server has ended the connection in order although it owes answers.
  bool was_left_without_answers() const;

 private:
  enum class Kind : std::uint8_t { write, erase, set_if_absent, expire, read, list, size, echo };
  struct InFlight {
    Kind kind = Kind::read;
    std::uint32_t id = 0;
    bool is_acknowledged_when_durable = true;
    bool is_counter = false;
    std::vector<std::string> keys;
    std::vector<VersionNumber> versions;
    std::vector<ReadToken> tokens;
    std::string text;
  };

  void act_oddly();
  void send_something();
  void send_write();
  std::uint64_t draw_ttl_ms();
  void send_erase();
  void send_expire();
  void send_increment();
  void send_pair();
  void send_read(bool many);
  void send_argv(InFlight& request, const std::vector<std::string>& words);
  InFlight& begin(Kind kind);
  void intend(InFlight& request, const std::string& key, Version version);
  std::string own_key();
  std::string any_key();
  std::string new_value();
  std::int64_t lateness_ms() const;
  std::int64_t back_step_ms() const;
  std::int64_t wall_ms() const { return world_.clock().wall_ms(); }

  bool take_reply();
  void check(const InFlight& request, const protocol::ReplyHeader& header,
             const protocol::Value& value);
  void check_write(const InFlight& request, const protocol::ReplyHeader& header,
                   const protocol::Value& value);
  void check_read(const InFlight& request, const protocol::ReplyHeader& header,
                  const protocol::Value& value);
  void fail(const InFlight& request, const std::string& what);

  sim::World& world_;
  Truth& truth_;
  SeededRandom& random_;
  unsigned number_;
  Habits habits_;
  sim::Client client_;
  bool has_half_closed_ = false;
  unsigned acts_unread_ = 0;  // For as many it does not read.
  std::deque<InFlight> in_flight_;
  std::uint32_t next_id_ = 1;
  std::uint64_t values_ = 0;
  unsigned key_generation_ = 0;
  std::uint64_t replies_ = 0;
  std::optional<std::string> last_value_;
  std::vector<std::string> listed_;
};

}  // namespace phoenix::simtest
