#include "bench/workload/workload.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "phoenix/base/check.h"

namespace phoenix::bench {
namespace {

constexpr std::string_view kPrefix = "key:";
constexpr std::size_t kDigitsMax = 20;  // Of a 64-bit number.

std::size_t decimal_digits(std::uint64_t number) {
  return std::to_string(number).size();
}

}  // namespace

Result<Keys> Keys::make(std::uint64_t count, std::size_t key_bytes) {
  if (count == 0) return fail(ErrorCode::invalid, "--keys 0: at least one key is needed");
  const std::size_t digits = decimal_digits(count - 1);
  if (digits > key_bytes) {
    return fail(ErrorCode::invalid, "--key-size " + std::to_string(key_bytes) +
                                        ": too small for --keys " + std::to_string(count) +
                                        ", whose numbers have " + std::to_string(digits) +
                                        " digits");
  }
  return Keys(count, key_bytes, digits);
}

Keys::Keys(std::uint64_t count, std::size_t key_bytes, std::size_t digits)
    : count_(count),
      key_bytes_(key_bytes),
      prefix_bytes_(std::min(kPrefix.size(), key_bytes - digits)),
      digit_pairs_(static_cast<unsigned>(digits / 2)),
      odd_digit_(digits % 2 != 0) {
  PHX_CHECK(digits <= kDigitsMax);
}

void Keys::write(char* key, std::uint64_t number) const {
  PHX_CHECK(number < count_);
  std::memcpy(key, kPrefix.data(), prefix_bytes_);
  std::memset(key + prefix_bytes_, '0', key_bytes_ - prefix_bytes_);
  patch(key, number);
}

bool ValuePattern::byte_matches(std::size_t offset, char byte) const {
  const std::uint64_t bits = word(offset / sizeof(std::uint64_t));
  std::array<char, sizeof bits> expected{};
  std::memcpy(expected.data(), &bits, sizeof bits);
  return expected[offset % sizeof bits] == byte;
}

bool ValuePattern::matches(std::size_t offset, std::string_view bytes) const {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  std::size_t done = 0;
  // A part of a split value may start and end anywhere.
  for (; done < bytes.size() && (offset + done) % kWord != 0; ++done) {
    if (!byte_matches(offset + done, bytes[done])) return false;
  }
  std::uint64_t difference = 0;
  for (; bytes.size() - done >= kWord; done += kWord) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, bytes.data() + done, kWord);
    difference |= bits ^ word((offset + done) / kWord);
  }
  for (; done < bytes.size(); ++done) {
    if (!byte_matches(offset + done, bytes[done])) return false;
  }
  return difference == 0;
}

RandomRequests::RandomRequests(std::uint64_t key_count, double get_share, std::uint64_t seed)
    : random_(seed),
      key_count_(key_count),
      get_below_(static_cast<std::uint64_t>(
          std::llround(get_share * static_cast<double>(kVerbMask + 1)))) {
  PHX_CHECK(key_count_ != 0 && get_share >= 0 && get_share <= 1);
}

}  // namespace phoenix::bench
