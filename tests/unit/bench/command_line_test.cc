// The command line: what arrives, what is refused, and in which words.
#include <unistd.h>

#include <cstdlib>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "bench/options.h"
#include "phoenix/uring/unique_fd.h"

using namespace phoenix;
using bench::CommandLine;
using bench::parse_command_line;

namespace {

Result<CommandLine> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "phoenix-bench");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

/// Words with blanks between them.
Result<CommandLine> parse_line(const std::string& text) {
  std::istringstream stream(text);
  const std::vector<std::string> words{std::istream_iterator<std::string>(stream), {}};
  std::vector<const char*> pointers;
  for (const std::string& word : words) pointers.push_back(word.c_str());
  return parse(std::move(pointers));
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
  CHECK(line->mode == bench::Mode::single);
  CHECK(line->run->target.protocol == bench::Protocol::native);
  CHECK(line->run->workload.name == "mixed");
  CHECK(line->run->workload.mix.get == 0.9);
  CHECK(line->run->workload.distribution.text() == "uniform");
  CHECK(line->run->workload.keys == 1'000'000);
  CHECK(line->run->workload.key_size.text() == "16");
  CHECK(line->run->workload.value_size.text() == "64");
  CHECK_FALSE(line->run->workload.ttl.any());
  CHECK_FALSE(line->run->is_open_loop());
  CHECK(line->run->verify);
  CHECK(line->run->preload);
  CHECK(line->run->cpu == -1);
  CHECK(line->run->durability == bench::Durability::by_server);
}

