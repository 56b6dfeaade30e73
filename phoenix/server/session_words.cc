// Requests of many words: they are received word by word, and what can be cut is run in slices.
#include <algorithm>

#include "phoenix/base/check.h"
#include "phoenix/commands/table.h"
#include "phoenix/server/session.h"

namespace phoenix::server {

using protocol::Opcode;
using protocol::RequestHeader;

// Of a request that is allowed to have them, in a header that is right.
bool Session::has_many_words(std::string_view input, const RequestHeader& header) const {
  const bool is_plain = header.type == static_cast<std::uint8_t>(Opcode::argv) &&
                        header.ttl_bytes() == 0 && header.key_bytes == 0 && is_authenticated;
  constexpr std::size_t kBegin = protocol::kHeaderBytes + sizeof(std::uint32_t);
  if (!is_plain || header.value_bytes < sizeof(std::uint32_t) || input.size() < kBegin)
    return false;
  const auto words = protocol::load_le<std::uint32_t>(input.data() + protocol::kHeaderBytes);
  const std::size_t bytes = header.value_bytes - sizeof(std::uint32_t);
  return words > kStepWordsMax && words <= protocol::kArgsMax &&
         words <= bytes / sizeof(std::uint32_t);
}

// It leaves the input for good, as a large value does.
Session::Decoded Session::begin_argv(std::string_view input, const RequestHeader& header,
                                     const commands::Table& table, RequestBatch& batch) {
  if (requests_in_batch > 0) return Decoded::no_room;
  const auto words = protocol::load_le<std::uint32_t>(input.data() + protocol::kHeaderBytes);
  large_input_ = std::make_unique<LargeInput>();
  large_input_->header = header;
  large_input_->argv = std::make_unique<ArgvInput>(words, output.pool().buffers().large);
  large_input_->missing_bytes = header.value_bytes - sizeof words;
  consume(protocol::kHeaderBytes + sizeof words);
  return take_large(table, batch);
}

Session::Decoded Session::take_argv(const commands::Table& table, RequestBatch& batch) {
  LargeInput& large = *large_input_;
  const auto error = large.argv->error();
  if (!error.ok()) return break_off(large.header.id, error);
  const WordSlices& words = large.argv->words();
  if (goes_in_slices(words, table)) return Decoded::in_slices;
  if (!batch.takes_long) return Decoded::takes_long;
  if (!has_room_for(words, batch)) return Decoded::no_room;
  large.is_taken = true;
  ++requests_in_batch;
  PendingRequest& pending = batch.requests.emplace_back();
  pending.session = this;
  pending.id = large.header.id;
  pending.request.flags = large.header.flags;
  if (take_words(words, pending, table, batch)) check_native(pending, large.header, table);
  return Decoded::request;
}

Session::Decoded Session::begin_resp_many(const commands::Table& table, RequestBatch& batch) {
  resp_large_ = std::make_unique<RespLarge>(
      std::vector<std::string_view>(), resp_reader_.words_left(), output.pool().buffers().large);
  consume(resp_reader_.bytes());
  resp_reader_.restart();
  return take_resp_large(table, batch);
}

bool Session::goes_in_slices(const WordSlices& words, const commands::Table& table) const {
  if (words.count() <= kStepWordsMax) return false;
  const auto* const command = table.find(words.name());
  const bool is_queued = transaction && transaction->is_open();
  return command != nullptr && commands::can_be_cut(*command) && !is_queued;
}

// Of too many there will be the name alone.
bool Session::has_room_for(const WordSlices& words, const RequestBatch& batch) {
  return batch.words.size() + std::min(words.count(), kUncutWordsMax) <= kWordsPerBatch;
}

// False: there are too many of them.
bool Session::take_words(const WordSlices& words, PendingRequest& pending,
                         const commands::Table& table, RequestBatch& batch) {
  const std::size_t first = batch.words.size();
  const bool has_room = words.count() <= kUncutWordsMax;
  if (has_room) {
    words.append_to(batch.words);
  } else {
    batch.words.push_back(words.name());
  }
  pending.request.args = {batch.words.data() + first, batch.words.size() - first};
  pending.request.large = words.first_large();
  pending.command = table.find(words.name());
  if (!has_room) {
    pending.fault = pending.command == nullptr ? Fault::unknown_command : Fault::too_many_words;
  }
  return has_room;
}

PendingRequest Session::request_in_slices(const commands::Table& table) {
  PendingRequest pending;
  pending.session = this;
  if (resp_large_) {
    resp_large_->is_taken = true;
  } else {
    large_input_->is_taken = true;
    pending.id = large_input_->header.id;
    pending.request.flags = large_input_->header.flags;
  }
  const WordSlices& words = words_in_slices();
  const auto& command = *table.find(words.name());
  pending.command = &command;
  const commands::KeyRange keys = commands::key_range(command, words.count());
  if (!keys.has_whole_groups(words.count())) {
    pending.fault = Fault::wrong_arity;
  } else if (words.longest_key_bytes(keys.step) > protocol::kKeyBytesMax) {
    pending.fault = Fault::key_too_large;
  }
  const auto error = large_input_ ? protocol::check_request(large_input_->header, 0)
                                  : protocol::DecodeError{protocol::Status::ok, {}};
  if (!error.ok()) {
    pending.fault = Fault::bad_request;
    pending.reason = error.text;
  }
  return pending;
}

}  // namespace phoenix::server
