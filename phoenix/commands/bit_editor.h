// Reads and writes integers within a stored value, and tells the keyspace of as few changes as it
// can: all of one command are one patch when they lie near each other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "phoenix/commands/bit_integer.h"
#include "phoenix/commands/command.h"

namespace phoenix::commands {

/// Where an integer stands, in bits.
struct BitField {
  std::uint64_t offset = 0;
  IntegerType type;

  std::uint64_t first_byte() const { return offset / 8; }
  std::uint64_t end_byte() const { return (offset + type.bits + 7) / 8; }
};

/// The bytes from the first that may be written to the end of the last; empty: only reads.
struct WrittenRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;

  bool empty() const { return begin == end; }
  void include(const BitField& field);
};

class BitEditor final {
 public:
  /// `range` has all that will be written. The value grows to its end, whatever is written then, as
  /// it does in Redis.
  BitEditor(Context& context, const engine::Key& key, const WrittenRange& range);

  std::int64_t read(const BitField& field) const;
  void write(const BitField& field, std::int64_t value);
  /// Hands over what is left. True when anything has changed since the begin.
  [[nodiscard]] bool finish();

  /// What all of it may log beyond the words of the request, with as many writes.
  static std::uint64_t extra_bytes(const Context& context, const engine::Key& key,
                                   const WrittenRange& range, std::uint64_t writes);

 private:
  void open(std::uint64_t begin, std::uint64_t end);
  void flush();
  void patch(std::uint64_t begin, std::string_view bytes);
  unsigned byte_at(std::uint64_t place) const;

  Context& context_;
  engine::Key key_;
  std::string_view value_;  // As the keyspace has it now.
  std::string window_;      // Bytes that are ahead of it, from window_begin_ on.
  std::uint64_t window_begin_ = 0;
  bool has_changed_ = false;
};

}  // namespace phoenix::commands
