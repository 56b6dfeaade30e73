// RESP requests, fed whole and fed in the pieces that the input itself chooses: the same requests
// and the same end come out, of the reader and of a session, which receives long words in their
// place, whose batches end early, and whose requests are put back and decoded again.
#include <string>

#include "protocol/resp_request.h"
#include "tests/fuzz/session_feeder.h"

using namespace phoenix;
using fuzz::check_same;
using fuzz::Seen;
using protocol::RespRequestReader;

namespace {

Seen read(std::string_view stream, std::string_view sizes) {
  RespRequestReader reader;
  std::string input;
  Seen seen;
  std::size_t cut = 0;
  while (!stream.empty() && !seen.is_broken) {
    input += fuzz::next_piece(stream, sizes, cut);
    while (true) {
      const auto outcome = reader.next(input, {}, true);
      seen.is_broken = outcome == RespRequestReader::Outcome::broken;
      if (seen.is_broken) seen.error = reader.error();
      const bool is_request = outcome == RespRequestReader::Outcome::request;
      if (!is_request && outcome != RespRequestReader::Outcome::nothing) break;
      FUZZ_CHECK(reader.bytes() > 0 && reader.bytes() <= input.size());
      std::vector<std::string_view> words;
      reader.append_words(input, words);
      if (is_request) {
        FUZZ_CHECK(!words.empty() && words.size() <= protocol::kArgsMax);
        fuzz::describe(words, seen.requests);
      }
      input.erase(0, reader.bytes());
      reader.restart();
    }
  }
  return seen;
}

/// A byte 1 stands for a word that is too long for an entry, a byte 2 for more words than are run
/// in one step.
std::string expand(std::string_view stream) {
  constexpr std::size_t kLongBytes = 33'000;
  constexpr int kLongMost = 8;
  std::string text;
  int longs = 0;
  bool has_many = false;
  for (const char c : stream) {
    if (c == '\1' && longs++ < kLongMost) {
      text.append(kLongBytes, 'v');
    } else if (c == '\2' && !has_many) {
      has_many = true;
      for (std::size_t i = 0; i < server::kStepWordsMax; ++i) text += "$1\r\nk\r\n";
    } else {
      text += c;
    }
  }
  return text;
}

fuzz::Feeder feeder(bool is_authenticated, bool memory_is_full, std::string_view runs) {
  return {server::Wire::resp2, is_authenticated, memory_is_full, runs};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [sizes, rest] = fuzz::take_pieces(fuzz::text_of(data, size));
  const std::string stream = expand(rest);
  const std::string_view pieces = sizes.empty() ? std::string_view("\0", 1) : sizes;
  const Seen whole = read(stream, {});
  check_same(whole, read(stream, pieces));
  check_same(whole, feeder(true, false, {}).feed(stream, {}));
  check_same(whole, feeder(true, false, pieces).feed(stream, pieces));
  check_same(feeder(false, false, {}).feed(stream, {}),
             feeder(false, false, pieces).feed(stream, pieces));
  feeder(true, true, pieces).feed(stream, pieces);
  return 0;
}
