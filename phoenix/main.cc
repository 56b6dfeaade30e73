// Assembles the server, explicitly: the only production file that names the real ring.
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <barrier>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "phoenix/commands/describe.h"
#include "phoenix/server/core.h"
#include "phoenix/uring/host.h"
#include "phoenix/uring/ring.h"
#include "phoenix/uring/system.h"

using namespace phoenix;

namespace {

constexpr int kStartFailed = 1;
constexpr int kThreadsEndedSignal = SIGUSR1;
constexpr time_t kProgressSeconds = 2;  // Between two words about a start that takes so long.

// The output is for people and scripts that wait for the ready line; without a reader it is lost,
// and the server serves all the same.
void say(const std::string& line) {
  (void)std::fputs((line + "\n").c_str(), stdout);
  (void)std::fflush(stdout);
}

// Descriptors are what limits connections: take what the hard limit grants.
std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0 && getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  return limit.rlim_cur;
}

// What the limit of open files leaves for connections.
Result<std::uint64_t> connections_most(const server::Config& config, std::uint64_t descriptors) {
  const std::uint64_t listeners = config.bind.size() * (config.core_port_base == 0 ? 1 : 2) + 1;
  const std::uint64_t per_core = server::kCoreDescriptors + listeners;
  const std::uint64_t reserved = server::kProcessDescriptors + config.cores * per_core;
  if (descriptors > reserved) return descriptors - reserved;
  return fail(ErrorCode::invalid,
              fmt::format("the limit of open files ({}) is too low for {} cores: raise it above {} "
                          "(`ulimit -n`, LimitNOFILE= of a systemd unit), or use fewer --cores",
                          descriptors, config.cores, reserved));
}

// CPUs of the affinity mask, in order.
std::vector<int> cpus_granted() {
  std::vector<int> cpus;
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &mask)) cpus.push_back(cpu);
  }
  return cpus;
}

// Every address, the first one first: scripts look there for the port.
std::string listening_addresses(const server::Config& config, std::uint16_t port) {
  std::string text;
  for (const std::string& address : config.bind) {
    const bool is_ipv6 = address.find(':') != std::string::npos;
    if (!text.empty()) text += ", ";
    text += is_ipv6 ? fmt::format("[{}]:{}", address, port) : fmt::format("{}:{}", address, port);
  }
  if (!config.unix_path.empty()) text += ", " + config.unix_path;
  if (config.core_port_base == 0) return text;
  const unsigned last = config.core_port_base + config.cores - 1;
  return text + fmt::format(", core ports {} to {}", config.core_port_base, last);
}

// Runs one thread per core through the phases and then until all are done.
class Threads final {
 public:
  Threads(server::Shared& shared, uring::Host& host)
      : shared_(shared), host_(host), phase_end_(shared.cores(), Latch{this}) {}
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  void start() {
    const std::vector<int> cpus = cpus_granted();
    const bool pins = shared_.config.pin_cores && cpus.size() >= shared_.cores();
    for (unsigned core = 0; core < shared_.cores(); ++core) {
      const int cpu = pins ? cpus[core] : -1;
      threads_.emplace_back([this, core, cpu] { run(core, cpu); });
    }
  }
  void join() {
    for (auto& thread : threads_) thread.join();
  }
  bool have_ended() const { return ended_.load() == shared_.cores(); }
  /// Whether it is on its way to the ready line.
  bool are_starting() const { return step_.load() != Step::none; }
  void say_progress() const {
    if (step_.load() == Step::recovering) say("recovering: " + describe(shared_.store->progress()));
    if (step_.load() == Step::rewriting) {
      say(fmt::format("writing the log anew for {} cores", shared_.cores()));
    }
  }
  /// Empty when every core has served and stopped as it should.
  const std::string& error() const { return error_; }
  void stop() {
    shared_.stops = true;
    auto ring = uring::Ring::create(waker_options());
    if (!ring) return;  // The cores look by themselves at each tick.
    for (unsigned core = 0; core < shared_.cores(); ++core) {
      io::Operation wake;
      wake.kind = io::Operation::Kind::wake;
      wake.fd = shared_.doors[core].wake_handle.load();
      if (wake.fd >= 0) (*ring)->submit(wake);
    }
    io::Completion none;
    (*ring)->run_once({&none, 1}, 0);
  }

 private:
  // Runs when the last thread has come to the end of a phase. What they all look at then must be
  // decided once: a thread that fails in the next phase may do so before another looks.
  struct Latch {
    Threads* threads;
    void operator()() noexcept { threads->starts_no_more_ = threads->has_failed_; }
  };

  // What takes long in a start; the store is there from `recovering` on.
  enum class Step : std::uint8_t { opening, recovering, rewriting, none };

  static uring::RingOptions waker_options() {
    uring::RingOptions options;
    options.submission_entries = 512;
    options.completion_entries = 512;
    options.buffer_count = 1;
    options.buffer_size_bytes = 4096;
    return options;
  }

  void run(unsigned core, int cpu) {
    pthread_setname_np(pthread_self(), fmt::format("core-{}", core).c_str());
    if (cpu >= 0) pin(cpu);
    serve(core);
    // The main thread waits for signals only.
    if (ended_.fetch_add(1) + 1 == shared_.cores()) kill(getpid(), kThreadsEndedSignal);
  }

