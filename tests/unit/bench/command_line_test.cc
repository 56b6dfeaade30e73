// The command line, and what is asked of the machine and of the server.
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "bench/load/control.h"
#include "bench/measure/process.h"
#include "bench/options.h"

using namespace phoenix;
using bench::CommandLine;
using bench::parse_command_line;

namespace {

Result<CommandLine> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "phoenix-bench");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

std::string refusal(std::vector<const char*> words) {
  const auto line = parse(std::move(words));
  REQUIRE_FALSE(line);
  CHECK(line.error().code == ErrorCode::invalid);
  return line.error().message;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("without arguments a local server is loaded with the defaults") {
  const auto line = parse({});
  REQUIRE(line);
  REQUIRE(line->run);
  CHECK_FALSE(line->ceiling);
  CHECK_FALSE(line->help);
  CHECK(line->run->target.host == "127.0.0.1");
  CHECK(line->run->target.port == 6969);
  CHECK(line->run->connections == 50);
  CHECK(line->run->pipeline == 1);
  CHECK(line->run->get_share == 1);
  CHECK(line->run->keys == 1'000'000);
  CHECK(line->run->verify);
  CHECK_FALSE(line->run->preload);
  CHECK(line->run->cpu == -1);
  CHECK(line->run->durability == bench::Durability::by_server);
}

TEST_CASE("every flag arrives") {
  const auto line =
      parse({"-h",         "::1", "-p",           "7000",  "--connections", "9",
             "--pipeline", "16",  "--workload",   "mixed", "--ratio",       "0.25",
             "--keys",     "12",  "--key-size",   "20",    "--value-size",  "100",
             "--seconds",  "0.5", "--warmup",     "0",     "--preload",     "--no-verify",
             "--threads",  "2",   "--cpu",        "3",     "--server-pid",  "5",
             "--json",     "out", "--durability", "wait",  "--seed",        "77",
             "--html",     "h",   "--csv",        "c"});
  REQUIRE(line);
  const bench::RunOptions& run = *line->run;
  CHECK(run.target.host == "::1");
  CHECK(run.target.port == 7000);
  CHECK(run.connections == 9);
  CHECK(run.pipeline == 16);
  CHECK(run.workload == "mixed");
  CHECK(run.get_share == 0.25);
  CHECK(run.keys == 12);
  CHECK(run.key_bytes == 20);
  CHECK(run.value_bytes == 100);
  CHECK(run.seconds == 0.5);
  CHECK(run.warmup_seconds == 0);
  CHECK(run.preload);
  CHECK_FALSE(run.verify);
  CHECK(run.threads == 2);
  CHECK(run.cpu == 3);
  CHECK(run.server_pid == 5);
  CHECK(run.json_path == "out");
  CHECK(run.html_path == "h");
  CHECK(run.csv_path == "c");
  CHECK(run.durability == bench::Durability::wait);
  CHECK(run.seed == 77);
  CHECK(parse({"--workload", "set"})->run->get_share == 0);
  CHECK(parse({"--durability", "nowait"})->run->durability == bench::Durability::do_not_wait);
}

TEST_CASE("the ceiling has its own arguments") {
  const auto line = parse({"ceiling", "7001", "--cpu", "0", "--value-size", "1024"});
  REQUIRE(line);
  REQUIRE(line->ceiling);
  CHECK_FALSE(line->run);
  CHECK(line->ceiling->port == 7001);
  CHECK(line->ceiling->cpu == 0);
  CHECK(line->ceiling->value_bytes == 1024);
  CHECK(contains(refusal({"ceiling"}), "port is required"));
  CHECK(contains(refusal({"ceiling", "70000"}), "70000"));
}

TEST_CASE("help and version are texts, not errors") {
  CHECK(contains(*parse({"--help"})->help, "--pipeline"));
  CHECK(contains(*parse({"ceiling", "--help"})->help, "port"));
  CHECK(contains(*parse({"--version"})->help, "phoenix-bench "));
}

TEST_CASE("wrong arguments are named") {
  CHECK(contains(refusal({"--frobnicate"}), "--frobnicate"));
  CHECK(contains(refusal({"--pipeline", "0"}), "--pipeline"));
  CHECK(contains(refusal({"--pipeline", "many"}), "many"));
  CHECK(contains(refusal({"--connections", "100000"}), "--connections"));
  CHECK(contains(refusal({"--seconds", "-1"}), "--seconds"));
  CHECK(contains(refusal({"--workload", "delete"}), "delete"));
  CHECK(contains(refusal({"--workload", "mixed", "--ratio", "1.5"}), "--ratio"));
  CHECK(contains(refusal({"--durability", "maybe"}), "maybe"));
  CHECK(contains(refusal({"--key-size", "70000"}), "--key-size"));
  CHECK(contains(refusal({"-p", "0"}), "--port 0"));
  CHECK(contains(refusal({"--unix", "/s", "-p", "1"}), "--unix"));
  CHECK(contains(refusal({"--unix", "/s", "-h", "::1"}), "--unix"));
}

TEST_CASE("what is no finite number is no time and no share") {
  for (const char* number : {"nan", "-nan", "NAN(1)", "inf", "-inf", "infinity", "1e999"}) {
    CAPTURE(number);
    CHECK(contains(refusal({"--seconds", number}), "--seconds"));
    CHECK(contains(refusal({"--warmup", number}), "--warmup"));
    CHECK(contains(refusal({"--workload", "mixed", "--ratio", number}), "--ratio"));
  }
}

TEST_CASE("a unix socket and a password file are taken as the command line client takes them") {
  std::string path = "/tmp/phoenix-bench-test-XXXXXX";
  const uring::UniqueFd file(mkstemp(path.data()));
  REQUIRE(file.valid());
  constexpr std::string_view kText = "open sesame\r\nnot this\n";
  REQUIRE(write(file.get(), kText.data(), kText.size()) == ssize_t{kText.size()});
  const auto line = parse({"--unix", "/run/phoenix.sock", "--password-file", path.c_str()});
  REQUIRE(line);
  CHECK(line->run->target.unix_path == "/run/phoenix.sock");
  CHECK(line->run->target.text() == "/run/phoenix.sock");
  CHECK(line->run->target.password == "open sesame");
  CHECK(parse({"-h", "::1"})->run->target.text() == "::1 port 6969");
  REQUIRE(ftruncate(file.get(), 0) == 0);
  const auto empty = parse({"--password-file", path.c_str()});
  REQUIRE_FALSE(empty);
  CHECK(contains(empty.error().message, "cannot read a password from " + path));
  CHECK(unlink(path.c_str()) == 0);
}

TEST_CASE("arguments that contradict each other are named") {
  CHECK(refusal({"--ratio", "0.5"}) == "--ratio only means something with --workload mixed");
  CHECK(refusal({"--threads", "4", "--connections", "3"}) ==
        "--threads 4: more than --connections 3");
  CHECK(contains(refusal({"--keys", "1000000", "--key-size", "5"}), "--key-size 5: too small"));
  CHECK(contains(refusal({"--value-size", "60000000", "--pipeline", "100"}), "over 1 GiB"));
}

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

TEST_CASE("HELLO and INFO tell about the server") {
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
  bench::ServerFacts facts;
  bench::take_hello(map, facts);
  CHECK(facts.name == "phoenix");
  CHECK(facts.cores == 4);
  bench::ServerFacts nothing;
  bench::take_hello(protocol::Value{}, nothing);
  CHECK(nothing.name.empty());
  CHECK(nothing.cores == 1);
  CHECK(bench::process_id_in("# Server\r\nprocess_id:1234\r\nuptime:5\r\n") == 1234);
  CHECK(bench::process_id_in("no such field") == 0);
  CHECK(bench::process_id_in("process_id:") == 0);
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
