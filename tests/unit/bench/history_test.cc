// The linearizability check against histories that are right, against all orders of small ones, and
// the histories' text form.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "bench/history/linearizability.h"
#include "bench/history/text.h"
#include "tests/unit/bench/simulated_history.h"

using namespace phoenix;
using namespace phoenix::bench::history;
using test::SimulatedHistory;

namespace {

/// Tries every order of the operations of one key: at most some 8 of them.
class AllOrders final {
 public:
  explicit AllOrders(std::vector<Operation> operations) {
    for (const Operation& operation : operations) {
      const bool is_read = operation.kind == Kind::read;
      const bool counts =
          is_read ? operation.outcome == Outcome::ok : operation.outcome != Outcome::fail;
      if (counts) operations_.push_back(operation);
    }
  }

  bool some_fits() { return fits(0, kAbsent, 0); }

 private:
  /// `placed` is a set of bits; no placed operation was invoked after `newest_invocation_ns`.
  bool fits(unsigned placed, Value state, std::uint64_t newest_invocation_ns) {
    bool is_done = true;
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      const Operation& next = operations_[i];
      if ((placed & (1U << i)) != 0) continue;
      if (next.outcome == Outcome::ok) is_done = false;
      if (next.responded_ns < newest_invocation_ns) continue;
      if (next.kind == Kind::read && next.value != state) continue;
      const Value after = next.kind == Kind::read ? state : next.value;
      if (fits(placed | (1U << i), after, std::max(newest_invocation_ns, next.invoked_ns))) {
        return true;
      }
    }
    return is_done;
  }

  std::vector<Operation> operations_;
};

/// A few operations with small, often equal times; often wrong, and often only just so.
std::vector<Operation> small_history(SeededRandom& random) {
  std::vector<Operation> operations(2 + random.below(6));
  std::vector<Value> values{kAbsent, kAbsent};
  const std::uint64_t span_ns = 6 + random.below(20);
  for (Operation& operation : operations) {
    operation.invoked_ns = random.below(span_ns);
    operation.responded_ns = operation.invoked_ns + random.below(span_ns / 2);
    operation.outcome = Outcome::ok;
    const std::uint64_t dice = random.below(20);
    operation.kind = dice < 7 ? Kind::write : dice < 11 ? Kind::erase : Kind::read;
    if (operation.kind == Kind::write) {
      operation.value = make_value(1, values.size());
      values.push_back(operation.value);
    }
    const std::uint64_t fate = random.below(16);
    if (fate == 0) operation.outcome = Outcome::fail;
    if (fate < 3 && fate > 0) operation.outcome = Outcome::unknown;
    if (fate == 1) operation.responded_ns = kNever;
  }
  for (Operation& operation : operations) {
    if (operation.kind == Kind::read) operation.value = values[random.below(values.size())];
  }
  return operations;
}

std::string described(const History& history) {
  std::string text;
  for (const Operation& operation : history.operations) text += operation_text(operation) + "\n";
  return text;
}

std::string temporary_path() {
  std::string path = "/tmp/phoenix-history-XXXXXX";
  const int fd = ::mkstemp(path.data());
  REQUIRE(fd >= 0);
  ::close(fd);
  return path;
}

std::string refusal(const std::string& text) {
  const std::string path = temporary_path();
  std::FILE* file = std::fopen(path.c_str(), "w");
  REQUIRE(file != nullptr);
  std::fwrite(text.data(), 1, text.size(), file);
  std::fclose(file);
  const auto history = read_history(path);
  std::remove(path.c_str());
  return history ? "" : history.error().message;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("no history of a right store is blamed") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SimulatedHistory simulated(seed, 1 + static_cast<std::uint32_t>(seed % 7));
    simulated.run(800);
    const auto violations = check_linearizability(simulated.history, 1);
    INFO("seed ", seed);
    REQUIRE_MESSAGE(violations.empty(), violation_text(violations[0], simulated.history));
  }
}

