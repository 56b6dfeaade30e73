// What every fuzz target starts from. A target states properties with FUZZ_CHECK: a failure is a
// crash, which is what a fuzzer looks for and what fails a replay.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#define FUZZ_CHECK(condition)                                                      \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                \
    }                                                                              \
  } while (false)

namespace phoenix::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Takes the first byte off `input`; 0 when there is none left.
inline std::uint8_t take_byte(std::string_view& input) {
  if (input.empty()) return 0;
  const auto byte = static_cast<std::uint8_t>(input[0]);
  input.remove_prefix(1);
  return byte;
}

/// A stream and the sizes of the pieces that it is fed in, all chosen by the input: a byte for the
/// number of sizes, a byte for each, then the stream.
struct Pieces {
  std::string_view sizes;
  std::string_view stream;
};

inline Pieces take_pieces(std::string_view input) {
  const std::size_t count = take_byte(input);
  const std::string_view sizes = input.substr(0, count);
  return {sizes, input.substr(sizes.size())};
}

}  // namespace phoenix::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
