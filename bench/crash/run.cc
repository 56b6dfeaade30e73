#include "bench/crash/run.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "bench/crash/interrupt.h"
#include "bench/crash/load.h"
#include "bench/crash/moments.h"
#include "bench/crash/target.h"
#include "bench/crash/victim.h"
#include "bench/history/crash_check.h"
#include "bench/history/linearizability.h"
#include "bench/history/text.h"
#include "bench/peers/peer.h"
#include "bench/peers/scratch.h"

namespace phoenix::bench::crash {
namespace {

using history::History;
using history::Kind;
using history::Operation;
using history::Outcome;

/// The rounds of one test. On the main thread.
class Rounds final {
 public:
  Rounds(const CrashOptions& options, const Clock& clock, Peer& peer, const Progress& progress)
      : options_(options),
        progress_(progress),
        history_{key_names(options.connections), {}},
        watch_(clock),
        victim_(peer, clock, history_.keys.front()),
        moments_(options.seed),
        check_(history_.keys.size()) {
    SeededRandom seeds(~options.seed);
    for (std::uint32_t number = 0; number < options.connections; ++number) {
      loads_.push_back(std::make_unique<Load>(number, seeds.next(), history_.keys, watch_));
    }
  }

  /// All of them, and the verdict about the whole history.
  Result<CrashResult> run() {
    const auto started = start(InterruptNote::was_interrupted);
    if (!started) return tl::unexpected<Error>(started.error());
    while (!is_over()) {
      const auto done = round();
      if (!done) return tl::unexpected<Error>(done.error());
    }
    victim_.kill();
    if (result_.acknowledged == 0 && InterruptNote::was_interrupted()) {
      is_given_up_ = true;
      return fail(ErrorCode::invalid, "interrupted before a write was acknowledged");
    }
    if (result_.acknowledged == 0) {
      return fail(ErrorCode::invalid,
                  "no write was acknowledged, so nothing was tested" +
                      (result_.refusal.empty() ? "; make more rounds"
                                               : "; the server answered: " + result_.refusal));
    }
    judge_history();
    return std::move(result_);
  }

  const History& history() const { return history_; }
  /// The user ended it when there was nothing to judge.
  bool is_given_up() const { return is_given_up_; }

 private:
  bool is_over() {
    if (operations_max() == 0) result_.history_is_full = true;
    if (InterruptNote::was_interrupted() || no_reader_ || result_.history_is_full) return true;
    const std::size_t done = result_.recovery_ns.size();
    if (options_.rounds != 0) return done == options_.rounds;
    return static_cast<double>(watch_.now_ns()) >=
           options_.seconds * static_cast<double>(kNanosPerSecond);
  }

  /// How many each load may still note, so that the reads after the kill find room too.
  std::size_t operations_max() const {
    const std::size_t used =
        history_.operations.size() + history_.keys.size() + loads_.size() * kPipelineMax;
    return used >= history::kOperationsMax ? 0 : (history::kOperationsMax - used) / loads_.size();
  }

  Result<void> round() {
    const double load_ms = moments_.load_ms();
    const auto killed_start_ms = moments_.killed_start_ms();
    const std::uint64_t acknowledged = result_.acknowledged;
    auto loaded = load_and_kill(load_ms);
    if (loaded && killed_start_ms) loaded = victim_.start_and_kill(*killed_start_ms);
    if (!loaded) return loaded;
    const auto started = start(InterruptNote::is_urgent);
    if (!started) return tl::unexpected<Error>(started.error());
    result_.recovery_ns.push_back(started->took_ns);
    auto verified = verify(*started->connection);
    if (!verified) return verified;
    no_reader_ = !progress_(fmt::format(
        "round {}: killed after {:.3f} ms{}, {} acknowledged, recovered in {:.1f} ms",
        result_.recovery_ns.size(), load_ms,
        killed_start_ms ? fmt::format(" and {:.3f} ms into the next start", *killed_start_ms) : "",
        result_.acknowledged - acknowledged, static_cast<double>(started->took_ns) / 1e6));
    return {};
  }

  Result<Victim::Start> start(bool (*gives_up)()) {
    auto started = victim_.start(gives_up);
    is_given_up_ = !started && gives_up();
    return started;
  }

