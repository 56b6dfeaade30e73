// What a session is sent without having asked for it at that moment: a message of a channel, a line
// of MONITOR. It is encoded once per protocol, however many sessions get it, and their outputs
// share the bytes.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "phoenix/engine/value.h"
#include "phoenix/server/output.h"
#include "phoenix/server/wire.h"

namespace phoenix::server {

class Push final {
 public:
  /// A list of words: in RESP3 a push, in RESP2 a list, natively a frame with id 0. The words are
  /// not copied.
  /// Or one line without line ends, a simple string in RESP.
  enum class Form : std::uint8_t { list, line };
  explicit Push(std::span<const std::string_view> words, Form form = Form::list)
      : words_(words), is_line_(form == Form::line) {}
  Push(const Push&) = delete;
  Push& operator=(const Push&) = delete;
  ~Push();

  /// At least as many bytes, in any protocol.
  std::size_t size_bytes_min() const;
  std::string encode(Wire wire) const;

  /// Puts it at the end of an output. A stalled session gets a copy: its output must not keep
  /// shared bytes alive.
  void append_to(Output& output, Wire wire, bool is_stalled);

 private:
  static constexpr std::size_t kWires = 3;

  /// Where its bytes are for all: a short one lies in a chunk, a long one is a block.
  struct Shared {
    Chunk* chunk = nullptr;
    std::string_view bytes;
    engine::LargeValueRef block;
  };
  const Shared& shared(Wire wire, ChunkPool& pool);

  std::span<const std::string_view> words_;
  bool is_line_;
  ChunkPool* pool_ = nullptr;
  std::array<Shared, kWires> shared_;
};

}  // namespace phoenix::server
