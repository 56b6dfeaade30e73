#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "cli/json.h"
#include "cli/key_lister.h"
#include "cli/modes.h"
#include "cli/size_summary.h"
#include "cli/units.h"

namespace phoenix::cli {

namespace {

using Clock = std::chrono::steady_clock;

/// Keys that are listed, and then asked about, in one go. Their requests fit into what a connection
/// queues, and replies are taken one by one.
constexpr std::size_t kPageKeys = 512;
static_assert(kPageKeys * (protocol::kKeyBytesMax + 64) <= client::kUnsentBytesMax);
constexpr std::size_t kLargestShown = 10;
constexpr std::chrono::milliseconds kProgressEvery{200};
constexpr std::size_t kBarColumns = 40;

/// A way to learn how large a value is.
struct Measure {
  std::array<std::string_view, 2> words;  // The key comes behind; the second one may be empty.
  const char* what;                       // It counts: "7 B of ...".
  const char* name;                       // In JSON.
};
/// Best first: the last one has the values sent, all of them.
constexpr std::array<Measure, 2> kOfValues = {{
    {{"STRLEN", ""}, "of values", "value"},
    {{"GET", ""}, "of values", "value"},
}};
constexpr std::array<Measure, 1> kOfMemory = {{
    {{"MEMORY", "USAGE"}, "of memory, keys included", "memory"},
}};

std::vector<std::string_view> request(const Measure& measure, std::string_view key) {
  if (measure.words[1].empty()) return {measure.words[0], key};
  return {measure.words[0], measure.words[1], key};
}

class BigKeys final {
 public:
  explicit BigKeys(const ModeContext& context)
      : context_(context),
        summary_(context.options.count > 0 ? context.options.count : kLargestShown),
        measures_(context.options.mode == Mode::memkeys ? std::span<const Measure>(kOfMemory)
                                                        : kOfValues),
        shows_progress_(::isatty(STDERR_FILENO) == 1) {}

  Result<ExitCode> run() {
    const Result<void> walked = walk();
    if (shows_progress_) print_note("\r\x1b[K");
    const bool is_interrupted = !walked && walked.error().code == ExitCode::interrupted;
    const bool has_seen = summary_.keys() + others_ > 0;
    if (!walked && !is_interrupted && !has_seen) return tl::unexpected<Failure>(walked.error());
    // What was seen before a failure is told too.
    append_report(walked.has_value());
    const Result<void> written = context_.output.flush();
    if (!written) return tl::unexpected<Failure>(written.error());
    if (!walked && !is_interrupted) return tl::unexpected<Failure>(walked.error());
    if (is_interrupted) print_note("Stopped: this is what was seen so far.\n");
    return is_interrupted ? ExitCode::interrupted : ExitCode::ok;
  }

 private:
  Result<void> walk() {
    const client::Result<client::Reply> count = context_.connection.call({"DBSIZE"});
    if (!count) return tl::unexpected<Failure>(failure_of(count.error()));
    if (count->value.kind == protocol::Kind::integer) keys_expected_ = count->value.integer;
    KeyLister lister(context_.connection, context_.wire, context_.options.pattern);
    const ModeBounds bounds(context_.options);
    while (!lister.is_done() && !bounds.is_reached()) {
      const auto keys = lister.next_page(kPageKeys);
      if (!keys) return tl::unexpected<Failure>(keys.error());
      if (keys->empty()) continue;
      Result<void> measured = measure_ == nullptr ? choose_measure(keys->front()) : Result<void>{};
      if (measured) measured = measure(*keys);
      if (!measured) return measured;
      show_progress();
    }
    return {};
  }

  Result<void> choose_measure(const std::string& key) {
    std::string why;
    for (const Measure& measure : measures_) {
      const client::Result<client::Reply> reply = context_.connection.call(request(measure, key));
      if (!reply) return tl::unexpected<Failure>(failure_of(reply.error()));
      measure_ = &measure;
      // A value that is no string is one answer among others.
      const bool is_other = reply->is_error() && reply->value.bytes.starts_with("WRONGTYPE");
      if (!reply->is_error() || is_other) return {};
      why = protocol::printable(protocol::error_line(reply->value));
    }
    return fail(ExitCode::error_reply, "the server tells no sizes of values: " + why);
  }

  Result<void> measure(const std::vector<std::string>& keys) {
    for (const std::string& key : keys) {
      const client::Result<void> queued = context_.connection.queue(request(*measure_, key));
      if (!queued) return tl::unexpected<Failure>(failure_of(queued.error()));
    }
    for (const std::string& key : keys) {
      const client::Result<client::Reply> reply = context_.connection.receive();
      if (!reply) return tl::unexpected<Failure>(failure_of(reply.error()));
      take(key, reply->value);
    }
    return {};
  }

