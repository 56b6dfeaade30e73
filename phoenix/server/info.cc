// What the server tells about itself at first: the map of HELLO.
#include "phoenix/server/core.h"
#include "phoenix/server/info_page.h"
#include "protocol/limits.h"

namespace phoenix::server {
void Core::hello(commands::ReplySink& reply) {
  struct Range {
    std::uint32_t first;
    std::uint32_t last;
    std::uint16_t core;
  };
  const log::SlotMap& slots = shared_.store->slots();
  std::vector<Range> ranges;
  for (std::uint32_t slot = 0; slot < slots.size(); ++slot) {
    if (ranges.empty() || ranges.back().core != slots[slot]) {
      ranges.push_back({slot, slot, slots[slot]});
    }
    ranges.back().last = slot;
  }
  const std::uint16_t core_port = shared_.config.core_port_base;
  reply.begin_map(core_port == 0 ? 9 : 10);
  reply.bytes("server");
  reply.bytes("phoenix");
  reply.bytes("version");
  reply.bytes(PHOENIX_VERSION);
  reply.bytes("protocol");
  reply.integer(1);
  reply.bytes("cores");
  reply.integer(shared_.cores());
  reply.bytes("slots");
  reply.begin_list(static_cast<std::uint32_t>(ranges.size()));
  for (const auto& range : ranges) {
    reply.begin_list(3);
    reply.integer(range.first);
    reply.integer(range.last);
    reply.integer(range.core);
    reply.end();
  }
  reply.end();
  if (core_port != 0) {
    reply.bytes("ports");
    reply.begin_list(shared_.cores());
    for (unsigned core = 0; core < shared_.cores(); ++core) reply.integer(core_port + core);
    reply.end();
  }
  reply.bytes("key_bytes_max");
  reply.integer(protocol::kKeyBytesMax);
  reply.bytes("value_bytes_max");
  reply.integer(protocol::kValueBytesMax);
  reply.bytes("args_max");
  reply.integer(protocol::kArgsMax);
  reply.bytes("durability");
  reply.bytes(durability_name(shared_.config.log.durability));
  reply.end();
}

}  // namespace phoenix::server
