// The words of a request that is received bit by bit, kept in slices of so few words and bytes that
// one can be worked on in a step: however many words a request has, nothing looks at all of them at
// once. A slice ends between a key and the next, also where each key is followed by its value.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "phoenix/engine/value.h"

namespace phoenix::server {

class WordSlices final {
 public:
  /// Large words count by `meter`.
  explicit WordSlices(engine::LargeMeterRef meter) : meter_(std::move(meter)) {}

  /// The next word, whose bytes follow. A large one gets a block of its own, which can be stored.
  void begin_word(std::size_t size_bytes);
  /// Of the word that was begun last. False: the system has no memory for it.
  [[nodiscard]] bool append(std::string_view bytes);

  // The rest is asked once all words are whole.

  /// How many words there are, those of slices that were dropped included.
  std::size_t count() const { return count_; }
  /// The first word. No slice was dropped yet, and there is a word.
  std::string_view name() const { return word_of(slices_.front(), 0); }
  /// Of the words behind the first: of all of them, or with a `step` of two of each other one.
  std::size_t longest_key_bytes(std::size_t step) const;
  /// Views of all words.
  void append_to(std::vector<std::string_view>& words) const;
  /// The block of the first word that has one, or null.
  const engine::LargeValueRef* first_large() const;

  bool empty() const { return slices_.empty(); }
  /// Views of the first slice's words, without the request's first word.
  void append_slice_to(std::vector<std::string_view>& words) const;
  /// The block that the last word of the first slice has, or null.
  const engine::LargeValueRef* large_of_slice() const;
  void drop_slice();

  /// Without the large ones, which count by themselves.
  std::uint64_t memory_bytes() const {
    return closed_bytes_ + (slices_.empty() ? 0 : memory_of(slices_.back()));
  }

 private:
  struct Word {
    static constexpr std::uint32_t kIsLarge = 1U << 31U;
    std::uint32_t place;  // In the slice's bytes, or among its large words.
    std::uint32_t size_bytes;
  };
  struct Slice {
    std::string bytes;
    std::vector<Word> words;
    std::vector<engine::LargeValueRef> large;
  };

  bool is_full(const Slice& slice) const;
  static std::string_view word_of(const Slice& slice, std::size_t index);
  static std::uint64_t memory_of(const Slice& slice);

  engine::LargeMeterRef meter_;
  std::deque<Slice> slices_;
  std::shared_ptr<engine::LargeValue> arriving_;  // Null: the last word is no large one.
  std::size_t count_ = 0;
  bool has_name_ = true;  // The first slice begins with the request's first word.
  std::array<std::size_t, 2> longest_bytes_{};
  std::uint64_t closed_bytes_ = 0;  // Of all slices but the last.
};

}  // namespace phoenix::server
