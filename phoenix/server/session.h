// One client connection: its unparsed input, its output, and where it stands in its life. The core
// moves bytes; the session turns them into requests and keeps the order of replies.
//
// Input lies either in the ring's buffer (view_, within a turn) or in carry_ (across turns); it is
// consumed by moving a beginning, so a request that has to wait is put back by moving it back.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/commands/command.h"
#include "phoenix/io/operation.h"
#include "phoenix/io/signal.h"
#include "phoenix/io/task.h"
#include "phoenix/server/argv_input.h"
#include "phoenix/server/listing.h"
#include "phoenix/server/output.h"
#include "phoenix/server/resp_large.h"
#include "phoenix/server/subscriptions.h"
#include "phoenix/server/transaction.h"
#include "phoenix/server/wire.h"
#include "phoenix/server/work.h"
#include "protocol/binary.h"

namespace phoenix::server {

class Session;

/// What is wrong with a request that was understood as a frame.
enum class Fault : std::uint8_t {
  none,
  unknown_command,
  unknown_subcommand,
  wrong_arity,
  not_authenticated,
  key_too_large,
  bad_request,  // See PendingRequest::reason.
  out_of_memory,
  too_many_words,
  subscribed,  // RESP2: a subscriber may not send it.
};

/// A decoded request until it was executed; its words are views into the session's input.
struct PendingRequest {
  // Not = default: emplace_back() would set the whole of it to zero first, which takes as long as
  // the decoding of a header.
  PendingRequest() noexcept {}

  Session* session = nullptr;
  const commands::Command* command = nullptr;
  const char* frame = nullptr;  // Where it begins, for putting it back. Null: a large input.
  std::uint32_t id = 0;
  Fault fault = Fault::none;
  std::string_view reason;          // Of a bad_request; static storage.
  std::uint64_t dropped_bytes = 0;  // Of an out_of_memory.
  std::uint16_t core = 0;           // Owner of the first key.
  commands::Request request;

  ReplyHead head() const;
};

/// What is read at a time of a request of many words, and what each byte counts as.
inline constexpr std::size_t kWordBytesPerStep = std::size_t{16} << 10U;
inline constexpr std::size_t kWorkPerWordByte = 4;

/// The requests of one batch and the words they point at.
struct RequestBatch {
  RequestBatch() {
    requests.reserve(kRequestsPerBatch);
    words.reserve(kWordsPerBatch);
  }
  void clear() {
    requests.clear();
    words.clear();
    bytes = 0;
  }
  std::size_t work() const { return words.size() * kWorkPerWord + bytes; }
  bool has_room() const { return requests.size() < kRequestsPerBatch && work() < work_max; }
  std::vector<PendingRequest> requests;
  std::vector<std::string_view> words;  // Never grows past its reservation: views point into it.
  std::size_t bytes = 0;                // Of the requests' frames.
  // What the turn has left for it, and whether requests that take long are let in.
  std::size_t work_max = std::numeric_limits<std::size_t>::max();
  bool takes_long = true;
};

/// A SET whose value is too large for an entry: collected block by block as it arrives. Or an argv
/// request of many words, collected word by word; or any long request for which there is no memory:
/// its bytes are dropped as they arrive.
struct LargeInput {
  protocol::RequestHeader header;
  std::string key;
  std::uint64_t ttl_ms = 0;
  std::shared_ptr<engine::LargeValue> value;
  engine::LargeValueRef complete;  // Set once all bytes are there.
  std::unique_ptr<ArgvInput> argv;
  std::uint64_t missing_bytes = 0;
  bool is_taken = false;  // By the batch that is being decoded or run, or in slices.
  bool discards = false;  // No memory for it: an error is answered once all bytes have come.
};

class Session final {
 public:
  Session(std::uint32_t index, std::uint32_t generation, int fd, ChunkPool& pool)
      : output(pool), index_(index), generation_(generation), fd_(fd) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int fd() const { return fd_; }
  std::uint32_t index() const { return index_; }
  io::Token token(io::TokenKind kind) const {
    return io::make_token(kind, std::uint64_t{generation_ & 0xFFFFFFU} << 32U | index_);
  }

