#include "phoenix/server/session.h"

#include <algorithm>

#include "phoenix/base/check.h"
#include "phoenix/commands/table.h"
#include "phoenix/server/shard.h"

namespace phoenix::server {

using commands::Flags;
using protocol::Opcode;
using protocol::RequestHeader;

namespace {

bool is_opcode(std::uint8_t type, Opcode opcode) {
  return type == static_cast<std::uint8_t>(opcode);
}

// As far as its words tell, before they are looked at.
bool takes_long_to_run(std::string_view frame, const RequestHeader& header) {
  if (header.value_bytes > kShortRequestBytes) return true;
  if (header.value_bytes < sizeof(std::uint32_t)) return false;  // To be refused.
  const char* const words = frame.data() + frame.size() - header.value_bytes;
  return protocol::load_le<std::uint32_t>(words) > kShortRequestWords;
}

// Of a request of many words no more is looked at than a turn has time for (Session::decode).
bool is_read_in_steps(const LargeInput& large) {
  return large.argv && large.argv->words().count() > kStepWordsMax;
}

}  // namespace

void Session::feed(std::string_view bytes) {
  if (large_input_ && !is_read_in_steps(*large_input_)) bytes.remove_prefix(feed_large(bytes));
  if (resp_large_ && unparsed().empty() && resp_large_->words().count() <= kStepWordsMax) {
    if (memory_is_full && !resp_large_->is_taken && resp_large_->is_long()) resp_large_->discard();
    bytes.remove_prefix(resp_large_->feed(bytes));
    has_unparsed_requests_ = true;
  }
  if (bytes.empty()) return;
  has_unparsed_requests_ = true;
  if (carry_.empty() && view_.empty()) {
    view_ = bytes;
    return;
  }
  if (carry_.empty()) {
    carry_.assign(view_);
    carry_begin_ = 0;
    view_ = {};
  }
  carry_.append(bytes);
}

void Session::consume(std::size_t bytes) {
  if (carry_.empty()) {
    view_.remove_prefix(bytes);
  } else {
    carry_begin_ += bytes;
  }
}

void Session::put_back(const PendingRequest& pending) {
  has_unparsed_requests_ = true;
  if (pending.frame == nullptr) {
    if (large_input_) large_input_->is_taken = false;
    if (resp_large_) resp_large_->is_taken = false;
    return;
  }
  resp_reader_.restart();
  if (carry_.empty()) {
    const char* const end = view_.data() + view_.size();
    view_ = {pending.frame, static_cast<std::size_t>(end - pending.frame)};
  } else {
    carry_begin_ = static_cast<std::size_t>(pending.frame - carry_.data());
  }
}

void Session::end_turn() {
  constexpr std::size_t kKeptBytes = 4096;  // Of an idle session.
  constexpr std::size_t kKeptWords = 256;
  constexpr std::size_t kBusyBytes = std::size_t{256} << 10U;  // Of one that goes on.
  if (scratch_.capacity() > kKeptWords) std::vector<std::string_view>().swap(scratch_);
  resp_reader_.shrink();
  if (!view_.empty()) {
    PHX_CHECK(carry_.empty());
    carry_.assign(view_);
    carry_begin_ = 0;
  } else if (carry_begin_ == carry_.size()) {
    carry_.clear();
    carry_begin_ = 0;
    if (carry_.capacity() > kKeptBytes) carry_.shrink_to_fit();
  } else if (carry_begin_ > carry_.size() / 2) {
    carry_.erase(0, carry_begin_);
    carry_begin_ = 0;
    const bool is_far_too_large = carry_.capacity() / 4 > carry_.size();
    if (is_far_too_large && carry_.capacity() > kBusyBytes) carry_.shrink_to_fit();
  }
  view_ = {};
}

std::uint64_t Session::input_memory_bytes() const {
  return carry_.capacity() + scratch_.capacity() * sizeof(std::string_view) +
         resp_reader_.memory_bytes() + (resp_large_ ? resp_large_->memory_bytes() : 0) +
         (large_input_ && large_input_->argv ? large_input_->argv->words().memory_bytes() : 0) +
         (transaction ? transaction->memory_bytes() : 0);
}

Session::Decoded Session::break_off(std::uint32_t id, protocol::DecodeError error) {
  broken_ = {id, error.status, std::string(error.text)};
  return Decoded::broken;
}

Session::Decoded Session::decode_next(const commands::Table& table, RequestBatch& batch) {
  if (!batch.has_room()) return Decoded::no_room;
  if (!is_authenticated && requests_in_batch > 0) return Decoded::no_room;  // It may be AUTH.
  return is_resp(wire) ? decode_resp(table, batch) : decode_native(table, batch);
}

inline Session::Decoded Session::decode_native(const commands::Table& table, RequestBatch& batch) {
  if (large_input_) return take_large(table, batch);
  const std::string_view input = unparsed();
  if (input.size() < protocol::kHeaderBytes) return Decoded::need_more;
  RequestHeader header;
  const auto error = protocol::decode_header(input.data(), header);
  if (!error.text.empty()) return break_off(header.id, error);
  if (!is_authenticated && header.frame_bytes() > protocol::kUnauthenticatedBytesMax) {
    return break_off(header.id, {protocol::Status::not_authenticated,
                                 "request over 16 KiB before AUTH: authenticate first"});
  }
  const bool is_large =
      is_opcode(header.type, Opcode::set) && header.value_bytes > engine::kSmallValueBytesMax;
  if (is_large) {
    // Its bytes leave the input for good: nothing before it may be put back any more.
    if (requests_in_batch > 0) return Decoded::no_room;
    return begin_large(input, header) ? take_large(table, batch) : Decoded::need_more;
  }
  const std::size_t frame_bytes = header.frame_bytes();
  if (input.size() < frame_bytes) {
    if (has_many_words(input, header)) return begin_argv(input, header, table, batch);
    if (!memory_is_full || frame_bytes <= kFrameBytesWhenFullMax) return Decoded::need_more;
    if (requests_in_batch > 0) return Decoded::no_room;  // As for a large value.
    discard(header);
    return Decoded::need_more;
  }
  const std::string_view frame = input.substr(0, frame_bytes);
  if (is_opcode(header.type, Opcode::argv)) {
    if (!batch.takes_long && takes_long_to_run(frame, header)) return Decoded::takes_long;
    const auto words_error = decode_words(frame, header);
    if (!words_error.text.empty()) {
      if (has_many_words(input, header)) return begin_argv(input, header, table, batch);
      return break_off(header.id, words_error);
    }
    if (batch.words.size() + scratch_.size() > kWordsPerBatch) return Decoded::no_room;
    PendingRequest& pending = batch.requests.emplace_back();
    pending.command = table.find(scratch_[0]);
    pending.request.args = {batch.words.data() + batch.words.size(), scratch_.size()};
    batch.words.insert(batch.words.end(), scratch_.begin(), scratch_.end());
  } else {
    if (batch.words.size() + 3 > kWordsPerBatch) return Decoded::no_room;
    decode_short(frame, header, table, batch);
  }
  PendingRequest& pending = batch.requests.back();
  pending.session = this;
  pending.frame = frame.data();
  pending.id = header.id;
  pending.request.flags = header.flags;
  check_native(pending, header, table);
  consume(frame_bytes);
  batch.bytes += frame_bytes;
  ++requests_in_batch;
  return Decoded::request;
}

protocol::DecodeError Session::decode_words(std::string_view frame, const RequestHeader& header) {
  const std::uint32_t words_max =
      is_authenticated ? std::uint32_t{kStepWordsMax} : protocol::kUnauthenticatedArgsMax;
  const std::size_t prefix = protocol::kHeaderBytes + header.ttl_bytes();
  return protocol::decode_argv(frame.substr(prefix), words_max, scratch_);
}

inline void Session::decode_short(std::string_view frame, const RequestHeader& header,
                                  const commands::Table& table, RequestBatch& batch) {
  PendingRequest& pending = batch.requests.emplace_back();
  pending.command = table.find(header.type);
  const auto first = batch.words.size();
  const char* at = frame.data() + protocol::kHeaderBytes;
  if (header.ttl_bytes() > 0) pending.request.ttl_ms = protocol::load_le<std::uint64_t>(at);
  at += header.ttl_bytes();
  if (pending.command != nullptr) {
    batch.words.push_back(pending.command->name);
    if (pending.command->keys.first > 0) batch.words.emplace_back(at, header.key_bytes);
    if (header.value_bytes > 0 || is_opcode(header.type, Opcode::set)) {
      batch.words.emplace_back(at + header.key_bytes, header.value_bytes);
    }
  }
  pending.request.args = {batch.words.data() + first, batch.words.size() - first};
}

void Session::check_native(PendingRequest& pending, const RequestHeader& header,
                           const commands::Table& table) const {
  const bool is_open =
      pending.command != nullptr && has(pending.command->flags, Flags::before_auth);
  if (!is_authenticated && !is_open) {
    pending.fault = Fault::not_authenticated;
    return;
  }
  const auto error = protocol::check_request(header, pending.request.ttl_ms);
  if (!error.ok()) {
    pending.fault = Fault::bad_request;
    pending.reason = error.text;
    return;
  }
  // The words of a short form fit their row by themselves, and its key was measured in the header.
  const bool has_row = !is_opcode(header.type, Opcode::argv) && pending.command != nullptr;
  if (!has_row) check(pending, table);
}

// In the order of Redis: what is no command is told to strangers, too.
void Session::check(PendingRequest& pending, const commands::Table& table) const {
  const auto& args = pending.request.args;
  if (pending.command == nullptr) {
    pending.fault = Fault::unknown_command;
    return;
  }
  if (has(pending.command->flags, Flags::container) && args.size() > 1) {
    const auto* const subcommand = table.find_subcommand(*pending.command, args[1]);
    if (subcommand == nullptr) {
      pending.fault = Fault::unknown_subcommand;
      return;
    }
    pending.command = subcommand;
  }
  const auto& command = *pending.command;
  const KeyRange keys = key_range(command, args.size());
  if (!commands::arity_fits(command, args.size()) || !keys.has_whole_groups(args.size())) {
    pending.fault = Fault::wrong_arity;
    return;
  }
  if (!is_authenticated && !has(command.flags, Flags::before_auth)) {
    pending.fault = Fault::not_authenticated;
    return;
  }
  for (std::size_t i = keys.first; i < keys.end; i += keys.step) {
    if (args[i].size() > protocol::kKeyBytesMax) pending.fault = Fault::key_too_large;
  }
}

// False: the key is not there yet.
bool Session::begin_large(std::string_view input, const RequestHeader& header) {
  const std::size_t prefix = protocol::kHeaderBytes + header.ttl_bytes();
  if (input.size() < prefix + header.key_bytes) return false;
  large_input_ = std::make_unique<LargeInput>();
  large_input_->header = header;
  large_input_->key = input.substr(prefix, header.key_bytes);
  if (header.ttl_bytes() > 0) {
    large_input_->ttl_ms = protocol::load_le<std::uint64_t>(input.data() + protocol::kHeaderBytes);
  }
  large_input_->value = std::make_shared<engine::LargeValue>(output.pool().buffers().large);
  large_input_->missing_bytes = header.value_bytes;
  consume(prefix + header.key_bytes);
  consume(feed_large(unparsed()));
  return true;
}

// Lets all bytes of the frame pass that begins here and is not there yet.
void Session::discard(const RequestHeader& header) {
  large_input_ = std::make_unique<LargeInput>();
  large_input_->header = header;
  large_input_->discards = true;
  large_input_->missing_bytes = header.frame_bytes();
  consume(feed_large(unparsed()));
}

// Returns how many of the bytes belonged to the large input.
std::size_t Session::feed_large(std::string_view bytes) {
  if (!large_input_ || large_input_->missing_bytes == 0) return 0;
  LargeInput& large = *large_input_;
  const auto taken =
      static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), large.missing_bytes));
  if (large.argv) {
    const bool is_refused = memory_is_full && large.header.value_bytes > kFrameBytesWhenFullMax;
    large.discards = is_refused || !large.argv->feed(bytes.substr(0, taken));
    if (large.discards) large.argv.reset();
  } else if (!large.discards) {
    large.discards = memory_is_full || !large.value->append(bytes.substr(0, taken));
    if (large.discards) large.value.reset();
  }
  large.missing_bytes -= taken;
  if (large.missing_bytes == 0 && large.value) large.complete = std::move(large.value);
  return taken;
}

