// A session whose input is decoded as a core does, and whose requests are told as text.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/commands/table.h"
#include "phoenix/server/session.h"

namespace phoenix::server::test {

/// "id NAME [word, ...] flags ttl fault", long words by size and checksum.
std::string told(const PendingRequest& pending);

class DecodingSession {
 public:
  explicit DecodingSession(bool is_authenticated = true);

  /// Hands bytes over in a buffer that is overwritten at the end of the turn.
  void feed(std::string_view bytes);
  /// Decodes and "executes" all that is there, with a new batch for every `batch_max` requests.
  void decode_all(std::size_t batch_max = kRequestsPerBatch);
  void end_turn();
  /// The three of them.
  void turn(std::string_view bytes);

  /// One decode into the current batch.
  Session::Decoded decode() { return session.decode(table, batch); }
  std::uint64_t memory_bytes() const { return session.memory_bytes() + buffers.large->bytes(); }
  /// As if the batch had been executed.
  void run_batch();

  commands::Table table;
  BufferBytes buffers;
  ChunkPool pool{buffers};
  Session session;
  RequestBatch batch;
  std::vector<std::string> requests;  // Executed.
  bool is_broken = false;

 private:
  void run_in_slices();

  std::deque<std::string> buffers_;  // Of the turn.
};

}  // namespace phoenix::server::test
