// Sessions that are fed with what a peer sends, in pieces that the input chooses, and whose
// requests are taken and put back as a core does it: what the targets of both protocols share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "phoenix/commands/table.h"
#include "phoenix/server/session.h"
#include "tests/fuzz/fuzz.h"

namespace phoenix::fuzz {

struct Seen {
  std::string requests;
  bool is_broken = false;
  std::string error;
};

inline void append_words(const std::vector<std::string_view>& words, std::string& out) {
  for (const auto word : words) out.append(std::to_string(word.size())).append(":").append(word);
}

inline void describe(const std::vector<std::string_view>& words, std::string& out) {
  append_words(words, out);
  out += '\n';
}

inline std::string_view next_piece(std::string_view& stream, std::string_view sizes,
                                   std::size_t& cut) {
  std::size_t size = stream.size();
  if (!sizes.empty()) size = 1 + static_cast<std::uint8_t>(sizes[cut++ % sizes.size()]);
  const std::string_view piece = stream.substr(0, size);
  stream.remove_prefix(piece.size());
  return piece;
}

/// What the words do not say.
inline void describe_frame(const server::PendingRequest& pending, std::string& out) {
  const auto tell = [&out](std::uint64_t number) { out += std::to_string(number) + ' '; };
  tell(pending.id);
  tell(pending.request.flags);
  tell(static_cast<std::uint64_t>(pending.request.ttl_ms));
  tell(static_cast<std::uint64_t>(pending.fault));
  out.append(pending.reason).append("\n");
}

/// A session whose requests are "executed" as a core does, except that it executes as many of each
/// batch as the input says, and puts the next one back.
class Feeder final {
 public:
  Feeder(server::Wire wire, bool is_authenticated, bool memory_is_full, std::string_view runs)
      : session_(0, 1, 3, pool_), runs_(runs) {
    session_.is_authenticated = is_authenticated;
    session_.memory_is_full = memory_is_full;
    session_.wire = wire;
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
    using Decoded = server::Session::Decoded;
    Decoded decoded = Decoded::request;
    while (decoded == Decoded::request && batch_.requests.size() < most) {
      decoded = session_.decode(table_, batch_);
    }
    if (decoded == Decoded::no_room) FUZZ_CHECK(!batch_.requests.empty());
    if (decoded == Decoded::in_slices) {
      FUZZ_CHECK(batch_.requests.empty());
      execute_in_slices(next_run());
      return true;
    }
    execute(next_run());
    if (decoded == Decoded::broken && batch_.requests.empty()) {
      seen_.is_broken = true;
      seen_.error = session_.broken().text;
      return false;
    }
    return !batch_.requests.empty() || decoded == Decoded::takes_long;
  }

  // Now and then it is put back first, once.
  void execute_in_slices(std::size_t run) {
    const server::PendingRequest pending = session_.request_in_slices(table_);
    was_put_back_ = run == 2 && !was_put_back_;
    if (was_put_back_) return session_.put_back(pending);
    server::WordSlices& slices = session_.words_in_slices();
    append_words({slices.name()}, seen_.requests);
    while (!slices.empty()) {
      std::vector<std::string_view> words;
      slices.append_slice_to(words);
      FUZZ_CHECK(!words.empty() && words.size() <= server::kSliceWords + 1);
      append_words(words, seen_.requests);
      slices.drop_slice();
    }
    seen_.requests += '\n';
    if (session_.wire == server::Wire::native) describe_frame(pending, seen_.requests);
    session_.large_input_done();
  }

  void execute(std::size_t most) {
    session_.requests_in_batch = 0;
    for (const auto& pending : batch_.requests) {
      if (most-- == 0) return session_.put_back(pending);
      describe({pending.request.args.begin(), pending.request.args.end()}, seen_.requests);
      if (session_.wire == server::Wire::native) describe_frame(pending, seen_.requests);
      if (pending.frame == nullptr) session_.large_input_done();
    }
  }

  std::size_t next_run() {
    return runs_.empty() ? server::kRequestsPerBatch
                         : 1 + static_cast<std::uint8_t>(runs_[run_++ % runs_.size()]) % 7;
  }

  static inline const commands::Table table_;
  server::BufferBytes buffers_;
  server::ChunkPool pool_{buffers_};
  server::Session session_;
  server::RequestBatch batch_;
  std::string_view runs_;
  std::size_t run_ = 0;
  bool was_put_back_ = false;
  Seen seen_;
};

inline void check_same(const Seen& a, const Seen& b) {
  FUZZ_CHECK(a.requests == b.requests);
  FUZZ_CHECK(a.is_broken == b.is_broken);
  FUZZ_CHECK(a.error == b.error);
}

}  // namespace phoenix::fuzz