TEST_CASE("every flag arrives") {
  const auto line = parse_line(
      "-h ::1 -p 7000 --connections 9 --pipeline 16 --threads 2 --cpu 3 --server-pid 5 "
      "--seconds 0.5 --warmup 0 --rate 1e4 --arrivals poisson --seed 77 --json out --html h "
      "--csv c");
  REQUIRE(line);
  const bench::RunOptions& run = *line->run;
  CHECK(run.target.host == "::1");
  CHECK(run.target.port == 7000);
  CHECK(run.connections == 9);
  CHECK(run.pipeline == 16);
  CHECK(run.rate_per_s == 10'000);
  CHECK(run.is_open_loop());
  CHECK(run.arrivals == bench::Arrivals::poisson);
  CHECK(run.seconds == 0.5);
  CHECK(run.warmup_seconds == 0);
  CHECK(run.threads == 2);
  CHECK(run.cpu == 3);
  CHECK(run.server_pid == 5);
  CHECK(run.json_path == "out");
  CHECK(run.html_path == "h");
  CHECK(run.csv_path == "c");
  CHECK(run.seed == 77);
}

TEST_CASE("every flag of the workload arrives") {
  const auto line = parse_line(
      "--workload mixed --ratio 0.25 --keys 1000 --key-size 20-30 --value-size log:1-100 "
      "--ttl-ms 10-20 --distribution hot:0.1:0.9 --durability wait --no-preload --no-verify");
  REQUIRE(line);
  const bench::RunOptions& run = *line->run;
  CHECK(run.workload.name == "mixed");
  CHECK(run.workload.mix.get == 0.25);
  CHECK(run.workload.mix.set == 0.75);
  CHECK(run.workload.keys == 1000);
  CHECK(run.workload.key_size.text() == "20-30");
  CHECK(run.workload.value_size.text() == "log:1-100");
  CHECK(run.workload.ttl.text() == "10-20");
  CHECK(run.workload.distribution.text() == "hot:0.1:0.9");
  CHECK(run.durability == bench::Durability::wait);
  CHECK_FALSE(run.preload);
  CHECK_FALSE(run.verify);
  CHECK(parse({"--workload", "set"})->run->workload.mix.get == 0);
  CHECK(parse({"--durability", "nowait"})->run->durability == bench::Durability::do_not_wait);
}

TEST_CASE("workloads bring their distributions, which can be chosen otherwise") {
  CHECK(parse({"--workload", "ycsb-d"})->run->workload.distribution.text() == "latest:0.99");
  CHECK(parse({"--workload", "ycsb-a"})->run->workload.distribution.text() == "zipf:0.99");
  CHECK(parse({"--workload", "ycsb-a", "--distribution", "uniform"})
            ->run->workload.distribution.text() == "uniform");
  const auto mix = parse({"--mix", "80:15:5"});
  REQUIRE(mix);
  CHECK(mix->run->workload.name == "mix 80:15:5");
  CHECK(mix->run->workload.mix.del == 0.05);
  const auto replay = parse({"--replay", "/tmp/commands"});
  REQUIRE(replay);
  CHECK(replay->run->workload.name == "replay");
  CHECK_FALSE(replay->run->preload);
  CHECK(parse({"--replay", "/tmp/commands", "--preload"})->run->preload);
}

TEST_CASE("each protocol has its own port") {
  const auto port = [](const char* protocol) {
    return parse({"--protocol", protocol})->run->target.port;
  };
  CHECK(port("native") == 6969);
  CHECK(port("resp") == 6379);
  CHECK(port("memcached") == 11'211);
  CHECK(port("memcached-meta") == 11'211);
  CHECK(parse({"--protocol", "resp", "-p", "7"})->run->target.port == 7);
  CHECK(contains(refusal({"--protocol", "http"}), "--protocol http"));
}

TEST_CASE("memcached is not asked for what it does not have") {
  CHECK(contains(refusal({"--protocol", "memcached", "--key-size", "251"}), "at most 250 bytes"));
  CHECK(parse({"--protocol", "memcached", "--key-size", "250"}));
  CHECK(contains(refusal({"--protocol", "memcached-meta", "--replay", "x"}), "--replay"));
  CHECK(contains(refusal({"--protocol", "memcached", "--password-file", "x"}), "no AUTH"));
  CHECK(contains(refusal({"--protocol", "resp", "--durability", "wait"}), "--durability"));
}

TEST_CASE("a sweep and a demo choose their rates themselves") {
  CHECK(parse({"--sweep"})->mode == bench::Mode::sweep);
  const auto demo = parse({"--demo"});
  REQUIRE(demo);
  CHECK(demo->mode == bench::Mode::demo);
  CHECK(demo->run->workload.name == "ycsb-b");
  CHECK(parse({"--demo", "--keys", "77"})->run->workload.keys == 77);
  CHECK(contains(refusal({"--sweep", "--rate", "5"}), "--rate"));
  CHECK(contains(refusal({"--demo", "--rate", "5"}), "--rate"));
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
  CHECK(contains(refusal({"--key-size", "70000"}), "--key-size '70000' is over 65536 bytes"));
  CHECK(contains(refusal({"--value-size", "5-"}), "--value-size '5-' is no size"));
  CHECK(contains(refusal({"--ttl-ms", "0"}), "--ttl-ms 0"));
  CHECK(contains(refusal({"--mix", "1"}), "--mix 1"));
  CHECK(contains(refusal({"--seed", "0"}), "--seed"));  // It would be drawn anew each time.
  CHECK(contains(refusal({"--distribution", "zipf:0"}), "--distribution zipf:0"));
  CHECK(contains(refusal({"--arrivals", "bursts"}), "bursts"));
  CHECK(contains(refusal({"--rate", "0"}), "--rate"));
  CHECK(contains(refusal({"-p", "0"}), "--port 0"));
  CHECK(contains(refusal({"--unix", "/s", "-p", "1"}), "--unix"));
  CHECK(contains(refusal({"--unix", "/s", "-h", "::1"}), "--unix"));
}

TEST_CASE("what is no finite number is no time and no share") {
  for (const char* number : {"nan", "-nan", "NAN(1)", "inf", "-inf", "infinity", "1e999"}) {
    CAPTURE(number);
    CHECK(contains(refusal({"--seconds", number}), "--seconds"));
    CHECK(contains(refusal({"--warmup", number}), "--warmup"));
    CHECK(contains(refusal({"--rate", number}), "--rate"));
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
  for (const auto& others : std::vector<std::vector<const char*>>{
           {"--workload", "get"}, {"--mix", "1:1"}, {"--workload", "ycsb-a"}}) {
    std::vector<const char*> words{"--ratio", "0.5"};
    words.insert(words.end(), others.begin(), others.end());
    CHECK(refusal(words) == "--ratio only means something with --workload mixed");
  }
  CHECK(contains(refusal({"--mix", "1:1", "--workload", "get"}), "--mix"));
  CHECK(contains(refusal({"--replay", "x", "--workload", "get"}), "--replay"));
  CHECK(contains(refusal({"--replay", "x", "--mix", "1:1"}), "--replay"));
  CHECK(refusal({"--threads", "4", "--connections", "3"}) ==
        "--threads 4: more than --connections 3");
  CHECK(contains(refusal({"--keys", "1000000", "--key-size", "5"}), "--key-size 5: too small"));
  CHECK(contains(refusal({"--value-size", "60000000", "--pipeline", "100"}), "over 1 GiB"));
  // A multi-get has up to a hundred keys.
  CHECK(parse({"--workload", "ycsb-c", "--key-size", "60000", "--pipeline", "100"}));
  CHECK(contains(refusal({"--workload", "ycsb-e", "--key-size", "60000", "--pipeline", "100"}),
                 "over 1 GiB"));
}