  void take(const std::string& key, const protocol::Value& value) {
    if (protocol::is_error(value.status)) {
      ++others_;
    } else if (value.kind == protocol::Kind::integer) {
      summary_.add(key, static_cast<std::uint64_t>(std::max<std::int64_t>(value.integer, 0)));
    } else if (value.kind == protocol::Kind::bytes) {
      summary_.add(key, value.bytes.size());
    }
    // Nil: it has gone since it was listed.
  }

  void show_progress() {
    if (!shows_progress_ || Clock::now() - told_at_ < kProgressEvery) return;
    told_at_ = Clock::now();
    const auto seen = static_cast<double>(summary_.keys() + others_);
    std::string text = "\r" + decimal_text(seen, 0) + " keys";
    const bool is_known = keys_expected_ > 0 && context_.options.pattern.empty();
    if (is_known) {
      const double percent = 100 * seen / static_cast<double>(keys_expected_);
      text += " (" + decimal_text(std::min(percent, 100.0), 0) + " %)";
    }
    print_note(text + ", " + size_text(summary_.bytes()) + "\x1b[K");
  }

  void append_report(bool is_complete) {
    if (context_.format == Format::json) return append_json(is_complete);
    std::string& out = context_.output.buffer();
    out += "Keys: " + std::to_string(summary_.keys());
    if (summary_.keys() > 0) {
      out += " with " + size_text(summary_.bytes()) + " " + measure_->what + "; " +
             size_text(summary_.bytes() / summary_.keys()) + " on average";
    }
    out += '\n';
    if (others_ > 0) out += "Others, without a size: " + std::to_string(others_) + "\n";
    if (summary_.keys() == 0) return;
    out += "\nThe largest:\n";
    for (const SizeSummary::Sized& each : summary_.largest()) {
      append_right(out, size_text(each.bytes), 12);
      out += "  ";
      append_quoted(out, each.key);
      out += '\n';
    }
    append_histogram();
  }

  void append_histogram() {
    std::string& out = context_.output.buffer();
    out += "\nKeys by size:\n";
    for (const SizeSummary::Bucket& bucket : summary_.buckets()) {
      const double share = static_cast<double>(bucket.keys) / static_cast<double>(summary_.keys());
      append_right(out, "up to " + size_text(bucket.bytes_max), 18);
      append_right(out, std::to_string(bucket.keys), 13);
      append_right(out, decimal_text(100 * share, 1) + " %", 9);
      const auto columns = static_cast<std::size_t>(std::lround(share * kBarColumns));
      out.append(columns > 0 ? "  " : "").append(std::string(columns, '#')).append("\n");
    }
  }

  static void append_right(std::string& out, const std::string& text, std::size_t width) {
    out.append(width - std::min(width, text.size()), ' ').append(text);
  }

  void append_json(bool is_complete) {
    std::string& out = context_.output.buffer();
    out += "{\"is_complete\":" + std::string(is_complete ? "true" : "false");
    if (measure_ != nullptr) out += ",\"measure\":" + json_string(measure_->name);
    out += ",\"keys\":" + std::to_string(summary_.keys());
    out += ",\"bytes\":" + std::to_string(summary_.bytes());
    out += ",\"others\":" + std::to_string(others_) + ",\"largest\":[";
    const char* separator = "";
    for (const SizeSummary::Sized& each : summary_.largest()) {
      out.append(separator).append("{\"key\":").append(json_string(each.key));
      out += ",\"bytes\":" + std::to_string(each.bytes) + "}";
      separator = ",";
    }
    out += "],\"by_size\":[";
    separator = "";
    for (const SizeSummary::Bucket& bucket : summary_.buckets()) {
      out.append(separator).append("{\"bytes_max\":").append(std::to_string(bucket.bytes_max));
      out += ",\"keys\":" + std::to_string(bucket.keys) + "}";
      separator = ",";
    }
    out += "]}\n";
  }

  const ModeContext& context_;
  SizeSummary summary_;
  std::span<const Measure> measures_;  // To choose from.
  const Measure* measure_ = nullptr;
  std::uint64_t others_ = 0;  // Whose size is not to be had this way.
  std::int64_t keys_expected_ = 0;
  bool shows_progress_;
  Clock::time_point told_at_;
};

}  // namespace

Result<ExitCode> run_bigkeys(const ModeContext& context) {
  return BigKeys(context).run();
}

}  // namespace phoenix::cli
