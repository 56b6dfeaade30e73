// What the protocol tests share: golden files, comparison of values, random values, and a count of
// what was allocated (hostile sizes must not turn into memory).
#pragma once

#include <cstddef>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/binary.h"

namespace phoenix::protocol::test {

/// A file below the root of the source tree. Fails the test when it cannot be read.
std::string read_source_file(const std::string& path);

/// The bytes that hex text stands for; '#' starts a comment. Fails the test on anything else.
std::string parse_hex(std::string_view text);

/// The frames of tests/unit/protocol/golden/NAME.hex.
std::string golden(const std::string& name);

/// The names of all golden files, without their ending.
std::vector<std::string> golden_names();

bool same(const Value& a, const Value& b);

Value none(Status status = Status::ok, std::string_view text = {});
Value bytes(std::string_view bytes);
Value text(std::string_view text);
Value integer(std::int64_t integer);
Value nil();
Value error(Status status, std::string_view text);
Value list(std::vector<Value> items);
Value map(std::vector<Value> keys_and_values);

/// Random values and bytes out of one seed; owns what the values view.
class Samples final {
 public:
  explicit Samples(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  /// Mostly short, any bytes.
  std::string_view word(std::size_t bytes_max);
  /// As it would come out of decoding a frame: what may stand at the top of a reply.
  Value reply();

 private:
  Value nested(std::uint32_t depth);
  Value items(Kind kind, std::uint32_t depth);

  std::mt19937_64 random_;
  std::deque<std::string> words_;
};

/// Bytes that operator new has given out in this process so far.
std::size_t allocated_bytes();

}  // namespace phoenix::protocol::test
