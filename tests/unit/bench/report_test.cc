// What a run is told as: text, JSON, CSV and a page; and what is read of the machine for it.
#include "bench/report/report.h"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "bench/report/csv.h"
#include "bench/report/curves.h"
#include "bench/report/files.h"
#include "bench/report/terminal_plot.h"
#include "bench/report/warnings.h"
#include "tests/unit/bench/text_checks.h"

using namespace phoenix;
using namespace phoenix::bench;
using nlohmann::json;

namespace {

RunResult sample_result() {
  RunResult result;
  result.server.name = "phoenix";
  result.server.version = "0.1.0";
  result.server.pid = 4711;
  result.server.cores = 2;
  result.seconds = 2;
  result.operations_per_s = 500'000;
  result.window = {.replies = 1'000'000, .hits = 999'990, .misses = 10};
  result.all = result.window;
  result.latency_ns.record(100'000, 999'999);
  result.latency_ns.record(5'000'000);
  result.server_cpu_ns = 3'800'000'000;
  result.client_cpu_ns = 1'500'000'000;
  return result;
}

TimelineSecond sample_second(double begin_s, double length_s, std::uint64_t replies) {
  TimelineSecond second;
  second.begin_s = begin_s;
  second.length_s = length_s;
  second.counts.replies = replies;
  second.p50_ns = 100'000;
  second.p99_ns = 200'000;
  second.max_ns = 5'000'000;
  return second;
}

Report report_of(RunResult result, RunOptions options = {}) {
  Report report;
  report.began_at_unix_s = 1'779'006'600;
  report.command = "phoenix-bench --seed 5";
  report.machine.cpu_model = "Some CPU";
  report.machine.cpus_online = 2;
  report.runs.push_back({"run", std::move(options), std::move(result)});
  return report;
}

// All that a run can have.
RunResult full_result() {
  RunResult result = sample_result();
  result.interrupted = true;
  result.offered_per_s = 600'000;
  result.unsent = 1234;
  result.client_delay_ns.record(300'000, 100);
  result.server_rss_bytes = 3U << 20U;
  result.device_flushes = 77;
  result.verbs.resize(2);
  result.verbs[0].name = "get";
  result.verbs[0].latency_ns.record(90'000, 10);
  result.verbs[1].name = "set\xff\"<b>";
  result.verbs[1].latency_ns.record(200'000, 20);
  result.timeline = {sample_second(0, 1, 500'000), sample_second(1, 0.5, 100'000)};
  result.timeline[0].server_busy = 0.95;
  result.timeline[0].server_rss_bytes = 2U << 20U;
  result.complaints = {"GET \"\xfe\n\x01\": <other>"};
  return result;
}

Report sweep_report() {
  Report report = report_of(sample_result());
  report.runs.clear();
  for (const double rate : {100e3, 200e3, 300e3}) {
    RunResult result = sample_result();
    result.offered_per_s = rate;
    result.latency_ns.record(static_cast<std::uint64_t>(rate * rate / 1e3), 100'000);
    report.runs.push_back({"step, at \"" + std::to_string(report.runs.size()) + "\"", {}, result});
  }
  report.sweep = Sweep{1};
  return report;
}

using Rows = std::vector<std::vector<std::string>>;

// RFC 4180, from its grammar: what any reader makes of the text.
Rows read_csv(const std::string& text) {
  Rows rows;
  std::vector<std::string> row;
  std::string cell;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char letter = text[i];
    if (quoted) {
      const bool is_pair = letter == '"' && i + 1 < text.size() && text[i + 1] == '"';
      if (letter != '"' || is_pair) cell += letter;
      if (letter == '"' && !is_pair) quoted = false;
      if (is_pair) ++i;
    } else if (letter == '"') {
      quoted = true;
    } else if (letter == ',' || letter == '\n') {
      row.push_back(std::exchange(cell, {}));
      if (letter == '\n') rows.push_back(std::exchange(row, {}));
    } else if (letter != '\r') {
      cell += letter;
    }
  }
  CHECK(cell.empty());
  CHECK_FALSE(quoted);
  return rows;
}

class TemporaryDirectory final {
 public:
  TemporaryDirectory() { REQUIRE(mkdtemp(path_.data()) != nullptr); }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }

  std::string path(const std::string& name) const { return path_ + "/" + name; }

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name)) << text;
  }

 private:
  std::string path_ = "/tmp/phoenix-report-test-XXXXXX";
};

}  // namespace

