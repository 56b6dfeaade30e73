#include "bench/wire/request_batch.h"

#include "phoenix/base/check.h"
#include "protocol/binary.h"

namespace phoenix::bench {

using protocol::kHeaderBytes;
using protocol::store_le;

std::size_t RequestBatch::bytes_max(const RequestShape& shape, std::size_t capacity) {
  return capacity * (kHeaderBytes + shape.keys.key_bytes() + shape.value_bytes);
}

RequestBatch::RequestBatch(const RequestShape& shape, std::size_t capacity)
    : shape_(shape), requests_(capacity), bytes_(bytes_max(shape, capacity)) {
  static_assert(kKeyOffset == kHeaderBytes);
}

// Everything of a frame that stays the same while its verb and the verbs before it do.
void RequestBatch::encode(Verb verb) {
  PHX_CHECK(size_ < requests_.size());
  encoded_ = size_ + 1;  // What lies behind belonged to frames that began elsewhere.
  const bool is_set = verb == Verb::set;
  char* out = bytes_.data() + end_;
  out[0] = static_cast<char>(protocol::kRequestMagic);
  out[1] = static_cast<char>(is_set ? protocol::Opcode::set : protocol::Opcode::get);
  store_le(out + 2, is_set ? shape_.set_flags : std::uint16_t{0});
  store_le(out + 4, id_of(size_));
  store_le(out + 8, static_cast<std::uint32_t>(shape_.keys.key_bytes()));
  store_le(out + 12, static_cast<std::uint32_t>(is_set ? shape_.value_bytes : 0));
  shape_.keys.write(out + kHeaderBytes, 0);
}

}  // namespace phoenix::bench
