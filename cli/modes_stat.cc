#include <array>
#include <chrono>
#include <ctime>
#include <vector>

#include "cli/json.h"
#include "cli/modes.h"
#include "cli/server_info.h"
#include "cli/units.h"

namespace phoenix::cli {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kIntervalMs = 1'000;
/// So that one stands on every screen, and a line in 80 columns.
constexpr std::size_t kLinesPerHeader = 20;
constexpr std::size_t kColumnWidth = 10;

enum class Kind : std::uint8_t {
  count,
  size,        // Bytes.
  time,        // Microseconds.
  count_rate,  // Per second, from two pages.
  size_rate,
};

struct Column {
  const char* title;
  const char* name;  // In JSON, with its unit.
  const char* field;
  Kind kind;
};

/// Those are shown whose field the server has; to people as many as fit into 80 characters.
constexpr std::array<Column, 9> kColumns = {{
    {"keys", "keys", "keys", Kind::count},
    {"memory", "memory_bytes", "used_memory", Kind::size},
    {"clients", "clients", "connected_clients", Kind::count},
    {"req/s", "requests_per_second", "total_commands_processed", Kind::count_rate},
    {"misses/s", "misses_per_second", "keyspace_misses", Kind::count_rate},
    {"log/s", "log_bytes_per_second", "log_written_bytes", Kind::size_rate},
    {"commit", "commit_us", "commit_usec_last", Kind::time},
    {"hits/s", "hits_per_second", "keyspace_hits", Kind::count_rate},
    {"expired/s", "expired_per_second", "expired_keys", Kind::count_rate},
}};
constexpr std::size_t kColumnsForPeople = 7;

struct Page {
  InfoFields fields;
  Clock::time_point at;
};

double value_of(const Page& page, const char* field) {
  const auto at = page.fields.find(field);
  return at == page.fields.end() ? 0 : at->second;
}

bool is_rate(Kind kind) {
  return kind == Kind::count_rate || kind == Kind::size_rate;
}

double cell(const Column& column, const Page& before, const Page& now) {
  const double value = value_of(now, column.field);
  if (!is_rate(column.kind)) return value;
  const double seconds = std::chrono::duration<double>(now.at - before.at).count();
  // A server that was started again counts from zero.
  const double since = std::max(value - value_of(before, column.field), 0.0);
  return seconds > 0 ? since / seconds : 0;
}

std::string cell_text(Kind kind, double value) {
  switch (kind) {
    case Kind::size:
    case Kind::size_rate:
      return size_text(static_cast<std::uint64_t>(std::max(value, 0.0)));
    case Kind::time:
      return duration_text(std::chrono::nanoseconds(static_cast<std::int64_t>(value * 1'000)));
    case Kind::count:
    case Kind::count_rate:
      break;
  }
  return decimal_text(value, 0);
}

void append_right(std::string& out, const std::string& text) {
  // A blank at least.
  out.append(std::max(kColumnWidth, text.size() + 1) - text.size(), ' ').append(text);
}

/// "14:03:59" of here.
std::string time_text() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  std::array<char, 16> text{};
  if (::localtime_r(&now, &parts) == nullptr) return "?";
  static_cast<void>(std::strftime(text.data(), text.size(), "%H:%M:%S", &parts));
  return text.data();
}

class Stat final {
 public:
  explicit Stat(const ModeContext& context) : context_(context), bounds_(context.options) {}

  Result<ExitCode> run() {
    Result<Page> before = ask();
    if (!before) return tl::unexpected<Failure>(before.error());
    for (const Column& column : kColumns) {
      if (before->fields.count(column.field) > 0) columns_.push_back(column);
    }
    const bool is_for_people = context_.format != Format::json;
    if (is_for_people) columns_.resize(std::min(columns_.size(), kColumnsForPeople));
    if (columns_.empty()) {
      return fail(ExitCode::connection, "the server's INFO has none of the fields that are shown");
    }
    for (std::size_t line = 0; !bounds_.is_reached(); ++line) {
      if (line % kLinesPerHeader == 0 && context_.format == Format::human) append_header();
      const Result<void> written = context_.output.flush();
      if (!written) return tl::unexpected<Failure>(written.error());
      if (context_.interrupt.wait_ms(kIntervalMs)) {
        // The terminal has shown ^C.
        if (context_.is_terminal) context_.output.buffer() += '\n';
        break;
      }
      Result<Page> now = ask();
      if (!now) return tl::unexpected<Failure>(now.error());
      append_line(*before, *now);
      before = std::move(now);
      bounds_.count_one();
    }
    return ExitCode::ok;
  }

 private:
  Result<Page> ask() {
    const client::Result<client::Reply> reply = context_.connection.call({"INFO"});
    if (!reply) return tl::unexpected<Failure>(failure_of(reply.error()));
    if (reply->is_error()) {
      return fail(
          ExitCode::error_reply,
          "the server refused INFO: " + protocol::printable(protocol::error_line(reply->value)));
    }
    return Page{parse_info(reply->value.bytes), Clock::now()};
  }

  void append_header() {
    std::string& out = context_.output.buffer();
    out += "time    ";
    for (const Column& column : columns_) append_right(out, column.title);
    out += '\n';
  }

  void append_line(const Page& before, const Page& now) {
    std::string& out = context_.output.buffer();
    const bool is_json = context_.format == Format::json;
    out += is_json ? "{\"time\":" + json_string(time_text()) : time_text();
    for (const Column& column : columns_) {
      const double value = cell(column, before, now);
      if (is_json) {
        out.append(",").append(json_string(column.name)).append(":");
        out += decimal_text(value, is_rate(column.kind) ? 1 : 0);
      } else {
        append_right(out, cell_text(column.kind, value));
      }
    }
    out += is_json ? "}\n" : "\n";
  }

  const ModeContext& context_;
  ModeBounds bounds_;
  std::vector<Column> columns_;
};

}  // namespace

Result<ExitCode> run_stat(const ModeContext& context) {
  return Stat(context).run();
}

}  // namespace phoenix::cli
