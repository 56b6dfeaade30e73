// The longest common subsequence of two strings, 64 cells of the table at a time: a bit tells
// whether the length grows from one cell to the next, so that a row of the table is a big number,
// and the next row follows from it by one addition (H. Hyyro, "Bit-parallel LCS-length computation
// revisited", 2004).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace phoenix::commands {

/// A run that both strings have, by its first and last byte in each.
struct CommonRun {
  std::size_t a_first = 0;
  std::size_t a_last = 0;
  std::size_t b_first = 0;
  std::size_t b_last = 0;
  std::size_t size() const { return a_last - a_first + 1; }
};

struct CommonSubsequence {
  std::size_t length = 0;
  std::string text;             // One of the longest: where there are several, the one Redis tells.
  std::vector<CommonRun> runs;  // What it is made of, from the end of the strings to their begin.
};

/// Only the length. Work: one step for 64 cells of a table as wide and high as the strings.
std::size_t common_length(std::string_view a, std::string_view b);

/// All of it, in twice the work. Memory: bits of some rows, 3 MiB for strings of 1 MiB and 120
/// bytes, 400 KiB for two of 11 KiB.
CommonSubsequence common_subsequence(std::string_view a, std::string_view b);

/// What it takes, in nanoseconds, about.
std::uint64_t common_subsequence_steps(std::size_t a_bytes, std::size_t b_bytes);

}  // namespace phoenix::commands
