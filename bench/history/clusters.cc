#include "bench/history/clusters.h"

#include <algorithm>

#include <fmt/format.h>

namespace phoenix::bench::history {
namespace {

Violation violation(const char* sentence, std::vector<Operation> evidence) {
  return {evidence.front().key, sentence, std::move(evidence)};
}

bool is_answered_read(const Operation& operation) {
  return operation.kind == Kind::read && operation.outcome == Outcome::ok;
}

const char* unwritten_text(Value value) {
  return value == kForeign ? "a read returned bytes that nobody sent"
                           : "a read returned a value that was never written to this key";
}

/// One value's operations, its writes first.
std::optional<Violation> add_cluster(std::span<const Operation*> operations, Clusters& into) {
  const Operation& write = *operations.front();
  if (write.kind != Kind::write) {
    const auto read =
        std::ranges::find_if(operations, [](auto* o) { return is_answered_read(*o); });
    if (read == operations.end()) return std::nullopt;
    return violation(unwritten_text(write.value), {**read});
  }
  Cluster cluster{&write, &write, &write, false};
  for (const Operation* other : operations.subspan(1)) {
    if (other->kind == Kind::write) {
      return violation("the history is broken: two writes have the same value", {write, *other});
    }
    if (!is_answered_read(*other)) continue;
    cluster.was_read = true;
    if (write.outcome == Outcome::fail) {
      return violation("a read returned what was refused", {write, *other});
    }
    if (other->responded_ns < write.invoked_ns) {
      return violation("a read returned a value before it was written", {*other, write});
    }
    if (other->responded_ns < cluster.from_ns()) cluster.first_response = other;
    if (other->invoked_ns > cluster.to_ns()) cluster.last_invocation = other;
  }
  // Nobody can tell whether it took effect, so that it did not is as good as any.
  if (write.outcome == Outcome::ok || cluster.was_read) into.values.push_back(cluster);
  return std::nullopt;
}

}  // namespace

std::vector<Operation> Cluster::evidence() const {
  std::vector<Operation> all{*write};
  if (first_response != write) all.push_back(*first_response);
  if (last_invocation != write && last_invocation != first_response) {
    all.push_back(*last_invocation);
  }
  return all;
}

std::optional<Violation> cluster(std::span<const Operation*> operations, Clusters& into) {
  std::ranges::sort(operations, [](const Operation* a, const Operation* b) {
    if (a->value != b->value) return a->value < b->value;
    return (a->kind == Kind::write) > (b->kind == Kind::write);
  });
  std::size_t begin = 0;
  while (begin < operations.size()) {
    const Value value = operations[begin]->value;
    std::size_t end = begin + 1;
    while (end < operations.size() && operations[end]->value == value) ++end;
    const auto same = operations.subspan(begin, end - begin);
    begin = end;
    if (value != kAbsent) {
      auto wrong = add_cluster(same, into);
      if (wrong) return wrong;
      continue;
    }
    for (const Operation* operation : same) {
      const bool counts = operation->kind == Kind::erase ? operation->outcome != Outcome::fail
                                                         : is_answered_read(*operation);
      if (counts) into.absent.push_back(operation);
    }
  }
  return std::nullopt;
}

}  // namespace phoenix::bench::history
