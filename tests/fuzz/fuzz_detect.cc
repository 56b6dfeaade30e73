// The first bytes of a connection: a decision never changes as more bytes come, comes within
// kDetectBytesMax bytes and with the first line, and depends on no byte after that.
#include <string>

#include "protocol/detect.h"
#include "tests/fuzz/fuzz.h"

using namespace phoenix::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = phoenix::fuzz::text_of(data, size);
  Detected decided = Detected::need_more;
  for (std::size_t seen = 0; seen <= input.size() && seen <= 2 * kDetectBytesMax; ++seen) {
    const Detected now = detect(input.substr(0, seen));
    FUZZ_CHECK(decided == Detected::need_more || now == decided);
    FUZZ_CHECK(now != Detected::need_more || seen < kDetectBytesMax);
    const bool line_ended = seen > 0 && input[seen - 1] == '\n';
    FUZZ_CHECK(now != Detected::need_more || !line_ended);
    decided = now;
  }
  FUZZ_CHECK(detect(input) == decided);
  if (decided != Detected::resp) return 0;
  // Whatever is taken for RESP starts as text, and never as the request line of a browser.
  FUZZ_CHECK(static_cast<std::uint8_t>(input[0]) < 0x7F);
  FUZZ_CHECK(!input.starts_with("GET /") && !input.starts_with("POST "));
  return 0;
}
