// Replies of local requests, straight into the current chunk of a core's output: one final class
// per protocol. What is no plain value goes through an Encoder.
#pragma once

#include <cstring>
#include <string>

#include "phoenix/base/check.h"
#include "phoenix/server/encoder.h"
#include "phoenix/server/output.h"

namespace phoenix::server {

/// Answers one request at a time: begin(), what the handler says, finish().
class SessionSink : public commands::ReplySink {
 public:
  void begin(ReplyHead head) {
    head_ = head;
    data_ = nullptr;
    size_bytes_ = 0;
    is_encoded_ = false;
  }

  /// Before the first word of the answer.
  void set_wire(Wire wire) { head_.wire = wire; }

  /// Files the reply with its position. Returns how many bytes were copied.
  std::size_t finish(Output& output, log::Position position);
  /// The client does not want it.
  void discard() {
    if (!is_encoded_) return;
    (void)encoder_.finish();  // A large value goes with it.
    encoded_.clear();
  }

  void large(const engine::LargeValueRef& value) final { encoder().large(value); }
  void begin_list(std::uint32_t items) final { encoder().begin_list(items); }
  void begin_set(std::uint32_t items) final { encoder().begin_set(items); }
  void begin_map(std::uint32_t pairs) final { encoder().begin_map(pairs); }
  void begin_push(std::uint32_t items) final { encoder().begin_push(items); }
  void begin_attribute(std::uint32_t pairs) final { encoder().begin_attribute(pairs); }
  void end() final { encoder_.end(); }
  void begin_replies(std::uint32_t count) final { encoder().begin_replies(count); }
  void end_replies() final { encoder_.end_replies(); }
  // Rare, and not worth a fast way.
  void nil_list() final { encoder().nil_list(); }
  void real(double value) final { encoder().real(value); }
  void boolean(bool value) final { encoder().boolean(value); }
  void big_number(std::string_view digits) final { encoder().big_number(digits); }

 protected:
  SessionSink(ChunkPool& pool, Encoder& encoder) : pool_(pool), encoder_(encoder) {}

  bool is_encoded() const { return is_encoded_; }
  Encoder& encoder() {
    if (!is_encoded_) {
      encoded_.clear();
      encoder_.begin(head_, encoded_);
    }
    is_encoded_ = true;
    return encoder_;
  }

  /// Room in the chunk for a whole reply of at most `size_bytes`; put() takes what was used of it.
  char* place(std::size_t size_bytes) {
    PHX_DCHECK(data_ == nullptr);
    return data_ = pool_.reserve(size_bytes);
  }
  void put(const char* end) {
    size_bytes_ = static_cast<std::size_t>(end - data_);
    pool_.commit(size_bytes_);
  }
  ReplyHead head() const { return head_; }

 private:
  std::size_t finish_encoded(Output& output, log::Position position);

  ChunkPool& pool_;
  Encoder& encoder_;
  std::string encoded_;
  ReplyHead head_;
  char* data_ = nullptr;
  std::size_t size_bytes_ = 0;
  bool is_encoded_ = false;
};

inline std::size_t SessionSink::finish(Output& output, log::Position position) {
  if (is_encoded_) return finish_encoded(output, position);
  output.append_committed(data_, size_bytes_, position);
  return size_bytes_;
}

class NativeSink final : public SessionSink {
 public:
  explicit NativeSink(ChunkPool& pool, const MemoryBudget* budget = nullptr,
                      CommandMeter* meter = nullptr)
      : SessionSink(pool, native_), native_(budget, meter) {}

  void ok() override {
    if (is_encoded()) return encoder().ok();
    put_frame(protocol::Status::ok, protocol::Kind::none, {});
  }
  void nil() override {
    if (is_encoded()) return encoder().nil();
    put_frame(protocol::Status::nil, protocol::Kind::none, {});
  }
  void integer(std::int64_t value) override {
    if (is_encoded()) return encoder().integer(value);
    char bytes[8];
    protocol::store_le(bytes, value);
    put_frame(protocol::Status::ok, protocol::Kind::integer, {bytes, sizeof bytes});
  }
  void bytes(std::string_view value) override {
    if (is_encoded() || value.size() > kCopiedBytesMax) return encoder().bytes(value);
    put_frame(protocol::Status::ok, protocol::Kind::bytes, value);
  }
  void text(std::string_view value) override {
    if (is_encoded() || value.size() > kCopiedBytesMax) return encoder().text(value);
    put_frame(protocol::Status::ok, protocol::Kind::text, value);
  }
  void error(protocol::Status status, std::string_view text) override {
    encoder().error(status, text);
  }

 private:
  static constexpr std::size_t kCopiedBytesMax = kChunkBytes - protocol::kHeaderBytes;
  static_assert(engine::kSmallValueBytesMax <= kCopiedBytesMax);

  void put_frame(protocol::Status status, protocol::Kind kind, std::string_view value) {
    char* const out = place(protocol::kHeaderBytes + value.size());
    protocol::ReplyHeader header;
    header.status = status;
    header.kind = kind;
    header.id = head().id;
    header.value_bytes = static_cast<std::uint32_t>(value.size());
    protocol::store_reply_header(out, header);
    if (!value.empty()) std::memcpy(out + protocol::kHeaderBytes, value.data(), value.size());
    put(out + protocol::kHeaderBytes + value.size());
  }

  NativeEncoder native_;
};

class RespSink final : public SessionSink {
 public:
  explicit RespSink(ChunkPool& pool, const MemoryBudget* budget = nullptr,
                    CommandMeter* meter = nullptr)
      : SessionSink(pool, resp_), resp_(budget, meter) {}

  void ok() override {
    if (is_encoded()) return encoder().ok();
    put_raw("+OK\r\n");
  }
  void nil() override {
    if (is_encoded()) return encoder().nil();
    put_raw(head().wire == Wire::resp3 ? std::string_view("_\r\n") : std::string_view("$-1\r\n"));
  }
  void integer(std::int64_t value) override {
    if (is_encoded()) return encoder().integer(value);
    put(protocol::store_resp_number(place(protocol::kRespNumberBytesMax), ':', value));
  }
  void bytes(std::string_view value) override {
    if (is_encoded() || value.size() > kCopiedBytesMax) return encoder().bytes(value);
    char* out = place(protocol::kRespNumberBytesMax + value.size() + 2);
    out = protocol::store_resp_number(out, '$', static_cast<std::int64_t>(value.size()));
    if (!value.empty()) std::memcpy(out, value.data(), value.size());
    out += value.size();
    std::memcpy(out, "\r\n", 2);  // NOLINT(bugprone-not-null-terminated-result): no C string.
    put(out + 2);
  }
  void line(std::string_view value) override { encoder().line(value); }
  void text(std::string_view value) override { encoder().text(value); }
  void error(protocol::Status status, std::string_view text) override {
    encoder().error(status, text);
  }

 private:
  static constexpr std::size_t kCopiedBytesMax = kChunkBytes - protocol::kRespNumberBytesMax - 2;
  static_assert(engine::kSmallValueBytesMax <= kCopiedBytesMax);

  void put_raw(std::string_view encoded) {
    char* const out = place(encoded.size());
    std::memcpy(out, encoded.data(), encoded.size());
    put(out + encoded.size());
  }

  RespEncoder resp_;
};

}  // namespace phoenix::server
