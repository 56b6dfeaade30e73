// The first half of check 2 (linearizability.h): the operations of one key, taken together by the
// value they wrote or read, and what these clusters alone contradict.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "bench/history/operation.h"

namespace phoenix::bench::history {

/// A value's write with all its reads.
struct Cluster {
  const Operation* write = nullptr;
  const Operation* first_response = nullptr;   // The earliest.
  const Operation* last_invocation = nullptr;  // The latest.
  bool was_read = false;

  std::uint64_t from_ns() const { return first_response->responded_ns; }
  std::uint64_t to_ns() const { return last_invocation->invoked_ns; }
  /// The key held the value all the time from from_ns() to to_ns(). Otherwise the cluster fits into
  /// an instant from to_ns() to from_ns().
  bool is_forward() const { return from_ns() < to_ns(); }
  /// What proves that the key held it, or that it was there at all.
  std::vector<Operation> evidence() const;
};

struct Clusters {
  std::vector<Cluster> values;           // Only what certainly was there at some time.
  std::vector<const Operation*> absent;  // Deletes, and reads that found nothing.
};

/// Reorders `operations`, all of one key. Otherwise the contradiction.
std::optional<Violation> cluster(std::span<const Operation*> operations, Clusters& into);

}  // namespace phoenix::bench::history
