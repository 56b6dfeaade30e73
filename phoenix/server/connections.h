// One core's sessions and their sockets: accepting, receiving, sending, deadlines, closing. Knows
// bytes and lives, not requests.
//
// A session's life is one coroutine (live()); the hot path, bytes in and bytes out, is plain
// functions that the turn calls.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "phoenix/base/result.h"
#include "phoenix/io/context.h"
#include "phoenix/io/host.h"
#include "phoenix/server/metrics.h"
#include "phoenix/server/session.h"
#include "phoenix/server/shared.h"

namespace phoenix::server {

/// Is told when a session takes no requests any more, perhaps twice. It may still have replies to
/// send.
class SessionObserver {
 public:
  SessionObserver() = default;
  SessionObserver(const SessionObserver&) = delete;
  SessionObserver& operator=(const SessionObserver&) = delete;
  virtual ~SessionObserver() = default;

  virtual void closing(Session& session) = 0;
};

class Connections final {
 public:
  Connections(io::Context& io, Shared& shared, Metrics& metrics, ChunkPool& pool,
              const MemoryBudget& budget);
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;
  ~Connections();

  void set_observer(SessionObserver* observer) { observer_ = observer; }
  /// By index; null where none is.
  const std::vector<std::unique_ptr<Session>>& sessions() const { return sessions_; }

  /// Accepts from a listening socket from now on.
  void serve(int listener);

  void on_accept(const io::Completion& completion);
  void on_receive(const io::Completion& completion);
  void on_send(const io::Completion& completion);

  /// The next session with unparsed input, or null: of those whose requests take long, or of the
  /// others.
  Session* take_ready(bool takes_long);
  void make_ready(Session& session);
  /// No password is asked for any more.
  void authenticate_all();
  /// Its request waits for room in the log, or on the way to another core.
  void wait_for_room(Session& session);
  /// Its requests are paused until release_held().
  void hold(Session& session);
  void release_held();
  /// Something has completed: those that wait for room are ready again.
  void retry_waiting();
  /// It has new output, or changed otherwise: looked at at the end of the turn.
  void touch(Session& session);

  /// No further request of this session will be taken; it closes once its replies have left.
  void end_input(Session& session);
  /// Closes it at once: nothing more is sent.
  void cut_off(Session& session);
  /// Likewise, for one of many: nothing of it is run from now on, and turns close some of them
  /// each.
  void cut_off_soon(Session& session);
  /// Answers an error that belongs to no request and ends the input.
  void refuse(Session& session, std::uint32_t id, protocol::Status status, std::string_view text);

  /// As refuse, in words for a peer whose protocol is not known, or is none of ours.
  void refuse_text(Session& session, std::string_view text);

  /// Sends what may leave, arms and pauses receives, gives buffers back, reaps closed sessions.
  void end_turn(log::Position committed);

  /// Deadlines of some sessions, and listeners that ran out of descriptors.
  void tick();

  /// Stops accepting and ends the input of all sessions. After deadline_ns the rest is cut off.
  void stop(std::uint64_t deadline_ns);
  bool empty() const { return open_ == 0 && accepting_ == 0; }
  /// Work is left for the next turn that no completion will announce.
  bool has_ready() const { return !ready_.empty() || !ready_long_.empty() || !to_cut_off_.empty(); }

 private:
  struct Listener {
    int fd = -1;
    bool is_armed = false;
    bool is_paused = false;  // Out of descriptors: tried again at the next tick.
  };

  static std::uint32_t index_of(io::Token token) {
    return static_cast<std::uint32_t>(io::token_id(token));
  }
  static io::Operation socket_operation(io::Operation::Kind kind, int fd, io::Token token);

  // connections_accept.cc
  void arm_accept(std::size_t index);
  void open(int fd);
  void reject(int fd);

  void settle(Session& session);
  void detect_protocol(Session& session);
  void flush(Session& session, log::Position committed);
  void send(Session& session, std::string_view bytes);
  void update_receiving(Session& session);
  Session* find(io::Token token);

  // connections_end.cc
  io::Task<void> live(Session& session);
  void cancel_receive(Session& session);
  void cancel(const Session& session, io::TokenKind kind);
  void cut_off_some();
  bool is_unread_for_long(const Session& session, std::uint64_t now_ns) const;
  void check_deadlines(Session& session, std::uint64_t now_ns);
  void reap();

  io::Context& io_;
  Shared& shared_;
  Metrics& metrics_;
  ChunkPool& pool_;
  const MemoryBudget& budget_;
  SessionObserver* observer_ = nullptr;
  std::vector<Listener> listeners_;
  std::vector<std::unique_ptr<Session>> sessions_;  // By index; null where free.
  std::vector<std::uint32_t> free_;
  std::uint32_t generation_ = 0;
  std::size_t open_ = 0;
  std::size_t accepting_ = 0;
  std::deque<Session*> ready_;
  std::deque<Session*> ready_long_;  // Whose next request takes long.
  std::vector<Session*> waiting_for_room_;
  std::vector<Session*> paused_;
  std::vector<Session*> touched_;
  std::vector<Session*> held_;  // Outputs that wait for the commit position.
  std::vector<Session*> finished_;
  std::deque<io::Token> to_cut_off_;   // Sessions that may be gone before their turn comes.
  std::vector<io::BufferId> buffers_;  // To be given back at the end of the turn.
  log::Position committed_ = 0;
  std::size_t next_to_check_ = 0;
  std::uint64_t ticked_ns_ = 0;  // Time of the last tick: exact enough for who is idle.
  std::uint64_t stop_deadline_ns_ = 0;
  bool stops_ = false;
};

}  // namespace phoenix::server
