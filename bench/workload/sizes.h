// How large the keys and the values of a run are: the size of each follows from its key's number,
// so that whoever reads a value back knows its size without having remembered it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/base/random.h"
#include "phoenix/base/result.h"

namespace phoenix::bench {

class Sizes final {
 public:
  /// All of one size.
  explicit Sizes(std::size_t bytes) : max_(bytes) {}

  /// `text` is what --key-size and --value-size take:
  ///   64                 all of one size
  ///   16-1024            uniform between the two
  ///   log:16-1048576     uniform in the logarithm: each order of magnitude is as frequent
  ///   64*90,1024*10      of these sizes, with these weights
  /// An error when it is none of these or a size is over `bytes_max`.
  static Result<Sizes> parse(std::string_view text, std::size_t bytes_max);

  std::size_t max() const { return max_; }
  std::size_t min() const;
  bool all_equal() const { return kind_ == Kind::fixed; }

  /// Of the key `number`, or of its value.
  std::size_t of(std::uint64_t number) const { return kind_ == Kind::fixed ? max_ : drawn(number); }

  /// As it was given.
  std::string text() const;

 private:
  enum class Kind : std::uint8_t { fixed, uniform, logarithmic, weighted };
  struct Weighted {
    std::size_t bytes;
    std::uint64_t weights_below;  // Of this size and all before it.
  };

  std::size_t drawn(std::uint64_t number) const;
  static Result<Sizes> parse_range(std::string_view text, Kind kind, std::size_t bytes_max);
  static Result<Sizes> parse_weights(std::string_view text, std::size_t bytes_max);

  Kind kind_ = Kind::fixed;
  std::size_t min_ = 0;
  std::size_t max_ = 0;
  std::vector<Weighted> weighted_;
  std::string text_;
};

}  // namespace phoenix::bench
