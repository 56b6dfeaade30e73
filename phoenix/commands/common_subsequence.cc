#include "phoenix/commands/common_subsequence.h"

#include <algorithm>
#include <array>
#include <bit>
#include <span>

namespace phoenix::commands {
namespace {

using Word = std::uint64_t;
using Row = std::span<const Word>;
constexpr std::size_t kWordBits = 64;

std::size_t words_for(std::size_t bits) {
  return (bits + kWordBits - 1) / kWordBits;
}

// Where in the longer string the bytes of the shorter one stand: a bit per place, for each byte.
class Places final {
 public:
  Places(std::string_view longer, std::string_view shorter) : words_(words_for(longer.size())) {
    std::size_t kinds = 0;
    number_.fill(kNone);
    for (const char c : shorter) {
      auto& number = number_[static_cast<unsigned char>(c)];
      if (number == kNone) number = kinds++;
    }
    bits_.resize(kinds * words_);
    for (std::size_t i = 0; i < longer.size(); ++i) {
      const std::size_t number = number_[static_cast<unsigned char>(longer[i])];
      if (number == kNone) continue;
      bits_[number * words_ + i / kWordBits] |= Word{1} << (i % kWordBits);
    }
  }

  std::size_t words() const { return words_; }
  Row of(char c) const {
    return Row(bits_).subspan(number_[static_cast<unsigned char>(c)] * words_, words_);
  }

 private:
  static constexpr std::size_t kNone = 256;

  std::size_t words_;
  std::array<std::size_t, 256> number_{};
  std::vector<Word> bits_;
};

// The next row of the table. A zero bit is a place where the length grows; it moves to the first
// place of a match behind the one before it, which is what the carry of an addition does.
void advance(Row row, Row matches, std::span<Word> next) {
  Word carry = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const Word matched = row[i] & matches[i];
    Word sum = 0;
    const bool overflows = __builtin_add_overflow(row[i], matched, &sum);
    const bool overflows_again = __builtin_add_overflow(sum, carry, &sum);
    carry = overflows || overflows_again ? 1 : 0;
    next[i] = sum | (row[i] & ~matches[i]);
  }
}

// How much the length has grown before place `end` of a row.
std::size_t length_until(Row row, std::size_t end) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < end / kWordBits; ++i) {
    length += static_cast<std::size_t>(std::popcount(~row[i]));
  }
  if (end % kWordBits == 0) return length;
  const Word below = (Word{1} << (end % kWordBits)) - 1;
  return length + static_cast<std::size_t>(std::popcount(~row[end / kWordBits] & below));
}

// The table, the longer string along a row, and a walk from its last cell to its edge. A cell (x,
// y) is the length for the first x bytes of the longer and y of the shorter one. Of the rows only
// the first of each block is kept; those of the block where the walk is are made anew, so that all
// that is held stays in the cache.
class LengthTable final {
 public:
  LengthTable(std::string_view longer, std::string_view shorter)
      : places_(longer, shorter),
        shorter_(shorter),
        words_(places_.words()),
        block_rows_(block_rows_for(shorter.size())),
        block_((block_rows_ + 1) * words_),
        x_(longer.size()),
        y_(shorter.size()) {
    std::vector<Word> row(words_, ~Word{0});
    for (std::size_t y = 0; y <= y_; ++y) {
      if (y % block_rows_ == 0) first_rows_.insert(first_rows_.end(), row.begin(), row.end());
      if (y < y_) advance(row, places_.of(shorter_[y]), row);
    }
    make_block(y_ > 0 ? (y_ - 1) / block_rows_ : 0);
    here_ = length_until(row, x_);
    above_ = length_of_row_above();
  }

  std::size_t x() const { return x_; }
  std::size_t y() const { return y_; }
  std::size_t length() const { return here_; }
  /// Of the cell (x - 1, y).
  std::size_t length_left() const { return here_ - step_at(y_); }
  /// Of the cell (x, y - 1).
  std::size_t length_above() const { return above_; }

  void go_left() {
    here_ -= step_at(y_);
    above_ -= step_at(y_ - 1);
    --x_;
  }
  void go_up() {
    here_ = above_;
    enter_row_above();
  }
  /// To (x - 1, y - 1).
  void go_both() {
    here_ = above_ - step_at(y_ - 1);
    --x_;
    enter_row_above();
  }

