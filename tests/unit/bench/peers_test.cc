// Starting, watching and ending other processes, and describing servers.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "bench/measure/process.h"
#include "bench/peers/catalog.h"
#include "bench/peers/child.h"
#include "bench/peers/peer.h"
#include "bench/peers/probe.h"
#include "bench/peers/scratch.h"

using namespace phoenix;
using bench::Child;
using bench::Peer;
using bench::PeerSpec;
using bench::Protocol;
using bench::ScratchDirectory;

namespace {

constexpr std::uint32_t kLongMs = 60'000;  // A failing test takes this long, a passing one not.

struct Fixture {
  ScratchDirectory scratch = *ScratchDirectory::make("");

  Result<std::unique_ptr<Child>> start(std::vector<std::string> words) const {
    return Child::start({std::move(words), scratch.path() + "/output", scratch.path()});
  }

  std::unique_ptr<Child> shell(std::string script) const {
    auto child = start({"/bin/sh", "-c", std::move(script)});
    REQUIRE(child);
    return std::move(*child);
  }

  std::string text_of(const std::string& name) const {
    std::ifstream file(scratch.path() + "/" + name);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  // For what a child is about to do.
  std::string await_text(const std::string& name) const {
    std::string text;
    for (int i = 0; i < 20'000 && !text.ends_with('\n'); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      text = text_of(name);
    }
    return text;
  }

  Result<std::unique_ptr<Peer>> peer(std::vector<std::string> words) const {
    return Peer::make({"mine", Protocol::resp, std::move(words), "none"}, {scratch.path()});
  }
};

bool is_alive(int pid) {
  return kill(pid, 0) == 0;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

PeerSpec known(std::string_view name, bench::PeerDurability durability) {
  bench::CatalogOptions options;
  options.durability = durability;
  options.phoenix_server = "/bin/sh";  // Any program.
  auto spec = bench::find_peer(name, options);
  REQUIRE(spec);
  return *spec;
}

bool has_words(const PeerSpec& spec, const std::vector<std::string>& words) {
  return std::search(spec.words.begin(), spec.words.end(), words.begin(), words.end()) !=
         spec.words.end();
}

std::string refusal(std::string_view text) {
  const auto spec = bench::parse_peer(text);
  REQUIRE_FALSE(spec);
  CHECK(spec.error().code == ErrorCode::invalid);
  return spec.error().message;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a child works where it should, reads nothing, and its output is kept") {
  const auto child = shell("pwd; cat; echo wrong >&2; exit 3");
  REQUIRE(child->wait_for_end(kLongMs));
  CHECK(child->end_text() == "exit status 3");
  CHECK(text_of("output") == std::filesystem::canonical(scratch.path()).string() + "\nwrong\n");
  CHECK_FALSE(child->running());
  const auto stopped = child->stop(kLongMs);
  REQUIRE_FALSE(stopped);
  CHECK(contains(stopped.error().message, "exit status 3"));
}

TEST_CASE_FIXTURE(Fixture, "what cannot be started is told with the system's reason") {
  const auto missing = start({"/nowhere/server"});
  REQUIRE_FALSE(missing);
  CHECK(contains(missing.error().message, "cannot start /nowhere/server"));
  CHECK(contains(missing.error().message, "o such file"));
  const auto nowhere = Child::start({{"/bin/sh"}, scratch.path() + "/output", "/nowhere"});
  CHECK_FALSE(nowhere);
}

TEST_CASE_FIXTURE(Fixture, "a child is pinned to the CPU that it is given") {
  const auto child = Child::start({{"/bin/grep", "Cpus_allowed_list", "/proc/self/status"},
                                   scratch.path() + "/output",
                                   scratch.path(),
                                   0,
                                   1});
  REQUIRE(child);
  REQUIRE((*child)->wait_for_end(kLongMs));
  CHECK(text_of("output") == "Cpus_allowed_list:\t0\n");
}

TEST_CASE_FIXTURE(Fixture, "a child stops when asked, and is killed when it does not") {
  const auto willing = shell("exec sleep 60");
  CHECK(willing->running());
  CHECK(willing->stop(kLongMs));
  CHECK_FALSE(is_alive(willing->pid()));
  CHECK(willing->end_text() == "killed by signal 15");

  const auto stubborn = shell("trap '' TERM; echo trapped; while :; do sleep 60; done");
  CHECK(await_text("output") == "trapped\n");
  const auto stopped = stubborn->stop(20);
  REQUIRE_FALSE(stopped);
  CHECK(contains(stopped.error().message, "was killed"));
  CHECK(stubborn->end_text() == "killed by signal 9");
}

TEST_CASE_FIXTURE(Fixture, "nothing that a child started outlives its owner") {
  int grandchild = 0;
  {
    const auto child = shell("sleep 60 & echo $! >started; wait");
    grandchild = std::stoi(await_text("started"));
    CHECK(is_alive(grandchild));
  }
  // It is init's to bury: gone, or a zombie for a moment.
  bool gone = false;
  for (int i = 0; i < 20'000 && !gone; ++i) {
    std::ifstream status("/proc/" + std::to_string(grandchild) + "/stat");
    std::string pid, name, state;
    gone = !(status >> pid >> name >> state) || state == "Z";
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(gone);
}

TEST_CASE_FIXTURE(Fixture, "what a script started ends with it, however it ends") {
  constexpr const char* kBackground = "sleep 60 & echo $! >started; ";
  const auto started = [this] { return std::stoi(await_text("started")); };
  SUBCASE("by itself") {
    const auto child = shell(std::string(kBackground) + "exit 3");
    REQUIRE(child->wait_for_end(kLongMs));
    CHECK(child->end_text() == "exit status 3");
    CHECK_FALSE(is_alive(started()));
  }
  SUBCASE("when it is asked to") {
    const auto child = shell(std::string(kBackground) + "wait");
    const int grandchild = started();
    CHECK(child->stop(kLongMs));
    CHECK_FALSE(is_alive(grandchild));
  }
  SUBCASE("when it is asked to and waits for a server in the foreground") {
    const auto child = shell("sh -c 'echo $$ >started; exec sleep 60'; true");
    const int grandchild = started();
    CHECK(child->stop(kLongMs));
    CHECK_FALSE(is_alive(grandchild));
  }
  SUBCASE("when it is killed") {
    const auto child = shell(std::string(kBackground) + "wait");
    const int grandchild = started();
    child->kill_now();
    CHECK_FALSE(is_alive(grandchild));
  }
}

TEST_CASE_FIXTURE(Fixture, "the kernel kills a child whose bench tool was killed") {
  const pid_t bench = fork();
  if (bench == 0) {
    const auto child = start({"/bin/sh", "-c", "echo $$ >started; exec sleep 60"});
    pause();
    _exit(0);
  }
  const int pid = std::stoi(await_text("started"));
  CHECK(is_alive(pid));
  kill(bench, SIGKILL);
  bool gone = false;
  for (int i = 0; i < 20'000 && !gone; ++i) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/stat");
    std::string number, name, state;
    gone = !(status >> number >> name >> state) || state == "Z";
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(gone);
}

TEST_CASE("a scratch directory goes with all that is in it") {
  std::string path;
  {
    const auto scratch = ScratchDirectory::make("");
    REQUIRE(scratch);
    path = scratch->path();
    std::filesystem::create_directory(path + "/data");
    std::ofstream(path + "/data/file") << "x";
    CHECK(std::filesystem::exists(path + "/data/file"));
  }
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK(ScratchDirectory::make("/dev/shm")->in_memory());
  const auto nowhere = ScratchDirectory::make("/nowhere");
  REQUIRE_FALSE(nowhere);
  CHECK(contains(nowhere.error().message, "/nowhere"));
}

TEST_CASE_FIXTURE(Fixture, "a server that ends instead of answering is told at once") {
  const auto server =
      peer({"/bin/sh", "-c", "printf 'the port {port} is \\033[31mbad\\n'; exit 1", "{dir}"});
  REQUIRE(server);
  REQUIRE((*server)->launch());
  const auto answer = (*server)->await_answer(kLongMs);
  REQUIRE_FALSE(answer);
  CHECK(contains(answer.error().message, "mine: it ended before it answered (exit status 1)"));
  CHECK(contains(answer.error().message, "the port " + std::to_string((*server)->port()) + " is "));
  CHECK(contains(answer.error().message, "is ?[31mbad\n"));
  CHECK((*server)->words().back() == scratch.path() + "/mine");
  CHECK((*server)->server_pid() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a server that never answers is killed in time") {
  const auto server = peer({"/bin/sh", "-c", "exec sleep 60"});
  REQUIRE(server);
  REQUIRE((*server)->launch());
  CHECK((*server)->running());
  const auto answer = (*server)->await_answer(30);
  REQUIRE_FALSE(answer);
  CHECK(contains(answer.error().message, "no answer on port"));
  CHECK_FALSE((*server)->running());
  REQUIRE((*server)->launch());  // Again, on the same directory.
  CHECK((*server)->running());
  (*server)->kill_now();
  CHECK_FALSE((*server)->running());
}

TEST_CASE("a free port can be listened on") {
  const auto port = bench::find_free_port();
  REQUIRE(port);
  CHECK(*port >= 1024);
  std::ifstream range("/proc/sys/net/ipv4/ip_local_port_range");
  int first = 0;
  int last = 0;
  range >> first >> last;
  REQUIRE(range);
  if (first > 1024) CHECK((*port < first || *port > last));  // No connection can get it.
  CHECK(bench::find_listener(*port) == 0);
  CHECK_FALSE(bench::answers(Protocol::resp, *port, 100));
  CHECK_FALSE(bench::answers(Protocol::native, *port, 100));
}

TEST_CASE("durability is asked of each server in its own words") {
  using bench::PeerDurability;
  const auto always = known("phoenix", PeerDurability::always);
  CHECK(has_words(always, {"--durability", "always"}));
  CHECK(has_words(always, {"--port", "{port}", "--cores", "{threads}"}));
  CHECK(always.protocol == Protocol::native);
  CHECK(known("phoenix", PeerDurability::off).durability == "off");
  CHECK(has_words(known("phoenix", PeerDurability::interval), {"--durability", "interval"}));
  const auto ceiling = known("ceiling", PeerDurability::always);
  CHECK(ceiling.durability == "none");
  CHECK_FALSE(ceiling.keeps_values);
  CHECK(has_words(ceiling, {"ceiling", "{port}", "--value-size", "64"}));
  if (bench::find_program("redis-server").empty()) return;
  const auto redis = known("redis", PeerDurability::always);
  CHECK(redis.protocol == Protocol::resp);
  CHECK(has_words(redis, {"--appendonly", "yes", "--appendfsync", "always"}));
  CHECK(has_words(known("redis", PeerDurability::off), {"--save", "", "--appendonly", "no"}));
  CHECK(known("redis", PeerDurability::interval).durability == "everysec");
}

TEST_CASE("an unknown or missing server is told") {
  const auto unknown = bench::find_peer("mysql", {});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == ErrorCode::invalid);
  CHECK(contains(unknown.error().message,
                 "only phoenix, redis, valkey, memcached, memcached-meta, ceiling"));
  bench::CatalogOptions options;
  options.phoenix_server = "/nowhere/phoenix-server";
  const auto missing = bench::find_peer("phoenix", options);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ErrorCode::unsupported);
  CHECK(contains(missing.error().message, "/nowhere/phoenix-server"));
}

TEST_CASE("any other server is described by its command") {
  const auto spec = bench::parse_peer("my-kv=memcached:sh  --at \"{dir}/a b\" '' -p{port}");
  REQUIRE(spec);
  CHECK(spec->name == "my-kv");
  CHECK(spec->protocol == Protocol::memcached_text);
  CHECK(spec->words ==
        std::vector<std::string>{bench::find_program("sh"), "--at", "{dir}/a b", "", "-p{port}"});
  CHECK(bench::parse_peer("a=memcached-meta:sh {port}")->protocol == Protocol::memcached_meta);

  CHECK(contains(refusal("sh {port}"), "missing"));
  CHECK(contains(refusal("a b=resp:sh {port}"), "the name must be"));
  CHECK(contains(refusal("../a=resp:sh {port}"), "the name must be"));
  CHECK(contains(refusal("..=resp:sh {port}"), "the name must be"));
  CHECK(contains(refusal("a=http:sh {port}"), "the protocol must be"));
  CHECK(contains(refusal("a=resp:sh"), "must use {port}"));
  CHECK(contains(refusal("a=resp:sh '{port}"), "a quote is not closed"));
  CHECK(contains(refusal("a=resp: "), "there is no command"));
  CHECK(contains(refusal("a=resp:/nowhere/x {port}"), "there is no program /nowhere/x"));
}
