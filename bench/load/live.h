// Shows a run to whoever waits for it: a line on standard error that is written over.
#pragma once

#include <cstdint>
#include <string>

#include "bench/load/run.h"

namespace phoenix::bench {

class LiveLine final : public Watcher {
 public:
  /// Shows nothing but the quarters of a preload when standard error is no terminal.
  LiveLine();

  /// What stands before the line, as "30 %".
  void set_label(std::string label) { label_ = std::move(label); }

  void preloading(std::uint64_t keys_stored, std::uint64_t keys) override;
  void second(const TimelineSecond& second) override;
  void ended() override;

 private:
  void show(const std::string& text);

  bool is_terminal_;
  bool is_shown_ = false;
  std::uint64_t shown_percent_ = 0;
  std::string label_;
};

}  // namespace phoenix::bench
