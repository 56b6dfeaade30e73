// A protocol as the load generator sees it: requests into bytes, and the bytes of replies to a
// check. One object per connection, since a reply may come in any pieces. Called once per batch and
// once per receive: what goes on inside is plain code of one protocol.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "bench/wire/protocol.h"
#include "bench/wire/reply_check.h"
#include "bench/wire/shape.h"

namespace phoenix::bench {

/// Bytes on their way out: room that is made once and then kept.
class Outbox final {
 public:
  /// Room for `bytes` more at the end; added() says how much of it was used.
  char* room(std::size_t bytes) {
    if (bytes_.size() - end_ < bytes) bytes_.resize(std::max(end_ + bytes, 2 * bytes_.size()));
    return bytes_.data() + end_;
  }
  void added(const char* until) { end_ = static_cast<std::size_t>(until - bytes_.data()); }
  void clear() { end_ = 0; }
  std::string_view bytes() const { return {bytes_.data(), end_}; }

 private:
  std::vector<char> bytes_;
  std::size_t end_ = 0;
};

class Wire {
 public:
  Wire() = default;
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  virtual ~Wire() = default;

  /// Appends the request.
  virtual void encode(const Request& request, Outbox& out) = 0;

  /// Takes what arrived. False: the stream is of no more use, and check.fatal() says why.
  [[nodiscard]] virtual bool take(std::string_view bytes, ReplyCheck& check) = 0;

  /// Whether what was taken ends inside a reply.
  virtual bool inside_reply() const = 0;
};

/// `shape` must outlive it.
std::unique_ptr<Wire> make_wire(Protocol protocol, const RequestShape& shape);

}  // namespace phoenix::bench
