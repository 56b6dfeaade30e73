// RESP requests, fed whole and fed in the pieces that the input itself chooses: the same requests
// and the same end come out, of the reader and of a session, which receives long words in their
// place, whose batches end early, and whose requests are put back and decoded again.
#include <string>

#include "phoenix/commands/table.h"
#include "phoenix/server/session.h"
#include "protocol/resp_request.h"
#include "tests/fuzz/fuzz.h"

using namespace phoenix;
using protocol::RespRequestReader;
using server::Session;

namespace {

struct Seen {
  std::string requests;
  bool is_broken = false;
  std::string error;
};

void describe(const std::vector<std::string_view>& words, std::string& out) {
  for (const auto word : words) out.append(std::to_string(word.size())).append(":").append(word);
  out += '\n';
}

std::string_view next_piece(std::string_view& stream, std::string_view sizes, std::size_t& cut) {
  std::size_t size = stream.size();
  if (!sizes.empty()) size = 1 + static_cast<std::uint8_t>(sizes[cut++ % sizes.size()]);
  const std::string_view piece = stream.substr(0, size);
  stream.remove_prefix(piece.size());
  return piece;
}

Seen read(std::string_view stream, std::string_view sizes) {
  RespRequestReader reader;
  std::string input;
  Seen seen;
  std::size_t cut = 0;
  while (!stream.empty() && !seen.is_broken) {
    input += next_piece(stream, sizes, cut);
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
        describe(words, seen.requests);
      }
      input.erase(0, reader.bytes());
      reader.restart();
    }
  }
  return seen;
}

/// A session whose requests are "executed" as a core does, except that it executes as many of each
/// batch as the input says, and puts the next one back.
class Feeder final {
 public:
  Feeder(bool is_authenticated, bool memory_is_full, std::string_view runs)
      : session_(0, 1, 3, pool_), runs_(runs) {
    session_.is_authenticated = is_authenticated;
    session_.memory_is_full = memory_is_full;
    session_.wire = server::Wire::resp2;
  }

  Seen feed(std::string_view stream, std::string_view sizes) {
    std::size_t cut = 0;
    while (!stream.empty() && !seen_.is_broken) {
      std::string buffer(next_piece(stream, sizes, cut));  // Gone at the end of the turn.
      session_.feed(buffer);
      while (run_batch()) {
      }
      session_.end_turn();
      FUZZ_CHECK(session_.input_memory_bytes() < (std::size_t{4} << 20U));
    }
    return seen_;
  }

 private:
  // False: there is nothing more to decode.
  bool run_batch() {
    batch_.clear();
    const std::size_t most = next_run();
    Session::Decoded decoded = Session::Decoded::request;
    while (decoded == Session::Decoded::request && batch_.requests.size() < most) {
      decoded = session_.decode(table_, batch_);
    }
    if (decoded == Session::Decoded::no_room) FUZZ_CHECK(!batch_.requests.empty());
    execute(next_run());
    if (decoded == Session::Decoded::broken && batch_.requests.empty()) {
      seen_.is_broken = true;
      seen_.error = session_.broken().text;
      return false;
    }
    return !batch_.requests.empty();
  }

  void execute(std::size_t most) {
    session_.requests_in_batch = 0;
    for (const auto& pending : batch_.requests) {
      if (most-- == 0) return session_.put_back(pending);
      describe({pending.request.args.begin(), pending.request.args.end()}, seen_.requests);
      if (pending.frame == nullptr) session_.large_input_done();
    }
  }

  std::size_t next_run() {
    return runs_.empty() ? server::kRequestsPerBatch
                         : 1 + static_cast<std::uint8_t>(runs_[run_++ % runs_.size()]) % 7;
  }

  static const commands::Table table_;
  server::BufferBytes buffers_;
  server::ChunkPool pool_{buffers_};
  Session session_;
  server::RequestBatch batch_;
  std::string_view runs_;
  std::size_t run_ = 0;
  Seen seen_;
};
const commands::Table Feeder::table_;

/// A byte 1 stands for a word that is too long for an entry.
std::string expand(std::string_view stream) {
  constexpr std::size_t kLongBytes = 33'000;
  constexpr int kLongMost = 8;
  std::string text;
  int longs = 0;
  for (const char c : stream) {
    if (c == '\1' && longs++ < kLongMost) {
      text.append(kLongBytes, 'v');
    } else {
      text += c;
    }
  }
  return text;
}

void check_same(const Seen& a, const Seen& b) {
  FUZZ_CHECK(a.requests == b.requests);
  FUZZ_CHECK(a.is_broken == b.is_broken);
  FUZZ_CHECK(a.error == b.error);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [sizes, rest] = fuzz::take_pieces(fuzz::text_of(data, size));
  const std::string stream = expand(rest);
  const std::string_view pieces = sizes.empty() ? std::string_view("\0", 1) : sizes;
  const Seen whole = read(stream, {});
  check_same(whole, read(stream, pieces));
  check_same(whole, Feeder(true, false, {}).feed(stream, {}));
  check_same(whole, Feeder(true, false, pieces).feed(stream, pieces));
  check_same(Feeder(false, false, {}).feed(stream, {}),
             Feeder(false, false, pieces).feed(stream, pieces));
  Feeder(true, true, pieces).feed(stream, pieces);
  return 0;
}
