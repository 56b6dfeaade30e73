// What may be found after a crash: for each core, what was there at the start of the process and a
// prefix of the changes made since, no shorter than what was acknowledged. Once a later process has
// served from one such prefix, nothing else may ever be found again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/unit/log_crash/process.h"

namespace phoenix::log_test {

class Oracle final {
 public:
  /// The process serves: what it shows is true from now on.
  void begin(const Process& process, unsigned cores);

  void put(Process& process, const std::string& key, const Value& value);
  void erase(Process& process, const std::string& key);
  void clear(Process& process, unsigned core);
  void patch(Process& process, const std::string& key, std::size_t offset, const std::string& part);
  void set_expiry(Process& process, const std::string& key, engine::ExpiryMs expires_at_ms);

  /// What is acknowledged now stays acknowledged.
  void note_acknowledged(const Process& process);

  /// Empty when `found` may be found after a crash now; else what is wrong.
  std::string judge(const Map& found) const;

  std::size_t changes() const;
  unsigned cores() const { return static_cast<unsigned>(cores_.size()); }

 private:
  struct Change {
    std::string key;
    std::optional<Value> value;  // None: erased.
    log::Position position = 0;
    bool clears = false;  // All keys of the core.
  };
  struct Core {
    Map base;
    std::vector<Change> changes;
    std::size_t acknowledged = 0;
  };

  void note(const Process& process, const std::string& key, std::optional<Value> value,
            const std::optional<Process::Written>& written);
  static void apply(Map& map, const Change& change);
  Map of_core(const Map& map, unsigned core) const;

  std::vector<Core> cores_;
  log::SlotMap slots_;
};

}  // namespace phoenix::log_test
