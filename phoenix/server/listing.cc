#include "phoenix/server/listing.h"

#include <algorithm>

#include "phoenix/base/check.h"
#include "phoenix/server/encoder.h"
#include "phoenix/server/limits.h"
#include "protocol/binary.h"

namespace phoenix::server {
namespace {

// On the wire: the place, then how many cores there are (less one), then which of them.
constexpr std::uint64_t kPlaceMask = ~std::uint64_t{0xFFFF};
constexpr unsigned kCoresShift = 8;
constexpr unsigned kCoreMask = 0xFF;
static_assert(kCoresMax - 1 <= kCoreMask);

std::uint64_t to_wire(const ListCursor& cursor, unsigned cores) {
  return (cursor.place & kPlaceMask) | (std::uint64_t{cores - 1} << kCoresShift) | cursor.core;
}

// Keys live elsewhere when the number of cores is another one: a cursor from before would pass over
// some of them.
Result<ListCursor> from_wire(std::uint64_t cursor, unsigned cores) {
  if (cursor == 0) return ListCursor{};
  const unsigned core = cursor & kCoreMask;
  if (((cursor >> kCoresShift) & kCoreMask) != cores - 1 || core >= cores) {
    return fail(
        ErrorCode::invalid,
        "invalid cursor: a number that LIST of this server answered, with the same --cores");
  }
  return ListCursor{cursor & kPlaceMask, core};
}

}  // namespace

Result<std::unique_ptr<Listing>> Listing::begin(commands::Args args, std::uint32_t id,
                                                unsigned cores) {
  const auto request = commands::parse_list(args);
  if (!request) return tl::unexpected<Error>(request.error());
  const auto cursor = from_wire(request->cursor, cores);
  if (!cursor) return tl::unexpected<Error>(cursor.error());
  std::unique_ptr<Listing> listing(new Listing);
  listing->id_ = id;
  listing->cores_ = cores;
  listing->pattern_ = request->pattern;
  listing->left_ = request->limit;
  listing->cursor_ = *cursor;
  return listing;
}

const std::vector<std::string_view>& Listing::next_slice() {
  cursor_word_ = std::to_string(cursor_.place);
  limit_word_ = std::to_string(left_);
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
  if (!keys.empty()) frames = part_of(keys);
  left_ -= std::min<std::uint64_t>(left_, keys.size());
  cursor_.place = static_cast<std::uint64_t>(slice.items[0].integer);
  if (cursor_.place == 0) ++cursor_.core;
  if (cursor_.core == cores_) {
    append_end(frames, 0);
  } else if (left_ == 0) {
    append_end(frames, to_wire(cursor_, cores_));
  }
  return frames;
}

// A list frame behind which more follows.
std::string Listing::part_of(std::span<const protocol::Value> keys) {
  std::string frame;
  NativeEncoder encoder;
  encoder.begin({Wire::native, id_}, frame);
  encoder.begin_list(static_cast<std::uint32_t>(keys.size()));
  for (const auto& key : keys) encoder.bytes(key.bytes);
  encoder.end();
  (void)encoder.finish();  // Keys are never large values.
  const auto kind = static_cast<std::uint16_t>(protocol::Kind::list);
  protocol::store_le(frame.data() + 2, static_cast<std::uint16_t>(kind | protocol::kMoreFollows));
  silent_since_ns_ = 0;
  return frame;
}

std::string Listing::sign_of_life(std::uint64_t now_ns) {
  if (silent_since_ns_ == 0) silent_since_ns_ = now_ns;
  if (now_ns - silent_since_ns_ < kListSilenceNs) return {};
  return part_of({});
}

void Listing::append_end(std::string& frames, std::uint64_t cursor) {
  is_complete_ = true;
  NativeEncoder encoder;
  encoder.begin({Wire::native, id_}, frames);
  encoder.bytes(std::to_string(cursor));
  (void)encoder.finish();  // Not a large value.
}

}  // namespace phoenix::server
