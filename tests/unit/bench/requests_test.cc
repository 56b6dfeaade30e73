// Streams of requests: the shares of each workload, and files of commands.
#include "bench/workload/requests.h"

#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "bench/workload/options.h"
#include "bench/workload/replay.h"

using namespace phoenix;
using bench::KeyCount;
using bench::Mix;
using bench::read_replay;
using bench::Request;
using bench::Requests;
using bench::Verb;
using bench::WorkloadOptions;

namespace {

constexpr int kDraws = 40'000;

WorkloadOptions workload(std::string_view name) {
  WorkloadOptions options;
  options.keys = 1000;
  REQUIRE(set_workload(name, options));
  CHECK(options.name == name);
  return options;
}

struct Shares {
  double get = 0;
  double set = 0;
  double del = 0;
  double insert = 0;  // SETs of keys that were not there.
  double multi_get = 0;
};

Shares shares_of(const WorkloadOptions& options, std::uint64_t seed) {
  KeyCount keys{options.keys};
  Requests requests(options, 0, keys, key_numbers(options), 0, 1, seed);
  Shares shares;
  constexpr double kOne = 1.0 / kDraws;
  for (int i = 0; i < kDraws; ++i) {
    const std::uint64_t count = keys;
    const Request request = requests.next();
    if (request.key >= keys) FAIL("key " << request.key);
    if (request.verb == Verb::get) shares.get += kOne;
    if (request.verb == Verb::del) shares.del += kOne;
    if (request.verb == Verb::multi_get) shares.multi_get += kOne;
    if (request.verb != Verb::set) continue;
    (request.key < count ? shares.set : shares.insert) += kOne;
  }
  return shares;
}

void check_share(double share, double expected) {
  // Five standard deviations; what has no share never comes.
  if (expected == 0) CHECK(share == 0);
  CHECK(share == doctest::Approx(expected).epsilon(0.001).scale(13));
}

void check_shares(const WorkloadOptions& options, const Shares& expected) {
  CAPTURE(options.name);
  const Shares shares = shares_of(options, 11);
  check_share(shares.get, expected.get);
  check_share(shares.set, expected.set);
  check_share(shares.del, expected.del);
  check_share(shares.insert, expected.insert);
  check_share(shares.multi_get, expected.multi_get);
}

/// A file with this text, gone with it.
class TextFile final {
 public:
  explicit TextFile(std::string_view text) {
    const int fd = mkstemp(path_.data());
    REQUIRE(fd >= 0);
    CHECK(write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    CHECK(close(fd) == 0);
  }
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;
  ~TextFile() { unlink(path_.c_str()); }

  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/phoenix-replay-test-XXXXXX";
};

}  // namespace

TEST_CASE("each workload is made of its shares") {
  check_shares(workload("get"), {.get = 1});
  check_shares(workload("set"), {.set = 1});
  check_shares(workload("del"), {.del = 1});
  check_shares(workload("mixed"), {.get = 0.9, .set = 0.1});
  check_shares(workload("ycsb-a"), {.get = 0.5, .set = 0.5});
  check_shares(workload("ycsb-b"), {.get = 0.95, .set = 0.05});
  check_shares(workload("ycsb-c"), {.get = 1});
  check_shares(workload("ycsb-d"), {.get = 0.95, .insert = 0.05});
  check_shares(workload("ycsb-e"), {.insert = 0.05, .multi_get = 0.95});
  // Half of F's operations are a GET and a SET.
  check_shares(workload("ycsb-f"), {.get = 2.0 / 3, .set = 1.0 / 3});
  WorkloadOptions mix = workload("get");
  mix.mix = *Mix::parse("1:2:1");
  check_shares(mix, {.get = 0.25, .set = 0.5, .del = 0.25});
}

TEST_CASE("YCSB's workloads have their distributions") {
  using Kind = bench::Distribution::Kind;
  for (const std::string_view name : {"ycsb-a", "ycsb-b", "ycsb-c", "ycsb-e", "ycsb-f"}) {
    CHECK(workload(name).distribution.kind == Kind::zipf);
  }
  CHECK(workload("ycsb-d").distribution.kind == Kind::latest);
  CHECK(workload("mixed").distribution.kind == Kind::uniform);
  WorkloadOptions options;
  const auto refused = set_workload("ycsb-g", options);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message ==
        "--workload ycsb-g: it takes get, set, del, mixed, ycsb-a, ycsb-b, ycsb-c, ycsb-d, "
        "ycsb-e, ycsb-f");
}

TEST_CASE("a read and the write that follows it are neighbours on one key") {
  const WorkloadOptions options = workload("ycsb-f");
  KeyCount keys{options.keys};
  Requests requests(options, 0, keys, key_numbers(options), 0, 1, 12);
  Request before;
  int sets = 0;
  for (int i = 0; i < kDraws; ++i) {
    const Request request = requests.next();
    if (request.verb == Verb::set) {
      ++sets;
      CHECK(before.verb == Verb::get);
      CHECK(before.key == request.key);
    }
    before = request;
  }
  CHECK(sets > kDraws / 4);
}