TEST_CASE("the check and all orders of small histories agree") {
  SeededRandom random(20'240'611);
  int right = 0;
  int wrong = 0;
  for (int i = 0; i < 60'000; ++i) {
    const History history{{"k"}, small_history(random)};
    const bool fits = AllOrders(history.operations).some_fits();
    const auto violations = check_linearizability(history, 1);
    ++(fits ? right : wrong);
    REQUIRE_MESSAGE(violations.empty() == fits, "history ", i, ":\n", described(history));
  }
  CHECK(right > 10'000);
  CHECK(wrong > 10'000);
}

TEST_CASE("each wrong key is told once, as many as were asked for") {
  SimulatedHistory simulated(3, 6);
  simulated.run(300);
  simulated.settle();
  for (std::uint32_t key = 0; key < 5; ++key) simulated.read(key, make_value(9, 1 + key));
  CHECK(check_linearizability(simulated.history, 100).size() == 5);
  const auto two = check_linearizability(simulated.history, 2);
  REQUIRE(two.size() == 2);
  CHECK(two[0].key == 0);
  CHECK(two[1].key == 1);
}

TEST_CASE("a violation reads like a sentence with its evidence") {
  History history{{"a b"}, {}};
  history.operations.push_back(
      {1'000'000, 2'000'000, make_value(3, 4), 0, 3, Kind::write, Outcome::ok});
  history.operations.push_back({2'500'000, 3'000'000, kAbsent, 0, 5, Kind::read, Outcome::ok});
  const auto violations = check_linearizability(history, 1);
  REQUIRE(violations.size() == 1);
  const std::string text = violation_text(violations[0], history);
  CHECK(contains(text, "key a b: a read found nothing although the value was there"));
  CHECK(contains(text, "    client 3 wrote 3.4: 1.000000 to 2.000000 ms, acknowledged\n"));
  CHECK(contains(text, "    client 5 read absent: 2.500000 to 3.000000 ms, answered\n"));
}

TEST_CASE("a history comes back from its file as it was") {
  SimulatedHistory simulated(5, 3);
  simulated.history.keys[1] = std::string("binary \0 100% \xFF key", 18);
  simulated.run(200);
  simulated.read(0, kForeign);
  const std::string path = temporary_path();
  REQUIRE(write_history(path, simulated.history));
  const auto read = read_history(path);
  std::remove(path.c_str());
  REQUIRE_MESSAGE(read, read.error().message);
  REQUIRE(read->operations.size() == simulated.history.operations.size());
  for (std::size_t i = 0; i < read->operations.size(); ++i) {
    const Operation& was = simulated.history.operations[i];
    const Operation& is = read->operations[i];
    CHECK(operation_text(is) == operation_text(was));
    CHECK(read->keys[is.key] == simulated.history.keys[was.key]);
  }
}

TEST_CASE("a file that is no history is refused, with the line") {
  const std::string head = "phoenix-history 1\n# a comment\n\n";
  CHECK(refusal(head + "1 write k 1.1 5 9 ok\n2 erase k 6 never unknown\n3 read k - 7 8 ok\n")
            .empty());
  CHECK(contains(refusal(""), "is empty"));
  CHECK(contains(refusal("history\n"), "line 1 is not 'phoenix-history 1'"));
  CHECK(contains(refusal(head + "1 write k 1.1 5 9\n"), "line 4 is no 'CLIENT write"));
  CHECK(contains(refusal(head + "1 erase k - 5 9 ok\n"), "line 4 is no 'CLIENT write"));
  CHECK(contains(refusal(head + "1 write k 1.1 5 9 ok 2\n"), "line 4 is no 'CLIENT write"));
  CHECK(contains(refusal(head + "-1 write k 1.1 5 9 ok\n"), "CLIENT that is no number"));
  CHECK(contains(refusal(head + "1 write k%2 1.1 5 9 ok\n"), "KEY with a byte"));
  CHECK(contains(refusal(head + "1 write k - 5 9 ok\n"), "VALUE that is no WRITER.COUNTER"));
  CHECK(contains(refusal(head + "1 write k 1.0 5 9 ok\n"), "VALUE that is no WRITER.COUNTER"));
  CHECK(contains(refusal(head + "1 write k 1048575.1 5 9 ok\n"), "VALUE"));
  CHECK(contains(refusal(head + "1 write k 1.1 9 5 ok\n"), "times that cannot be"));
  CHECK(contains(refusal(head + "1 write k 1.1 5 never ok\n"), "answered, but never"));
  CHECK(contains(refusal(head + "1 write k 1.1 5 9 maybe\n"), "OUTCOME"));
  CHECK(contains(refusal(head + "1 erase k 5 9 ok" + '\0' + "x\n"), "OUTCOME"));
  CHECK(contains(refusal(head + "1 erase k 5 9 ok" + '\0'), "OUTCOME"));
  CHECK(contains(refusal(head + std::string(5000, 'x')), "4 KiB"));
  CHECK(contains(read_history("/nowhere/at/all").error().message, "No such file"));
}
