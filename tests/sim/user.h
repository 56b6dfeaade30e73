// A client of the simulated server that keeps a pipeline going, in the native protocol or in RESP:
// it draws requests, tells the oracle what it intends before it sends, and checks each reply: its
// place in the order, and its content.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "phoenix/base/random.h"
#include "phoenix/log/options.h"
#include "phoenix/sim/client.h"
#include "phoenix/sim/world.h"
#include "protocol/binary.h"
#include "tests/sim/oracle.h"
#include "tests/sim/truth.h"
#include "tests/sim/wire.h"

namespace phoenix::simtest {

/// What MULTI makes the server say.
inline constexpr const char* kQueued = "QUEUED";

/// Keys with the same tag share a core.
inline constexpr unsigned kTags = 2;
inline constexpr unsigned kKeysPerTag = 3;

/// How users behave, beside what they ask for.
struct Habits {
  bool expires_soon = false;  // Most values get a TTL of some milliseconds.
  bool half_closes = false;   // Now and then one ends its side and waits for what it is owed.
  bool reads_late = false;    // Now and then one takes nothing for a while.
  // Now and then the world goes down as soon as a key is seen to have expired.
  bool crashes_at_expiries = false;
  std::uint64_t reply_within_ns = 0;  // An answer must come by then; 0: some time.
  log::Durability durability = log::Durability::always;  // The server's.
  bool draws_waits =
      true;              // Some ask for the other kind of answer than the server gives by itself.
  bool flushes = false;  // Now and then one removes all keys. Not where connections may be lost.
  bool judges = true;    // What answers say of keys is held against the oracle.
  bool speaks_resp = true;  // Two of three connections do.
  bool sends_many = false;  // Some requests have thousands of words.
  // Most requests change long values in parts of up to so many bytes; 0: none does. Only where
  // nothing is refused and no connection is lost while the server lives on.
  std::size_t part_bytes = 0;
  std::uint64_t values_before = 0;  // So many values were drawn by whom this one takes over from.
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
  void only_read();
  /// Asks for one key and waits for what is durable, for the check after a crash.
  void read(const std::string& key);
  /// Asks for all keys.
  void list();
  /// Removes all keys, of all users. False when its connection takes no requests.
  bool flush();
  /// Nothing in flight will be answered.
  void lose_connection(bool server_lives_on);

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
  enum class Kind : std::uint8_t {
    write,
    erase,
    set_if_absent,
    expire,
    persist,
    read,
    time_left,
    list,
    size,
    echo,
    flush,
    change,  // Does what it was sent for: `answers` are known.
    take,    // GETDEL.
    get_and_expire,
    hello,
    said,  // MULTI and the like: the answer is always the same.
    watch,
    exec,
    scan,
    publish,
    read_many,
    exists
  };
  struct InFlight {
    Kind kind = Kind::read;
    std::uint32_t id = 0;
    std::uint16_t flags = 0;  // When to answer.
    bool is_durable = true;   // What the reply says can be relied on after a crash.
    std::uint64_t sent_ns = 0;
    std::uint64_t clock_steps = 0;  // By then.
    std::vector<std::string> keys;
    std::vector<VersionNumber> versions;       // Of a write.
    std::vector<ReadToken> tokens;             // Of a read, and of a write that may do nothing.
    std::map<std::string, ReadToken> counted;  // Of a question about all keys.
    std::map<std::string, unsigned> listed;
    std::vector<std::string> answers;  // As words.
    std::int64_t amount = 1;           // Of an INCRBY.
    std::vector<std::size_t> places;   // Of keys among many items:
    std::size_t items = 0;             // so many.
    bool may_abort = false;            // EXEC: a key was watched,
    bool must_abort = false;           // and has changed.
    std::string text;
  };
  /// A key that is watched until the next EXEC.
  struct Watched {
    std::string key;
    unsigned tag = 0;
    std::optional<VersionNumber> newest;  // That was sent when the answer came.
  };

  // What is asked for: user_requests.cc.
  void send_something();
  void send_write();
  void send_set(const std::string& key, std::uint16_t flags, bool has_ttl);
  std::uint64_t draw_ttl_ms();
  void send_erase();
  void send_expire();
  void send_persist(const std::string& key);
  void send_increment();
  void send_pair();
  void send_read();
  void send_read_of_many();
  void send_time_left();
  void send_echo();
  void send_walk();
  void send_small_talk();
  void send_said(const std::vector<std::string>& words, std::string answer);
  void send_hello(unsigned version);
  void send_pause();
  void send_publish();
  void send_get(InFlight& request, const std::string& key);
  void send_words(const InFlight& request, const std::vector<std::string>& words);
  void send_short(const InFlight& request, protocol::Opcode opcode, std::uint16_t flags,
                  const std::string& key, const std::string& value = {}, std::uint64_t ttl_ms = 0);
  InFlight& begin(Kind kind);
  void draw_wait(InFlight& request);
  void intend(InFlight& request, const std::string& key, Version version);
  void look_at(InFlight& request, const std::string& key);
  Version with_ttl(Version version, std::uint64_t ttl_ms) const;
  std::string own_key();
  std::string own_tagged_key(unsigned tag, std::uint64_t index) const;
  std::string key_prefix() const;
  std::string own_counter() const;
  bool owns(const std::string& key) const;
  std::string any_key();
  std::string new_value();

