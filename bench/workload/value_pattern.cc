#include "bench/workload/value_pattern.h"

#include <array>

namespace phoenix::bench {

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

}  // namespace phoenix::bench
