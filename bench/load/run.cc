#include "bench/load/run.h"

#include <barrier>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "bench/load/control.h"
#include "bench/load/worker.h"
#include "bench/measure/process.h"
#include "bench/measure/usage.h"
#include "bench/wire/ceiling_name.h"
#include "bench/workload/replay.h"
#include "protocol/binary.h"

namespace phoenix::bench {
namespace {

constexpr std::uint64_t kSpareFiles = 64;
/// Of all connections' requests on their way together.
constexpr std::size_t kOutstandingBytesMax = std::size_t{1} << 30U;
constexpr auto kProgressInterval = std::chrono::milliseconds(200);

std::uint16_t flags_of(Durability durability) {
  switch (durability) {
    case Durability::wait:
      return protocol::kWaitDurable;
    case Durability::do_not_wait:
      return protocol::kDoNotWait;
    default:
      return 0;
  }
}

std::uint64_t nanoseconds(double seconds) {
  return static_cast<std::uint64_t>(seconds * static_cast<double>(kNanosPerSecond));
}

/// The meters of the server's process, as far as it has any.
class ServerMeters final {
 public:
  static Result<ServerMeters> open(const ServerFacts& server) {
    ServerMeters meters;
    if (server.pid == 0) return meters;
    auto cpu = CpuMeter::of_process(server.pid);
    if (!cpu) return tl::unexpected<Error>(cpu.error());
    meters.pid_ = server.pid;
    meters.cpu_ = *cpu;
    meters.flushes_ = FlushMeter::of_process(server.pid);
    return meters;
  }

  /// A process that died has no books any more; the connections tell what happened.
  std::optional<std::uint64_t> cpu_ns() const {
    const std::uint64_t ns = cpu_ ? cpu_->read_ns() : 0;
    return ns == 0 ? std::nullopt : std::optional(ns);
  }
  std::optional<std::uint64_t> flushes() const {
    return flushes_ ? std::optional(flushes_->read()) : std::nullopt;
  }
  std::optional<std::uint64_t> rss_bytes() const { return resident_bytes(pid_); }

 private:
  int pid_ = 0;
  std::optional<CpuMeter> cpu_;
  std::optional<FlushMeter> flushes_;
};

std::optional<std::uint64_t> difference(std::optional<std::uint64_t> later,
                                        std::optional<std::uint64_t> earlier) {
  return later && earlier ? std::optional(*later - *earlier) : std::nullopt;
}

class Run final {
 public:
  Run(Plan plan, ServerFacts server, const Surroundings& surroundings)
      : plan_(std::move(plan)),
        around_(surroundings),
        client_meter_(CpuMeter::of_self()),
        loaded_(static_cast<std::ptrdiff_t>(plan_.options.threads), SetWindow{*this}),
        shared_(plan_.options, surroundings.stop) {
    result_.server = std::move(server);
    result_.offered_per_s = plan_.options.rate_per_s;
  }

  Result<RunResult> go();

 private:
  // Runs once, when the last thread has stored its keys.
  struct SetWindow {
    Run& run;
    void operator()() noexcept {
      run.window_.begin_ns =
          run.around_.clock.monotonic_ns() + nanoseconds(run.plan_.options.warmup_seconds);
      run.window_.end_ns = run.window_.begin_ns + nanoseconds(run.plan_.options.seconds);
      run.preloaded_ = true;
    }
  };

  void thread(std::uint32_t index);
  Result<void> work(Worker& worker, std::uint32_t index);
  void note_failure(const Error& error);
  void take(const WorkerResult& part);
  void edge();
  void watch();
  void take_second(TimelineSecond second);
  void finish();

  const Plan plan_;
  const Surroundings& around_;
  ServerMeters server_meters_;
  CpuMeter client_meter_;
  std::barrier<SetWindow> loaded_;
  std::atomic<bool> preloaded_{false};
  Window window_;
  Shared shared_;

  // Thread 0's: the next edge ends the window.
  bool begun_ = false;
  std::optional<std::uint64_t> server_cpu_ns_;
  std::optional<std::uint64_t> flushes_;

  // The watching thread's: since the last second.
  std::optional<std::uint64_t> second_cpu_ns_;
  std::uint64_t second_ns_ = 0;

