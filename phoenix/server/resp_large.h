// A RESP request that has a large word, or many words: received word by word, large ones straight
// into the blocks that will be stored. Or one for which there is no memory: then its bytes are
// dropped as they come, and an error is answered at its end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/server/limits.h"
#include "phoenix/server/word_slices.h"
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
  /// Whether it is to be dropped while memory is full.
  bool is_long() const { return has_large_ || memory_bytes() > kFrameBytesWhenFullMax; }

  bool is_complete() const { return words_left_ == 0 && !in_word_; }
  /// Empty while all is right; else a whole sentence, and the connection cannot go on.
  std::string_view error() const { return error_; }

  /// Those that have come.
  WordSlices& words() { return words_; }
  /// Of all words so far, those that were dropped included.
  std::uint64_t bytes() const { return bytes_; }
  /// Without large words, which count by themselves.
  std::uint64_t memory_bytes() const { return sizeof *this + words_.memory_bytes(); }

  bool is_taken = false;  // By the batch that is being decoded or run, or in slices.

 private:
  std::size_t take_header(std::string_view bytes);
  std::size_t take_bytes(std::string_view bytes);

  engine::LargeMeterRef meter_;
  WordSlices words_;
  std::uint32_t words_left_;
  bool in_word_ = false;
  std::size_t missing_bytes_ = 0;  // Of the word; its CR LF follows.
  std::uint64_t bytes_ = 0;
  bool has_large_ = false;
  bool discards_ = false;
  std::string error_;
};

}  // namespace phoenix::server
