#include "phoenix/server/gather.h"

#include "phoenix/base/check.h"
#include "phoenix/server/sink.h"
#include "protocol/binary.h"

namespace phoenix::server {

using commands::Gather;

namespace {

// Frames of our own making: anything wrong with them is a bug.
protocol::Value decode(std::string_view frame, protocol::ReplyHeader& header) {
  PHX_CHECK(protocol::decode_reply_header(frame.data(), header).text.empty());
  protocol::Value value;
  const auto error =
      protocol::decode_reply_value(header, frame.substr(protocol::kHeaderBytes), value);
  PHX_CHECK(error.text.empty());
  return value;
}

}  // namespace

void gather_part(Gathering& gathering, std::uint32_t part, std::string_view frame) {
  PHX_CHECK(gathering.parts_missing > 0);
  --gathering.parts_missing;
  protocol::ReplyHeader header;
  const protocol::Value value = decode(frame, header);
  if (protocol::is_error(header.status)) {
    if (gathering.error.empty()) gathering.error = frame;
  } else {
    gathering.has_success = true;
  }
  if (!gathering.error.empty()) {  // The items are of no use any more.
    std::vector<std::string>().swap(gathering.items);
    return;
  }
  if (gathering.command->gather == Gather::sum) gathering.sum += value.integer;
  if (gathering.command->gather == Gather::by_row) gathering.frames[part] = frame;
  if (gathering.command->gather != Gather::in_key_order) return;
  const auto& ranks = gathering.key_order[part];
  PHX_CHECK(value.items.size() == ranks.size());
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    protocol::append_value(gathering.items[ranks[i]], value.items[i]);
  }
}

namespace {

void merge_by_row(const Gathering& gathering, commands::ReplySink& reply) {
  std::vector<protocol::Value> parts;
  for (const auto& frame : gathering.frames) {
    protocol::ReplyHeader header;
    parts.push_back(decode(frame, header));
  }
  gathering.command->merge(parts, reply);
}

}  // namespace

std::string gathered_reply(const Gathering& gathering) {
  PHX_CHECK(gathering.parts_missing == 0);
  const bool is_write = has(gathering.command->flags, commands::Flags::write);
  const bool is_partly_done = is_write && gathering.has_success;
  if (!gathering.error.empty() && !is_partly_done) return gathering.error;
  std::string reply;
  NativeEncoder encoder;
  encoder.begin(gathering.id, reply);
  if (!gathering.error.empty()) {
    protocol::ReplyHeader header;
    (void)decode(gathering.error, header);
    encoder.error(header.status, kPartlyRefused);
    (void)encoder.finish();  // An error.
    return reply;
  }
  switch (gathering.command->gather) {
    case Gather::sum:
      encoder.integer(gathering.sum);
      break;
    case Gather::all_ok:
      encoder.ok();
      break;
    case Gather::in_key_order:
      encoder.begin_list(static_cast<std::uint32_t>(gathering.items.size()));
      for (const auto& item : gathering.items) encoder.encoded_item(item);
      encoder.end();
      break;
    case Gather::by_row:
      merge_by_row(gathering, encoder);
      break;
    case Gather::one:
    case Gather::same_core:
      PHX_CHECK(false);
  }
  (void)encoder.finish();  // No large value: items were copied.
  return reply;
}

}  // namespace phoenix::server
