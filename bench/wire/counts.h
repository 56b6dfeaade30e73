// What came back: how much of it, and in words the first few things that were wrong.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace phoenix::bench {

struct Counts {
  std::uint64_t replies = 0;
  std::uint64_t hits = 0;  // Of keys, as misses: a multi-get has as many as it asks for.
  std::uint64_t misses = 0;
  std::uint64_t errors = 0;      // Error replies, and replies that do not fit the request.
  std::uint64_t mismatches = 0;  // Hits that held something else than they must.

  void add(const Counts& other) {
    replies += other.replies;
    hits += other.hits;
    misses += other.misses;
    errors += other.errors;
    mismatches += other.mismatches;
  }

  void subtract(const Counts& earlier) {
    replies -= earlier.replies;
    hits -= earlier.hits;
    misses -= earlier.misses;
    errors -= earlier.errors;
    mismatches -= earlier.mismatches;
  }
};

/// What went wrong in one thread, each sentence once. The first kKept stand for all.
class Complaints final {
 public:
  static constexpr std::size_t kKept = 5;

  bool full() const { return texts_.size() >= kKept; }
  void add(std::string text) {
    if (full() || std::find(texts_.begin(), texts_.end(), text) != texts_.end()) return;
    texts_.push_back(std::move(text));
  }
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::vector<std::string> texts_;
};

}  // namespace phoenix::bench
