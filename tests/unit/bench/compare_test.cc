// What becomes of the runs of a comparison: their order, which of them count, the figures, and how
// these are shown. The runs are made up.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "bench/compare/export.h"
#include "bench/compare/order.h"
#include "bench/compare/page.h"
#include "bench/compare/sample.h"
#include "bench/compare/summary.h"
#include "bench/compare/table.h"

using namespace phoenix;
using namespace phoenix::bench::compare;
using bench::PeerSpec;
using bench::Protocol;
using bench::RunResult;

namespace {

constexpr RunRules kRules{.seconds = 2, .server_threads = 1, .misses_count = true};

RunResult good_result() {
  RunResult result;
  result.seconds = 2;
  result.operations_per_s = 500'000;
  result.window = {.replies = 1'000'000, .hits = 1'000'000};
  result.all = result.window;
  result.latency_ns.record(100'000, 1'000'000);
  result.server_cpu_ns = 1'900'000'000;
  result.client_cpu_ns = 1'500'000'000;
  result.server_rss_bytes = 4096;
  return result;
}

std::string refusal(const RunResult& result, const RunRules& rules = kRules) {
  const auto sample = judge(result, rules);
  return sample ? "counts" : sample.error().message;
}

PeerSpec server(std::string name, std::string durability) {
  return {std::move(name), Protocol::native, {"/bin/" + name, "{port}"}, std::move(durability)};
}

Options three_servers() {
  Options options;
  options.servers = {server("phoenix", "always"), server("redis", "always"),
                     server("ceiling", "none")};
  options.servers.back().keeps_values = false;
  options.workloads = {"get"};
  options.pipelines = {16};
  options.passes = 3;
  options.keys = 1000;
  options.command = "phoenix-bench compare --servers 'a b'";
  return options;
}

Run run_of(std::size_t pass, std::size_t which, double cpu_us, double rate, double busy = 0.95) {
  Sample sample;
  sample.cpu_us = cpu_us;
  sample.operations_per_s = rate;
  sample.busy = busy;
  return {pass, which, 0, sample, {}};
}

// The machine halves its speed in the second pass; one run of Redis failed.
Comparison slowing_machine() {
  Comparison measured;
  measured.versions = {"0.1.0", "7.0.15", ""};
  measured.runs = {
      run_of(0, 0, 1.2, 800e3), run_of(0, 1, 1.8, 500e3),         run_of(0, 2, 1.0, 900e3),
      run_of(1, 0, 2.4, 400e3), run_of(1, 1, 3.6, 200e3),         run_of(1, 2, 2.0, 450e3),
      run_of(2, 0, 1.3, 700e3), {2, 1, 0, {}, "7 error replies"}, run_of(2, 2, 1.0, 900e3, 0.5)};
  measured.memory = {{0, 0, 1'000'000, 1'110'000}, {1, 0, 1'000'000, 1'130'000}};
  return measured;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("passes begin with other servers, and every second one is the last one backwards") {
  using Order = std::vector<std::size_t>;
  CHECK(order_of_pass(0, 4) == Order{0, 1, 2, 3});
  CHECK(order_of_pass(1, 4) == Order{3, 2, 1, 0});
  CHECK(order_of_pass(2, 4) == Order{2, 3, 0, 1});
  CHECK(order_of_pass(3, 4) == Order{1, 0, 3, 2});
  CHECK(order_of_pass(7, 1) == Order{0});
  for (std::size_t count = 1; count < 8; ++count) {
    std::vector<std::size_t> firsts(count, 0);
    std::vector<std::size_t> places(count, 0);  // Of each server, summed over the passes.
    for (std::size_t pass = 0; pass < 2 * count; ++pass) {
      const Order order = order_of_pass(pass, count);
      REQUIRE(std::set<std::size_t>(order.begin(), order.end()).size() == count);
      ++firsts[order.front()];
      for (std::size_t i = 0; i < count; ++i) places[order[i]] += i;
      // A machine that slows down in each pass is no worse for one server than for another.
      if (pass % 2 == 1) CHECK(places == std::vector(count, (pass + 1) * (count - 1) / 2));
    }
    CHECK(firsts == std::vector<std::size_t>(count, 2));
  }
}

TEST_CASE("the median is the middle value, or the mean of the middle two") {
  CHECK_FALSE(spread_of({}));
  const auto odd = spread_of({5, 1, 3});
  CHECK(odd->median == 3);
  CHECK(odd->low == 1);
  CHECK(odd->high == 5);
  CHECK(spread_of({4, 1, 2, 9})->median == 3);
  CHECK(spread_of({7})->median == 7);
}

TEST_CASE("a good run counts, with the figures of its server") {
  const auto sample = judge(good_result(), kRules);
  REQUIRE(sample);
  CHECK(sample->cpu_us == doctest::Approx(1.9));
  CHECK(sample->busy == doctest::Approx(0.95));
  CHECK(sample->operations_per_s == 500'000);
  CHECK(sample->p99_us == doctest::Approx(100).epsilon(0.02));
  CHECK(sample->client_cpu_us == doctest::Approx(1.5));
  CHECK(sample->rss_bytes == 4096);
  // Two threads could have been busy for twice as long.
  CHECK(judge(good_result(), {.seconds = 2, .server_threads = 2})->busy == doctest::Approx(0.475));
}

TEST_CASE("a run that was cut short or answered wrongly never counts") {
  RunResult result = good_result();
  result.interrupted = true;
  CHECK(refusal(result) == "it was interrupted");
  result = good_result();
  result.seconds = 1.8;
  CHECK(refusal(result) == "it took 1.80 of 2 s");
  result.seconds = 1.95;
  CHECK(refusal(result) == "counts");
  result.window.replies = 0;
  CHECK(refusal(result) == "there was no reply");
  result = good_result();
  result.all.errors = 2;  // In the warm-up is bad enough.
  CHECK(refusal(result) == "2 errors, 0 wrong values");
  result.complaints = {"GET of key 7: not found", "another"};
  CHECK(refusal(result) == "2 errors, 0 wrong values, such as: GET of key 7: not found");
  result = good_result();
  result.all.mismatches = 1;
  CHECK(refusal(result) == "0 errors, 1 wrong values");
  result = good_result();
  result.all.misses = 3;
  CHECK(refusal(result) == "3 misses of keys that were stored");
  CHECK(refusal(result, {.seconds = 2, .misses_count = false}) == "counts");
  result = good_result();
  result.server_cpu_ns.reset();
  CHECK(contains(refusal(result), "CPU time is not known"));
}

TEST_CASE("ratios are of the same pass, so that a machine that slows down does not show") {
  const Options options = three_servers();
  const Summary summary = summarize(options, slowing_machine());
  REQUIRE(summary.cells.size() == 1);
  const CellSummary& phoenix = summary.by_cell[0][0];
  const CellSummary& redis = summary.by_cell[0][1];
  const CellSummary& ceiling = summary.by_cell[0][2];
  CHECK(phoenix.cpu_us->median == doctest::Approx(1.3));
  CHECK(phoenix.cpu_us->high == doctest::Approx(2.4));
  CHECK(phoenix.cpu_to_ceiling->median == doctest::Approx(1.2));
  CHECK(phoenix.cpu_to_ceiling->high == doctest::Approx(1.3));
  CHECK_FALSE(phoenix.cpu_to_first);
  CHECK(redis.cpu_to_first->low == doctest::Approx(1.5));
  CHECK(redis.cpu_to_first->high == doctest::Approx(1.5));
  CHECK(redis.rate_to_first->median == doctest::Approx((0.625 + 0.5) / 2));
  CHECK_FALSE(ceiling.cpu_to_ceiling);
}

TEST_CASE("runs that do not count and idle servers are counted and told") {
  const Options options = three_servers();
  const Comparison measured = slowing_machine();
  const Summary summary = summarize(options, measured);
  CHECK(summary.runs == 9);
  CHECK(summary.counted == 8);
  CHECK(summary.by_cell[0][1].counted == 2);
  CHECK(summary.by_cell[0][1].runs == 3);
  CHECK(summary.by_cell[0][0].idle == 0);
  CHECK(summary.by_cell[0][2].idle == 1);
  REQUIRE(summary.refusals.size() == 1);
  CHECK(summary.refusals[0] == "pass 3, redis, GET, pipeline 16: 7 error replies");

  const std::string text = comparison_text(options, measured, summary);
  CHECK(contains(text, "redis     2/3  2.70 [1.80-3.60]"));
  CHECK(contains(text, "95 % !1"));
  CHECK(contains(text, "8 of 9"));
  CHECK(contains(text, "7 error replies"));
  CHECK(contains(text, "In 1 runs (marked !, of ceiling)"));
  CHECK(contains(text, "keep nothing there: ceiling."));
}

TEST_CASE("memory is told per key, and what of it is not key or value") {
  const Options options = three_servers();
  const Summary summary = summarize(options, slowing_machine());
  CHECK(summary.memory[0].bytes_per_key->median == doctest::Approx(120));
  CHECK(summary.memory[0].bytes_per_key->low == doctest::Approx(110));
  CHECK_FALSE(summary.memory[1].bytes_per_key);
  const bench::Table table = table_of_memory(options, summary);
  REQUIRE(table.rows.size() == 1);
  CHECK(table.rows[0].back() == "40.0");
}

TEST_CASE("where no run counts there are no figures, and nothing breaks") {
  const Options options = three_servers();
  Comparison measured;
  measured.interrupted = true;
  measured.in_memory = true;
  measured.failures = {"pass 1: redis: it ended before it answered"};
  const Summary summary = summarize(options, measured);
  CHECK(summary.counted == 0);
  const std::string text = comparison_text(options, measured, summary);
  CHECK(contains(text, "redis     0/0"));
  CHECK(contains(text, "it ended before it answered"));
  CHECK(contains(text, "interrupted"));
  CHECK(contains(text, "in memory"));
  CHECK(contains(comparison_json(options, measured, summary), "\"cpu_us_per_op\": null"));
  CHECK(contains(comparison_page(options, measured, summary), "</html>"));
}

TEST_CASE("JSON and CSV hold every run") {
  const Options options = three_servers();
  Comparison measured = slowing_machine();
  measured.runs[7].refusal = "it said \"no\", and\nended \xff";
  const Summary summary = summarize(options, measured);
  const std::string csv = comparison_csv(options, measured);
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 1 + 9 + 1);  // One of them in quotes.
  CHECK(contains(csv, "1,phoenix,get,16,1,,1.200000,800000.0,"));
  CHECK(contains(csv, "3,redis,get,16,0,\"it said \"\"no\"\", and\nended \xff\",,,,,,,,\n"));
  const std::string json = comparison_json(options, measured, summary);
  CHECK(contains(json, "\"runs_counted\": 8"));
  CHECK(contains(json, "\"why_not\": \"it said \\\"no\\\", and\\nended \xef\xbf\xbd\""));
  CHECK(contains(json, "\"idle_server\": true"));
  CHECK_FALSE(contains(json, "/bin/"));  // Where programs lay here says nothing elsewhere.
}

TEST_CASE("the page shows plots, ratios, cautions and how to repeat it") {
  const Options options = three_servers();
  Comparison measured = slowing_machine();
  measured.versions[1] = "<7>";
  measured.machine.cpu_model = "fast & new";
  const Summary summary = summarize(options, measured);
  const std::string page = comparison_page(options, measured, summary);
  CHECK(contains(page, "<svg"));
  CHECK(contains(page, "Server CPU time per operation, pipeline 16"));
  CHECK(contains(page, "1.50× [1.50–1.50]"));
  CHECK(contains(page, "server idle"));
  CHECK(contains(page, "7 error replies"));
  CHECK(contains(page, "phoenix-bench compare --servers"));
  CHECK(contains(page, "fast &amp; new"));
  CHECK(contains(page, "&lt;7&gt;"));
  CHECK_FALSE(contains(page, "<7>"));
  CHECK_FALSE(contains(page, "http"));  // Nothing is loaded from anywhere.
}