 private:
  static std::size_t block_rows_for(std::size_t rows) {
    std::size_t root = 1;
    while (root * root < rows) ++root;
    return root;
  }

  Row row(std::size_t y) const { return Row(block_).subspan((y - block_begin_) * words_, words_); }
  std::size_t step_at(std::size_t y) const {
    const std::size_t place = x_ - 1;
    return (~row(y)[place / kWordBits] >> (place % kWordBits)) & 1U;
  }
  std::size_t length_of_row_above() const { return y_ > 0 ? length_until(row(y_ - 1), x_) : 0; }

  // The rows from the first of a block to the first of the next.
  void make_block(std::size_t number) {
    block_begin_ = number * block_rows_;
    const Row first = Row(first_rows_).subspan(number * words_, words_);
    std::copy(first.begin(), first.end(), block_.begin());
    const std::size_t end = std::min(block_begin_ + block_rows_, shorter_.size());
    for (std::size_t y = block_begin_; y < end; ++y) {
      const auto next = std::span(block_).subspan((y + 1 - block_begin_) * words_, words_);
      advance(row(y), places_.of(shorter_[y]), next);
    }
  }

  void enter_row_above() {
    --y_;
    if (y_ == block_begin_ && y_ > 0) make_block(y_ / block_rows_ - 1);
    above_ = length_of_row_above();
  }

  Places places_;
  std::string_view shorter_;
  std::size_t words_;
  std::size_t block_rows_;
  std::vector<Word> first_rows_;
  std::vector<Word> block_;
  std::size_t block_begin_ = 0;
  std::size_t x_;
  std::size_t y_;
  std::size_t here_ = 0;
  std::size_t above_ = 0;
};

// Adds the match of a[i] and b[j] in front of the last run, or as a run of its own.
void add_match(std::vector<CommonRun>& runs, std::size_t i, std::size_t j) {
  if (!runs.empty() && runs.back().a_first == i + 1 && runs.back().b_first == j + 1) {
    runs.back().a_first = i;
    runs.back().b_first = j;
  } else {
    runs.push_back({i, i, j, j});
  }
}

}  // namespace

std::size_t common_length(std::string_view a, std::string_view b) {
  const std::string_view longer = a.size() >= b.size() ? a : b;
  const std::string_view shorter = a.size() >= b.size() ? b : a;
  const Places places(longer, shorter);
  std::vector<Word> row(places.words(), ~Word{0});
  for (const char c : shorter) advance(row, places.of(c), row);
  return length_until(row, longer.size());
}

// Redis goes towards the begin of `a` only where that keeps more than going towards the begin of
// `b` does.
CommonSubsequence common_subsequence(std::string_view a, std::string_view b) {
  const bool a_is_longer = a.size() >= b.size();
  LengthTable table(a_is_longer ? a : b, a_is_longer ? b : a);
  CommonSubsequence common;
  common.length = table.length();
  common.text.resize(common.length);
  std::size_t left = common.length;
  while (table.x() > 0 && table.y() > 0) {
    const std::size_t i = a_is_longer ? table.x() : table.y();
    const std::size_t j = a_is_longer ? table.y() : table.x();
    if (a[i - 1] == b[j - 1]) {
      common.text[--left] = a[i - 1];
      add_match(common.runs, i - 1, j - 1);
      table.go_both();
      continue;
    }
    const bool goes_left = a_is_longer ? table.length_left() > table.length_above()
                                       : table.length_above() <= table.length_left();
    if (goes_left) {
      table.go_left();
    } else {
      table.go_up();
    }
  }
  return common;
}

std::uint64_t common_subsequence_steps(std::size_t a_bytes, std::size_t b_bytes) {
  const std::uint64_t words = words_for(std::max(a_bytes, b_bytes));
  constexpr std::uint64_t kPerWord = 4;
  constexpr std::uint64_t kPerByte = 4;
  return words * std::min(a_bytes, b_bytes) * kPerWord + (a_bytes + b_bytes) * kPerByte;
}

}  // namespace phoenix::commands
