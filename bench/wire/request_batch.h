// The requests that one connection has on their way: encoded once, and then only patched where the
// next batch differs, so that the client costs less than the server it measures.
//
// Invariants: ids are the places in the batch, from 1, so replies out of order cannot go unnoticed
// (0 is for what the server says unasked); the bytes belong to the kernel from the send until its
// completion, and are not touched in between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "bench/workload/workload.h"

namespace phoenix::bench {

/// The shape of all requests of a phase.
struct RequestShape {
  Keys keys;
  std::size_t value_bytes = 0;
  std::uint16_t set_flags = 0;  // protocol::RequestFlags of every SET.
};

class RequestBatch final {
 public:
  /// Room for at most `capacity` requests. `shape` must outlive this.
  RequestBatch(const RequestShape& shape, std::size_t capacity);

  /// Empties the batch.
  void clear() {
    size_ = 0;
    end_ = 0;
  }

  /// Adds a request; there must be room.
  void add(Request request) {
    Request& old = requests_[size_];
    if (size_ >= encoded_ || old.verb != request.verb) encode(request.verb);
    char* key = bytes_.data() + end_ + kKeyOffset;
    shape_.keys.patch(key, request.key);
    if (request.verb == Verb::set) {
      ValuePattern(request.key).fill(key + shape_.keys.key_bytes(), shape_.value_bytes);
    }
    old = request;
    end_ += frame_bytes(request.verb);
    ++size_;
  }

  static std::uint32_t id_of(std::size_t place) { return static_cast<std::uint32_t>(place) + 1; }

  std::size_t size() const { return size_; }
  std::string_view bytes() const { return {bytes_.data(), end_}; }
  const Request& operator[](std::size_t place) const { return requests_[place]; }

  /// Bytes that a batch of `capacity` requests may take.
  static std::size_t bytes_max(const RequestShape& shape, std::size_t capacity);

 private:
  static constexpr std::size_t kKeyOffset = 16;  // protocol::kHeaderBytes.

  std::size_t frame_bytes(Verb verb) const {
    return kKeyOffset + shape_.keys.key_bytes() + (verb == Verb::set ? shape_.value_bytes : 0);
  }
  void encode(Verb verb);

  const RequestShape& shape_;
  std::vector<Request> requests_;
  std::vector<char> bytes_;
  // So many leading frames in bytes_ are whole and in their places, whatever batch they are from.
  std::size_t encoded_ = 0;
  std::size_t size_ = 0;
  std::size_t end_ = 0;
};

}  // namespace phoenix::bench
