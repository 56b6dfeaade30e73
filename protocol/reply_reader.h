// What the receiving ends of a client share, whatever the protocol: a buffer that bytes go into as
// they arrive, and that replies are taken from as views once they are whole.
//
// Invariants: memory follows the bytes that arrived, never a size that a peer announced, and stays
// below the largest reply and one receive; every byte is moved a bounded number of times, however
// small the pieces are in which it arrives.
//
// Not copyable or movable: what was handed out are views into it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "protocol/binary.h"

namespace phoenix::protocol {

class ReplyReader {
 public:
  enum class Outcome : std::uint8_t {
    frame,      // Here is one; ask again.
    need_more,  // Receive, then ask again.
    malformed,  // error() says why; the connection is of no more use.
  };

  /// What one receive should offer to the kernel.
  static constexpr std::size_t kReceiveBytes = std::size_t{64} << 10U;
  /// A buffer that grew over this for a large reply is given back once it is empty.
  static constexpr std::size_t kKeepBytes = std::size_t{1} << 20U;

  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  /// Room for `bytes` to receive into; ends the life of the views handed out before. Shorter, or
  /// empty, only when that much waits that next() must be called first, or after an error.
  [[nodiscard]] std::span<char> prepare(std::size_t bytes = kReceiveBytes);

  /// The first `bytes` of what prepare() gave were filled.
  void commit(std::size_t bytes);

  /// prepare(), copy, commit(). False, and nothing taken, when there is not that much room.
  [[nodiscard]] bool append(std::string_view bytes);

  /// Why next() said malformed.
  [[nodiscard]] const DecodeError& error() const { return error_; }

  /// Received, and not yet handed out. Not 0 when the connection ends: it ended inside a reply.
  [[nodiscard]] std::size_t buffered_bytes() const { return end_ - begin_; }

  /// What the buffer occupies.
  [[nodiscard]] std::size_t capacity_bytes() const { return capacity_; }

 protected:
  /// `reply_bytes_max`: the subclass holds every reply to it.
  explicit ReplyReader(std::size_t reply_bytes_max) : reply_bytes_max_(reply_bytes_max) {}
  ~ReplyReader() = default;

  std::size_t reply_bytes_max() const { return reply_bytes_max_; }
  std::string_view buffered() const { return {buffer_.get() + begin_, buffered_bytes()}; }
  /// The first `bytes` of buffered() are handed out. They live until the next prepare().
  void take(std::size_t bytes) { begin_ += bytes; }
  Outcome fail(DecodeError error);

 private:
  void make_room(std::size_t bytes);
  void reallocate(std::size_t capacity);

  std::size_t reply_bytes_max_;
  std::unique_ptr<char[]> buffer_;  // NOLINT(modernize-avoid-c-arrays): not to be zeroed.
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;     // Of what was not handed out.
  std::size_t end_ = 0;       // Of what was received.
  std::size_t prepared_ = 0;  // After end_, and given to the caller to fill.
  DecodeError error_{Status::ok, {}};
};

}  // namespace phoenix::protocol
