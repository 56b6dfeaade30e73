#include "bench/compare/command.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include <fmt/format.h>

#include "bench/compare/export.h"
#include "bench/compare/page.h"
#include "bench/compare/run.h"
#include "bench/compare/table.h"
#include "bench/load/live.h"
#include "bench/report/files.h"
#include "phoenix/base/check.h"

namespace phoenix::bench::compare {
namespace {

// Nobody can be told that telling failed.
void show(const std::string& text) {
  static_cast<void>(std::fputs(text.c_str(), stderr));
}

/// A line per run; on a terminal they are written over, and between them is the load's own line.
class Progress final : public Watcher {
 public:
  explicit Progress(const Options& options) : options_(options), cells_(cells_of(options)) {}

  void starting(std::size_t pass, std::size_t server) override {
    const std::string where = place(pass, server);
    live_.set_label(where);
    line(where + "starting, and storing the keys");
  }

  void measuring(const Run& run) override {
    live_.set_label(place(run.pass, run.server) + cells_[run.cell].text() + ": ");
  }

  void measured(const Run& run) override {
    ++done_;
    const std::size_t all = options_.passes * cells_.size() * options_.servers.size();
    const std::string figure = run.counts() ? fmt::format("{:.3f} us/op", run.sample->cpu_us)
                                            : "does not count: " + run.refusal;
    line(fmt::format("{}{}: {} (run {} of {})", place(run.pass, run.server),
                     cells_[run.cell].text(), figure, done_, all));
  }

  bench::Watcher* load_watcher() { return &live_; }

  void end() const {
    if (terminal_) show("\r\033[K");
  }

 private:
  std::string place(std::size_t pass, std::size_t server) const {
    return fmt::format("pass {} of {}: {}: ", pass + 1, options_.passes,
                       options_.servers[server].name);
  }

  void line(const std::string& text) const { show(terminal_ ? "\r\033[K" + text : text + "\n"); }

  const Options& options_;
  const std::vector<Cell> cells_;
  const bool terminal_ = isatty(STDERR_FILENO) != 0;
  LiveLine live_;
  std::size_t done_ = 0;
};

ReportFiles::TextFor texts_of(const Options& options, const Comparison& measured,
                              const Summary& summary) {
  return [&](const std::string& flag) {
    if (flag == "--json") return comparison_json(options, measured, summary);
    if (flag == "--html") return comparison_page(options, measured, summary);
    PHX_CHECK(flag == "--csv");
    return comparison_csv(options, measured);
  };
}

}  // namespace

Result<bool> run_command(const Options& options, const MakeRing& make_ring, const Clock& clock,
                         const std::atomic<bool>& stop) {
  auto files = ReportFiles::open(
      {{"--json", options.json_path}, {"--html", options.html_path}, {"--csv", options.csv_path}});
  if (!files) return fail(ErrorCode::invalid, files.error().message);
  for (const std::string& text : options.missing) show("note: " + text + "\n");
  Progress progress(options);
  const auto measured =
      compare_servers(options, {make_ring, clock, stop, progress.load_watcher()}, progress);
  progress.end();
  if (!measured) return tl::unexpected<Error>(measured.error());
  const Summary summary = summarize(options, *measured);
  const std::string text = comparison_text(options, *measured, summary);
  const bool printed = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  if (auto written = files->write(texts_of(options, *measured, summary)); !written) {
    return tl::unexpected<Error>(written.error());
  }
  const bool all_count = summary.counted == summary.runs && summary.counted != 0 &&
                         measured->failures.empty() && !measured->interrupted;
  return all_count && printed;
}

}  // namespace phoenix::bench::compare