  static void pin(int cpu) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    // A hint: without it the kernel moves the thread, and it still works.
    (void)pthread_setaffinity_np(pthread_self(), sizeof one, &one);
  }

  void serve(unsigned index) {
    auto ring = uring::Ring::create(uring::RingOptions());
    if (!ring) fail(ring.error().message);
    phase_end_.arrive_and_wait();
    if (starts_no_more_) return;
    const server::CoreEnvironment environment{**ring, clock_, host_, failure_, random_};
    server::Core core(index, shared_, environment);
    for (const auto phase : server::kPhases) {
      // Before anything is written: no later start may overtake writes of this one.
      if (phase == server::Phase::replay) keep_lock(**ring);
      auto task = core.run_phase(phase);
      task.start();
      core.io().run_until([&task] { return task.done(); });
      const auto result = task.result();
      if (!result) fail(result.error().message);
      phase_end_.arrive_and_wait();
      if (starts_no_more_) return;
      if (index == 0) announce(phase);
    }
    while (!core.is_done()) core.turn();
  }

  void keep_lock(uring::Ring& ring) {
    const int lock = host_.lock_descriptor();
    if (lock < 0) return;
    const auto kept = ring.keep_open(lock);
    if (!kept) fail(kept.error().message);
  }

  void fail(const std::string& message) {
    const std::lock_guard lock(mutex_);
    if (error_.empty()) error_ = message;
    has_failed_ = true;
  }

  void announce(server::Phase phase) {
    // Some are known only later: what was lost, say, where damage is accepted.
    const auto& notices = shared_.store->notices();
    while (notices_said_ < notices.size()) say("note: " + notices[notices_said_++]);
    if (phase == server::Phase::replay) {
      const auto& progress = shared_.store->progress();
      if (progress.records.load() > 0) {
        say(fmt::format("recovered {} records from {} bytes of log", progress.records.load(),
                        progress.log_bytes.load()));
      }
    }
    if (phase == server::Phase::open) step_ = Step::recovering;
    if (phase == server::Phase::begin_epoch && shared_.store->rewrites()) step_ = Step::rewriting;
    if (phase != server::Phase::serve) return;
    step_ = Step::none;
    const auto& config = shared_.config;
    say(fmt::format("ready: {} cores, data in {}, listening on {}", shared_.cores(),
                    config.log.directory, listening_addresses(config, shared_.port.load())));
  }

  server::Shared& shared_;
  uring::Host& host_;
  uring::SystemClock clock_;
  uring::SystemRandom random_;  // Used by the first core only.
  uring::ExitOnFailure failure_;
  std::barrier<Latch> phase_end_;
  bool starts_no_more_ = false;  // Written by Latch only, while all threads wait.
  std::size_t notices_said_ = 0;
  std::vector<std::thread> threads_;
  std::atomic<unsigned> ended_{0};
  std::atomic<bool> has_failed_{false};
  std::atomic<Step> step_{Step::opening};
  std::mutex mutex_;
  std::string error_;
};

// The next of the signals; 0 when a start may have something to say meanwhile.
int next_signal(bool starting, const sigset_t& signals) {
  constexpr timespec kPatience{kProgressSeconds, 0};
  const int number =
      starting ? sigtimedwait(&signals, nullptr, &kPatience) : sigwaitinfo(&signals, nullptr);
  return number > 0 ? number : 0;
}

// Blocks until a signal asks to stop, or until all threads have ended by themselves.
void wait_for_the_end(Threads& threads, const sigset_t& signals) {
  bool has_stopped = false;
  while (true) {
    const int number = next_signal(threads.are_starting(), signals);
    if (threads.have_ended()) return;
    if (number == 0) {
      threads.say_progress();
      continue;
    }
    if (number == kThreadsEndedSignal || has_stopped) continue;  // Anybody may send that one, too.
    has_stopped = true;
    say("stopping: answering what was accepted");
    threads.stop();
  }
}

// Large blocks have pages of their own, which go back to the system when the block is freed, and
// grow by being moved. By default glibc ends this for sizes up to 32 MiB when the first of them is
// freed, and --max-memory would bound what is in use, but not what is held.
void keep_large_blocks_apart() {
  constexpr int kLargeBytes = 1 << 20;
  mallopt(M_MMAP_THRESHOLD, kLargeBytes);
  mallopt(M_TRIM_THRESHOLD, 2 * kLargeBytes);
}

}  // namespace

int main(int argc, char** argv) {
  const auto config = server::parse_config(argc, argv);
  if (!config) {
    (void)std::fputs(config.error().text.c_str(), config.error().code == 0 ? stdout : stderr);
    return config.error().code;
  }
  const commands::Table table;
  if (config->print_commands) {
    return std::fputs(commands::commands_markdown(table).c_str(), stdout) < 0 ? kStartFailed : 0;
  }
  keep_large_blocks_apart();
  umask(077);
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, kThreadsEndedSignal}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // Inherited by all threads.
  for (const int number : {SIGPIPE, SIGXFSZ, SIGHUP}) signal(number, SIG_IGN);

  uring::Host host;  // Outlives the store in `shared`, which closes its files through it.
  server::Shared shared(*config, table);
  const auto most = connections_most(*config, raise_descriptor_limit());
  if (!most) {
    (void)std::fputs(("phoenix-server: " + most.error().message + "\n").c_str(), stderr);
    return kStartFailed;
  }
  const std::uint64_t connections_max =
      config->connections_max == 0 ? *most : std::min(config->connections_max, *most);
  shared.settings.set_clients_most(static_cast<std::int64_t>(*most));
  shared.settings.set(commands::Setting::clients_max, static_cast<std::int64_t>(connections_max));
  shared.process_id = getpid();

  Threads threads(shared, host);
  threads.start();
  wait_for_the_end(threads, signals);
  threads.join();
  if (!threads.error().empty()) {
    (void)std::fputs(("phoenix-server: " + threads.error() + "\n").c_str(), stderr);
    return kStartFailed;
  }
  say("stopped: everything acknowledged is on disk");
  return 0;
}
