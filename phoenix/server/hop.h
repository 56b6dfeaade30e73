// One round trip of requests to another core's shard and back. The home core fills a batch during
// its turn and posts it at the end; the owner executes its parts in order and posts it back, at
// once as far as replies may leave, and again when the rest is durable. The words of a request are
// copied into the batch: a receive buffer then never outlives its turn.
//
// Invariant: a batch belongs to one side at a time. Parts that went back with the first return are
// not touched by the owner again; `replies` does not change after the first return.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/commands/command.h"
#include "phoenix/io/mailbox.h"
#include "phoenix/server/limits.h"
#include "phoenix/server/output.h"
#include "phoenix/server/transaction.h"
#include "phoenix/server/wire.h"

namespace phoenix::server {

class Session;
struct Gathering;

struct HopPart {
  // Set by the home core.
  const commands::Command* command = nullptr;
  Session* session = nullptr;        // Lives until all its parts came back (Session::hops).
  Run* run = nullptr;                // Where the reply goes, when it is a whole one.
  Gathering* gathering = nullptr;    // Or where it is joined with others.
  std::uint32_t gathering_part = 0;  // Which of them.
  bool is_of_keys_slice = false;     // It is a part of a slice of a longer request (slices.h).
  ReplyHead head;                    // How its reply is encoded: natively where it is joined.
  std::uint16_t flags = 0;
  std::uint64_t ttl_ms = 0;
  std::uint64_t hash = 0;  // Of the first key.
  std::uint32_t words_begin = 0;
  std::uint32_t words_count = 0;
  engine::LargeValueRef large;
  std::unique_ptr<TransactionJob> job;  // Of an EXEC.

  // Set by the owner.
  log::Position position = 0;
  std::uint64_t took_ns = 0;  // When the home core wants to know (Router::keep_time).
  std::size_t reply_begin = 0;
  std::size_t reply_bytes = 0;
  engine::LargeValueRef reply_large;  // Follows the reply's bytes; a long list is all in here.
  std::unique_ptr<std::vector<Watch>> watches;  // Of a WATCH.

  /// Of a listing.
  bool is_slice() const { return run == nullptr && gathering == nullptr && job == nullptr; }
  /// A long one is no frame with a large value behind it, but lies in that as a whole.
  bool answers_list() const {
    return command->gather == commands::Gather::in_key_order || job != nullptr;
  }
};

struct HopBatch {
  unsigned home = 0;
  unsigned owner = 0;
  std::size_t parts_max = kPartsPerHop;
  std::vector<HopPart> parts;
  std::vector<std::string_view> words;
  std::string replies;

  std::size_t executed = 0;  // Parts done by the owner so far.
  log::Position position_max = 0;
  bool was_given_back_in_part = false;
  std::uint64_t counted_bytes = 0;  // As memory_bytes() was, in the sum of the core that has it.

  commands::Args words_of(const HopPart& part) const {
    return commands::Args(words).subspan(part.words_begin, part.words_count);
  }

  /// Copies a word and appends it to `words`.
  void add_word(std::string_view word);
  /// Gives `part` a transaction that takes so many bytes.
  void add_job(HopPart& part, std::unique_ptr<TransactionJob> job, std::size_t size_bytes);
  std::size_t bytes() const { return bytes_; }
  /// Room for another request.
  bool has_room() const { return parts.size() < parts_max && bytes_ < kHopBytesTarget; }
  void clear();
  /// After clear(): what is kept between uses goes, too.
  void release_memory();
  std::uint64_t memory_bytes() const {
    return (block_ ? kBlockBytes : 0) + own_bytes_ + job_bytes_ +
           words.capacity() * sizeof(std::string_view) + parts.capacity() * sizeof(HopPart) +
           replies.capacity();
  }

 private:
  static constexpr std::size_t kBlockBytes = std::size_t{64} << 10U;

  std::unique_ptr<char[]> block_;  // Kept between uses; words too large for it get their own.
  std::size_t block_used_ = 0;
  std::size_t bytes_ = 0;
  std::size_t own_bytes_ = 0;
  std::size_t job_bytes_ = 0;
  std::vector<std::unique_ptr<char[]>> own_blocks_;
};

struct HopMessage {
  enum class Kind : std::uint8_t {
    request,   // Home to owner.
    partial,   // Back: parts whose position is 0 are answered.
    complete,  // Back: all others are.
    whole,     // Back: all parts are answered; there was no partial.
  };
  HopBatch* batch = nullptr;
  Kind kind = Kind::request;
};

/// Of one ordered pair of cores: requests one way and returns of the other direction's requests.
/// Bounded by construction: at most kHopsPerPair requests out, and two returns for each.
using HopMailbox = io::Mailbox<HopMessage, 4 * kHopsPerPair>;

}  // namespace phoenix::server
