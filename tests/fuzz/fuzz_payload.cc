// Payloads of RESTORE: whatever they declare, a value is as long as it was said to be and comes
// from bytes that are there; what is read serializes to a payload that reads back.
#include <string>

#include "phoenix/commands/rdb_string.h"
#include "tests/fuzz/fuzz.h"

using namespace phoenix;
using namespace phoenix::commands;

namespace {

constexpr std::uint64_t kValueBytesMax = std::uint64_t{512} << 20U;
// What a short input can promise is bounded; more than this is not worth a fuzzer's time.
constexpr std::uint64_t kDecompressedBytesMax = std::uint64_t{1} << 20U;

void check_reads_back(std::string_view value) {
  const std::string bytes = serialize(value);
  FUZZ_CHECK(has_valid_footer(bytes));
  FUZZ_CHECK(!is_of_other_type(bytes));
  const auto again = read_payload(bytes);
  FUZZ_CHECK(again.has_value());
  if (again->form == SerializedString::Form::integer) {
    FUZZ_CHECK(std::to_string(again->integer) == value);
  } else {
    FUZZ_CHECK(again->bytes == value);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = phoenix::fuzz::text_of(data, size);
  check_reads_back(input);
  (void)has_valid_footer(input);
  const auto string = read_payload(input);
  if (!string) return 0;
  FUZZ_CHECK(!is_of_other_type(input));
  FUZZ_CHECK(string->size_bytes <= kValueBytesMax);
  if (string->form != SerializedString::Form::compressed) return 0;
  if (string->size_bytes > kDecompressedBytesMax) return 0;
  engine::LargeValue value;
  if (!decompress(*string, value)) return 0;
  FUZZ_CHECK(value.size_bytes() == string->size_bytes);
  check_reads_back(value.view());
  return 0;
}
