// What servers and the kernel tell of a server, in their own words.
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "bench/load/control.h"
#include "bench/load/sweep.h"
#include "bench/measure/process.h"
#include "bench/measure/usage.h"

using namespace phoenix;
using bench::ServerFacts;

namespace {

ServerFacts info(std::string_view text) {
  ServerFacts facts;
  bench::take_info(text, facts);
  return facts;
}

ServerFacts stats(std::string_view lines) {
  ServerFacts facts;
  bench::take_memcached_stats(lines, facts);
  return facts;
}

/// A step that took so long on average.
bench::RunResult step(double operations_per_s, std::uint64_t latency_ns) {
  bench::RunResult result;
  result.operations_per_s = operations_per_s;
  result.latency_ns.record(latency_ns, 10);
  return result;
}

}  // namespace

TEST_CASE("listeners are found in the kernel's table of sockets") {
  const std::string table =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
      "inode\n"
      "   0: 0100007F:1B39 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "11111 1 0000000000000000 100 0 0 10 0\n"
      "   1: 0100007F:1B39 0100007F:8AB2 01 00000000:00000000 02:000AFD2A 00000000     0        0 "
      "22222 2 0000000000000000 20 4 30 10 -1\n"
      "   2: 00000000:1B39 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "33333 1 0000000000000000 100 0 0 10 0\n"
      "   3: 0100007F:01B3 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "44444 1 0000000000000000 100 0 0 10 0\n"
      "garbage\n";
  CHECK(bench::listening_inodes(table, 6969) == std::vector<std::uint64_t>{11111, 33333});
  CHECK(bench::listening_inodes(table, 435) == std::vector<std::uint64_t>{44444});
  CHECK(bench::listening_inodes(table, 7).empty());
  CHECK(bench::listening_inodes("", 6969).empty());
}

TEST_CASE("HELLO tells about the server") {
  protocol::Value word;
  word.kind = protocol::Kind::bytes;
  protocol::Value number;
  number.kind = protocol::Kind::integer;
  number.integer = 4;
  protocol::Value map;
  map.kind = protocol::Kind::map;
  word.bytes = "server";
  map.items.push_back(word);
  word.bytes = "phoenix";
  map.items.push_back(word);
  word.bytes = "cores";
  map.items.push_back(word);
  map.items.push_back(number);
  ServerFacts facts;
  bench::take_hello(map, facts);
  CHECK(facts.name == "phoenix");
  CHECK(facts.cores == 4);
  ServerFacts nothing;
  bench::take_hello(protocol::Value{}, nothing);
  CHECK(nothing.name.empty());
  CHECK(nothing.cores == 1);
}

TEST_CASE("INFO tells about Redis and its relatives") {
  const ServerFacts redis = info(
      "$99\r\n# Server\r\nredis_version:7.0.15\r\nredis_git_sha1:0\r\nprocess_id:1234\r\n"
      "tcp_port:6379\r\nio_threads_active:0\r\n");
  CHECK(redis.name == "redis");
  CHECK(redis.version == "7.0.15");
  CHECK(redis.pid == 1234);
  CHECK(redis.cores == 1);
  // Its relatives tell a version of Redis as well.
  const ServerFacts valkey = info(
      "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\n"
      "process_id:77\r\n");
  CHECK(valkey.name == "valkey");
  CHECK(valkey.version == "8.0.1");
  CHECK(valkey.pid == 77);
  const ServerFacts dragonfly = info(
      "# "
      "Server\r\nredis_version:6.2.11\r\ndragonfly_version:df-v1.14.0\r\nredis_mode:standalone\r\n"
      "thread_count:8\r\n");
  CHECK(dragonfly.name == "dragonfly");
  CHECK(dragonfly.version == "df-v1.14.0");
  CHECK(dragonfly.cores == 8);
  CHECK(dragonfly.pid == 0);
  const ServerFacts phoenix = info(
      "# Server\r\nphoenix_version:0.1.0\r\nredis_version:7.0.15\r\nprocess_id:9\r\ncores:4\r\n");
  CHECK(phoenix.name == "phoenix");
  CHECK(phoenix.version == "0.1.0");
  CHECK(phoenix.cores == 4);
}

