#include "phoenix/server/command_meter.h"

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
  const bool is_timed = CommandFigures::is_first(calls - 1) || calls % CommandFigures::kFirst == 0;
  queued_since_ns_ = is_timed ? clock_.monotonic_ns() : 0;
}

void CommandMeter::end_queued() {
  if (queued_since_ns_ != 0) of(*named_).record(clock_.monotonic_ns() - queued_since_ns_);
  end_naming();
}

}  // namespace phoenix::server
