// Whole replies at the end of a string: for answers of hops, for what is gathered of several, and
// for whatever is not a plain value. One final class per protocol. A large value that is the whole
// answer is not copied: it follows the bytes, and tail_of() follows it.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "phoenix/base/check.h"
#include "phoenix/commands/reply_sink.h"
#include "phoenix/server/budget.h"
#include "phoenix/server/limits.h"
#include "phoenix/server/wire.h"
#include "protocol/binary.h"
#include "protocol/resp_encode.h"

namespace phoenix::server {

class CommandMeter;

class Encoder : public commands::ReplySink {
 public:
  /// `out` must live until the reply is complete.
  void begin(ReplyHead head, std::string& out) {
    head_ = head;
    out_ = &out;
    base_ = out.size();
    large_.reset();
    answered_ = false;
    refused_ = protocol::Status::ok;
  }
  /// The handler is done: the large value that follows the bytes, or null.
  engine::LargeValueRef finish() {
    PHX_CHECK(answered_ && is_closed());
    return std::exchange(large_, {});
  }
  /// An item of the open list that is encoded already, in this protocol.
  void encoded_item(std::string_view item);
  /// As end(), of the outermost list of what was done in any case: what is said when it was too
  /// large, also for memory that is full.
  void end(std::string_view too_large) {
    if (refused_ != protocol::Status::ok) refused_ = protocol::Status::too_large;
    too_large_ = too_large;
    this->end();
    too_large_ = kTooLarge;
  }
  using ReplySink::end;
  static constexpr std::string_view kTooLarge = "reply over 16 MiB: ask for fewer keys at a time";
  Wire wire() const { return head_.wire; }
  /// Bytes of this reply so far.
  std::size_t size_bytes() const { return out_->size() - base_; }
  /// The list was too large: an error takes its place.
  bool is_refused() const { return refused_ != protocol::Status::ok; }

 protected:
  /// With a budget, a long list is refused while memory is full. With a meter errors are counted.
  Encoder(const MemoryBudget* budget, CommandMeter* meter) : budget_(budget), meter_(meter) {}

  void count_error(protocol::Status status);

  virtual bool is_closed() const = 0;
  bool may_grow(std::size_t bytes);
  /// The outermost list has ended: takes it back and answers an error if it was refused.
  void close_list();

  ReplyHead head_;
  std::string* out_ = nullptr;
  std::size_t base_ = 0;  // Where this reply begins in *out_.
  engine::LargeValueRef large_;
  bool answered_ = false;

 private:
  std::string_view too_large_ = kTooLarge;
  protocol::Status refused_ = protocol::Status::ok;  // Why the list ends as an error.
  const MemoryBudget* budget_;
  CommandMeter* meter_;
};

/// Lists and maps are built in their nested form and get their frame header at the end.
class NativeEncoder final : public Encoder {
 public:
  explicit NativeEncoder(const MemoryBudget* budget = nullptr, CommandMeter* meter = nullptr)
      : Encoder(budget, meter) {}

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
  void large(const engine::LargeValueRef& value) override;
  void error(protocol::Status status, std::string_view text) override;
  void begin_list(std::uint32_t items) override { open(protocol::Kind::list, items); }
  void begin_map(std::uint32_t pairs) override { open(protocol::Kind::map, pairs); }
  void end() override;

 private:
  static constexpr std::size_t kValueHeaderBytes = 5;  // u8 kind, u32 size.

  bool is_closed() const override { return open_.empty(); }
  void scalar(protocol::Status status, protocol::Kind kind, std::string_view value);
  void put_header(protocol::Status status, protocol::Kind kind, std::size_t value_bytes);
  void open(protocol::Kind kind, std::uint32_t count);

  std::vector<std::size_t> open_;  // Where the content of each open list or map begins.
};

/// RESP2 or RESP3, as the head tells.
class RespEncoder final : public Encoder {
 public:
  explicit RespEncoder(const MemoryBudget* budget = nullptr, CommandMeter* meter = nullptr)
      : Encoder(budget, meter) {}

  void ok() override { raw("+OK\r\n"); }
  void nil() override { raw(is_resp3() ? "_\r\n" : "$-1\r\n"); }
  void nil_list() override { raw(is_resp3() ? "_\r\n" : "*-1\r\n"); }
  void integer(std::int64_t value) override;
  void bytes(std::string_view value) override;
  void large(const engine::LargeValueRef& value) override;
  void line(std::string_view value) override;
  void text(std::string_view value) override;
  void real(double value) override;
  void boolean(bool value) override;
  void big_number(std::string_view digits) override;
  void error(protocol::Status status, std::string_view text) override;
  void begin_list(std::uint32_t items) override { open('*', items); }
  void begin_set(std::uint32_t items) override { open(is_resp3() ? '~' : '*', items); }
  void begin_map(std::uint32_t pairs) override {
    is_resp3() ? open('%', pairs) : open('*', 2 * std::uint64_t{pairs});
  }
  void begin_push(std::uint32_t items) override { open(is_resp3() ? '>' : '*', items); }
  void begin_attribute(std::uint32_t pairs) override { open('|', pairs); }
  void begin_replies(std::uint32_t) override { ++depth_; }  // One behind the other.
  void end() override;

 private:
  static constexpr std::size_t kHeadBytesMax = protocol::kRespNumberBytesMax + 2;

  bool is_closed() const override { return depth_ == 0; }
  bool is_resp3() const { return head_.wire == Wire::resp3; }
  /// Whether a value of so many bytes may be appended; it is the answer when no list is open.
  bool takes(std::size_t bytes);
  void raw(std::string_view encoded);
  void open(char type, std::uint64_t count);

  std::uint32_t depth_ = 0;
};

}  // namespace phoenix::server
