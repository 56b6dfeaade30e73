// The native protocol's reply sinks. Both encode straight into their target; they differ only in
// where that is: a session's output, or the answer of a hop.
#pragma once

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "phoenix/base/check.h"
#include "phoenix/commands/reply_sink.h"
#include "phoenix/server/limits.h"
#include "phoenix/server/output.h"
#include "protocol/binary.h"

namespace phoenix::server {

/// Encodes a whole reply at the end of a string: for answers of hops, and for whatever is not a
/// plain value. Lists and maps are built in their nested form and get their frame header at the
/// end. A large value that is the whole answer is not copied: it follows the bytes.
class NativeEncoder final : public commands::ReplySink {
 public:
  /// With a budget, a long list is refused while memory is full.
  explicit NativeEncoder(const MemoryBudget* budget = nullptr) : budget_(budget) {}

  /// `out` must live until the reply is complete.
  void begin(std::uint32_t id, std::string& out) {
    id_ = id;
    out_ = &out;
    base_ = out.size();
    large_.reset();
    open_.clear();
    answered_ = false;
    refused_ = protocol::Status::ok;
  }
  /// The handler is done: the large value that follows the bytes, or null.
  engine::LargeValueRef finish() {
    PHX_CHECK(answered_ && open_.empty());
    return std::exchange(large_, {});
  }

  void ok() override { scalar(protocol::Status::ok, protocol::Kind::none, {}); }
  void nil() override {
    scalar(protocol::Status::nil, open_.empty() ? protocol::Kind::none : protocol::Kind::nil, {});
  }
  void integer(std::int64_t value) override {
    char bytes[8];
    protocol::store_le(bytes, value);
    scalar(protocol::Status::ok, protocol::Kind::integer, {bytes, sizeof bytes});
  }
  void bytes(std::string_view value) override {
    scalar(protocol::Status::ok, protocol::Kind::bytes, value);
  }
  void text(std::string_view value) override {
    scalar(protocol::Status::ok, protocol::Kind::text, value);
  }
  void large(const engine::LargeValueRef& value) override {
    if (!open_.empty()) return bytes(value->view());
    put_header(protocol::Status::ok, protocol::Kind::bytes, value->size_bytes());
    large_ = value;
    answered_ = true;
  }
  void error(protocol::Status status, std::string_view text) override;
  void begin_list(std::uint32_t items) override { open(protocol::Kind::list, items); }
  void begin_map(std::uint32_t pairs) override { open(protocol::Kind::map, pairs); }
  void end() override;
  /// An item of the open list that is encoded already.
  void encoded_item(std::string_view item);

 private:
  static constexpr std::size_t kValueHeaderBytes = 5;  // u8 kind, u32 size.

  void scalar(protocol::Status status, protocol::Kind kind, std::string_view value);
  bool may_grow(std::size_t bytes);
  void put_header(protocol::Status status, protocol::Kind kind, std::size_t value_bytes);
  void open(protocol::Kind kind, std::uint32_t count);

  std::uint32_t id_ = 0;
  std::string* out_ = nullptr;
  std::size_t base_ = 0;  // Where this reply begins in *out_.
  engine::LargeValueRef large_;
  std::vector<std::size_t> open_;  // Where the content of each open list or map begins.
  bool answered_ = false;
  protocol::Status refused_ = protocol::Status::ok;  // Why the list ends as an error.
  const MemoryBudget* budget_;
};

/// Encodes the replies of local requests straight into the current chunk; what is no plain value
/// goes through a NativeEncoder. finish() files the reply with its position.
class SessionSink final : public commands::ReplySink {
 public:
  explicit SessionSink(ChunkPool& pool, const MemoryBudget* budget = nullptr)
      : pool_(pool), encoder_(budget) {}

  void begin(std::uint32_t id) {
    id_ = id;
    data_ = nullptr;
    size_bytes_ = 0;
    is_encoded_ = false;
  }

  /// Returns how many bytes were copied.
  std::size_t finish(Output& output, log::Position position) {
    if (!is_encoded_) {
      output.append_committed(data_, size_bytes_, position);
      return size_bytes_;
    }
    const std::size_t bytes = encoded_.size();
    output.append_owned(std::move(encoded_), encoder_.finish(), position);
    return bytes;
  }

  void ok() override {
    if (is_encoded_) return encoder_.ok();
    put(protocol::Status::ok, protocol::Kind::none, {});
  }
  void nil() override {
    if (is_encoded_) return encoder_.nil();
    put(protocol::Status::nil, protocol::Kind::none, {});
  }
  void integer(std::int64_t value) override {
    if (is_encoded_) return encoder_.integer(value);
    char bytes[8];
    protocol::store_le(bytes, value);
    put(protocol::Status::ok, protocol::Kind::integer, {bytes, sizeof bytes});
  }
  void bytes(std::string_view value) override {
    if (is_encoded_ || value.size() > kCopiedBytesMax) return encoder().bytes(value);
    put(protocol::Status::ok, protocol::Kind::bytes, value);
  }
  void large(const engine::LargeValueRef& value) override { encoder().large(value); }
  void text(std::string_view value) override {
    if (is_encoded_ || value.size() > kCopiedBytesMax) return encoder().text(value);
    put(protocol::Status::ok, protocol::Kind::text, value);
  }
  void error(protocol::Status status, std::string_view text) override {
    if (is_encoded_) return encoder_.error(status, text);
    put(status, protocol::Kind::none, text.substr(0, protocol::kErrorTextBytesMax));
  }
  void begin_list(std::uint32_t items) override { encoder().begin_list(items); }
  void begin_map(std::uint32_t pairs) override { encoder().begin_map(pairs); }
  void end() override { encoder_.end(); }

 private:
  static constexpr std::size_t kCopiedBytesMax = kChunkBytes - protocol::kHeaderBytes;
  static_assert(engine::kSmallValueBytesMax <= kCopiedBytesMax);

  NativeEncoder& encoder() {
    if (!is_encoded_) {
      encoded_.clear();
      encoder_.begin(id_, encoded_);
    }
    is_encoded_ = true;
    return encoder_;
  }

  void put(protocol::Status status, protocol::Kind kind, std::string_view value) {
    PHX_DCHECK(data_ == nullptr);
    size_bytes_ = protocol::kHeaderBytes + value.size();
    data_ = pool_.reserve(size_bytes_);
    protocol::ReplyHeader header;
    header.status = status;
    header.kind = kind;
    header.id = id_;
    header.value_bytes = static_cast<std::uint32_t>(value.size());
    protocol::store_reply_header(data_, header);
    if (!value.empty()) std::memcpy(data_ + protocol::kHeaderBytes, value.data(), value.size());
    pool_.commit(size_bytes_);
  }

  ChunkPool& pool_;
  NativeEncoder encoder_;
  std::string encoded_;
  std::uint32_t id_ = 0;
  char* data_ = nullptr;
  std::size_t size_bytes_ = 0;
  bool is_encoded_ = false;
};

}  // namespace phoenix::server
