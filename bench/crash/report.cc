#include "bench/crash/report.h"

#include <algorithm>

#include <fmt/format.h>

#include "bench/crash/target.h"
#include "bench/history/linearizability.h"
#include "bench/history/text.h"

namespace phoenix::bench::crash {
namespace {

double in_ms(std::uint64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

std::string recovery_text(std::vector<std::uint64_t> recovery_ns) {
  if (recovery_ns.empty()) return "no round was finished\n";
  std::ranges::sort(recovery_ns);
  return fmt::format(
      "recovery, from the start of the process to the first answered read: {} times, median "
      "{:.1f} ms, worst {:.1f} ms\n",
      recovery_ns.size(), in_ms(recovery_ns[recovery_ns.size() / 2]), in_ms(recovery_ns.back()));
}

std::string wrong_text(const CrashOptions& options, const CrashResult& result) {
  std::string text;
  for (const std::string& violation : result.violations) text += violation;
  const std::uint64_t all = result.crash_violations + result.unlinear_keys;
  if (all > result.violations.size()) text += "(only the first of them are shown)\n";
  text += fmt::format(
      "keys that were wrong after a crash: {}; keys with an impossible history: {} "
      "of {}\n",
      result.crash_violations, result.unlinear_keys, result.keys);
  return text + fmt::format(
                    "the server's data and output stay in {}; --seed {} repeats the kill "
                    "moments\n",
                    result.kept_directory, options.seed);
}

}  // namespace

std::string head_text(const CrashOptions& options, const PeerSpec& spec) {
  return fmt::format("crash test of {}, {} connections, --seed {}\nmode {}: {}\n", spec.name,
                     options.connections, options.seed, spec.durability, promise_text(spec));
}

std::string result_text(const CrashOptions& options, const CrashResult& result) {
  std::string text = recovery_text(result.recovery_ns);
  text += fmt::format("without an answer when the kill came: {} writes and deletes\n",
                      result.unanswered);
  if (result.refused != 0) {
    text += fmt::format("refused by the server: {} operations, the first with: {}\n",
                        result.refused, result.refusal);
  }
  if (result.history_is_full) {
    text += "the history is full: the test ended early, which changes no verdict\n";
  }
  if (result.is_right()) {
    text += fmt::format(
        "linearizable over all crashes: {} operations on {} keys (checked in {:.0f} "
        "ms)\n",
        result.operations, result.keys, in_ms(result.check_ns));
  } else {
    text += wrong_text(options, result);
  }
  const auto worst = std::ranges::max_element(result.recovery_ns);
  return text + fmt::format("acknowledged {}, lost {}, recovered in {:.0f} ms\n",
                            result.acknowledged, result.lost,
                            worst == result.recovery_ns.end() ? 0 : in_ms(*worst));
}

Result<FileVerdict> check_file(const std::string& path) {
  const auto history = history::read_history(path);
  if (!history) return tl::unexpected<Error>(history.error());
  const auto violations = check_linearizability(*history, history->keys.size());
  FileVerdict verdict;
  verdict.is_right = violations.empty();
  for (std::size_t i = 0; i < std::min(violations.size(), kViolationsShown); ++i) {
    verdict.text += violation_text(violations[i], *history);
  }
  verdict.text += fmt::format(
      "{}: {} operations on {} keys, {}\n", path, history->operations.size(), history->keys.size(),
      verdict.is_right ? "linearizable" : fmt::format("{} of them impossible", violations.size()));
  return verdict;
}

}  // namespace phoenix::bench::crash