TEST_CASE("the text says what was measured") {
  const std::string text = text_report(report_of(sample_result()));
  CHECK(
      contains(text, "mixed (0.9 GET), uniform, 50 connections, pipeline 1, 1,000,000 keys of 16"));
  CHECK(contains(text, "phoenix 0.1.0, process 4711, 2 cores"));
  CHECK(contains(text, "throughput  500,000 ops/s over 2.00 s"));
  CHECK(contains(text,
                 "latency        p50     p90     p99   p99.9  p99.99      max\n"
                 "  all       100 us  100 us  100 us  100 us  100 us  5.00 ms\n"));
  CHECK(contains(text, "999,990 hits, 10 misses, 0 errors, 0 wrong values"));
  CHECK(contains(text, "server CPU  3.8000 us per operation, 95 % busy"));
  CHECK(contains(text, "client CPU  1.5000 us per operation, 75 % busy"));
  CHECK(contains(text, "machine     Some CPU, CPUs online 2\n"));
  CHECK(contains(text, "again       phoenix-bench --seed 5\n"));
  for (const char* unknown :
       {"warning", "wrong:", "offered", "memory", "flushes", "\n  get", "sent late"}) {
    CHECK_FALSE(contains(text, unknown));
  }
}

TEST_CASE("the text has rows for all that is known") {
  const std::string text = text_report(report_of(full_result()));
  CHECK(contains(text, "offered     600,000 ops/s, 1,234 never sent\n"));
  CHECK(contains(text, "\n  get  "));
  CHECK(contains(text, "  set\\xff"));
  CHECK(contains(text, "\n  sent late  "));
  CHECK(contains(text, "memory      3.00 MiB resident\n"));
  CHECK(contains(text, "flushes     77 of the server's devices\n"));
  for (const char letter : text) CHECK(static_cast<signed char>(letter) > 0);
}

TEST_CASE("the text warns of an idle server, of an unknown one and of wrong replies") {
  RunResult result = sample_result();
  const auto text = [&result] { return text_report(report_of(result)); };
  result.server_cpu_ns = 3'000'000'000;
  CHECK(contains(text(), "warning: the server was only 75 % busy"));
  result.window.hits = 1'000;
  result.window.misses = 999'000;
  CHECK(contains(text(), "warning: 100 % of the keys read were misses: the server has"));
  result.window = {.replies = 1'000'000};  // SETs alone.
  CHECK_FALSE(contains(text(), "misses: the server"));
  result.server.name = "a\033[2J";
  CHECK(contains(text(), "server      a\\x1b[2J 0.1.0"));
  result.server_cpu_ns.reset();
  CHECK(contains(text(), "warning: the server's process is not known"));
  CHECK(result.correct());
  result.all.mismatches = 2;
  result.complaints = {"GET \"x\": other"};
  CHECK_FALSE(result.correct());
  CHECK(contains(text(), "wrong: GET \"x\": other\nwrong: 0 error replies, 2 wrong"));
  result.all = result.window;
  result.all.errors = 1;
  CHECK_FALSE(result.correct());
}

TEST_CASE("where no reply came there are no figures") {
  RunResult result;
  result.timeline = {TimelineSecond{}};
  const Report report = report_of(result);
  CHECK(contains(text_report(report), "  all         -    -    -      -       -    -\n"));
  CHECK(contains(text_report(report), "warning: no reply came in the measured time"));
  const json told = json::parse(json_report(report));
  CHECK(told["latency_us"]["p50"].is_null());
  CHECK(told["latency_us"]["mean"].is_null());
  CHECK(told["timeline"][0]["max_us"].is_null());
  CHECK(told["histogram"].empty());
  CHECK(read_csv(csv_report(report))[1][8].empty());
  CHECK(contains(html_report(report), "<dd>-<small>mean -</small>"));
}

