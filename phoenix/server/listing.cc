#include "phoenix/server/listing.h"

#include <algorithm>

#include "phoenix/base/check.h"
#include "phoenix/server/limits.h"
#include "phoenix/server/sink.h"
#include "protocol/binary.h"

namespace phoenix::server {
namespace {

constexpr std::uint64_t kCoreMask = 0xFFFF;

std::uint64_t to_wire(const ListCursor& cursor) {
  return (cursor.place & ~kCoreMask) | cursor.core;
}
ListCursor from_wire(std::uint64_t cursor) {
  return {cursor & ~kCoreMask, static_cast<unsigned>(cursor & kCoreMask)};
}

}  // namespace

Result<std::unique_ptr<Listing>> Listing::begin(commands::Args args, std::uint32_t id,
                                                unsigned cores) {
  const auto request = commands::parse_list(args);
  if (!request) return tl::unexpected<Error>(request.error());
  const ListCursor cursor = from_wire(request->cursor);
  if (cursor.core >= cores) {
    return fail(ErrorCode::invalid, "invalid cursor: a number that LIST of this server answered");
  }
  std::unique_ptr<Listing> listing(new Listing);
  listing->id_ = id;
  listing->cores_ = cores;
  listing->pattern_ = request->pattern;
  listing->left_ = request->limit;
  listing->cursor_ = cursor;
  return listing;
}

const std::vector<std::string_view>& Listing::next_slice() {
  cursor_word_ = std::to_string(cursor_.place);
  limit_word_ = std::to_string(std::min<std::uint64_t>(left_, kListSliceEntries));
  words_ = {"LIST", pattern_, "CURSOR", cursor_word_, "LIMIT", limit_word_};
  return words_;
}

std::string Listing::take_slice(std::string_view frame) {
  is_waiting = false;
  protocol::ReplyHeader header;
  protocol::Value slice;
  PHX_CHECK(protocol::decode_reply_header(frame.data(), header).text.empty());
  const auto error =
      protocol::decode_reply_value(header, frame.substr(protocol::kHeaderBytes), slice);
  PHX_CHECK(error.text.empty());
  if (protocol::is_error(header.status)) {
    is_complete_ = true;
    return std::string(frame);
  }
  PHX_CHECK(slice.items.size() == 2);
  const auto& keys = slice.items[1].items;
  std::string frames;
  if (!keys.empty()) {
    NativeEncoder encoder;
    encoder.begin(id_, frames);
    encoder.begin_list(static_cast<std::uint32_t>(keys.size()));
    for (const auto& key : keys) encoder.bytes(key.bytes);
    encoder.end();
    (void)encoder.finish();  // Keys are never large values.
    const auto kind = static_cast<std::uint16_t>(protocol::Kind::list);
    protocol::store_le(frames.data() + 2,
                       static_cast<std::uint16_t>(kind | protocol::kMoreFollows));
  }
  left_ -= std::min<std::uint64_t>(left_, keys.size());
  cursor_.place = static_cast<std::uint64_t>(slice.items[0].integer);
  if (cursor_.place == 0) ++cursor_.core;
  if (cursor_.core == cores_) {
    append_end(frames, 0);
  } else if (left_ == 0) {
    append_end(frames, to_wire(cursor_));
  }
  return frames;
}

void Listing::append_end(std::string& frames, std::uint64_t cursor) {
  is_complete_ = true;
  NativeEncoder encoder;
  encoder.begin(id_, frames);
  encoder.bytes(std::to_string(cursor));
  (void)encoder.finish();  // Not a large value.
}

}  // namespace phoenix::server
