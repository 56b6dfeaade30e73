#include "bench/load/run.h"

#include <unistd.h>

#include <barrier>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "bench/measure/process.h"
#include "bench/wire/ceiling_name.h"
#include "protocol/binary.h"

namespace phoenix::bench {
namespace {

constexpr std::uint64_t kSpareFiles = 64;
constexpr auto kProgressInterval = std::chrono::milliseconds(250);

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

// Nobody can be told that telling failed.
void show(const std::string& text) {
  static_cast<void>(std::fputs(text.c_str(), stderr));
}

class Run final {
 public:
  Run(Plan plan, ServerFacts server, const MakeRing& make_ring, const Clock& clock)
      : plan_(std::move(plan)),
        make_ring_(make_ring),
        clock_(clock),
        client_meter_(CpuMeter::of_self()),
        loaded_(static_cast<std::ptrdiff_t>(plan_.options.threads), SetWindow{*this}) {
    result_.server = std::move(server);
  }

  Result<RunResult> go();

 private:
  // Runs once, when the last thread has stored its keys.
  struct SetWindow {
    Run& run;
    void operator()() noexcept {
      run.window_.begin_ns =
          run.clock_.monotonic_ns() + nanoseconds(run.plan_.options.warmup_seconds);
      run.window_.end_ns = run.window_.begin_ns + nanoseconds(run.plan_.options.seconds);
      run.preloaded_ = true;
    }
  };

  Result<void> open_meter();
  void thread(std::uint32_t index);
  Result<void> work(Worker& worker, std::uint32_t index);
  void note_failure(const Error& error);
  void take(const WorkerResult& part);
  void edge();
  void show_preload() const;

  const Plan plan_;
  const MakeRing& make_ring_;
  const Clock& clock_;
  std::optional<CpuMeter> server_meter_;
  CpuMeter client_meter_;
  std::barrier<SetWindow> loaded_;
  std::atomic<bool> preloaded_{false};
  Window window_;
  Shared shared_;
  bool begun_ = false;  // Thread 0's: the next edge ends the window.

  std::mutex mutex_;  // Guards what the threads leave behind: result_ and failure_.
  RunResult result_;
  std::optional<Error> failure_;
};

Result<void> Run::open_meter() {
  if (result_.server.pid == 0) return {};
  auto meter = CpuMeter::of_process(result_.server.pid);
  if (!meter) return tl::unexpected<Error>(meter.error());
  server_meter_ = *meter;
  return {};
}

// Thread 0 alone: the differences of the second call and the first.
void Run::edge() {
  const std::uint64_t server_ns = server_meter_ ? server_meter_->read_ns() : 0;
  const std::uint64_t client_ns = client_meter_.read_ns();
  if (!begun_) {
    begun_ = true;
    result_.server_cpu_ns = server_ns;
    result_.client_cpu_ns = client_ns;
    return;
  }
  result_.client_cpu_ns = client_ns - result_.client_cpu_ns;
  result_.server_cpu_ns = server_ns - *result_.server_cpu_ns;
  // A server that died has no books any more; the connections tell what happened.
  if (!server_meter_ || server_ns == 0) result_.server_cpu_ns.reset();
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
  result_.latency_ns.merge(part.latency_ns);
  const double seconds = static_cast<double>(part.window_ns) / 1e9;
  if (seconds > 0) result_.operations_per_s += static_cast<double>(part.window.replies) / seconds;
  result_.seconds = std::max(result_.seconds, seconds);
  for (const std::string& text : part.complaints.texts()) {
    if (result_.complaints.size() < Complaints::kKept) result_.complaints.push_back(text);
  }
}

Result<void> Run::work(Worker& worker, std::uint32_t index) {
  const RunOptions& options = plan_.options;
  auto done = worker.connect([&options] { return connect_to(options.target); });
  if (done && options.preload) done = worker.preload();
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
  auto ring = make_ring_();
  if (!pinned || !ring) {
    note_failure(pinned ? ring.error() : pinned.error());
    loaded_.arrive_and_wait();
    return;
  }
  Worker worker(plan_, index, **ring, clock_, shared_);
  if (auto done = work(worker, index); !done) note_failure(done.error());
  take(worker.result());
  // Before the worker: after a failure the kernel may still be sending from its memory.
  ring->reset();
}

void Run::show_preload() const {
  const bool terminal = isatty(STDERR_FILENO) != 0;
  std::uint64_t shown = 0;
  while (!preloaded_) {
    std::this_thread::sleep_for(kProgressInterval);
    const std::uint64_t percent = shared_.keys_stored * 100 / plan_.options.keys;
    if (!terminal && percent < shown + 25) continue;
    shown = percent;
    show(fmt::format("{}preload: {:3} % of {} keys{}", terminal ? "\r" : "", percent,
                     plan_.options.keys, terminal ? "" : "\n"));
  }
  if (terminal) show("\r\033[K");
}

Result<RunResult> Run::go() {
  if (auto open = open_meter(); !open) return tl::unexpected<Error>(open.error());
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < plan_.options.threads; ++i) {
    threads.emplace_back([this, i] { thread(i); });
  }
  if (plan_.options.preload) show_preload();
  for (std::thread& each : threads) each.join();
  if (failure_) return tl::unexpected<Error>(*failure_);
  return std::move(result_);
}

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

}  // namespace

double RunResult::server_busy() const {
  return ratio(static_cast<double>(server_cpu_ns.value_or(0)) / 1e9, seconds * server.cores);
}

double RunResult::client_busy(std::uint32_t threads) const {
  return ratio(static_cast<double>(client_cpu_ns) / 1e9, seconds * threads);
}

double RunResult::server_cpu_us_per_operation() const {
  return ratio(static_cast<double>(server_cpu_ns.value_or(0)) / 1e3,
               static_cast<double>(window.replies));
}

double RunResult::client_cpu_us_per_operation() const {
  return ratio(static_cast<double>(client_cpu_ns) / 1e3, static_cast<double>(window.replies));
}

Result<RunResult> run_load(RunOptions options, const MakeRing& make_ring, const Clock& clock) {
  auto keys = Keys::make(options.keys, options.key_bytes);
  if (!keys) return tl::unexpected<Error>(keys.error());
  if (auto allowed = allow_open_files(options.connections + kSpareFiles); !allowed) {
    return tl::unexpected<Error>(allowed.error());
  }
  auto server = ask_server(options.target, options.server_pid);
  if (!server) return tl::unexpected<Error>(server.error());
  // The ceiling keeps nothing, so nothing that it answers can be right.
  if (server->name == kCeilingName) options.verify = false;
  const RequestShape shape{*keys, options.value_bytes, flags_of(options.durability)};
  const CheckRules rules{options.verify, options.verify && options.preload};
  Run run(Plan{std::move(options), shape, rules}, std::move(*server), make_ring, clock);
  return run.go();
}

}  // namespace phoenix::bench