TEST_CASE("open loops and interrupted runs have warnings of their own") {
  RunResult result = sample_result();
  result.server_cpu_ns = 1;  // Idle: the rate is the client's on purpose.
  result.offered_per_s = 100;
  CHECK(warnings_of({"", {}, result}, false).empty());
  result.unsent = 1000;
  result.client_delay_ns.record(50'000);  // Less than the median of 100 us.
  REQUIRE(warnings_of({"", {}, result}, false).size() == 1);
  CHECK(warnings_of({"", {}, result}, true).empty());  // A sweep does that on purpose.
  CHECK(contains(warnings_of({"", {}, result}, false)[0],
                 "1,000 requests that were due were never sent"));
  result.client_delay_ns.record(2'000'000, 10);
  result.interrupted = true;
  const auto warnings = warnings_of({"", {}, result}, false);
  REQUIRE(warnings.size() == 3);
  CHECK(contains(warnings[0], "interrupted after 2.00 s"));
  CHECK(contains(warnings[2], "left more than 2.0"));
}

TEST_CASE("the command can be given to a shell") {
  CHECK(shell_command({"build/bench/phoenix-bench", "-p", "7000"}, 5) ==
        "phoenix-bench -p 7000 --seed 5");
  CHECK(shell_command({"b", "--seed", "7"}, 5) == "b --seed 7");
  CHECK(shell_command({"b", "--seed=7"}, 5) == "b --seed=7");
  CHECK(shell_command({"a b", "it's", "", "$x", "x/y-z_0=1"}, 1) ==
        "'a b' 'it'\\''s' '' '$x' x/y-z_0=1 --seed 1");
}

TEST_CASE("JSON of one run has its figures at the top, as scripts read them") {
  RunOptions options;
  options.seed = 5;
  options.target.host = "a\"b\\c\n\xff";
  const json told = json::parse(json_report(report_of(sample_result(), options)));
  CHECK(told["server"] == "phoenix");
  CHECK(told["server_pid"] == 4711);
  CHECK(told["host"] == "a\"b\\c\n\uFFFD");
  CHECK(told["unix"].is_null());
  CHECK(told["preload"] == true);
  CHECK(told["workload"] == "mixed");
  CHECK(told["seed"] == 5);
  CHECK(told["seconds"] == 2);
  CHECK(told["ops_per_s"] == 500'000);
  CHECK(told["replies"] == 1'000'000);
  CHECK(told["misses"] == 10);
  CHECK(told["latency_us"]["p99.99"] == 100.351);
  CHECK(told["latency_us"]["max"] == 5000);
  CHECK(told["server_cpu_us_per_op"] == 3.8);
  CHECK(told["server_busy"] == 0.95);
  CHECK(told["client_busy"] == 0.75);
  CHECK(told["began_at"] == "2026-05-17 08:30:00 UTC");
  CHECK(told["command"] == "phoenix-bench --seed 5");
  CHECK(told["machine"]["cpu_model"] == "Some CPU");
  CHECK(told["histogram"] == json::parse("[[100.351, 999999], [5013.503, 1]]"));
  for (const char* unknown : {"open_loop", "server_memory_bytes", "device_flushes"}) {
    CAPTURE(unknown);
    CHECK(told.at(unknown).is_null());
  }
  CHECK(told["timeline"].empty());
  RunResult unknown = sample_result();
  unknown.server_cpu_ns.reset();
  const json less = json::parse(json_report(report_of(unknown)));
  CHECK(less["server_cpu_us_per_op"].is_null());
  CHECK(less["server_busy"].is_null());
}

TEST_CASE("JSON holds all that is known, and every byte sequence is text") {
  const json told = json::parse(json_report(report_of(full_result())));
  CHECK(told["interrupted"] == true);
  CHECK(told["open_loop"]["offered_per_s"] == 600'000);
  CHECK(told["open_loop"]["unsent"] == 1234);
  CHECK(told["open_loop"]["client_delay_us"]["max"] == 300);
  CHECK(told["verbs"]["get"]["replies"] == 10);
  CHECK(told["verbs"]["set\uFFFD\"<b>"]["latency_us"]["max"] == 200);
  CHECK(told["server_memory_bytes"] == 3 << 20);
  CHECK(told["device_flushes"] == 77);
  CHECK(told["complaints"][0] == "GET \"\uFFFD\n\u0001\": <other>");
  REQUIRE(told["timeline"].size() == 2);
  CHECK(told["timeline"][1]["ops_per_s"] == 200'000);
  CHECK(told["timeline"][1]["server_busy"].is_null());
  CHECK(told["timeline"][0]["server_busy"] == 0.95);
}

TEST_CASE("JSON of several runs has each of them, and the knee") {
  const json told = json::parse(json_report(sweep_report()));
  REQUIRE(told["runs"].size() == 3);
  CHECK(told["sweep"]["knee"] == 1);
  CHECK(told["runs"][2]["open_loop"]["offered_per_s"] == 300'000);
  CHECK(told["runs"][0]["label"] == "step, at \"0\"");
  CHECK_FALSE(told.contains("ops_per_s"));
}

TEST_CASE("what a CSV line was made of is what a reader reads") {
  const std::vector<std::string> cells{
      "plain",  "", "a,b", "say \"no\"", "two\r\nlines\n", "\"", std::string("\0\xff\x01", 3),
      " space "};
  CHECK(read_csv(csv_line(cells)) == Rows{cells});
  CHECK(read_csv(csv_line({""})) == Rows{{""}});
  CHECK(csv_line({"a", "b\"c"}) == "a,\"b\"\"c\"\r\n");
  CHECK(csv_line({""}) == "\"\"\r\n");
}

TEST_CASE("CSV of one run is a line per second") {
  const Rows rows = read_csv(csv_report(report_of(full_result())));
  REQUIRE(rows.size() == 3);
  CHECK(rows[0][2] == "ops_per_s");
  CHECK(rows[1] == std::vector<std::string>{"0.000", "1.000", "500000.0", "500000", "0", "0", "0",
                                            "0", "100.000", "200.000", "5000.000", "0.9500",
                                            "2097152"});
  CHECK(rows[2].size() == rows[0].size());
  CHECK(rows[2][11].empty());
}

TEST_CASE("CSV of several runs is a line per run, with every byte of its text") {
  Report report = sweep_report();
  report.runs[0].result.server.version = "1,\"\xff\"\n";
  report.runs[0].options.target.unix_path = "/a\r\nb";
  const Rows rows = read_csv(csv_report(report));
  REQUIRE(rows.size() == 4);
  for (const auto& row : rows) REQUIRE(row.size() == rows[0].size());
  const auto cell = [&rows](std::size_t row, const std::string& name) {
    const auto found = std::find(rows[0].begin(), rows[0].end(), name);
    REQUIRE(found != rows[0].end());
    return rows[row][static_cast<std::size_t>(found - rows[0].begin())];
  };
  CHECK(cell(1, "label") == "step, at \"0\"");
  CHECK(cell(1, "server_version") == "1,\"\xff\"\n");
  CHECK(cell(1, "unix") == "/a\r\nb");
  CHECK(cell(2, "unix").empty());
  CHECK(cell(3, "offered_per_s") == "300000.0");
  CHECK(cell(3, "ops_per_s") == "500000.0");
  CHECK(cell(3, "device_flushes").empty());
}

TEST_CASE("the page tells it all, is well formed, and escapes what is not ours") {
  RunResult result = full_result();
  result.server.name = "<script>alert(1)</script>";
  Report report = report_of(result);
  report.command = "phoenix-bench --host '<x>' && rm";
  const std::string text = html_report(report);
  CHECK(flaw_of(text) == "");
  CHECK_FALSE(contains(text, "<script"));
  CHECK(contains(text, "&lt;script&gt;alert(1)&lt;/script&gt; 0.1.0 under load"));
  CHECK(contains(text, "<code>phoenix-bench --host '&lt;x&gt;' &amp;&amp; rm</code>"));
  CHECK(contains(text, "Some CPU"));
  CHECK(contains(text, "Latency by percentile"));
  CHECK(contains(text, "<li>Interrupted after"));
  CHECK(contains(text, "<li>Wrong: GET"));
  CHECK(times(text, "<figure>") == 3);  // Neither CPU nor memory is known of every second.
}

TEST_CASE("pages of hard cases are well formed") {
  CHECK(flaw_of(html_report(Report{})) == "");
  CHECK(flaw_of(html_report(report_of(RunResult{}))) == "");
  CHECK(contains(html_report(report_of(RunResult{})), "no data"));
  Report sweep = sweep_report();
  const std::string text = html_report(sweep);
  CHECK(flaw_of(text) == "");
  CHECK(contains(text, ">knee: 200 k</text>"));
  CHECK(contains(text, "</i>step, at &quot;1&quot; (the knee)</li>"));
  sweep.sweep->knee.reset();
  CHECK(flaw_of(html_report(sweep)) == "");
  CHECK_FALSE(contains(html_report(sweep), ">knee:"));
  sweep.sweep.reset();
  CHECK(contains(html_report(sweep), "3 runs side by side"));
  RunResult long_run = sample_result();
  for (int i = 0; i < 86'400; ++i) long_run.timeline.push_back(sample_second(i, 1, 5));
  const std::string page = html_report(report_of(long_run));
  CHECK(flaw_of(page) == "");
  CHECK(contains(page, "Each step stands for 360 seconds"));
  CHECK(page.size() < 200'000);
}

TEST_CASE("a step of many seconds has their mean throughput, and the worst latency of them") {
  RunResult result = sample_result();
  for (int i = 0; i < 480; ++i)
    result.timeline.push_back(sample_second(i, 1, i % 2 == 0 ? 10 : 30));
  result.timeline[100].max_ns = 7'000'000;
  const auto plots = timeline_plots(result);
  REQUIRE(plots.size() == 2);
  REQUIRE(plots[0].series[0].points.size() == 480);
  for (const Point& point : plots[0].series[0].points) CHECK(point.y == 20);
  CHECK(plots[1].series[2].points[100].y == 7e6);
  CHECK(plots[1].series[2].points[102].y == 5e6);
}

TEST_CASE("the percentile curve ends at the maximum") {
  const LinePlot plot = percentile_plot(report_of(sample_result()).runs);
  REQUIRE(plot.series.size() == 1);
  const auto& points = plot.series[0].points;
  CHECK(points.front().x == 1);
  CHECK(points.back().x == 1e6);
  CHECK(points.back().y == 5e6);
  CHECK(points.front().y == 100'351);
  CHECK(percentile_plot(report_of(full_result()).runs).series.size() == 3);
  CHECK(percentile_plot(sweep_report().runs).series.size() == 3);
}

TEST_CASE("the plot for a terminal is plain text of the size that was asked for") {
  const std::string text = terminal_plot(knee_plot(sweep_report()), {60, 10});
  CHECK(contains(text, "  * p50  o p99  + p99.9  : knee: 200 k\n"));
  CHECK(times(text, "\n") == 15);
  std::size_t column = 0;
  for (const char letter : text) {
    column = letter == '\n' ? 0 : column + 1;
    const bool is_plain = letter == '\n' || (letter >= ' ' && letter <= '~');
    CHECK(is_plain);
    CHECK(column <= 60);
  }
  LinePlot rising;
  rising.title = "rising";
  rising.series = {{"r", {{0, 0}, {10, 10}}}};
  const std::string drawn = terminal_plot(rising, {40, 5});
  CHECK(drawn.find("10 |") < drawn.find(" 0 |"));
  CHECK(contains(drawn.substr(0, drawn.find(" 5 |")), "****\n"));  // High at the right.
  CHECK(contains(drawn, "\n 0 |****"));                            // Low at the left.
  CHECK(contains(terminal_plot({}), "no data"));
}

TEST_CASE("the text of a sweep draws the curve and names the knee") {
  Report report = sweep_report();
  CHECK(contains(text_report(report), "knee        200,000 ops/s, p99 "));
  report.sweep->knee.reset();
  CHECK(contains(text_report(report), "knee        below the first step"));
  CHECK(text_report(Report{}) == "nothing was measured\n");
}

TEST_CASE("the machine is read from the kernel's files") {
  const TemporaryDirectory root;
  root.write("proc/cpuinfo",
             "processor\t: 0\nmodel name\t: Fast CPU 3000\nflags\t\t: fpu hypervisor\n\n"
             "processor\t: 1\nmodel name\t: Fast CPU 3000\n");
  root.write("proc/meminfo", "MemFree: 5 kB\nMemTotal:       16384 kB\n");
  root.write("proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
  root.write("proc/loadavg", "0.52 0.58 0.59 1/460 12345\n");
  root.write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
  root.write("sys/class/dmi/id/sys_vendor", "QEMU\n");
  const MachineFacts facts = read_machine_facts(root.path(""));
  CHECK(facts.cpu_model == "Fast CPU 3000");
  CHECK(facts.cpus_online == 2);
  CHECK(facts.memory_bytes == 16U << 20U);
  CHECK(facts.kernel == "Linux 6.1.0-18-amd64");
  CHECK(facts.governor == "performance");
  CHECK(facts.virtualisation == "virtual machine (QEMU)");
  CHECK(facts.load_average == 0.52);
  CHECK_FALSE(facts.compiler.empty());
  const MachineFacts unknown = read_machine_facts(root.path("nowhere"));
  CHECK(unknown.cpu_model.empty());
  CHECK(unknown.cpus_online == 0);
  CHECK_FALSE(unknown.load_average);
  CHECK(unknown.virtualisation.empty());
  CHECK(read_machine_facts().cpus_online > 0);
}

TEST_CASE("report files are opened before, and tell when they took not all") {
  const TemporaryDirectory directory;
  const Report report = report_of(sample_result());
  auto files = ReportFiles::open(
      {{"--json", directory.path("r.json")}, {"--html", ""}, {"--csv", directory.path("r.csv")}});
  REQUIRE(files);
  REQUIRE(files->write(report));
  std::ifstream file(directory.path("r.json"));
  CHECK(json::parse(file)["ops_per_s"] == 500'000);
  CHECK(std::filesystem::file_size(directory.path("r.csv")) == csv_report(report).size());
  {  // Opened for a run that failed: the earlier report stays.
    REQUIRE(ReportFiles::open({{"--csv", directory.path("r.csv")}}));
    CHECK(std::filesystem::file_size(directory.path("r.csv")) == csv_report(report).size());
  }
  auto again = ReportFiles::open({{"--csv", directory.path("r.csv")}});
  REQUIRE(again);
  REQUIRE(again->write([](const std::string&) { return std::string("short"); }));
  CHECK(std::filesystem::file_size(directory.path("r.csv")) == 5);
  const auto twice = ReportFiles::open(
      {{"--json", directory.path("r.csv")}, {"--html", directory.path("./r.csv")}});
  REQUIRE_FALSE(twice);
  CHECK(contains(twice.error().message, "--json goes to the same file"));
  const auto missing = ReportFiles::open({{"--html", directory.path("no/such")}});
  REQUIRE_FALSE(missing);
  CHECK(contains(missing.error().message, "--html " + directory.path("no/such") + ": cannot be"));
  auto full = ReportFiles::open({{"--csv", "/dev/full"}, {"--json", directory.path("s.json")}});
  REQUIRE(full);
  const auto written = full->write(report);
  REQUIRE_FALSE(written);
  CHECK(contains(written.error().message, "--csv /dev/full: could not be written"));
  CHECK(std::filesystem::file_size(directory.path("s.json")) > 100);
}
