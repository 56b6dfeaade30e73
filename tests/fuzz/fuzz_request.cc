// Request frames as a server reads them. What decodes encodes to the same bytes; what an argv
// decodes to are views inside its frame, in order; nothing is allocated beyond what the bytes pay
// for.
#include <algorithm>
#include <string>
#include <vector>

#include "protocol/binary.h"
#include "tests/fuzz/fuzz.h"

using namespace phoenix::protocol;

namespace {

void check_argv(std::string_view frame, const RequestHeader& header) {
  const std::string_view value = frame.substr(kHeaderBytes + header.ttl_bytes());
  std::vector<std::string_view> args;
  const DecodeError error = decode_argv(value, kArgsMax, args);
  FUZZ_CHECK(args.capacity() <= value.size() / sizeof(std::uint32_t));
  if (!error.ok()) {
    FUZZ_CHECK(!error.text.empty());
    return;
  }
  FUZZ_CHECK(!args.empty() && args.size() <= kArgsMax);
  std::vector<std::string_view> fewer;
  const auto args_max = static_cast<std::uint32_t>(args.size() - 1);
  FUZZ_CHECK(decode_argv(value, args_max, fewer).status == Status::too_large);
  if (header.ttl_bytes() != 0) return;
  std::string again;
  append_argv_request(again, header.flags, header.id, args);
  FUZZ_CHECK(again == frame);
}

/// One whole frame at the front of `input`.
void check_frame(std::string_view frame, const RequestHeader& header) {
  std::string_view rest = frame.substr(kHeaderBytes);
  std::uint64_t ttl_ms = 0;
  if (header.ttl_bytes() != 0) ttl_ms = load_le<std::uint64_t>(rest.data());
  rest.remove_prefix(header.ttl_bytes());
  const DecodeError error = check_request(header, ttl_ms);
  FUZZ_CHECK(error.ok() || (error.status == Status::error && !error.text.empty()));
  if (header.type == static_cast<std::uint8_t>(Opcode::argv)) {
    check_argv(frame, header);
    return;
  }
  std::string again;
  append_request(again, static_cast<Opcode>(header.type), header.flags, header.id,
                 rest.substr(0, header.key_bytes), rest.substr(header.key_bytes), ttl_ms);
  FUZZ_CHECK(again == frame);
}

void check_frames(std::string_view input) {
  while (input.size() >= kHeaderBytes) {
    RequestHeader header;
    const DecodeError error = decode_header(input.data(), header);
    if (!error.ok()) {
      FUZZ_CHECK(!error.text.empty());
      return;
    }
    FUZZ_CHECK(header.key_bytes <= kKeyBytesMax && header.value_bytes <= kArgvBytesMax);
    if (header.frame_bytes() > input.size()) return;
    check_frame(input.substr(0, header.frame_bytes()), header);
    input.remove_prefix(header.frame_bytes());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = phoenix::fuzz::text_of(data, size);
  check_frames(input);
  if (input.size() < kHeaderBytes + kTtlBytes) return 0;
  // Once more as one frame whose sizes fit: a header that lies keeps the fuzzer out of the rest.
  std::string mended(input);
  const std::size_t ttl_bytes = (mended[2] & kHasTtl) != 0 ? kTtlBytes : 0;
  store_le(mended.data() + 8, std::uint32_t{0});
  store_le(mended.data() + 12,
           static_cast<std::uint32_t>(mended.size() - kHeaderBytes - ttl_bytes));
  check_frames(mended);
  return 0;
}
