// The comparison as it happens: servers come up, are loaded in turn, and go again, pass by pass.
#pragma once

#include <cstddef>

#include "bench/compare/summary.h"
#include "bench/load/run.h"

namespace phoenix::bench::compare {

/// Is told how it goes on.
class Watcher {
 public:
  virtual void starting(std::size_t pass, std::size_t server) = 0;
  virtual void measuring(const Run& run) = 0;  // Its place only.
  virtual void measured(const Run& run) = 0;

 protected:
  ~Watcher() = default;
};

/// Runs it all, or until Surroundings::stop. On return no server is left, and neither are their
/// directories. What a server does wrong is in the result; an error is what no comparison survives.
/// Call it on the main thread (see Child).
Result<Comparison> compare_servers(const Options& options, const Surroundings& surroundings,
                                   Watcher& watcher);

}  // namespace phoenix::bench::compare
