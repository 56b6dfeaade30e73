// What is asked of the server: which requests, over which keys and values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/workload/key_choice.h"
#include "bench/workload/sizes.h"
#include "phoenix/base/result.h"

namespace phoenix::bench {

/// Shares of the operations; they add up to 1.
struct Mix {
  double get = 1;
  double set = 0;
  double del = 0;
  double insert = 0;           // SET of a key that was not there before.
  double read_modify_set = 0;  // GET, and SET of the same key right behind it.
  double multi_get = 0;        // Of 1 to 100 keys whose numbers follow each other.

  /// "80:15:5": the shares of GET, SET and DEL, in any unit; the last one may be left out.
  static Result<Mix> parse(std::string_view text);
};

/// How long a stored key lives; 0 and 0: for ever. Between the two, by the key's number.
struct TtlRange {
  std::uint64_t min_ms = 0;
  std::uint64_t max_ms = 0;

  bool any() const { return max_ms != 0; }
  std::uint64_t of(std::uint64_t key) const;

  /// "1500" or "1000-5000", in milliseconds.
  static Result<TtlRange> parse(std::string_view text);
  std::string text() const;
};

struct WorkloadOptions {
  std::string name = "mixed";
  Mix mix{.get = 0.9, .set = 0.1};
  Distribution distribution;
  std::uint64_t keys = 1'000'000;
  Sizes key_size{16};
  Sizes value_size{64};
  TtlRange ttl;
  std::string replay_path;  // Commands from this file instead of the mix.
};

/// How many different keys may come up: inserts add to the keys that there are.
std::uint64_t key_numbers(const WorkloadOptions& options);

/// get, set, del, mixed, or ycsb-a to ycsb-f: sets the mix, and for YCSB the distribution. Workload
/// E reads 1 to 100 keys at once in the place of YCSB's scan over an order that hashed keys lack.
/// Record and key sizes stay what they are (YCSB's are --value-size 1000).
Result<void> set_workload(std::string_view name, WorkloadOptions& options);

/// "get,set,del,mixed,ycsb-a, ..." for messages and help.
std::string workload_names();

}  // namespace phoenix::bench
