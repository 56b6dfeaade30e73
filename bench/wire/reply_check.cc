#include "bench/wire/reply_check.h"

#include <fmt/format.h>

#include "protocol/error.h"

namespace phoenix::bench {

void ReplyCheck::complain(std::string_view what) {
  if (complaints_.full()) return;
  complaints_.add(fmt::format("{}: {}", shape_.describe(in_flight_.front().request), what));
}

void ReplyCheck::complain_of_value() {
  ++counts_.mismatches;
  const std::size_t expected = shape_.values.of(in_flight_.front().request.key);
  if (value_bytes_ == expected) return complain("the value is not what this key must hold");
  complain(
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