TEST_CASE("INFO that tells nothing, or nonsense, is borne") {
  for (const std::string_view text :
       {"", "no such field", "process_id:", "xprocess_id:5\r\n", "process_id:x",
        "process_id:-5\r\n", "process_id:99999999999999999999\r\n", "process_id:4194305\r\n"}) {
    CAPTURE(text);
    CHECK(info(text).pid == 0);
    CHECK(info(text).name.empty());
    CHECK(info(text).cores == 1);
  }
  CHECK(info("process_id:4194304").pid == bench::kPidMax);
  CHECK(info("thread_count:0\r\n").cores == 1);
  CHECK(info("thread_count:99999999999\r\n").cores == 65'536);
}

TEST_CASE("memcached tells its version and its threads") {
  const ServerFacts facts = stats(
      "VERSION 1.6.18\r\nSTAT pid 4321\r\nSTAT uptime 5\r\nSTAT version 1.6.18\r\n"
      "STAT threads 4\r\nEND\r\n");
  CHECK(facts.name == "memcached");
  CHECK(facts.version == "1.6.18");
  CHECK(facts.pid == 4321);
  CHECK(facts.cores == 4);
  const ServerFacts nothing = stats("VERSION 1\r\nERROR\r\n");
  CHECK(nothing.pid == 0);
  CHECK(nothing.cores == 1);
}

TEST_CASE("flushes are the sixteenth field of a device's figures") {
  CHECK(bench::flushes_in("  1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 1600 17\n") == 1600);
  CHECK(bench::flushes_in("1 2 3 4 5 6 7 8 9 10 11\n") == 0);  // Older kernels.
  CHECK(bench::flushes_in("") == 0);
  CHECK(bench::flushes_in("a b c") == 0);
}

TEST_CASE("the knee is where throughput over latency is greatest") {
  CHECK(bench::find_knee({}) == 0);
  CHECK(bench::find_knee({step(100, 1000)}) == 0);
  // An M/M/1 server's latency is 1 / (1 - load): its power is greatest at half the load.
  std::vector<bench::RunResult> steps;
  for (int tenth = 1; tenth <= 9; ++tenth) {
    const double load = tenth / 10.0;
    steps.push_back(step(load * 1e6, static_cast<std::uint64_t>(1e5 / (1 - load))));
  }
  CHECK(bench::find_knee(steps) == 4);
  // Latency that stays the same until everything queues.
  CHECK(bench::find_knee({step(100, 50), step(200, 50), step(300, 52), step(310, 5000)}) == 2);
  // A step in which nothing was measured is none.
  CHECK(bench::find_knee({bench::RunResult{}, step(10, 10)}) == 1);
  bench::RunResult interrupted = step(300, 10);
  interrupted.interrupted = true;
  CHECK(bench::find_knee({step(100, 50), step(200, 60), interrupted}) == 1);
}

TEST_CASE("CPU time of this process goes up with work, and that of none is an error") {
  const auto meter = bench::CpuMeter::of_self();
  const std::uint64_t before = meter.read_ns();
  std::uint64_t after = before;
  while (after < before + 1'000'000) after = meter.read_ns();
  CHECK(after > before);
  for (const int pid : {bench::kPidMax, 0x7FFFFFFF, 0, -1}) {
    CHECK_FALSE(bench::CpuMeter::of_process(pid));
  }
}

TEST_CASE("memory of a process is told while it is there") {
  CHECK(bench::resident_bytes(getpid()).value_or(0) > 100'000);
  CHECK_FALSE(bench::resident_bytes(bench::kPidMax));
  CHECK_FALSE(bench::FlushMeter::of_process(bench::kPidMax));
}
