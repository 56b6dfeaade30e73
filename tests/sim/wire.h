// How a simulated user speaks: the native protocol, or RESP2 or RESP3 with arrays and now and then
// an inline command. Answers come in one form, whatever the protocol.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/base/random.h"
#include "phoenix/sim/client.h"
#include "protocol/binary.h"
#include "protocol/resp.h"

namespace phoenix::simtest {

enum class Protocol : std::uint8_t { native, resp };

struct Answer {
  std::optional<std::uint32_t> id;  // RESP has none: answers come in order.
  bool more_follows = false;
  protocol::Value value;  // Views into what the wire holds until the next answer.
};

class Wire final {
 public:
  enum class Outcome : std::uint8_t { answer, need_more, broken };

  /// A new connection.
  void start(Protocol protocol);
  bool is_resp() const { return reader_ != nullptr; }

  /// The bytes of a request. Flags and id are for the native protocol alone.
  std::string request(SeededRandom& random, std::uint16_t flags, std::uint32_t id,
                      const std::vector<std::string>& words) const;

  /// The next answer among what the client has received.
  Outcome next(sim::Client& client, Answer& answer);
  /// Of what is broken.
  const std::string& error() const { return error_; }

 private:
  Outcome next_frame(sim::Client& client, Answer& answer);
  Outcome next_line(sim::Client& client, Answer& answer);
  Outcome fail(std::string_view error);

  std::unique_ptr<protocol::RespReader> reader_;  // Of RESP.
  std::string frame_;                             // Of the native protocol: the last one.
  std::string error_;
};

}  // namespace phoenix::simtest
