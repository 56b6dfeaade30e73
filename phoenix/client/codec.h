// The seam between a connection and the protocols that it may speak: requests become bytes, bytes
// become replies. A codec has the memory of one connection: the bytes of what came in, and what is
// due next.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/client/result.h"
#include "phoenix/client/wire.h"
#include "protocol/reply_reader.h"

namespace phoenix::client {

class Codec {
 public:
  using Words = std::vector<std::string_view>;

  static std::unique_ptr<Codec> make(Wire wire);

  Codec() = default;
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;
  virtual ~Codec() = default;

  /// `invalid` when the protocol cannot carry these flags.
  virtual Result<void> check_flags(std::uint16_t flags) const = 0;

  /// Appends what a connection starts with. False: nothing, and there will be no reply.
  virtual bool append_greeting(std::string& out, std::string_view client_name) = 0;

  virtual void append_request(std::string& out, const Words& words, std::uint16_t flags) = 0;

  /// The next reply, or part of one, that has come in whole; false when none has. An error is the
  /// end of the connection, and its message goes on behind "the server at ...".
  virtual Result<bool> next(Reply& reply) = 0;

  /// Where what comes in goes.
  virtual protocol::ReplyReader& inbox() = 0;
};

}  // namespace phoenix::client