  Result<void> load_and_kill(double load_ms) {
    std::atomic<bool> may_end{false};
    std::atomic<std::size_t> connected{0};
    const std::size_t each_max = operations_max();
    std::vector<std::jthread> threads;
    for (const auto& load : loads_) {
      threads.emplace_back([&, load = load.get()] {
        load->run(victim_.connection_options(), each_max, may_end, connected);
      });
    }
    while (connected != loads_.size()) sleep_ms(0.1);
    sleep_ms(load_ms);
    may_end = true;
    victim_.kill();
    const std::uint64_t dead_ns = watch_.now_ns();
    threads.clear();  // They end with their connections.
    for (const auto& load : loads_) {
      if (!load->error().empty()) {
        return tl::unexpected<Error>(victim_.with_output(load->error()));
      }
      if (result_.refusal.empty()) result_.refusal = load->refusal();
      take(load->take(dead_ns), each_max);
    }
    return {};
  }

  void take(const std::vector<Operation>& operations, std::size_t operations_max) {
    if (operations.size() >= operations_max) result_.history_is_full = true;
    for (const Operation& operation : operations) {
      if (operation.outcome == Outcome::fail) ++result_.refused;
      if (operation.kind == Kind::read) continue;
      if (operation.outcome == Outcome::ok) ++result_.acknowledged;
      if (operation.outcome == Outcome::unknown) ++result_.unanswered;
    }
    check_.record(operations);
    history_.operations.insert(history_.operations.end(), operations.begin(), operations.end());
  }

  Result<void> verify(client::Connection& connection) {
    const auto reads = read_all(connection, history_.keys, watch_, options_.connections);
    if (!reads) return tl::unexpected<Error>(victim_.with_output(reads.error().message));
    history_.operations.insert(history_.operations.end(), reads->begin(), reads->end());
    const auto verdict = check_.judge(*reads);
    result_.lost += verdict.lost;
    result_.crash_violations += verdict.violating_keys;
    for (const auto& violation : verdict.violations) show(violation);
    return {};
  }

  void judge_history() {
    result_.keys = history_.keys.size();
    result_.operations = history_.operations.size();
    const std::uint64_t begin_ns = watch_.now_ns();
    const auto violations = check_linearizability(history_, history_.keys.size());
    result_.check_ns = watch_.now_ns() - begin_ns;
    result_.unlinear_keys = violations.size();
    // What is lost shows in both: the loss is the plainer story.
    if (result_.violations.empty()) {
      for (const auto& violation : violations) show(violation);
    }
  }

  void show(const history::Violation& violation) {
    if (result_.violations.size() == kViolationsShown) return;
    result_.violations.push_back(violation_text(violation, history_));
  }

  const CrashOptions& options_;
  const Progress& progress_;
  History history_;
  Stopwatch watch_;
  Victim victim_;
  Moments moments_;
  history::CrashCheck check_;
  std::vector<std::unique_ptr<Load>> loads_;
  CrashResult result_;
  bool no_reader_ = false;  // Of the progress.
  bool is_given_up_ = false;
};

}  // namespace

Result<CrashResult> run_crash_test(const CrashOptions& options, const PeerSpec& spec,
                                   const Clock& clock, const Progress& progress) {
  if (!options.history_path.empty()) {
    // Found out now rather than at the end.
    auto written = write_history(options.history_path, History{});
    if (!written) return tl::unexpected<Error>(written.error());
  }
  auto scratch = ScratchDirectory::make(options.parent_directory);
  if (!scratch) return tl::unexpected<Error>(scratch.error());
  const auto peer = Peer::make(spec, {scratch->path(), -1, options.server_threads});
  if (!peer) return tl::unexpected<Error>(peer.error());
  Rounds rounds(options, clock, **peer, progress);
  auto result = rounds.run();
  (*peer)->kill_now();
  if (!options.history_path.empty()) {
    const auto written = write_history(options.history_path, rounds.history());
    if (!written && result) return tl::unexpected<Error>(written.error());
  }
  if (rounds.is_given_up() || (result && result->is_right())) return result;
  const std::string kept = scratch->keep();
  if (!result) {
    return fail(result.error().code,
                fmt::format("{}\n(its data stays in {})", result.error().message, kept));
  }
  result->kept_directory = kept;
  return result;
}

}  // namespace phoenix::bench::crash
