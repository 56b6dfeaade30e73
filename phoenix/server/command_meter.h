// Counts what a core's commands did where that is not on the way of every request: errors as they
// are encoded, and the commands within transactions.
//
// An error is rare, so nothing is noted before each request of whose it would be: that is looked up
// when one is answered. It is the command that the router has named here, or else the next part of
// the batch of another core that is being executed, or else what the session that is served sent.
#pragma once

#include "phoenix/commands/command.h"
#include "phoenix/server/metrics.h"
#include "phoenix/server/slow_watch.h"

namespace phoenix::server {

struct HopBatch;
class SessionActions;

class CommandMeter final {
 public:
  /// All outlive this. Actions may be null: no session is served.
  CommandMeter(Metrics& metrics, const SessionActions* actions, const SlowWatch& watch)
      : metrics_(metrics), actions_(actions), watch_(watch) {}
  CommandMeter(const CommandMeter&) = delete;
  CommandMeter& operator=(const CommandMeter&) = delete;

  enum class Kind : std::uint8_t { failure, refusal };
  /// Errors that are answered until end_naming() are this command's; null: nobody's.
  void name(const commands::Command* command, Kind kind = Kind::failure) {
    named_ = command;
    kind_ = kind;
    has_named_ = true;
  }
  void end_naming() { has_named_ = false; }
  /// Null: no longer.
  void execute(const HopBatch* batch) { batch_ = batch; }

  /// An error is answered to a client.
  void count_error(protocol::Status status);
  /// What was just answered, and counted as a failure, was a refusal by the shard: the command,
  /// which counts as called, did not run.
  void was_refused(const commands::Command& command);
  /// Counts as called, but waits in a transaction: it is counted when that is executed.
  void was_queued(const commands::Command& command) { of(command).not_run.add(1); }

  /// Around a command of a transaction, which runs and may answer errors.
  void begin_queued(const commands::Command& command);
  /// It did about `work`. How many nanoseconds it took, where that is worth being kept, else 0.
  std::uint64_t end_queued(std::uint64_t work);

  CommandFigures& of(const commands::Command& command) { return metrics_.commands[command.index]; }

 private:
  const commands::Command* failing() const;

  Metrics& metrics_;
  const SessionActions* actions_;
  const SlowWatch& watch_;
  const HopBatch* batch_ = nullptr;
  const commands::Command* named_ = nullptr;
  Kind kind_ = Kind::failure;
  bool has_named_ = false;
  std::uint64_t queued_since_ns_ = 0;
  bool is_sample_ = false;  // It is timed, whatever it does.
};

}  // namespace phoenix::server
