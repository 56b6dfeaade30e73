// A RESP request that has a large word: received word by word, the first large one straight into
// the block that will be stored. Or one for which there is no memory: then its bytes are dropped as
// they come, and an error is answered at its end.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/engine/value.h"
#include "protocol/resp_request.h"

namespace phoenix::server {

class RespLarge final {
 public:
  /// Words that have come already are copied. `words_left` are still to come.
  RespLarge(const std::vector<std::string_view>& words, std::uint32_t words_left,
            engine::LargeMeterRef meter);

  /// The next word has `size_bytes`, and its header has been read.
  void begin_word(std::size_t size_bytes);

  /// Takes what belongs to the request from the front of `bytes`, and returns how much that was. A
  /// word's header that is not all there stays.
  std::size_t feed(std::string_view bytes);

  /// From now on nothing is kept.
  void discard();
  bool discards() const { return discards_; }

  bool is_complete() const { return words_left_ == 0 && !in_word_; }
  /// Empty while all is right; else a whole sentence, and the connection cannot go on.
  std::string_view error() const { return error_; }

  /// Once it is complete. The large one is viewed in its block.
  void append_words(std::vector<std::string_view>& words) const;
  std::size_t word_count() const { return words_.size(); }
  const engine::LargeValueRef* large() const { return large_ ? &large_ : nullptr; }
  /// Of all words so far, those that were dropped included.
  std::uint64_t bytes() const { return bytes_; }
  /// Without the large value, which counts by itself.
  std::uint64_t memory_bytes() const;

  bool is_taken = false;  // By the batch that is being decoded or run.

 private:
  std::size_t take_header(std::string_view bytes);
  std::size_t take_bytes(std::string_view bytes);
  void keep(std::string_view bytes);

  static constexpr std::size_t kNone = ~std::size_t{0};

  std::vector<std::string> words_;
  std::size_t large_index_ = kNone;
  std::shared_ptr<engine::LargeValue> arriving_;
  engine::LargeValueRef large_;
  engine::LargeMeterRef meter_;
  std::uint32_t words_left_;
  bool in_word_ = false;
  std::size_t missing_bytes_ = 0;  // Of the word; its CR LF follows.
  std::uint64_t bytes_ = 0;
  std::uint64_t kept_bytes_ = 0;  // In words_.
  bool discards_ = false;
  std::string error_;
};

}  // namespace phoenix::server