  /// Takes received bytes; they stay where they are until end_turn().
  void feed(std::string_view bytes);

  /// Why bytes cannot be a request; the connection ends after this reply.
  struct BrokenInput {
    std::uint32_t id = 0;
    protocol::Status status = protocol::Status::bad_frame;
    std::string text;
  };
  enum class Decoded : std::uint8_t {
    request,     // One more in the batch.
    need_more,   // The input ends within a frame, or is empty.
    no_room,     // The batch has no room for it.
    takes_long,  // And the batch is of those that do not; or some of its many words were read.
    in_slices,   // One that is run in slices, and not in a batch: see request_in_slices().
    broken,      // See broken().
  };
  /// Decodes the next request into `batch`.
  Decoded decode(const commands::Table& table, RequestBatch& batch) {
    const Decoded decoded = decode_next(table, batch);
    has_unparsed_requests_ = decoded != Decoded::need_more;
    return decoded;
  }
  const BrokenInput& broken() const { return broken_; }

  /// Takes a request that is run in slices, without its words. Nothing before it is still to be
  /// run.
  PendingRequest request_in_slices(const commands::Table& table);
  /// Its words, which stay here until large_input_done().
  WordSlices& words_in_slices() {
    return resp_large_ ? resp_large_->words() : large_input_->argv->words();
  }

  /// Puts a request back: it and all behind it will be decoded again.
  void put_back(const PendingRequest& pending);
  /// A request of a large input was executed, or one in slices.
  void large_input_done() {
    large_input_.reset();
    resp_large_.reset();
  }

  /// Keeps what is unparsed beyond the life of the receive buffers.
  void end_turn();

  /// For telling the protocol.
  std::string_view first_bytes() const { return unparsed(); }
  std::size_t unparsed_bytes() const { return unparsed().size(); }
  /// Whether there may be whole requests in it: what is there should be run before more is read.
  bool has_unparsed_requests() const { return has_unparsed_requests_; }
  bool has_partial_input() const {
    return unparsed_bytes() > 0 || large_input_ != nullptr || resp_large_ != nullptr;
  }
  /// Without a large value that arrives, which counts by itself (engine::LargeMeter).
  std::uint64_t input_memory_bytes() const;
  /// With the places of replies; their bytes count in the output's pool.
  std::uint64_t memory_bytes() const { return input_memory_bytes() + output.runs() * sizeof(Run); }

  Output output;

  /// Whether it has subscribed to anything.
  bool is_subscribed() const { return subscriptions && subscriptions->count() > 0; }

  // State that the core keeps.
  bool is_authenticated = false;
  bool is_detected = false;    // The first bytes have told the protocol:
  Wire wire = Wire::native;    // this one.
  bool is_receiving = false;   // A multishot receive is armed.
  bool is_cancelling = false;  // Its cancel is on its way.
  bool is_sending = false;
  bool is_stalled = false;           // The socket did not take all at once: send and wait.
  bool is_ready = false;             // In the core's queue of sessions with input.
  bool takes_long = false;           // Its next request may: it is ready after all others.
  bool is_waiting_for_room = false;  // A request was put back until the log has room.
  bool is_paused = false;            // Or until a CLIENT PAUSE ends.
  bool is_listed = false;            // Among the core's Listings.
  bool is_held = false;              // In the core's list of outputs that wait for a commit.
  bool is_dirty = false;             // In the core's list of outputs to be sent.
  bool ignores_input = false;        // EXIT, an error of the stream, the peer's end, or shutdown.
  bool is_broken = false;            // The socket is of no use any more: nothing is sent.
  bool is_finished = false;          // Closed; to be reaped at the end of the turn.
  bool peer_has_ended = false;       // Half-closed: no more input will come.
  bool memory_is_full = false;       // Set by the core: long requests are refused.
  unsigned requests_in_batch = 0;    // Decoded, not yet run or put back.
  std::uint64_t skipped_batch = 0;   // The batch of which the rest was put back.
  unsigned hops = 0;                 // Parts on other cores that will still touch this session.
  // Each request looks at these as well: they lie together.
  // A WATCH is on another core, or an EXEC that goes on here, or a request is run in slices: what
  // is behind it waits.
  bool awaits_core = false;
  std::unique_ptr<Transaction> transaction;  // Since MULTI, or WATCH.
  std::unique_ptr<Listing> listing;          // While it streams, the requests behind it wait.
  std::unique_ptr<SessionSubscriptions> subscriptions;  // Null: it never had any.
  const commands::Command* last_command = nullptr;
  std::uint64_t active_ns = 0;  // It sent or was owed something, to a tick.
  commands::Client client;
  std::size_t sending_bytes = 0;
  std::uint64_t partial_since_ns = 0;
  std::uint64_t stalled_since_ns = 0;
  std::uint64_t opened_ns = 0;
  std::uint64_t stranger_since_ns = 0;     // It was opened, or RESET: AUTH has to come soon.
  std::uint64_t counted_memory_bytes = 0;  // As memory_bytes() was, in the core's sum.
  std::uint64_t unread_since_ns = 0;       // More messages wait than should.
  std::string peer_address;                // Both empty until somebody wants to know.
  std::string local_address;

