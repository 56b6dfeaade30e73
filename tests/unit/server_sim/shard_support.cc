#include "tests/unit/server_sim/shard_support.h"

#include <doctest/doctest.h>

namespace phoenix::server::test {
namespace {

constexpr MemoryShare kShare{
    .core = 3, .bytes_max = std::uint64_t{64} << 20U, .all_bytes_max = std::uint64_t{256} << 20U};

class NothingToReplay final : public log::ReplaySink {
  void begin_log() override {}

 public:
  void replay(std::span<const log::ReplayRecord> records) override { CHECK(records.empty()); }
};

}  // namespace

ShardWorld::ShardWorld(log::Durability durability, const Mutations& mutations,
                       const sim::FaultPlan& plan)
    : world_(1, plan), ring_(world_), host_(world_), failure_(world_), io_(ring_, world_.clock()) {
  ring_.set_blocking(true);
  config_.log.directory = "/data";
  config_.log.durability = durability;
  // Small, so that a short test fills and changes them.
  config_.log.segment_bytes_min = std::uint64_t{32} << 10U;
  config_.log.segment_bytes_max = std::uint64_t{128} << 10U;
  config_.log.disk_reserve_bytes = 0;
  config_.mutations = mutations;
  metrics_.calls = std::make_unique<Gauge[]>(table_.all().size());
  metrics_.commands = std::make_unique<CommandFigures[]>(table_.all().size());
  start();
}

ShardWorld::~ShardWorld() {
  shard_.reset();
  log_.reset();
  store_.reset();
}

void ShardWorld::start() {
  auto opening = log::Store::open(io_, host_, world_.random(), config_.log, 1);
  finish(opening);
  auto store = opening.result();
  REQUIRE_MESSAGE(store.has_value(), store.error().message);
  store_ = std::move(*store);
  shard_ = std::make_unique<Shard>(table_, store_->hash_key(), buffers_, kShare);
  control_.facts = &facts_;
  control_.settings = &settings_;
  shard_->set_control(control_);
  NothingToReplay sink;
  auto replaying = store_->replay(io_, 0, sink);
  finish(replaying);
  REQUIRE(replaying.result().has_value());
  auto beginning = store_->begin_epoch(io_);
  finish(beginning);
  REQUIRE(beginning.result().has_value());
  log_ = std::make_unique<log::Log>(io_, *store_, host_, failure_, 0);
  auto starting = log_->start();
  finish(starting);
  REQUIRE(starting.result().has_value());
  shard_->attach(*log_, config_);
  shard_->advance_time(world_.clock().wall_ms());
}

Answer ShardWorld::run(const std::vector<std::string_view>& words, std::uint16_t flags) {
  const commands::Command& command = row_of(table_, words[0]);
  commands::Request request;
  request.args = words;
  request.flags = flags;
  if (command.keys.first > 0) request.first_key_hash = shard_->keyspace().hash_of(words[1]);
  Answer answer;
  answer.verdict = shard_->admit(command, request, reply_);
  if (answer.verdict == Shard::Verdict::wait) return answer;
  if (answer.verdict == Shard::Verdict::execute) {
    answer.position = shard_->execute(command, request, reply_, &session_);
  }
  answer.text = reply_.take();
  return answer;
}

void ShardWorld::settle() {
  for (int turns = 0; !log_->idle(); ++turns) {
    REQUIRE(turns < 10'000);
    log_->sync_soon();
    seal();
    turn();
  }
}

std::string ShardWorld::key_apart_from(std::string_view key) const {
  constexpr std::uint64_t kPlaces = 16'384;
  const auto place = [&](std::string_view of) { return shard_->keyspace().hash_of(of) % kPlaces; };
  std::string other = "other";
  while (place(other) == place(key)) other += '+';
  return other;
}

const commands::Command& row_of(const commands::Table& table, std::string_view name) {
  const commands::Command* const command = table.find(name);
  REQUIRE(command != nullptr);
  return *command;
}

}  // namespace phoenix::server::test
