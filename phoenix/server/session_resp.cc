// How a session turns RESP into requests.
#include "phoenix/base/check.h"
#include "phoenix/commands/table.h"
#include "phoenix/server/session.h"

namespace phoenix::server {

using Outcome = protocol::RespRequestReader::Outcome;

namespace {

constexpr protocol::RespRequestLimits kSessionLimits{.whole_words_max = kStepWordsMax};

}  // namespace

Session::Decoded Session::break_off_resp(std::string_view text) {
  broken_ = {0, protocol::Status::error, std::string(text)};
  return Decoded::broken;
}

Session::Decoded Session::decode_resp(const commands::Table& table, RequestBatch& batch) {
  if (resp_large_) return take_resp_large(table, batch);
  const auto& limits = is_authenticated ? kSessionLimits : protocol::kRespStrangerLimits;
  while (true) {
    const std::string_view input = unparsed();
    const bool is_first = requests_in_batch == 0;
    switch (resp_reader_.next(input, limits, is_first)) {
      case Outcome::request:
        return take_resp(input, table, batch);
      case Outcome::nothing:
        consume(resp_reader_.bytes());
        resp_reader_.restart();
        continue;
      case Outcome::need_more:
        if (!memory_is_full || input.size() <= kFrameBytesWhenFullMax) return Decoded::need_more;
        if (!is_first) return Decoded::no_room;  // Nothing before it may be put back any more.
        return begin_resp_large(input, false);
      case Outcome::large:
        if (!is_first) return Decoded::no_room;
        return begin_resp_large(input, true);
      case Outcome::many:
        return is_first ? begin_resp_many(table, batch) : Decoded::no_room;
      case Outcome::no_room:
        return Decoded::no_room;
      case Outcome::broken:
        return break_off_resp(resp_reader_.error());
    }
  }
}

Session::Decoded Session::take_resp(std::string_view input, const commands::Table& table,
                                    RequestBatch& batch) {
  const std::size_t words = resp_reader_.word_count();
  const std::size_t bytes = resp_reader_.bytes();
  if (!batch.takes_long && (words > kShortRequestWords || bytes > kShortRequestBytes)) {
    return Decoded::takes_long;
  }
  const std::size_t first = batch.words.size();
  if (first + words > kWordsPerBatch) return Decoded::no_room;
  resp_reader_.append_words(input, batch.words);
  PendingRequest& pending = batch.requests.emplace_back();
  pending.session = this;
  pending.frame = input.data();
  pending.request.args = {batch.words.data() + first, words};
  pending.command = table.find(pending.request.args[0]);
  check(pending, table);
  resp_reader_.restart();
  consume(bytes);
  batch.bytes += bytes;
  ++requests_in_batch;
  return Decoded::request;
}

// The request leaves the input for good: from now on it is received word by word.
Session::Decoded Session::begin_resp_large(std::string_view input, bool has_begun) {
  // An array's count may not be there yet: then nothing is known of the request.
  if (resp_reader_.words_left() == 0) return Decoded::need_more;
  resp_reader_.append_words(input, scratch_);
  resp_large_ = std::make_unique<RespLarge>(scratch_, resp_reader_.words_left(),
                                            output.pool().buffers().large);
  scratch_.clear();
  if (memory_is_full) resp_large_->discard();
  if (has_begun) {
    resp_large_->begin_word(resp_reader_.large_bytes());
    consume(resp_reader_.large_begin());
  } else {
    consume(resp_reader_.bytes());
  }
  resp_reader_.restart();
  consume(resp_large_->feed(unparsed()));
  return Decoded::need_more;
}

Session::Decoded Session::take_resp_large(const commands::Table& table, RequestBatch& batch) {
  RespLarge& large = *resp_large_;
  if (large.is_taken) return Decoded::no_room;  // What is behind it waits for its execution.
  if (memory_is_full && large.is_long()) large.discard();
  // Of many words no more is looked at than a turn has time for.
  const std::size_t taken = large.feed(unparsed().substr(0, kWordBytesPerStep));
  consume(taken);
  batch.bytes += taken * kWorkPerWordByte;
  if (!large.error().empty()) return break_off_resp(large.error());
  if (!large.is_complete()) {
    return taken > 0 && !unparsed().empty() ? Decoded::takes_long : Decoded::need_more;
  }
  const WordSlices& words = large.words();
  if (goes_in_slices(words, table)) return Decoded::in_slices;
  if (!batch.takes_long && words.count() > kStepWordsMax) return Decoded::takes_long;
  if (!has_room_for(words, batch)) return Decoded::no_room;
  large.is_taken = true;
  ++requests_in_batch;
  PendingRequest& pending = batch.requests.emplace_back();
  pending.session = this;
  if (large.discards()) {
    pending.fault = Fault::out_of_memory;
    pending.dropped_bytes = large.bytes();
    return Decoded::request;
  }
  if (take_words(words, pending, table, batch)) check(pending, table);
  return Decoded::request;
}

}  // namespace phoenix::server