TEST_CASE("inserts go on behind the keys that there are, without a gap, over all threads") {
  const WorkloadOptions options = workload("ycsb-d");
  KeyCount keys{options.keys};
  std::deque<Requests> threads;  // They cannot move.
  for (std::uint32_t part = 0; part < 3; ++part) {
    threads.emplace_back(options, 0, keys, key_numbers(options), part, 3, 13 + part);
  }
  std::set<std::uint64_t> inserted;
  for (int i = 0; i < kDraws; ++i) {
    const Request request = threads[static_cast<std::size_t>(i) % 3].next();
    if (request.verb == Verb::set) CHECK(inserted.insert(request.key).second);
  }
  REQUIRE_FALSE(inserted.empty());
  CHECK(*inserted.begin() == options.keys);
  CHECK(*inserted.rbegin() == keys - 1);
  CHECK(inserted.size() == keys - options.keys);
}

TEST_CASE("inserts end where the keys do") {
  const WorkloadOptions options = workload("ycsb-e");
  KeyCount keys{options.keys};
  Requests requests(options, 0, keys, options.keys + 5, 0, 1, 14);
  for (int i = 0; i < kDraws; ++i) CHECK(requests.next().key < options.keys + 5);
  CHECK(keys == options.keys + 5);
}

TEST_CASE("multi-gets are of 1 to 100 keys") {
  const WorkloadOptions options = workload("ycsb-e");
  KeyCount keys{options.keys};
  Requests requests(options, 0, keys, key_numbers(options), 0, 1, 15);
  std::set<int> sizes;
  for (int i = 0; i < kDraws; ++i) {
    const Request request = requests.next();
    if (request.verb == Verb::multi_get)
      sizes.insert(request.keys);
    else
      CHECK(request.keys == 1);
  }
  CHECK(sizes.size() == 100);
  CHECK(*sizes.begin() == 1);
  CHECK(*sizes.rbegin() == 100);
}

TEST_CASE("streams follow their seed") {
  const WorkloadOptions options = workload("ycsb-a");
  KeyCount keys{1'000'000'000'000};
  const auto stream = [&](std::uint64_t seed) {
    return Requests(options, 0, keys, keys, 0, 1, seed);
  };
  Requests one = stream(9);
  Requests same = stream(9);
  Requests other = stream(10);
  int equal = 0;
  for (int i = 0; i < 1000; ++i) {
    const Request first = one.next();
    const Request second = same.next();
    CHECK(first.key == second.key);
    CHECK(first.verb == second.verb);
    const Request third = other.next();
    if (third.key == first.key && third.verb == first.verb) ++equal;
  }
  CHECK(equal < 50);
}

TEST_CASE(
    "replayed commands come in their order, over and over, and all of them over all threads") {
  const WorkloadOptions options;
  KeyCount keys{options.keys};
  Requests alone(options, 3, keys, keys, 0, 1, 1);
  for (const std::uint64_t number : {0U, 1U, 2U, 0U, 1U}) {
    const Request request = alone.next();
    CHECK(request.verb == Verb::replayed);
    CHECK(request.key == number);
  }
  std::array<int, 10> times{};
  for (std::uint32_t part = 0; part < 4; ++part) {
    Requests requests(options, times.size(), keys, keys, part, 4, 1);
    for (int i = 0; i < 10; ++i) ++times[requests.next().key];
  }
  for (const int each : times) CHECK(each == 4);
}

TEST_CASE("a mix is told in any unit") {
  const auto mix = Mix::parse("80:15:5");
  REQUIRE(mix);
  CHECK(mix->get == 0.8);
  CHECK(mix->set == 0.15);
  CHECK(mix->del == 0.05);
  CHECK(Mix::parse("1:1")->set == 0.5);
  CHECK(Mix::parse("0:0:7")->del == 1);
  for (const std::string_view text : {"", "1", "0:0", "0:0:0", "1:2:3:4", "1:", "1:2:", ":1",
                                      "1::1", "-1:2", "x:1", "1.5:1", "1:2 ", "99999999999:1"}) {
    CAPTURE(text);
    const auto refused = Mix::parse(text);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.starts_with("--mix " + std::string(text) + ": it takes"));
  }
}

TEST_CASE("a file of commands: quoted words, no blank lines, no remarks") {
  const TextFile file("# made by hand\nSET a \"b c\\n\"\r\n\n   \nGET 'a'\nDEL a");
  const auto commands = read_replay(file.path());
  REQUIRE(commands);
  using Words = std::vector<std::string>;
  CHECK(*commands == std::vector<Words>{{"SET", "a", "b c\n"}, {"GET", "a"}, {"DEL", "a"}});
}

TEST_CASE("a file of commands that cannot be replayed is refused with name and line") {
  const auto refusal = [](const std::string& path) {
    const auto commands = read_replay(path);
    REQUIRE_FALSE(commands);
    const std::string& message = commands.error().message;
    REQUIRE(message.starts_with("--replay " + path + ": "));
    return message.substr(std::string("--replay " + path + ": ").size());
  };
  CHECK(refusal(TextFile("GET a\n\nGET \"a\n").path()).starts_with("line 3, "));
  CHECK(refusal(TextFile("").path()) == "there is no command in it");
  CHECK(refusal(TextFile("#\n\n").path()) == "there is no command in it");
  CHECK(refusal("/nowhere/at/all") == "No such file or directory");
  CHECK(refusal("/tmp") == "cannot be read");
}
