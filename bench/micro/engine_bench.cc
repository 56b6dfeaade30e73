// What the engine costs by itself, on one core, without protocol, log or sockets:
//   engine-bench [entries, default 1000000] [section ...]
// Sections: insert, lookup, bytes, expiry; all of them when none is named. Times are CPU time of
// the thread; look-ups are the best of three runs and include making the key and its hash.
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "phoenix/base/random.h"
#include "phoenix/engine/keyspace.h"

namespace phoenix::engine {
namespace {

constexpr std::size_t kValueBytes = 64;
constexpr std::int64_t kNowMs = 1'750'000'000'000;

std::uint64_t nanoseconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}
std::uint64_t cpu_ns() {
  return nanoseconds(CLOCK_THREAD_CPUTIME_ID);
}
std::uint64_t wall_ns() {
  return nanoseconds(CLOCK_MONOTONIC);
}

class CountingSink final : public EffectSink {
 public:
  LogPosition emit(const Effect& effect) override {
    bytes_ += effect.key.size() + effect.value.bytes.size();
    return {++count_};
  }
  std::uint64_t count_ = 0;
  std::uint64_t bytes_ = 0;
};

struct BenchKey {
  BenchKey() = default;
  explicit BenchKey(std::uint64_t number) {
    SeededRandom random(number * 2);
    for (auto& word : words) word = random.next();
  }
  std::string_view view() const {
    return {reinterpret_cast<const char*>(words.data()), sizeof words};
  }
  std::array<std::uint64_t, 2> words{};
};

struct Bench {
  Bench() : random(42), keyspace(HashKey::draw(random), sink) {}

  Key key_of(const BenchKey& key) { return {key.view(), keyspace.hash_of(key.view())}; }
  void put(std::uint64_t number, ExpiryMs expiry = kNoExpiry) {
    const BenchKey key(number);
    keyspace.put(key_of(key), NewValue::copy_of({value.data(), kValueBytes}), expiry);
  }

  SeededRandom random;
  CountingSink sink;
  Keyspace keyspace;
  std::array<char, kValueBytes> value{};
};

// The slowest steps, apart from those in which the kernel was at work: a fresh region is zeroed on
// its first touch, and on a busy machine others take the CPU.
class Worst {
 public:
  void add(std::uint64_t ns) {
    if (ns < kSlowNs) {
      quiet_ns_ = std::max(quiet_ns_, ns);
      return;
    }
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    const long disturbances = usage.ru_minflt + usage.ru_nivcsw + usage.ru_nvcsw;
    if (disturbances == seen_) {
      quiet_ns_ = std::max(quiet_ns_, ns);
      ++slow_;
    } else {
      disturbed_ns_ = std::max(disturbed_ns_, ns);
      ++disturbed_;
    }
    seen_ = disturbances;
  }
  void print(const char* what) const {
    std::printf("  worst %s %.1f us (%d over %.0f us); with faults or preemption %.1f us (%d)\n",
                what, static_cast<double>(quiet_ns_) / 1e3, slow_, kSlowNs / 1e3,
                static_cast<double>(disturbed_ns_) / 1e3, disturbed_);
  }