  io::Signal input_ended;       // No further request will be taken.
  io::Signal output_drained;    // Everything has left, or cannot.
  io::Signal operations_ended;  // The kernel holds nothing of this session any more.
  io::Task<void> life;

 private:
  std::string_view unparsed() const {
    return carry_.empty() ? view_ : std::string_view(carry_).substr(carry_begin_);
  }
  void consume(std::size_t bytes);
  Decoded decode_next(const commands::Table& table, RequestBatch& batch);
  void decode_short(std::string_view frame, const protocol::RequestHeader& header,
                    const commands::Table& table, RequestBatch& batch);
  protocol::DecodeError decode_words(std::string_view frame, const protocol::RequestHeader& header);
  Decoded decode_native(const commands::Table& table, RequestBatch& batch);
  void check_native(PendingRequest& pending, const protocol::RequestHeader& header,
                    const commands::Table& table) const;
  void check(PendingRequest& pending, const commands::Table& table) const;
  bool begin_large(std::string_view input, const protocol::RequestHeader& header);
  void discard(const protocol::RequestHeader& header);
  std::size_t feed_large(std::string_view bytes);
  Decoded take_large(const commands::Table& table, RequestBatch& batch);
  bool has_many_words(std::string_view input, const protocol::RequestHeader& header) const;
  Decoded begin_argv(std::string_view input, const protocol::RequestHeader& header,
                     const commands::Table& table, RequestBatch& batch);
  Decoded take_argv(const commands::Table& table, RequestBatch& batch);
  bool goes_in_slices(const WordSlices& words, const commands::Table& table) const;
  static bool has_room_for(const WordSlices& words, const RequestBatch& batch);
  static bool take_words(const WordSlices& words, PendingRequest& pending,
                         const commands::Table& table, RequestBatch& batch);
  Decoded break_off(std::uint32_t id, protocol::DecodeError error);

  // session_resp.cc
  Decoded decode_resp(const commands::Table& table, RequestBatch& batch);
  Decoded take_resp(std::string_view input, const commands::Table& table, RequestBatch& batch);
  Decoded begin_resp_large(std::string_view input, bool has_begun);
  Decoded begin_resp_many(const commands::Table& table, RequestBatch& batch);
  Decoded take_resp_large(const commands::Table& table, RequestBatch& batch);
  Decoded break_off_resp(std::string_view text);

  std::uint32_t index_;
  std::uint32_t generation_;
  int fd_;
  std::string carry_;
  std::size_t carry_begin_ = 0;
  std::string_view view_;
  bool has_unparsed_requests_ = false;
  std::unique_ptr<LargeInput> large_input_;
  std::unique_ptr<RespLarge> resp_large_;
  protocol::RespRequestReader resp_reader_{engine::kSmallValueBytesMax};
  std::vector<std::string_view> scratch_;  // Words of one argv request.
  BrokenInput broken_;
};

inline ReplyHead PendingRequest::head() const {
  return {session->wire, id};
}

}  // namespace phoenix::server
