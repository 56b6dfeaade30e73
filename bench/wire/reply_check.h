// Holds each reply against the request that it answers, as its bytes arrive: order, status, kind,
// and for a hit every byte of the value. Counts what is wrong and keeps the first few in words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/wire/request_batch.h"
#include "protocol/binary.h"

namespace phoenix::bench {

struct Counts {
  std::uint64_t replies = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t errors = 0;      // Error replies, and statuses that do not fit the request.
  std::uint64_t mismatches = 0;  // Hits that held something else than they must.

  void add(const Counts& other);
};

/// What went wrong in one thread. The first kKept stand for all.
class Complaints final {
 public:
  static constexpr std::size_t kKept = 5;

  bool full() const { return texts_.size() >= kKept; }
  void add(std::string text) {
    if (!full()) texts_.push_back(std::move(text));
  }
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::vector<std::string> texts_;
};

/// What a reply may be.
struct CheckRules {
  bool verify = true;          // Compare the values of hits.
  bool miss_is_error = false;  // Every key was stored before: a miss is a lost write.
};

/// The sink of one connection's FrameWalker. What the constructor borrows must outlive it.
class ReplyCheck final {
 public:
  ReplyCheck(const RequestShape& shape, const CheckRules& rules, const RequestBatch& batch,
             Counts& counts, Complaints& complaints)
      : shape_(shape), rules_(rules), batch_(batch), counts_(counts), complaints_(complaints) {}

  /// The batch was filled anew: its first reply comes next.
  void restart() { place_ = 0; }

  /// Requests of the batch that were answered.
  std::size_t answered() const { return place_; }

  /// Why the stream is of no more use, once begin() or end() returned false.
  const std::string& fatal() const { return fatal_; }

  bool begin(const char* header, std::size_t& payload_bytes) {
    const auto magic = static_cast<std::uint8_t>(header[0]);
    const auto id = protocol::load_le<std::uint32_t>(header + 4);
    if (magic != protocol::kReplyMagic || place_ >= batch_.size() ||
        id != RequestBatch::id_of(place_)) {
      return unexpected(header, payload_bytes);
    }
    status_ = static_cast<protocol::Status>(header[1]);
    value_bytes_ = protocol::load_le<std::uint32_t>(header + 12);
    payload_bytes = std::size_t{protocol::load_le<std::uint32_t>(header + 8)} + value_bytes_;
    const Request& request = batch_[place_];
    comparing_ = false;
    if (request.verb == Verb::get && status_ == protocol::Status::ok) {
      comparing_ = rules_.verify;
      matches_ = payload_bytes == shape_.value_bytes &&
                 header[2] == static_cast<char>(protocol::Kind::bytes);
    } else if (is_error(status_)) {
      text_.clear();
    }
    return true;
  }

  void part(std::size_t offset, std::string_view bytes) {
    if (comparing_) {
      matches_ = matches_ && ValuePattern(batch_[place_].key).matches(offset, bytes);
    } else if (is_error(status_)) {
      keep_text(bytes);
    }
  }

  bool end() {
    if (ends_connection_) return last_words();
    const Verb verb = batch_[place_].verb;
    if (verb == Verb::get && status_ == protocol::Status::ok) {
      ++counts_.hits;
      if (comparing_ && !matches_) complain_of_value();
    } else if (verb == Verb::get && status_ == protocol::Status::nil) {
      ++counts_.misses;
      if (rules_.miss_is_error) complain_of_miss();
    } else if (status_ != protocol::Status::ok) {
      complain_of_status();
    }
    ++counts_.replies;
    ++place_;
    return true;
  }

 private:
  bool unexpected(const char* header, std::size_t& payload_bytes);
  bool last_words();
  void keep_text(std::string_view bytes);
  void complain_of_value();
  void complain_of_miss();
  void complain_of_status();
  std::string request_text() const;

  const RequestShape& shape_;
  const CheckRules& rules_;
  const RequestBatch& batch_;
  Counts& counts_;
  Complaints& complaints_;

  std::size_t place_ = 0;  // In the batch, of the reply that comes next or is being read.
  protocol::Status status_ = protocol::Status::ok;
  std::uint32_t value_bytes_ = 0;
  bool comparing_ = false;
  bool matches_ = true;
  bool ends_connection_ = false;  // An error that no request asked for.
  std::string text_;              // Of an error reply.
  std::string fatal_;
};

}  // namespace phoenix::bench