  // Changes whose outcome is known beforehand, alone and in transactions: user_changes.cc.
  using Words = std::vector<std::string>;
  void send_change();
  void send_transaction();
  void send_discarded();
  void send_watch();
  Words draw_change(InFlight& request, unsigned tag);
  Words change_value(InFlight& request, const std::string& key, const std::string& old);
  Words change_pair(InFlight& request, const std::string& from, const std::string& to);
  Words set_pair(InFlight& request, const std::string& a, const std::string& b);
  Words set_plainly(InFlight& request, const std::string& key);
  struct Part {
    std::size_t offset = 0;
    const std::string& bytes;
    bool appends = false;
  };
  Words write_part(InFlight& request, const std::string& key, const std::string& old,
                   const Part& part);
  void send_exec(InFlight&& queued);
  std::optional<Version> sure_version(const std::string& key) const;
  void keep_together(const InFlight& request);
  void watch_conflicts(InFlight& request);
  void check_small_talk(const InFlight& request, const protocol::Value& value);
  void refuse(const InFlight& request);
  static bool has_found(const InFlight& request, const protocol::Value& value);
  void check_change(const InFlight& request, const protocol::Value& value);
  void check_exec(const InFlight& request, const protocol::Value& value);
  void check_watch(const InFlight& request, const protocol::Value& value);
  void acknowledge(const InFlight& request);

  // Long values that change in long parts: user_parts.cc.
  std::string own_long_key(unsigned tag) const;
  std::string long_text(std::size_t size_bytes);
  std::optional<std::string> value_to_be(const std::string& key) const;
  void send_part();
  void send_parts_together(unsigned tag);
  Words draw_part(InFlight& request, const std::string& key);
  std::size_t draw_part_bytes();
  Words set_long(InFlight& request, const std::string& key);
  Words remove_long(InFlight& request, const std::string& key);
  Words set_bit(InFlight& request, const std::string& key, const std::string& old);

  // Requests of very many words: user_many.cc.
  void send_many();
  std::size_t draw_words();
  std::size_t draw_place(std::size_t count);
  Words padded(const std::string& name);
  void send_read_of_very_many();
  void check_read_of_many(const InFlight& request, const protocol::Value& value);
  void send_exists();
  void check_exists(const InFlight& request, const protocol::Value& value);
  void send_erase_of_many();
  void send_write_of_many();

  // Walks over all keys: user_walks.cc.
  void send_keys();
  void send_scan(InFlight&& walk, const std::string& cursor);
  void send_first_scan();
  void send_size();
  void count_all(InFlight& request, bool is_one_request);
  void check_list(InFlight& request, const protocol::Value& value, bool more_follows);
  void check_scan(InFlight& request, const protocol::Value& value);
  void check_listed(InFlight& request, const std::vector<protocol::Value>& keys);
  void check_unlisted(const InFlight& request);
  void check_size(const InFlight& request, const protocol::Value& value);

  // What is answered: user_replies.cc.
  bool take_reply();
  bool is_sent_away(const Answer& answer) const;
  void check_delay();
  void check(InFlight& request, const protocol::Value& value);
  bool may_be_refused(const InFlight& request, const protocol::Value& value) const;
  void check_refusal(const InFlight& request, const protocol::Value& value);
  void check_write(const InFlight& request, const protocol::Value& value);
  bool check_did_nothing(const InFlight& request, const protocol::Value& value);
  void check_read(const InFlight& request, const protocol::Value& value);
  void check_time_left(const InFlight& request, const protocol::Value& value);
  void check_key(const InFlight& request, const std::string& key, const ReadToken& token,
                 const Seen& seen);
  void crash_at_expiry(const KeyHistory& history);
  void fail(const InFlight& request, const std::string& what);

  void act_oddly();
  bool clocks_step() const { return world_.plan().wall_steps != 0; }
  ReadToken judged(const InFlight& request, ReadToken token) const;
  std::int64_t wall_ms() const { return world_.clock().wall_ms(); }

  sim::World& world_;
  Truth& truth_;
  SeededRandom& random_;
  unsigned number_;
  Habits habits_;
  sim::Client client_;
  Wire wire_;
  std::optional<Watched> watched_;
  bool is_queue_refused_ = false;  // Then EXEC is.
  std::uint64_t connects_ = 0;
  std::uint64_t messages_ = 0;  // Published.
  bool has_half_closed_ = false;
  unsigned acts_unread_ = 0;          // For as many it does not read.
  std::uint64_t reads_since_ns_ = 0;  // It has read ever since.
  std::deque<InFlight> in_flight_;
  std::uint32_t next_id_ = 1;
  std::uint64_t values_ = 0;
  unsigned key_generation_ = 0;
  std::uint64_t replies_ = 0;
  std::optional<std::string> last_value_;
  std::vector<std::string> listed_;
};

/// Now and then lets one of the users remove all keys; for every step of a run. True when one did.
bool flush_now_and_then(Truth& truth, SeededRandom& random,
                        const std::vector<std::unique_ptr<User>>& users);

}  // namespace phoenix::simtest