 private:
  static constexpr std::uint64_t kSlowNs = 10'000;
  std::uint64_t quiet_ns_ = 0;
  std::uint64_t disturbed_ns_ = 0;
  long seen_ = 0;
  int slow_ = 0;
  int disturbed_ = 0;
};

double per(std::uint64_t total, std::uint64_t count) {
  return static_cast<double>(total) / static_cast<double>(count);
}

enum class Operation { hit, miss, overwrite };

std::vector<std::uint32_t> choose(std::uint64_t entries, std::uint64_t count) {
  SeededRandom random(7);
  std::vector<std::uint32_t> chosen(count);
  for (auto& number : chosen) number = static_cast<std::uint32_t>(random.below(entries));
  return chosen;
}

// One pass over random keys in batches: both prefetch stages for the whole batch, then the work.
template <std::size_t Batch>
double pass_ns(Bench& bench, std::uint64_t entries, Operation operation) {
  constexpr std::uint64_t kOperations = 2'000'000;
  static std::vector<std::uint32_t> chosen = choose(entries, kOperations);
  const std::uint64_t offset = operation == Operation::miss ? entries : 0;
  std::uint64_t found = 0;
  std::array<char, kValueBytes> copy{};
  std::array<BenchKey, Batch> keys;
  std::array<std::uint64_t, Batch> hashes{};
  const std::uint64_t start = cpu_ns();
  for (std::uint64_t done = 0; done < kOperations; done += Batch) {
    for (std::size_t i = 0; i < Batch; ++i) {
      keys[i] = BenchKey(chosen[done + i] + offset);
      hashes[i] = bench.keyspace.hash_of(keys[i].view());
    }
    if constexpr (Batch > 1) {
      for (const std::uint64_t hash : hashes) bench.keyspace.prefetch_index(hash);
      for (const std::uint64_t hash : hashes) bench.keyspace.prefetch_entry(hash);
    }
    for (std::size_t i = 0; i < Batch; ++i) {
      const Key key{keys[i].view(), hashes[i]};
      if (operation == Operation::overwrite) {
        bench.keyspace.put(key, NewValue::copy_of({copy.data(), kValueBytes}), kNoExpiry);
        continue;
      }
      EntryView view;
      if (!bench.keyspace.find(key, kNowMs, view)) continue;
      std::memcpy(copy.data(), view.value.data(), kValueBytes);
      ++found;
    }
  }
  const std::uint64_t took = cpu_ns() - start;
  const bool as_expected = found == (operation == Operation::hit ? kOperations : 0);
  if (operation != Operation::overwrite && !as_expected) {
    std::fprintf(stderr, "wrong number of hits: %llu\n", static_cast<unsigned long long>(found));
    std::exit(1);
  }
  return per(took, kOperations);
}

template <std::size_t Batch>
double best_ns(Bench& bench, std::uint64_t entries, Operation operation) {
  double best = pass_ns<Batch>(bench, entries, operation);
  for (int run = 1; run < 3; ++run) {
    best = std::min(best, pass_ns<Batch>(bench, entries, operation));
  }
  return best;
}

void print_row(Bench& bench, std::uint64_t entries, const char* name, Operation operation) {
  const double one = best_ns<1>(bench, entries, operation);
  const double sixteen = best_ns<16>(bench, entries, operation);
  const double many = best_ns<64>(bench, entries, operation);
  std::printf("  %-10s batch 1 %6.1f ns, 16 %6.1f ns, 64 %6.1f ns\n", name, one, sixteen, many);
}

// Fills an empty keyspace in batches, and returns the time per entry: the kernel's share, for pages
// that are touched first, is in it.
template <std::size_t Batch>
double fill_ns(Bench& bench, std::uint64_t entries) {
  std::array<BenchKey, Batch> keys;
  std::array<std::uint64_t, Batch> hashes{};
  const NewValue value = NewValue::copy_of({bench.value.data(), kValueBytes});
  const std::uint64_t start = cpu_ns();
  for (std::uint64_t done = 0; done < entries; done += Batch) {
    for (std::size_t i = 0; i < Batch; ++i) {
      keys[i] = BenchKey(done + i);
      hashes[i] = bench.keyspace.hash_of(keys[i].view());
    }
    if constexpr (Batch > 1) {
      for (const std::uint64_t hash : hashes) bench.keyspace.prefetch_index(hash);
      for (const std::uint64_t hash : hashes) bench.keyspace.prefetch_entry(hash);
    }
    for (std::size_t i = 0; i < Batch; ++i) {
      bench.keyspace.put({keys[i].view(), hashes[i]}, value, kNoExpiry);
    }
  }
  return per(cpu_ns() - start, entries);
}

void bench_insert(std::uint64_t entries) {
  double one = 0;
  double many = 0;
  {
    Bench bench;
    one = fill_ns<1>(bench, entries);
  }
  {
    Bench bench;
    many = fill_ns<64>(bench, entries);
  }
  std::printf("%llu entries of 16 + 64 bytes\n  insert     batch 1 %6.1f ns, 64 %6.1f ns\n",
              static_cast<unsigned long long>(entries), one, many);
  // The same inserts twice: what is slow in both runs is ours, the rest is the machine's.
  std::vector<std::uint32_t> fastest_ns(entries, ~std::uint32_t{0});
  Worst worst;
  for (const bool is_last : {false, true}) {
    Bench bench;
    std::uint64_t before = wall_ns();
    for (std::uint64_t i = 0; i < entries; ++i) {
      bench.put(i);
      const std::uint64_t after = wall_ns();
      const auto took_ns = static_cast<std::uint32_t>(after - before);
      fastest_ns[i] = std::min(fastest_ns[i], took_ns);
      if (is_last) worst.add(fastest_ns[i]);
      before = after;
    }
  }
  worst.print("insert");
}

void bench_lookup(std::uint64_t entries) {
  Bench bench;
  fill_ns<64>(bench, entries);
  const double overhead = per(bench.keyspace.memory_bytes(), bench.keyspace.size()) - 80;
  std::printf("%llu entries of 16 + 64 bytes: %.1f bytes each beyond those\n",
              static_cast<unsigned long long>(entries), overhead);
  print_row(bench, entries, "hit", Operation::hit);
  print_row(bench, entries, "miss", Operation::miss);
  print_row(bench, entries, "overwrite", Operation::overwrite);
  const std::uint64_t erase_start = cpu_ns();
  for (std::uint64_t i = 0; i < entries; ++i) {
    const BenchKey key(i);
    bench.keyspace.erase(bench.key_of(key), kNowMs);
  }
  std::printf("  erase all  %.1f ns; %.1f MiB are left\n", per(cpu_ns() - erase_start, entries),
              static_cast<double>(bench.keyspace.memory_bytes()) / (1 << 20));
}

void bench_bytes(std::uint64_t entries) {
  Bench bench;
  double low = 1e9;
  double high = 0;
  double sum = 0;
  int samples = 0;
  for (std::uint64_t i = 0; i < 2 * entries; ++i) {
    bench.put(i);
    if (i < entries || i % (entries / 64) != 0) continue;
    const double overhead = per(bench.keyspace.memory_bytes(), i + 1) - 80;
    low = std::min(low, overhead);
    high = std::max(high, overhead);
    sum += overhead;
    ++samples;
  }
  std::printf("overhead per 16 + 64 entry from %llu to twice as many: %.1f bytes (%.1f to %.1f)\n",
              static_cast<unsigned long long>(entries), sum / samples, low, high);
}

void bench_expiry(std::uint64_t entries) {
  constexpr std::int64_t kDayMs = 24 * 3600 * 1000;
  Bench plain;
  const std::uint64_t plain_start = cpu_ns();
  for (std::uint64_t i = 0; i < entries; ++i) plain.put(i);
  const double plain_ns = per(cpu_ns() - plain_start, entries);

  Bench bench;
  bench.keyspace.remove_expired(kNowMs, 0);
  const std::uint64_t start = cpu_ns();
  for (std::uint64_t i = 0; i < entries; ++i) {
    bench.put(i, kNowMs + 1 + static_cast<std::int64_t>(bench.random.below(kDayMs)));
  }
  std::printf(
      "%llu entries that live up to 24 hours: put %.1f ns (%.1f without), %.1f bytes more\n",
      static_cast<unsigned long long>(entries), per(cpu_ns() - start, entries), plain_ns,
      per(bench.keyspace.memory_bytes(), entries) - per(plain.keyspace.memory_bytes(), entries));

  Worst worst;
  std::size_t removed = 0;
  const std::uint64_t expire_start = cpu_ns();
  for (std::int64_t now_ms = kNowMs; now_ms < kNowMs + kDayMs / 4; now_ms += 1000) {
    for (bool more = true; more;) {
      const std::uint64_t before = wall_ns();
      const ExpirySlice slice = bench.keyspace.remove_expired(now_ms, 64);
      worst.add(wall_ns() - before);
      removed += slice.removed;
      more = slice.more_due;
    }
  }
  std::printf("  expire     %.1f ns per entry (%zu of them)\n",
              per(cpu_ns() - expire_start, removed), removed);
  worst.print("slice of 64 nodes");
}

}  // namespace

int run_bench(int argc, char** argv) {
  const std::uint64_t entries = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  if (entries < 1000) {
    std::fprintf(stderr,
                 "usage: engine-bench [entries, at least 1000] [insert|lookup|bytes|expiry ...]\n");
    return 2;
  }
  const auto wanted = [&](std::string_view section) {
    return argc <= 2 || std::find(argv + 2, argv + argc, section) != argv + argc;
  };
  if (wanted("insert")) bench_insert(entries);
  if (wanted("lookup")) bench_lookup(entries);
  if (wanted("bytes")) bench_bytes(entries);
  if (wanted("expiry")) bench_expiry(entries);
  return 0;
}

}  // namespace phoenix::engine

int main(int argc, char** argv) {
  return phoenix::engine::run_bench(argc, argv);
}