  std::mutex mutex_;  // Guards what the threads leave behind: result_ to failure_.
  RunResult result_;
  Complaints complaints_;
  std::array<Histogram, kVerbs> latency_ns_;
  std::optional<Error> failure_;
};

// Thread 0 alone: the differences of the second call and the first.
void Run::edge() {
  const std::uint64_t client_ns = client_meter_.read_ns();
  if (!begun_) {
    begun_ = true;
    server_cpu_ns_ = server_meters_.cpu_ns();
    flushes_ = server_meters_.flushes();
    result_.client_cpu_ns = client_ns;
    return;
  }
  result_.client_cpu_ns = client_ns - result_.client_cpu_ns;
  result_.server_cpu_ns = difference(server_meters_.cpu_ns(), server_cpu_ns_);
  result_.device_flushes = difference(server_meters_.flushes(), flushes_);
  result_.server_rss_bytes = server_meters_.rss_bytes();
}

void Run::note_failure(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = error;
  // Last: whoever stops for it must not be the first to say why.
  shared_.failed = true;
}

void Run::take(const WorkerResult& part) {
  const std::lock_guard lock(mutex_);
  result_.window.add(part.window);
  result_.all.add(part.all);
  for (std::size_t verb = 0; verb < kVerbs; ++verb) {
    latency_ns_[verb].merge(part.latency_ns[verb]);
    result_.latency_ns.merge(part.latency_ns[verb]);
  }
  result_.latency_ns.merge(part.unsent_ns);
  result_.client_delay_ns.merge(part.client_delay_ns);
  result_.unsent += part.unsent;
  result_.unanswered += part.unanswered;
  const double seconds = static_cast<double>(part.window_ns) / 1e9;
  if (seconds > 0) result_.operations_per_s += static_cast<double>(part.window.replies) / seconds;
  result_.seconds = std::max(result_.seconds, seconds);
  for (const std::string& text : part.complaints.texts()) complaints_.add(text);
}

Result<void> Run::work(Worker& worker, std::uint32_t index) {
  const RunOptions& options = plan_.options;
  auto done = worker.connect([&options] { return connect_to(options.target); });
  if (done && options.stores_keys()) done = worker.preload();
  if (!done) note_failure(done.error());
  // Whoever failed comes here too: the others wait for all.
  loaded_.arrive_and_wait();
  if (!done) return done;
  if (shared_.failed) return fail(ErrorCode::io, "stopped, since another thread failed");
  return worker.measure(window_, [this, index] {
    if (index == 0) edge();
  });
}

void Run::thread(std::uint32_t index) {
  const RunOptions& options = plan_.options;
  const int cpu = options.cpu < 0 ? -1 : options.cpu + static_cast<int>(index);
  auto pinned = pin_thread(cpu);
  if (options.is_open_loop()) wake_in_time();
  auto ring = around_.make_ring();
  if (pinned && ring) {
    Worker worker(plan_, index, **ring, around_.clock, shared_);
    if (auto done = work(worker, index); !done) note_failure(done.error());
    take(worker.result());
    // Before the worker: after a failure the kernel may still be sending from its memory.
    ring->reset();
  } else {
    note_failure(pinned ? ring.error() : pinned.error());
    loaded_.arrive_and_wait();
  }
  shared_.timeline.thread_ended();
}

void Run::take_second(TimelineSecond second) {
  const std::uint64_t now_ns = around_.clock.monotonic_ns();
  const auto cpu_ns = server_meters_.cpu_ns();
  const auto used_ns = difference(cpu_ns, second_cpu_ns_);
  if (used_ns && now_ns > second_ns_) {
    second.server_busy = static_cast<double>(*used_ns) /
                         static_cast<double>((now_ns - second_ns_) * result_.server.cores);
  }
  second.server_rss_bytes = server_meters_.rss_bytes();
  second_cpu_ns_ = cpu_ns;
  second_ns_ = now_ns;
  if (around_.watcher != nullptr) around_.watcher->second(second);
  result_.timeline.push_back(second);
}

/// Until all threads have ended.
void Run::watch() {
  bool was_preloaded = false;
  while (!shared_.timeline.all_ended()) {
    for (TimelineSecond& second : shared_.timeline.take(kProgressInterval)) {
      take_second(std::move(second));
    }
    if (preloaded_ && !was_preloaded) {
      was_preloaded = true;
      second_cpu_ns_ = server_meters_.cpu_ns();
      second_ns_ = around_.clock.monotonic_ns();
    } else if (!preloaded_ && plan_.options.stores_keys() && around_.watcher != nullptr) {
      around_.watcher->preloading(shared_.keys_stored, plan_.options.workload.keys);
    }
  }
  for (TimelineSecond& second : shared_.timeline.take_rest()) {
    if (second.length_s > 0) take_second(std::move(second));
  }
  if (around_.watcher != nullptr) around_.watcher->ended();
}

void Run::finish() {
  for (std::size_t verb = 0; verb < kVerbs; ++verb) {
    if (latency_ns_[verb].count() == 0) continue;
    result_.verbs.push_back({std::string(kVerbNames[verb]), std::move(latency_ns_[verb])});
  }
  result_.complaints = complaints_.texts();
  result_.interrupted = around_.stop;
  if (failure_) result_.failure = failure_->message;
}

Result<RunResult> Run::go() {
  auto meters = ServerMeters::open(result_.server);
  if (!meters) return tl::unexpected<Error>(meters.error());
  server_meters_ = std::move(*meters);
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < plan_.options.threads; ++i) {
    threads.emplace_back([this, i] { thread(i); });
  }
  watch();
  for (std::thread& each : threads) each.join();
  if (failure_ && result_.window.replies == 0) return tl::unexpected<Error>(*failure_);
  finish();
  return std::move(result_);
}

// A miss is a lost write only where nothing may take a key away and all keys were stored.
bool misses_are_errors(const RunOptions& options) {
  const WorkloadOptions& workload = options.workload;
  return options.verify && options.preload && workload.mix.del == 0 && workload.mix.insert == 0 &&
         !workload.ttl.any() && !is_memcached(options.target.protocol);
}

}  // namespace

