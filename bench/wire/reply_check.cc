#include "bench/wire/reply_check.h"

#include <fmt/format.h>

#include "protocol/error.h"

namespace phoenix::bench {
namespace {

constexpr std::size_t kShownBytes = 64;

}  // namespace

void ReplyCheck::complain(const Request& request, std::string_view what) {
  if (complaints_.full()) return;
  complaints_.add(fmt::format("{}: {}", shape_.describe(request), what));
}

std::optional<std::uint64_t> ReplyCheck::place_of(std::string_view key, std::uint64_t first) {
  const Request& request = in_flight_.front().request;
  for (std::uint64_t nth = first; nth < request.keys; ++nth) {
    const std::uint64_t number = shape_.keys.behind(request.key, nth);
    key_.resize(shape_.keys.bytes_of(number));
    shape_.keys.write(key_.data(), number);
    if (key_ == key) return nth;
  }
  return std::nullopt;
}

void ReplyCheck::begin_value_of_other(std::string_view key) {
  comparing_ = false;
  if (!rules_.verify) return;
  ++counts_.mismatches;
  complain("answered with the value of " + protocol::printable(key.substr(0, kShownBytes)));
}

void ReplyCheck::complain_of_value() {
  ++counts_.mismatches;
  const Request request{Verb::get, 1, value_key_};
  const std::size_t expected = shape_.values.of(value_key_);
  if (value_bytes_ == expected) {
    return complain(request, "the value is not what this key must hold");
  }
  complain(
      request,
      fmt::format("a value of {} bytes, expected {} (stored with another --value-size? --preload "
                  "stores all keys anew, --no-verify accepts any value)",
                  value_bytes_, expected));
}

void ReplyCheck::complain_of_miss() {
  ++counts_.errors;
  complain("not found, though it was stored before");
}

void ReplyCheck::error(std::string_view text) {
  ++counts_.errors;
  complain(protocol::printable(text));
  done();
}

void ReplyCheck::unfit(std::string_view what) {
  ++counts_.errors;
  complain(fmt::format("unexpected {}", protocol::printable(what)));
  done();
}

}  // namespace phoenix::bench
