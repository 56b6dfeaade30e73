// The real log on the real ring and disk, without server, engine or sockets:
//   log-bench commit DIR [rounds]   commit schemes x depths x batch sizes (docs/decisions/0001)
//   log-bench append DIR            CPU time of reserving, encoding and sealing, per record
//   log-bench replay DIR [records]  scanning and decoding a log
// DIR is created; one that exists must be empty or hold a database of an earlier run. CPU time is
// the whole process's, the kernel's workers for it included.
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "phoenix/base/check.h"
#include "phoenix/log/log.h"
#include "phoenix/log/store.h"
#include "phoenix/uring/host.h"
#include "phoenix/uring/ring.h"
#include "phoenix/uring/system.h"

namespace phoenix {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
constexpr std::uint64_t kRunBytesMax = 48 * kMiB;
constexpr std::uint64_t kRunNs = kNanosPerSecond;

[[noreturn]] void die(const std::string& message) {
  (void)std::fflush(stdout);
  (void)std::fprintf(stderr, "log-bench: %s\n", message.c_str());
  std::_Exit(1);
}

std::uint64_t cpu_ns() {
  rusage usage{};
  PHX_CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
  const auto of = [](const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * kNanosPerSecond +
           static_cast<std::uint64_t>(time.tv_usec) * 1000;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

std::uint64_t thread_cpu_ns() {
  timespec now{};
  PHX_CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
  return static_cast<std::uint64_t>(now.tv_sec) * kNanosPerSecond +
         static_cast<std::uint64_t>(now.tv_nsec);
}

class Ending final : public io::Failure {
 public:
  void raise(const std::string& message) override { die(message); }
};

class CountingSink final : public log::ReplaySink {
 public:
  void begin_log() override {}
  void replay(std::span<const log::ReplayRecord> records) override { count += records.size(); }
  std::uint64_t count = 0;
};

// A process with one core.
class Bench final {
 public:
  Bench(const log::Options& options, io::Ring& ring) : options_(options), io_(ring, clock_) {}

  void open() {
    auto task = log::Store::open(io_, host_, random_, options_, 1);
    auto opened = finish(task);
    if (!opened) die(opened.error().message);
    store_ = std::move(*opened);
  }
  std::uint64_t replay() {
    CountingSink sink;
    check(store_->replay(io_, 0, sink));
    return sink.count;
  }
  void serve() {
    check(store_->begin_epoch(io_));
    log_ = std::make_unique<log::Log>(io_, *store_, host_, failure_, 0);
    check(log_->start());
    check(store_->retire(io_));
  }
  void close() {
    auto task = log_->close(clock_.wall_ms());
    task.start();
    while (!task.done()) io_.run_one_turn();
  }

  // One record of a key of 16 bytes.
  void put(std::string_view value) {
    while (log_->reserve(kKey.size() + value.size(), 1, false) != log::Reservation::granted) {
      seal();
      io_.run_one_turn();
    }
    engine::Effect effect;
    effect.key = kKey;
    effect.value = engine::NewValue::copy_of(value);
    log_->emit(effect);
  }
  void seal() { log_->seal(clock_.wall_ms()); }

  // Until the segments in reserve are made, so that making them is not part of what is measured.
  void settle() {
    std::uint64_t written = 0;
    do {
      written = log_->statistics().written_bytes;
      const std::uint64_t until_ns = clock_.monotonic_ns() + kNanosPerSecond / 2;
      auto task = sleep(until_ns);
      task.start();
      while (!task.done()) io_.run_one_turn();
    } while (written != log_->statistics().written_bytes);
  }

  log::Log& log() { return *log_; }
  io::Context& io() { return io_; }
  std::uint64_t now_ns() const { return clock_.monotonic_ns(); }

 private:
  static constexpr std::string_view kKey = "key:000000000001";

  template <typename T>
  T finish(io::Task<T>& task) {
    task.start();
    while (!task.done()) io_.run_one_turn();
    return task.result();
  }
  void check(io::Task<Result<void>> task) {
    const Result<void> result = finish(task);
    if (!result) die(result.error().message);
  }
  io::Task<void> sleep(std::uint64_t until_ns) { co_await io_.sleep_until(until_ns); }

  log::Options options_;
  uring::Host host_;
  uring::SystemClock clock_;
  uring::SystemRandom random_;
  Ending failure_;
  io::Context io_;
  std::unique_ptr<log::Store> store_;
  std::unique_ptr<log::Log> log_;
};

struct Setup {
  log::CommitScheme scheme = log::CommitScheme::durable_write;
  std::uint32_t depth = 1;
  std::size_t batch_bytes = 0;
  bool operator<(const Setup& other) const {
    return std::tie(batch_bytes, depth, scheme) <
           std::tie(other.batch_bytes, other.depth, other.scheme);
  }
};

struct Measured {
  double commits_per_s = 0;
  double p50_us = 0;
  double p99_us = 0;
  double cpu_us = 0;  // Per commit.
};

double percentile_us(std::vector<std::uint64_t>& values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto place = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
  return static_cast<double>(values[place]) / 1000;
}

// Keeps `depth` commits of the given size in flight; what is not full waits for one to end.
Measured measure(Bench& bench, const Setup& setup) {
  // 20 records, so that the cadence lets the batch go out beside others.
  constexpr std::size_t kRecords = 20;
  constexpr std::size_t kOverhead = 16 + 4 + 4 + 8;
  const std::string value(setup.batch_bytes / kRecords - kOverhead, 'v');
  std::deque<std::pair<log::Position, std::uint64_t>> sealed;
  std::vector<std::uint64_t> latencies;
  const std::uint64_t begin_ns = bench.now_ns();
  const std::uint64_t begin_cpu = cpu_ns();
  const std::uint64_t batches_max = kRunBytesMax / setup.batch_bytes;
  std::uint64_t batches = 0;
  while (!bench.log().idle() || (bench.now_ns() < begin_ns + kRunNs && batches < batches_max)) {
    const bool more = bench.now_ns() < begin_ns + kRunNs && batches < batches_max;
    while (more && sealed.size() < setup.depth) {
      for (std::size_t i = 0; i < kRecords; ++i) bench.put(value);
      sealed.emplace_back(bench.log().emitted_position(), bench.now_ns());
      bench.seal();
      ++batches;
    }
    bench.io().run_one_turn();
    bench.seal();
    while (!sealed.empty() && sealed.front().first <= bench.log().commit_position()) {
      latencies.push_back(bench.now_ns() - sealed.front().second);
      sealed.pop_front();
    }
  }
  const double seconds = static_cast<double>(bench.now_ns() - begin_ns) / 1e9;
  const auto commits = static_cast<double>(batches);
  Measured measured;
  measured.commits_per_s = commits / seconds;
  measured.cpu_us = static_cast<double>(cpu_ns() - begin_cpu) / 1000 / commits;
  measured.p50_us = percentile_us(latencies, 0.5);
  measured.p99_us = percentile_us(latencies, 0.99);
  return measured;
}

log::Options options_for(const std::string& directory) {
  log::Options options;
  options.directory = directory;
  options.disk_reserve_bytes = 0;
  return options;
}

std::unique_ptr<uring::Ring> make_ring() {
  auto ring = uring::Ring::create(uring::RingOptions());
  if (!ring) die(ring.error().message);
  return std::move(*ring);
}

// What is there is discarded: every run starts alike.
void discard(const std::string& directory) {
  const auto ring = make_ring();
  log::Options options = options_for(directory);
  options.durability = log::Durability::off;
  options.discard_log = true;
  Bench(options, *ring).open();
}

Measured run_setup(const std::string& directory, const Setup& setup) {
  discard(directory);
  const auto ring = make_ring();
  log::Options options = options_for(directory);
  options.segment_bytes_min = options.segment_bytes_max = 64 * kMiB;
  options.scheme = setup.scheme;
  options.commits_in_flight_max = setup.depth;
  Bench bench(options, *ring);
  bench.open();
  bench.replay();
  bench.serve();
  bench.settle();
  const Measured measured = measure(bench, setup);
  bench.close();
  return measured;
}

double median(std::vector<Measured> runs, double Measured::*field) {
  std::sort(runs.begin(), runs.end(),
            [&](const Measured& a, const Measured& b) { return a.*field < b.*field; });
  return runs[runs.size() / 2].*field;
}

void run_commit(const std::string& directory, int rounds) {
  std::map<Setup, std::vector<Measured>> results;
  for (int round = 0; round < rounds; ++round) {
    for (const std::size_t bytes : {4000U, 16'000U, 64'000U}) {
      for (const std::uint32_t depth : {1U, 2U, 4U, 8U}) {
        for (const auto scheme :
             {log::CommitScheme::durable_write, log::CommitScheme::write_then_sync}) {
          const Setup setup{scheme, depth, bytes};
          results[setup].push_back(run_setup(directory, setup));
        }
      }
    }
  }
  std::printf("| batch | depth | scheme | commits/s | p50 us | p99 us | CPU us per commit |\n");
  std::printf("|---|---|---|---|---|---|---|\n");
  for (const auto& [setup, runs] : results) {
    const bool one_write = setup.scheme == log::CommitScheme::durable_write;
    std::printf("| %zu B | %u | %s | %.0f | %.0f | %.0f | %.1f |\n", setup.batch_bytes, setup.depth,
                one_write ? "durable_write" : "write_then_sync",
                median(runs, &Measured::commits_per_s), median(runs, &Measured::p50_us),
                median(runs, &Measured::p99_us), median(runs, &Measured::cpu_us));
  }
  discard(directory);
}

// Interval mode with rare syncs: what is left is encoding, checksums and plain writes.
void measure_append(const std::string& directory) {
  const auto ring = make_ring();
  log::Options options = options_for(directory);
  options.durability = log::Durability::interval;
  options.interval_ms = 10'000;
  options.segment_bytes_min = options.segment_bytes_max = 64 * kMiB;
  Bench bench(options, *ring);
  bench.open();
  bench.replay();
  bench.serve();
  bench.settle();
  const std::string value(64, 'v');
  for (const unsigned batch : {1U, 16U, 64U, 256U}) {
    constexpr unsigned kRecords = 100'000;
    const unsigned records = batch == 1 ? kRecords / 20 : kRecords;
    const std::uint64_t begin_cpu = cpu_ns();
    std::uint64_t encode_ns = 0;
    for (unsigned done = 0; done < records; done += batch) {
      const std::uint64_t begin_ns = thread_cpu_ns();
      for (unsigned i = 0; i < batch; ++i) bench.put(value);
      bench.seal();
      encode_ns += thread_cpu_ns() - begin_ns;
      bench.io().run_one_turn();
    }
    std::printf(
        "batches of %3u records: %.1f ns per record to reserve, encode and seal; "
        "%.1f ns CPU in all\n",
        batch, static_cast<double>(encode_ns) / records,
        static_cast<double>(cpu_ns() - begin_cpu) / records);
  }
  bench.close();
}

void run_append(const std::string& directory) {
  discard(directory);
  measure_append(directory);
  discard(directory);
}

void run_replay(const std::string& directory, std::uint64_t records) {
  discard(directory);
  {
    const auto ring = make_ring();
    Bench bench(options_for(directory), *ring);
    bench.open();
    bench.replay();
    bench.serve();
    const std::string value(64, 'v');
    for (std::uint64_t i = 0; i < records; ++i) {
      bench.put(value);
      if (i % 64 == 63) bench.seal();
    }
    bench.close();
  }
  for (int round = 0; round < 3; ++round) {
    const auto ring = make_ring();
    Bench bench(options_for(directory), *ring);
    bench.open();
    const std::uint64_t begin_ns = bench.now_ns();
    const std::uint64_t begin_cpu = cpu_ns();
    const std::uint64_t count = bench.replay();
    const double seconds = static_cast<double>(bench.now_ns() - begin_ns) / 1e9;
    std::printf("replayed %llu records in %.3f s, %.1f ns CPU each\n",
                static_cast<unsigned long long>(count), seconds,
                static_cast<double>(cpu_ns() - begin_cpu) / static_cast<double>(count));
  }
  discard(directory);
}

int run(int argc, char** argv) {
  if (argc < 3) {
    die("usage: log-bench commit DIR [rounds] | append DIR | replay DIR [records]");
  }
  const std::string mode = argv[1];
  const long number = argc > 3 ? std::strtol(argv[3], nullptr, 10) : 0;
  if (mode == "commit") {
    run_commit(argv[2], number > 0 ? static_cast<int>(number) : 3);
  } else if (mode == "append") {
    run_append(argv[2]);
  } else if (mode == "replay") {
    run_replay(argv[2], number > 0 ? static_cast<std::uint64_t>(number) : 5'000'000);
  } else {
    die("unknown mode " + mode);
  }
  return 0;
}

}  // namespace
}  // namespace phoenix

int main(int argc, char** argv) {
  return phoenix::run(argc, argv);
}
