#include "phoenix/server/command_meter.h"

#include <algorithm>

#include "phoenix/server/hop.h"
#include "phoenix/server/router.h"

namespace phoenix::server {

using commands::Command;

const Command* CommandMeter::failing() const {
  if (has_named_) return named_;
  if (batch_ != nullptr) return batch_->parts[batch_->executed].command;
  return actions_ == nullptr ? nullptr : actions_->served_command();
}

void CommandMeter::count_error(protocol::Status status) {
  metrics_.errors[static_cast<std::size_t>(status)].add(1);
  const Command* const command = failing();
  if (command == nullptr) return;
  const bool is_refusal = has_named_ && kind_ == Kind::refusal;
  (is_refusal ? of(*command).rejected : of(*command).failed).add(1);
}

void CommandMeter::was_refused(const Command& command) {
  CommandFigures& figures = of(command);
  figures.failed.set(figures.failed.get() - 1);
  figures.rejected.add(1);
  figures.not_run.add(1);
}

void CommandMeter::begin_queued(const Command& command) {
  name(&command);
  const std::uint64_t calls = metrics_.calls[command.index].count();
  is_sample_ = CommandFigures::is_first(calls - 1) || calls % CommandFigures::kFirst == 0;
  queued_since_ns_ = watch_.clock().monotonic_ns();
}

std::uint64_t CommandMeter::end_queued(std::uint64_t work) {
  end_naming();
  if (!is_sample_ && !watch_.is_heavy(work)) return 0;
  const std::uint64_t took_ns = watch_.clock().monotonic_ns() - queued_since_ns_;
  of(*named_).record(took_ns);
  // With a threshold of 0 also what was faster than the clock can tell is slow.
  return watch_.is_slow(work, took_ns) ? std::max<std::uint64_t>(took_ns, 1) : 0;
}

}  // namespace phoenix::server
