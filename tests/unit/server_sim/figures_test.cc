// What the server tells of its own work, over RESP in a whole server: how often each command ran,
// how long that took and how often it failed; and who waits for the disk for a limited time.
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/server_sim/talker.h"

using namespace phoenix;
using namespace phoenix::simtest;

namespace {

/// A line of INFO, without its name and what is measured in microseconds.
std::string figure(const std::string& page, const std::string& name) {
  const std::size_t begin = page.find("\r\n" + name + ":");
  if (begin == std::string::npos) return "none";
  std::string line = page.substr(begin + 3 + name.size());
  line.resize(line.find("\r\n"));
  const std::size_t usec = line.find("usec=");
  if (usec != std::string::npos) line.erase(usec, line.find("rejected") - usec);
  return line;
}

TEST_CASE("calls are those that ran, and errors belong to the command that answered them") {
  for (const unsigned cores : {1U, 2U}) {
    CAPTURE(cores);
    Served at(memory_only(cores));
    const auto talker = at.talker();
    std::string lines = "SET a x\r\nINCR a\r\nGET\r\nNOPE\r\nCONFIG NOPE\r\nRESTORE a 0 x\r\n";
    for (int i = 0; i < 20; ++i) lines += "GET k" + std::to_string(i) + "\r\n";
    lines += "MULTI\r\nSET a y\r\nINCR a\r\nGET\r\nEXEC\r\n";  // Aborted.
    lines += "MULTI\r\nINCR a\r\nPING\r\nGETSET a\r\nDISCARD\r\n";
    lines += "MULTI\r\nSET b 1\r\nINCR b\r\nRESTORE b 0 x\r\nGET b\r\nPING\r\nEXEC\r\nEXEC\r\n";
    lines += "DBSIZE\r\nKEYS *\r\nMGET a b c d\r\nSCAN x\r\n";
    (void)talker->ask(lines);
    const std::string page = talker->ask("INFO everything\r\n");
    CHECK(figure(page, "cmdstat_get") == "calls=21,rejected_calls=2,failed_calls=0");
    CHECK(figure(page, "cmdstat_set") == "calls=2,rejected_calls=0,failed_calls=0");
    CHECK(figure(page, "cmdstat_incr") == "calls=2,rejected_calls=0,failed_calls=1");
    CHECK(figure(page, "cmdstat_restore") == "calls=2,rejected_calls=0,failed_calls=2");
    CHECK(figure(page, "cmdstat_exec") == "calls=3,rejected_calls=0,failed_calls=2");
    CHECK(figure(page, "cmdstat_ping") == "calls=1,rejected_calls=0,failed_calls=0");
    CHECK(figure(page, "cmdstat_getset") == "calls=0,rejected_calls=1,failed_calls=0");
    CHECK(figure(page, "cmdstat_keys") == "calls=1,rejected_calls=0,failed_calls=0");
    CHECK(figure(page, "cmdstat_scan") == "calls=1,rejected_calls=0,failed_calls=1");
    CHECK(figure(page, "cmdstat_mget") == "calls=1,rejected_calls=0,failed_calls=0");
    CHECK(figure(page, "cmdstat_config") == "none");
    CHECK(figure(page, "errorstat_EXECABORT") == "count=1");
    CHECK(figure(page, "errorstat_ERR") == "count=8");
    CHECK(figure(page, "total_error_replies") == "11");
    CHECK(figure(page, "latency_percentiles_usec_get").starts_with("p50="));
    (void)talker->ask("CONFIG SET latency-tracking-info-percentiles \"0 99.5\"\r\n");
    const std::string told =
        figure(talker->ask("INFO latencystats\r\n"), "latency_percentiles_usec_get");
    CHECK(told.starts_with("p0="));
    CHECK(told.find(",p99.5=") != std::string::npos);
    CHECK(talker->ask("CONFIG SET latency-tracking no\r\nINFO latencystats\r\n") ==
          "+OK\r\n$16\r\n# Latencystats\r\n\r\n");
    CHECK(talker->ask("LATENCY HISTOGRAM restore\r\n")
              .starts_with(
                  "*2\r\n$7\r\nrestore\r\n*4\r\n$5\r\ncalls\r\n:2\r\n$14\r\nhistogram_usec"));
    CHECK(talker->ask("CONFIG RESETSTAT\r\n") == "+OK\r\n");
    CHECK(talker->ask("LATENCY HISTOGRAM get set\r\nINFO errorstats\r\n") ==
          "*0\r\n$14\r\n# Errorstats\r\n\r\n");
  }
}

TEST_CASE("what was timed stands for all calls") {
  for (const unsigned cores : {1U, 2U}) {
    CAPTURE(cores);
    Served at(memory_only(cores));
    const auto talker = at.talker();
    std::string lines;
    for (int i = 0; i < 1000; ++i) lines += "SET k" + std::to_string(i % 10) + " x\r\n";
    for (int round = 0; round < 10; ++round) (void)talker->ask(lines);
    server::Shared& shared = at.process.shared();
    const std::size_t set = shared.table.find("SET")->index;
    std::uint64_t timed = 0;
    for (unsigned core = 0; core < cores; ++core) {
      timed += shared.metrics[core].commands[set].timed.get();
    }
    CHECK(timed > 10'000 / 64);
    CHECK(timed < 3 * 10'000 / 64 + 128);
    const commands::CommandTimes times = server::times_of(shared, set);
    CHECK(times.calls == 10'000);
    CHECK(times.up_to.back() == 10'000);
  }
}

TEST_CASE("the slow log has the commands of a transaction, when they ran, and not EXEC") {
  for (const unsigned cores : {1U, 2U}) {
    CAPTURE(cores);
    Served at(memory_only(cores));
    const auto talker = at.talker();
    for (const std::string key : {"a", "b"}) {  // With two cores, one of each.
      CAPTURE(key);
      (void)talker->ask("CONFIG SET slowlog-log-slower-than 0\r\nSLOWLOG RESET\r\n");
      (void)talker->ask("MULTI\r\nSET " + key + " 1\r\nPING\r\nGET " + key +
                        "\r\nEXEC\r\nMULTI\r\nSTRLEN " + key + "\r\nDISCARD\r\n");
      (void)talker->ask("CONFIG SET slowlog-log-slower-than -1\r\n");
      const std::string entries = talker->ask("SLOWLOG GET -1\r\n");
      const auto has_entry = [&](const std::string& words) {
        const std::size_t at_entry = entries.find(words);
        return at_entry != std::string::npos &&
               entries.find(words, at_entry + 1) == std::string::npos;
      };
      CHECK(has_entry("*3\r\n$3\r\nSET\r\n$1\r\n" + key + "\r\n$1\r\n1\r\n"));
      CHECK(has_entry("*2\r\n$3\r\nGET\r\n$1\r\n" + key + "\r\n"));
      CHECK(has_entry("*1\r\n$4\r\nPING\r\n"));
      CHECK(has_entry("*1\r\n$7\r\nDISCARD\r\n"));
      CHECK(entries.find("EXEC") == std::string::npos);
      CHECK(entries.find("STRLEN") == std::string::npos);
      CHECK(entries.find("\r\nSET\r\n") > entries.find("\r\nGET\r\n"));  // Newest first.
    }
  }
}

/// A server whose disk takes 200 ms for everything but the boot.
struct SlowDisk {
  static sim::FaultPlan plan() {
    sim::FaultPlan plan;
    plan.disk = {200'000'000, 200'000'000};
    return plan;
  }
  explicit SlowDisk(unsigned cores) : at(small_config(cores), plan()) {}
  std::uint64_t now_ms() { return at.world.clock().monotonic_ns() / kNanosPerMs; }
  Served at;
};

TEST_CASE("WAITAOF ends at its timeout with what is true then, or when it is on disk") {
  constexpr std::string_view kOnDisk = "*2\r\n:1\r\n:0\r\n";
  constexpr std::string_view kNotYet = "*2\r\n:0\r\n:0\r\n";
  for (const unsigned cores : {1U, 2U}) {
    CAPTURE(cores);
    SlowDisk disk(cores);
    const auto writer = disk.at.talker();
    const auto waiter = disk.at.talker();
    CHECK(waiter->ask("WAITAOF 1 0 50\r\nWAITAOF 1 0 x\r\nWAITAOF 0 0 0\r\n") ==
          std::string(kOnDisk) + "-ERR timeout is not an integer or out of range\r\n" +
              std::string(kOnDisk));
    writer->client().send("SET a 1\r\nSET b 1\r\nSET c 1\r\nSET d 1\r\n");
    (void)disk.at.process.run_until([] { return false; }, 5 * kNanosPerMs);
    REQUIRE(writer->client().received().empty());
    const std::uint64_t begin_ms = disk.now_ms();
    CHECK(waiter->ask("WAITAOF 0 0 0\r\n") == kNotYet);
    CHECK(disk.now_ms() - begin_ms < 5);
    CHECK(waiter->ask("WAITAOF 1 0 20\r\n") == kNotYet);
    CHECK(disk.now_ms() - begin_ms >= 20);
    CHECK(disk.now_ms() - begin_ms < 40);
    REQUIRE(writer->client().received().empty());
    CHECK(waiter->ask("WAITAOF 1 0 1000\r\nWAITAOF 1 0 0\r\n") ==
          std::string(kOnDisk) + std::string(kOnDisk));
    CHECK(disk.now_ms() - begin_ms > 100);
    CHECK(disk.now_ms() - begin_ms < 900);
    CHECK(writer->ask("") == "+OK\r\n+OK\r\n+OK\r\n+OK\r\n");

    // Who leaves while it waits is forgotten when the wait is over.
    writer->client().send("SET a 2\r\nSET b 2\r\nSET c 2\r\nSET d 2\r\n");
    const auto leaver = disk.at.talker();
    leaver->client().send("WAITAOF 1 0 10\r\nWAITAOF 1 0 5000\r\nWAITAOF 1 0 0\r\n");
    (void)disk.at.process.run_until([] { return false; }, 5 * kNanosPerMs);
    leaver->client().close();
    (void)disk.at.process.run_until([] { return false; }, kNanosPerSecond);
    CHECK(disk.at.process.shared().connections == 2);
    CHECK(disk.at.process.stop());
  }
}

}  // namespace
