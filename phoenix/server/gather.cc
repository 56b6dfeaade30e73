#include "phoenix/server/gather.h"

#include "phoenix/base/check.h"
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

// NOLINTNEXTLINE(misc-no-recursion): the decoder has held it to kReplyDepthMax.
void answer_value(const protocol::Value& value, commands::ReplySink& reply) {
  using protocol::Kind;
  switch (value.kind) {
    case Kind::none:
      if (protocol::is_error(value.status)) return reply.error(value.status, value.bytes);
      return value.status == protocol::Status::nil ? reply.nil() : reply.ok();
    case Kind::nil:
      return reply.nil();
    case Kind::error:
      return reply.error(value.status, value.bytes);
    case Kind::bytes:
      return reply.bytes(value.bytes);
    case Kind::text:
      return reply.text(value.bytes);
    case Kind::integer:
      return reply.integer(value.integer);
    case Kind::list:
    case Kind::map:
      break;
  }
  const auto items = static_cast<std::uint32_t>(value.items.size());
  value.kind == Kind::map ? reply.begin_map(items / 2) : reply.begin_list(items);
  for (const auto& item : value.items) answer_value(item, reply);
  reply.end();
}

void answer_in_key_order(const std::vector<std::string>& items, commands::ReplySink& reply) {
  std::string list(sizeof(std::uint32_t), '\0');
  protocol::store_le(list.data(), static_cast<std::uint32_t>(items.size()));
  for (const auto& item : items) list += item;
  protocol::ReplyHeader header;
  header.kind = protocol::Kind::list;
  header.value_bytes = static_cast<std::uint32_t>(list.size());
  protocol::Value value;
  PHX_CHECK(protocol::decode_reply_value(header, list, value).ok());
  answer_value(value, reply);
}

}  // namespace

void answer_frame(std::string_view frame, commands::ReplySink& reply) {
  protocol::ReplyHeader header;
  answer_value(decode(frame, header), reply);
}

void answer_error_frame(std::string_view frame, bool is_partly_done, commands::ReplySink& reply) {
  protocol::ReplyHeader header;
  const protocol::Value error = decode(frame, header);
  reply.error(header.status, is_partly_done ? kPartlyRefused : error.bytes);
}

void answer_gathered(const Gathering& gathering, commands::ReplySink& reply) {
  PHX_CHECK(gathering.parts_missing == 0);
  if (!gathering.error.empty()) {
    const bool is_write = has(gathering.command->flags, commands::Flags::write);
    return answer_error_frame(gathering.error, is_write && gathering.has_success, reply);
  }
  switch (gathering.command->gather) {
    case Gather::sum:
      return reply.integer(gathering.sum);
    case Gather::all_ok:
      return reply.ok();
    case Gather::in_key_order:
      return answer_in_key_order(gathering.items, reply);
    case Gather::by_row:
      return merge_by_row(gathering, reply);
    case Gather::one:
    case Gather::same_core:
      PHX_CHECK(false);
  }
}

}  // namespace phoenix::server
