// One connection's wire and check in each protocol, and a server's side of it: what tests of the
// wires have in common.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/wire/in_flight.h"
#include "bench/wire/reply_check.h"
#include "bench/wire/wire.h"

namespace phoenix::bench {

inline constexpr Protocol kProtocols[] = {Protocol::native, Protocol::resp,
                                          Protocol::memcached_text, Protocol::memcached_meta};

/// A hundred keys of 8 bytes, values of 21 bytes (no multiple of the pattern's words).
RequestShape small_shape();

std::string key_of(const RequestShape& shape, std::uint64_t number);
std::string value_of(const RequestShape& shape, std::uint64_t number);

struct WireFixture : private Answers {
  explicit WireFixture(Protocol protocol, CheckRules rules = {},
                       RequestShape shape = small_shape());

  /// The request is on its way: the bytes that it is sent as.
  std::string ask(const Request& request);

  bool feed(std::string_view bytes) { return wire->take(bytes, check); }
  /// In pieces of one byte, until the wire has had enough.
  bool feed_bytewise(std::string_view bytes);

  RequestShape shape;
  CheckRules rules;
  InFlight in_flight{1000};
  Counts counts;
  Complaints complaints;
  std::unique_ptr<Wire> wire;
  ReplyCheck check;
  std::size_t times_answered = 0;  // As told to who measures.

 private:
  void answered(const Pending& pending, std::size_t times) override;
};

/// What a server of each protocol answers.
class Replies final {
 public:
  Replies(Protocol protocol, const RequestShape& shape) : protocol_(protocol), shape_(shape) {}

  std::string found(std::uint64_t key, const std::string& value);
  std::string absent();
  std::string stored();
  std::string deleted(bool was_there);
  /// To a multi-get of `request`: its values, none where a key is not there.
  std::string many(const Request& request, const std::vector<std::optional<std::string>>& values);
  std::string error(const std::string& text);
  /// Whole and sound, and no answer to anything that is asked; empty where there is no such thing.
  std::string odd(Verb verb);

 private:
  bool is_native() const { return protocol_ == Protocol::native; }

  Protocol protocol_;
  const RequestShape& shape_;
  std::uint32_t id_ = 0;
};

}  // namespace phoenix::bench
