// INFO: which sections are told, and what clients and exporters read in them.
#include "phoenix/server/info_page.h"

#include <doctest/doctest.h>

#include "phoenix/server/rate.h"

using namespace phoenix;
using namespace phoenix::server;

namespace {

class Page {
 public:
  Page() {
    config.cores = 2;
    config.memory_bytes_max = 4096;
  }
  std::string operator()(const std::vector<std::string_view>& sections = {}) {
    const Shared shared(config, table);
    return tell(shared, sections);
  }
  static std::string tell(const Shared& shared, const std::vector<std::string_view>& sections) {
    std::string page;
    append_info({shared, {}, 5000}, sections, page);
    return page;
  }

  Config config;
  commands::Table table;
};

bool has(const std::string& page, std::string_view text) {
  return page.find(text) != std::string::npos;
}

TEST_CASE("sections are those that are named, in the page's order") {
  Page page;
  CHECK(page({"cluster"}) == "# Cluster\r\ncluster_enabled:0\r\n");
  CHECK(page({"nothing"}).empty());
  const std::string two = page({"CLUSTER", "modules", "nothing"});
  CHECK(two == "# Modules\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n");
  const std::string most = page();
  CHECK(most == page({"default"}));
  CHECK_FALSE(has(most, "# Commandstats"));
  CHECK(has(page({"all"}), "# Commandstats"));
  CHECK(page({"everything"}) == page({"all", "server"}));
}

TEST_CASE("every line is a name and a value, and ends as Redis's lines do") {
  Page page;
  std::string_view rest = "";
  const std::string all = page({"all"});
  rest = all;
  while (!rest.empty()) {
    const std::size_t end = rest.find("\r\n");
    REQUIRE(end != std::string_view::npos);
    const std::string_view line = rest.substr(0, end);
    CAPTURE(line);
    CHECK((line.empty() || line.starts_with("# ") || line.find(':') != std::string_view::npos));
    rest.remove_prefix(end + 2);
  }
}

TEST_CASE("figures are those of all cores") {
  Page page;
  Shared shared(page.config, page.table);
  for (unsigned core = 0; core < 2; ++core) {
    Metrics& metrics = shared.metrics[core];
    metrics.keys.set(3 + core);
    metrics.keys_with_expiry.set(1);
    metrics.memory_bytes.set(1000);
    metrics.buffer_bytes.set(400);
    const std::uint16_t get = page.table.find("GET")->index;
    metrics.calls[get].add(100);
    metrics.commands[get].not_run.add(10);
    metrics.commands[get].failed.add(3);
    metrics.commands[get].record(3'000);
    metrics.commands[get].record(core == 0 ? 1'031 : 3'000'000'000);
    metrics.commands[page.table.find("SET")->index].rejected.add(1);
    metrics.errors[static_cast<std::size_t>(protocol::Status::error)].add(5);
    metrics.errors[static_cast<std::size_t>(protocol::Status::too_large)].add(1);
    metrics.errors[static_cast<std::size_t>(protocol::Status::busy_key)].add(core);
  }
  shared.memory_peak.set(2500);
  CHECK(Page::tell(shared, {"keyspace"}) == "# Keyspace\r\ndb0:keys=7,expires=2,avg_ttl=0\r\n");
  CHECK(Page::tell(shared, {"commandstats"}) ==
        "# Commandstats\r\n"
        "cmdstat_get:calls=180,usec=135000316,usec_per_call=750001.76,rejected_calls=0,"
        "failed_calls=6\r\n"
        "cmdstat_set:calls=0,usec=0,usec_per_call=0.00,rejected_calls=2,failed_calls=0\r\n");
  CHECK(Page::tell(shared, {"errorstats"}) ==
        "# Errorstats\r\nerrorstat_BUSYKEY:count=1\r\nerrorstat_ERR:count=12\r\n");
  CHECK(has(Page::tell(shared, {"stats"}), "\r\ntotal_error_replies:13\r\n"));
  CHECK(Page::tell(shared, {"latencystats"}) ==
        "# Latencystats\r\n"
        "latency_percentiles_usec_get:p50=4.127,p99=1082130.431,p99.9=1082130.431\r\n");
  const commands::CommandTimes times = times_of(shared, page.table.find("GET")->index);
  CHECK(times.up_to[0] == 45);
  CHECK(times.up_to[1] == 45);
  CHECK(times.up_to[2] == 135);
  CHECK(times.up_to.back() == 180);
  const std::string memory = Page::tell(shared, {"memory"});
  CHECK(has(memory, "\r\nused_memory:2000\r\nused_memory_human:1.95K\r\n"));
  CHECK(has(memory, "\r\nused_memory_peak:2500\r\n"));
  CHECK(has(memory, "\r\nused_memory_dataset:1200\r\n"));
  CHECK(has(memory, "\r\nmaxmemory:4096\r\n"));
  CHECK(has(Page::tell(shared, {"cores"}), "core_1:keys=4,"));
}

TEST_CASE("what is durable is told as the append-only file") {
  Page page;
  CHECK(has(page({"persistence"}), "aof_enabled:1\r\n"));
  page.config.log.durability = log::Durability::off;
  CHECK(has(page({"persistence"}), "aof_enabled:0\r\n"));
}

TEST_CASE("changes are unsaved only where nothing is saved") {
  Page page;
  for (const bool is_off : {false, true}) {
    if (is_off) page.config.log.durability = log::Durability::off;
    Shared shared(page.config, page.table);
    for (unsigned core = 0; core < 2; ++core) shared.metrics[core].changes.set(3);
    CHECK(has(Page::tell(shared, {"persistence"}),
              is_off ? "rdb_changes_since_last_save:6\r\n" : "rdb_changes_since_last_save:0\r\n"));
  }
}

TEST_CASE("sizes are shown in the largest unit that they fill") {
  CHECK(short_size(0) == "0B");
  CHECK(short_size(1023) == "1023B");
  CHECK(short_size(1536) == "1.50K");
  CHECK(short_size(std::uint64_t{3} << 30U) == "3.00G");
}

TEST_CASE("a rate is the mean of the last samples") {
  Rate rate;
  std::uint64_t now_ns = kNanosPerSecond;
  CHECK(rate.sample(100, now_ns) == 0);
  CHECK(rate.sample(150, now_ns + kNanosPerSecond / 2) == 100);
  for (unsigned i = 1; i <= 8; ++i) {
    now_ns += kNanosPerSecond;
    const std::uint64_t per_second = rate.sample(150 + 10 * i, now_ns);
    if (i == 8) CHECK(per_second == 10);
  }
  CHECK(rate.sample(5, now_ns + kNanosPerSecond) == 0);  // Begun anew.
  CHECK(rate.sample(25, now_ns + 2 * kNanosPerSecond) == 20);
}

}  // namespace
