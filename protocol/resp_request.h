// RESP requests as a server reads them: arrays of bulk strings, and inline commands (a line of
// words, for people and for tools that send an empty line first). A request's end is only known
// where its last word is, so the reader remembers how far it has looked: however small the pieces
// in which a request comes, no word is looked at twice.
//
//   *2 $3 GET $1 k     (every word here ends in CR LF)        GET k
//
// Pure functions of bytes; the bounds are limits.h's, and stricter before AUTH.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/error.h"
#include "protocol/limits.h"

namespace phoenix::protocol {

/// What one request may be.
struct RespRequestLimits {
  std::uint32_t words_max = kArgsMax;
  std::uint32_t whole_words_max = kArgsMax;  // More are told of, and not read: Outcome::many.
  std::uint64_t word_bytes_max = kValueBytesMax;
  std::uint64_t request_bytes_max = kArgvBytesMax;
};
/// Of a stranger: as Redis has it, 10 words of 16 KiB.
inline constexpr RespRequestLimits kRespStrangerLimits{
    kUnauthenticatedArgsMax, kUnauthenticatedArgsMax, kUnauthenticatedBytesMax,
    kUnauthenticatedArgsMax* kUnauthenticatedBytesMax};

/// The header of an array or of a bulk string: a type and a number in one line.
struct RespCount {
  enum class Outcome : std::uint8_t { whole, need_more, broken };
  Outcome outcome = Outcome::need_more;
  std::int64_t number = 0;
  std::size_t bytes = 0;  // Of the line with its end.
};
/// Reads the number between the type (not looked at) and CR LF at the front of `bytes`.
[[nodiscard]] RespCount read_resp_count(std::string_view bytes);

class RespRequestReader final {
 public:
  enum class Outcome : std::uint8_t {
    request,    // Whole: words() are there, and bytes() long.
    nothing,    // An empty line or array of bytes() that asks for nothing: pass over it.
    need_more,  // The input ends within a request, or is empty.
    large,    // Likewise, within a word that is longer than `large_word_bytes`: see large_begin().
    many,     // It has more words than are read here: words_left(), which begin behind bytes().
    no_room,  // An inline command whose quotes need room that the one before still has.
    broken,   // No request: see error(). The connection cannot go on.
  };

  /// A word longer than this that is not all there is told of (Outcome::large), so that the caller
  /// can receive it in its place.
  explicit RespRequestReader(std::size_t large_word_bytes = kValueBytesMax)
      : large_word_bytes_(large_word_bytes) {}

  /// Looks for a request at the front of `input`, which must begin where it began at the last call
  /// if that returned need_more or large. `may_unquote`: what words() viewed before is done with.
  [[nodiscard]] Outcome next(std::string_view input, const RespRequestLimits& limits,
                             bool may_unquote);

  /// The request's words, as views into `input` (or into this, where quotes were taken away).
  std::size_t word_count() const { return found_.size(); }
  void append_words(std::string_view input, std::vector<std::string_view>& words) const;
  /// How much of the input the outcome is about, for `request`, `nothing` and `many`.
  std::size_t bytes() const { return scanned_bytes_; }
  /// Words that are not found yet.
  std::uint32_t words_left() const { return words_left_; }
  /// For `large`: the words found are whole, the long one is the next. Where its bytes begin, and
  /// how many they are.
  std::size_t large_begin() const { return large_begin_; }
  std::size_t large_bytes() const { return large_bytes_; }
  /// For `broken`: a whole sentence, without a prefix.
  std::string_view error() const { return error_; }

  /// Forgets how far it has looked: after the request was taken, or when the input begins anew.
  void restart() {
    found_.clear();
    scanned_bytes_ = 0;
    words_left_ = 0;
    state_ = State::start;
  }
  /// Gives back memory that a long request took.
  void shrink() {
    constexpr std::size_t kKeptWords = 64;
    if (!found_.empty()) return;
    if (found_.capacity() > kKeptWords) found_.shrink_to_fit();
    if (unquoted_.capacity() > kKeptWords) std::string().swap(unquoted_);
  }
  std::size_t memory_bytes() const {
    return found_.capacity() * sizeof(Word) + unquoted_.capacity();
  }

 private:
  enum class State : std::uint8_t { start, words, whole };
  struct Word {
    std::uint32_t begin = 0;  // In the input, or in unquoted_.
    std::uint32_t size_bytes = 0;
  };
  static_assert(kArgvBytesMax + kRespInlineBytesMax < UINT32_MAX);

  Outcome read_words(std::string_view input, const RespRequestLimits& limits);
  Outcome read_array(std::string_view input, const RespRequestLimits& limits);
  Outcome take_many(const RespCount& count, const RespRequestLimits& limits);
  Outcome read_inline(std::string_view input, const RespRequestLimits& limits, bool may_unquote);
  bool split_plain(std::string_view line);
  bool split_quoted(std::string_view line);
  Outcome fail(std::string_view text);

  std::size_t large_word_bytes_;
  std::vector<Word> found_;
  std::size_t scanned_bytes_ = 0;
  std::uint32_t words_left_ = 0;
  State state_ = State::start;
  bool is_unquoted_ = false;  // The words lie in unquoted_.
  std::size_t large_begin_ = 0;
  std::size_t large_bytes_ = 0;
  std::string unquoted_;
  std::string error_;
};

}  // namespace phoenix::protocol