Result<RunResult> run_load(RunOptions options, const Surroundings& surroundings) {
  auto shape = make_shape(options);
  if (!shape) return tl::unexpected<Error>(shape.error());
  if (auto good = check_outstanding(options, *shape); !good) {
    return tl::unexpected<Error>(good.error());
  }
  if (auto allowed = allow_open_files(options.connections + kSpareFiles); !allowed) {
    return tl::unexpected<Error>(allowed.error());
  }
  auto server = ask_server(options.target, options.server_pid);
  if (!server) return tl::unexpected<Error>(server.error());
  // The ceiling keeps nothing, so nothing that it answers can be right.
  if (server->name == kCeilingName) options.verify = false;
  const CheckRules rules{options.verify, misses_are_errors(options)};
  Run run(Plan{std::move(options), std::move(*shape), rules}, std::move(*server), surroundings);
  return run.go();
}

Result<void> check_outstanding(const RunOptions& options, const RequestShape& shape) {
  const bool has_multi_gets = options.workload.mix.multi_get > 0;
  const std::size_t one_bytes =
      shape.request_bytes_max(has_multi_gets ? std::size_t{Requests::kMultiGetKeys} : 1);
  if (one_bytes * options.pipeline <= kOutstandingBytesMax / options.connections) return {};
  return fail(ErrorCode::invalid,
              fmt::format("--connections {} times --pipeline {} of such requests is over 1 GiB on "
                          "its way: lower one",
                          options.connections, options.pipeline));
}

Result<RequestShape> make_shape(const RunOptions& options) {
  const WorkloadOptions& workload = options.workload;
  auto keys = Keys::make(key_numbers(workload), workload.key_size);
  if (!keys) return tl::unexpected<Error>(keys.error());
  std::vector<Command> replayed;
  if (!workload.replay_path.empty()) {
    auto commands = read_replay(workload.replay_path);
    if (!commands) return tl::unexpected<Error>(commands.error());
    replayed = std::move(*commands);
  }
  return RequestShape{std::move(*keys), workload.value_size, workload.ttl,
                      flags_of(options.durability), std::move(replayed)};
}

}  // namespace phoenix::bench
