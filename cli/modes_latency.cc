#include <chrono>

#include "cli/latency_histogram.h"
#include "cli/modes.h"
#include "cli/units.h"

namespace phoenix::cli {

namespace {

using Clock = std::chrono::steady_clock;

/// Between two pings: what is measured is the server's answer, not its throughput.
constexpr std::uint32_t kPauseMs = 10;
constexpr std::chrono::milliseconds kRedrawEvery{100};
constexpr std::chrono::milliseconds kLineEvery{1'000};

std::string text_of(std::uint64_t ns) {
  return duration_text(std::chrono::nanoseconds(static_cast<std::int64_t>(ns)));
}

std::string us_text(std::uint64_t ns) {
  return decimal_text(static_cast<double>(ns) / 1'000, 1);
}

class Latency final {
 public:
  explicit Latency(const ModeContext& context)
      : context_(context),
        bounds_(context.options),
        is_live_(context.is_terminal && context.format == Format::human) {}

  Result<ExitCode> run() {
    auto told_at = Clock::now();
    while (!bounds_.is_reached()) {
      const Result<void> pinged = ping();
      if (!pinged && pinged.error().code == ExitCode::interrupted) break;
      if (!pinged) return tl::unexpected<Failure>(pinged.error());
      bounds_.count_one();
      if (Clock::now() - told_at >= (is_live_ ? kRedrawEvery : kLineEvery)) {
        told_at = Clock::now();
        const Result<void> told = tell(is_live_ ? total_ : recent_, "");
        if (!told) return tl::unexpected<Failure>(told.error());
        recent_ = {};
      }
      if (!bounds_.is_reached() && context_.interrupt.wait_ms(kPauseMs)) break;
    }
    const Result<void> told = tell(total_, is_live_ ? "" : "total ");
    if (!told) return tl::unexpected<Failure>(told.error());
    if (is_live_) context_.output.buffer() += '\n';
    return ExitCode::ok;
  }

 private:
  Result<void> ping() {
    const auto start = Clock::now();
    const client::Result<client::Reply> reply = context_.connection.call({"PING"});
    const auto taken = Clock::now() - start;
    if (!reply) return tl::unexpected<Failure>(failure_of(reply.error()));
    if (reply->is_error()) {
      return fail(
          ExitCode::error_reply,
          "the server refused PING: " + protocol::printable(protocol::error_line(reply->value)));
    }
    const auto ns = static_cast<std::uint64_t>(std::chrono::nanoseconds(taken).count());
    total_.record(ns);
    recent_.record(ns);
    return {};
  }

  Result<void> tell(const LatencyHistogram& pings, const char* label) {
    std::string& out = context_.output.buffer();
    if (context_.format == Format::json) {
      out += "{\"pings\":" + std::to_string(pings.count());
      out += ",\"is_total\":" + std::string(*label == '\0' ? "false" : "true");
      out += ",\"min_us\":" + us_text(pings.min_ns()) + ",\"avg_us\":" + us_text(pings.mean_ns());
      out += ",\"p50_us\":" + us_text(pings.percentile_ns(50));
      out += ",\"p99_us\":" + us_text(pings.percentile_ns(99));
      out += ",\"max_us\":" + us_text(pings.max_ns()) + "}\n";
    } else {
      out += is_live_ ? "\r" : label;
      out += "min " + text_of(pings.min_ns()) + ", avg " + text_of(pings.mean_ns());
      out += ", p50 " + text_of(pings.percentile_ns(50));
      out += ", p99 " + text_of(pings.percentile_ns(99)) + ", max " + text_of(pings.max_ns());
      out += " (" + std::to_string(pings.count()) + " pings)" + (is_live_ ? "\x1b[K" : "\n");
    }
    return context_.output.flush();
  }

  const ModeContext& context_;
  ModeBounds bounds_;
  bool is_live_;  // One line, drawn again and again.
  LatencyHistogram total_;
  LatencyHistogram recent_;  // Since the last line.
};

}  // namespace

Result<ExitCode> run_latency(const ModeContext& context) {
  return Latency(context).run();
}

}  // namespace phoenix::cli