Session::Decoded Session::take_large(const commands::Table& table, RequestBatch& batch) {
  LargeInput& large = *large_input_;
  if (large.argv && large.missing_bytes > 0) {
    const std::size_t taken = feed_large(unparsed().substr(0, kWordBytesPerStep));
    consume(taken);
    batch.bytes += taken * kWorkPerWordByte;
    if (!large.argv) consume(feed_large(unparsed()));  // It was dropped.
    if (large.missing_bytes > 0 && !unparsed().empty()) return Decoded::takes_long;
  }
  if (large.missing_bytes > 0) return Decoded::need_more;
  if (large.is_taken) return Decoded::no_room;  // What is behind it waits for its execution.
  if (large.argv) return take_argv(table, batch);
  constexpr std::size_t kWords = 3;
  if (batch.words.size() + kWords > kWordsPerBatch) return Decoded::no_room;
  large.is_taken = true;
  ++requests_in_batch;
  PendingRequest& pending = batch.requests.emplace_back();
  pending.session = this;
  pending.id = large.header.id;
  if (large.discards) {
    pending.fault = Fault::out_of_memory;
    pending.dropped_bytes = large.header.frame_bytes();
    return Decoded::request;
  }
  pending.command = table.find(large.header.type);
  pending.request.flags = large.header.flags;
  pending.request.ttl_ms = large.ttl_ms;
  const auto first = batch.words.size();
  const std::string_view value = large.complete->view();
  for (const std::string_view word : {pending.command->name, std::string_view(large.key), value}) {
    batch.words.push_back(word);
  }
  pending.request.args = {batch.words.data() + first, kWords};
  pending.request.large = &large.complete;
  check_native(pending, large.header, table);
  return Decoded::request;
}

}  // namespace phoenix::server
