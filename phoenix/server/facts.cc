#include "phoenix/server/facts.h"

#include <algorithm>

#include "phoenix/server/info_page.h"

namespace phoenix::server {

void ServerFacts::tick(std::uint64_t now_ns, bool is_first) {
  metrics_.requests_per_second.set(requests_.sample(metrics_.requests.get(), now_ns));
  metrics_.received_per_second.set(received_.sample(metrics_.received_bytes.get(), now_ns));
  metrics_.sent_per_second.set(sent_.sample(metrics_.sent_bytes.get(), now_ns));
  if (is_first) shared_.memory_peak.set(memory_peak(shared_));
}

void ServerFacts::publish_counts() {
  const engine::Keyspace& keyspace = shard_->keyspace();
  metrics_.keys.set(keyspace.size());
  metrics_.keys_with_expiry.set(keyspace.size_with_expiry());
  metrics_.changes.set(shard_->changes());
  metrics_.keyspace_hits.set(shard_->lookups().hits);
  metrics_.keyspace_misses.set(shard_->lookups().all - shard_->lookups().hits);
}

// The requests before it in this turn count, too.
void ServerFacts::info(commands::Args sections, std::string& page) {
  publish_counts();
  append_info({shared_, host_.usage(), clock_.wall_ms()}, sections, page);
}

commands::MemoryFacts ServerFacts::memory() {
  publish_counts();
  commands::MemoryFacts facts;
  facts.used = memory_used(shared_);
  facts.peak = memory_peak(shared_);
  facts.buffers = std::min(sum_of(shared_, &Metrics::buffer_bytes), facts.used);
  facts.keys = sum_of(shared_, &Metrics::keys);
  facts.resident = host_.usage().resident_bytes;
  return facts;
}

void ServerFacts::reset_statistics() {
  for (auto* gauge :
       {&metrics_.requests, &metrics_.accepted, &metrics_.rejected, &metrics_.closed_by_deadline,
        &metrics_.closed_unread, &metrics_.notices_dropped, &metrics_.expired,
        &metrics_.received_bytes, &metrics_.sent_bytes, &metrics_.receives, &metrics_.sends}) {
    gauge->set(0);
  }
  for (auto& gauge : metrics_.errors) gauge.set(0);
  for (const auto* row : shared_.table.all()) {
    metrics_.calls[row->index].set(0);
    metrics_.commands[row->index].reset();
  }
  shard_->reset_lookups();
}

bool ServerFacts::is_durable() const {
  return shared_.config.log.durability != log::Durability::off;
}

// Every core sees it in its next turn; those that sleep are woken.
void ServerFacts::stop_server() {
  shared_.stops = true;
  for (unsigned core = 0; core < shared_.cores(); ++core) {
    io::Operation wake;
    wake.kind = io::Operation::Kind::wake;
    wake.fd = shared_.doors[core].wake_handle.load();
    if (wake.fd >= 0) ring_.submit(wake);
  }
}

}  // namespace phoenix::server
