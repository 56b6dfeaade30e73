// What the load generator takes of servers, in its four protocols: fed whole and fed in the pieces
// that the input itself chooses, the same is counted, complained of and found fatal, and nothing is
// answered that was not asked.
//
// Input: one byte for the protocol and whether all keys were stored, one for the number of requests
// and a byte for each of them, one for the number of cuts and a byte for each of them (the size of
// a piece), then the stream.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/wire/reply_check.h"
#include "bench/wire/wire.h"
#include "tests/fuzz/fuzz.h"

using namespace phoenix::bench;

namespace {

constexpr std::size_t kRequestsMax = 64;

struct Connection final : private Answers {
  Connection(Protocol protocol, bool miss_is_error, std::string_view requests)
      : rules{.verify = true, .miss_is_error = miss_is_error}, wire(make_wire(protocol, shape)) {
    Outbox out;
    for (const char byte : requests) {
      const auto bits = static_cast<std::uint8_t>(byte);
      Request request{static_cast<Verb>(bits % (is_memcached(protocol) ? 4 : 5)), 1, bits % 10U};
      if (request.verb == Verb::multi_get) request.keys = static_cast<std::uint8_t>(1 + bits % 3);
      if (request.verb == Verb::replayed) request.key = 0;
      in_flight.push({request, 0});
      wire->encode(request, out);
    }
  }

  void feed(std::string_view bytes) {
    // A copy of just this size: whoever looks behind it is found.
    const std::vector<char> piece(bytes.begin(), bytes.end());
    is_sound = wire->take({piece.data(), piece.size()}, check);
    FUZZ_CHECK(is_sound == check.fatal().empty());
  }

  void answered(const Pending&, std::size_t times) override { told += times; }

  RequestShape shape{*Keys::make(10, Sizes(4)), *Sizes::parse("0-9", 9), {}, 0, {{"PING"}}};
  CheckRules rules;
  InFlight in_flight{kRequestsMax};
  Counts counts;
  Complaints complaints;
  std::unique_ptr<Wire> wire;
  ReplyCheck check{shape, rules, in_flight, counts, complaints, *this};
  std::size_t told = 0;
  bool is_sound = true;
};

/// The bytes that a first byte counts, below `below`.
std::string_view take_counted(std::string_view& input, std::size_t below) {
  const std::size_t count = phoenix::fuzz::take_byte(input) % below;
  const std::string_view bytes = input.substr(0, count);
  input.remove_prefix(bytes.size());
  return bytes;
}

void check_equal(const Connection& whole, const Connection& pieces) {
  FUZZ_CHECK(whole.is_sound == pieces.is_sound);
  FUZZ_CHECK(whole.check.fatal() == pieces.check.fatal());
  FUZZ_CHECK(whole.counts.replies == pieces.counts.replies);
  FUZZ_CHECK(whole.counts.hits == pieces.counts.hits);
  FUZZ_CHECK(whole.counts.misses == pieces.counts.misses);
  FUZZ_CHECK(whole.counts.errors == pieces.counts.errors);
  FUZZ_CHECK(whole.counts.mismatches == pieces.counts.mismatches);
  FUZZ_CHECK(whole.complaints.texts() == pieces.complaints.texts());
  FUZZ_CHECK(whole.told == whole.counts.replies && pieces.told == pieces.counts.replies);
  if (whole.is_sound) FUZZ_CHECK(whole.wire->inside_reply() == pieces.wire->inside_reply());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = phoenix::fuzz::text_of(data, size);
  const std::uint8_t kind = phoenix::fuzz::take_byte(input);
  const auto protocol = static_cast<Protocol>(kind % 4);
  const std::string_view requests = take_counted(input, kRequestsMax);
  const std::string_view sizes = take_counted(input, 256);

  Connection whole(protocol, kind / 4 % 2 != 0, requests);
  whole.feed(input);
  Connection pieces(protocol, kind / 4 % 2 != 0, requests);
  std::size_t cut = 0;
  for (std::string_view rest = input; !rest.empty() && pieces.is_sound;) {
    std::size_t piece = 1;
    if (!sizes.empty()) piece += static_cast<std::uint8_t>(sizes[cut++ % sizes.size()]);
    pieces.feed(rest.substr(0, piece));
    rest.remove_prefix(std::min(piece, rest.size()));
  }
  check_equal(whole, pieces);
  FUZZ_CHECK(whole.counts.replies <= requests.size());
  return 0;
}
