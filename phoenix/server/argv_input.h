// A native argv request of many words, received word by word.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "phoenix/server/word_slices.h"
#include "protocol/binary.h"

namespace phoenix::server {

class ArgvInput final {
 public:
  ArgvInput(std::uint32_t words, engine::LargeMeterRef meter)
      : words_(std::move(meter)), words_left_(words) {}

  /// Takes the next bytes of the value behind the count of words. False: the system has no memory
  /// for them.
  [[nodiscard]] bool feed(std::string_view bytes);

  /// Once the value is there: whether it was right, else the connection cannot go on.
  protocol::DecodeError error() const;
  WordSlices& words() { return words_; }
  const WordSlices& words() const { return words_; }

 private:
  bool take_size(std::string_view& bytes);

  WordSlices words_;
  std::uint32_t words_left_;
  std::array<char, sizeof(std::uint32_t)> size_{};  // Of the next word, as far as it is there.
  std::size_t size_taken_ = 0;
  std::size_t missing_bytes_ = 0;  // Of the word.
  protocol::DecodeError error_{protocol::Status::ok, {}};
};

}  // namespace phoenix::server
