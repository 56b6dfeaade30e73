// Glob patterns of keys, as Redis has them: * ? [abc] [^a] [a-z] and \ to escape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace phoenix::commands {

/// A pattern, read once and matched against many keys. A key costs a step per byte, and where more
/// than one star has to be tried a step per byte and 64 elements of the pattern: never the product
/// of both lengths, whatever the pattern.
class Pattern final {
 public:
  explicit Pattern(std::string_view pattern);

  /// Whether all of `text` matches. To an empty one, "" and "*" do, but no more stars: as in Redis.
  bool matches(std::string_view text);

  /// What reading it and all matches so far have cost; a step is about a nanosecond.
  std::uint64_t steps() const { return steps_; }
  /// The matches alone.
  std::uint64_t matching_steps() const { return steps_ - reading_steps_; }

 private:
  static constexpr std::size_t kBits = 64;
  static constexpr std::size_t kBytes = 256;
  static constexpr std::size_t kNone = ~std::size_t{0};

  /// Elements from `begin` up to `end` that stand together: between two stars, or at an end.
  struct Segment {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t size() const { return end - begin; }
  };

  std::size_t read_set(std::string_view pattern, std::size_t at);
  void allow(std::size_t byte);
  bool fits(Segment segment, std::string_view text);
  std::size_t find_end(Segment segment, std::string_view text);
  std::uint64_t* row_of(std::size_t byte) { return rows_.data() + byte * words_; }

  bool matches_empty_;
  std::size_t words_ = 0;  // Of 64 elements.
  std::size_t elements_ = 0;
  std::vector<std::uint64_t> rows_;   // Per byte: a bit for each element that it may stand for.
  std::vector<std::uint64_t> state_;  // Of find_end.
  std::vector<Segment> segments_;     // A star between each two of them.
  std::uint64_t allowed_ = 0;         // Bits that were set in rows_.
  std::uint64_t reading_steps_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace phoenix::commands
