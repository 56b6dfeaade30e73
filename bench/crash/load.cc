#include "bench/crash/load.h"

#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "bench/crash/values.h"
#include "protocol/error.h"

namespace phoenix::bench::crash {
namespace {

using history::Kind;
using history::Operation;
using history::Outcome;

/// Of 100 operations; the rest are writes.
constexpr std::uint64_t kReadShare = 40;
constexpr std::uint64_t kEraseShare = 12;
/// One write in so many has a value of up to kLargeBytesMax; others have up to kSmallBytesMax.
constexpr std::uint64_t kLargeEvery = 100;
constexpr std::uint64_t kLargeBytesMin = 33 * 1024;
constexpr std::uint64_t kLargeBytesMax = 100 * 1024;
constexpr std::uint64_t kSmallBytesMax = 400;
/// Requests that are sent together.
constexpr std::array<std::size_t, 4> kPipelines = {1, 1, 4, kPipelineMax};

/// What a read saw, or that it was refused.
void note_read(const client::Reply& reply, Operation& read) {
  read.outcome = reply.is_error() ? Outcome::fail : Outcome::ok;
  const bool is_nil = reply.value.status == protocol::Status::nil;
  read.value = is_nil ? history::kAbsent : decode_value(reply.value.bytes);
}

std::string error_text(const client::Reply& reply) {
  return protocol::printable(protocol::error_line(reply.value));
}

}  // namespace

std::vector<std::string> key_names(std::uint32_t connections) {
  std::vector<std::string> names;
  for (std::uint32_t number = 0; number < connections; ++number) {
    for (std::uint32_t key = 0; key < kKeysPerConnection; ++key) {
      names.push_back(fmt::format("crash:{}:{}", number, key));
    }
  }
  return names;
}

Load::Load(std::uint32_t number, std::uint64_t seed, const std::vector<std::string>& keys,
           const Stopwatch& watch)
    : number_(number), random_(seed), keys_(keys), watch_(watch) {}

void Load::run(const client::Options& options, std::size_t operations_max,
               const std::atomic<bool>& may_end, std::atomic<std::size_t>& connected) {
  auto connection = client::Connection::open(options);
  ++connected;  // Or failed to, which need not be waited for either.
  std::optional<client::Error> end;
  if (!connection) end = connection.error();
  while (!end && operations_.size() < operations_max) {
    auto asked = ask(**connection);
    if (!asked) end = asked.error();
  }
  // A server that is killed ends connections: that is what this is for. Nothing else may.
  if (end && !may_end) error_ = end->message;
}

client::Result<void> Load::ask(client::Connection& connection) {
  const std::size_t first = operations_.size();
  const std::size_t count = kPipelines[random_.below(kPipelines.size())];
  for (std::size_t i = 0; i < count; ++i) {
    auto queued = queue_one(connection);
    if (!queued) return queued;
  }
  for (std::size_t i = first; i < operations_.size(); ++i) {
    const auto reply = connection.receive();
    if (!reply) return tl::unexpected<client::Error>(reply.error());
    note_reply(*reply, operations_[i]);
  }
  return {};
}

client::Result<void> Load::queue_one(client::Connection& connection) {
  Operation operation;
  operation.client = number_;
  const std::uint64_t dice = random_.below(100);
  operation.kind = dice < kReadShare                 ? Kind::read
                   : dice < kReadShare + kEraseShare ? Kind::erase
                                                     : Kind::write;
  const bool is_own = operation.kind != Kind::read || random_.below(2) == 0;
  operation.key = is_own ? own_key() : any_key();
  const std::string& key = keys_[operation.key];
  std::string bytes;
  if (operation.kind == Kind::write) {
    operation.value = history::make_value(number_, ++written_);
    const bool is_large = random_.below(kLargeEvery) == 0;
    bytes = encode_value(key, operation.value,
                         is_large ? kLargeBytesMin + random_.below(kLargeBytesMax - kLargeBytesMin)
                                  : random_.below(kSmallBytesMax));
  }
  operation.invoked_ns = watch_.now_ns();
  operations_.push_back(operation);
  if (operation.kind == Kind::write) return connection.queue({"SET", key, bytes});
  return connection.queue({operation.kind == Kind::read ? "GET" : "DEL", key});
}

void Load::note_reply(const client::Reply& reply, Operation& operation) {
  operation.responded_ns = watch_.now_ns();
  if (operation.kind == Kind::read) {
    note_read(reply, operation);
  } else {
    operation.outcome = reply.is_error() ? Outcome::fail : Outcome::ok;
  }
  if (reply.is_error() && refusal_.empty()) {
    refusal_ = error_text(reply);
  }
}

std::vector<Operation> Load::take(std::uint64_t dead_ns) {
  // The break of a connection is noticed a moment late. Nobody was there any more to do these, and
  // as deletes that perhaps took effect they would explain away what was lost.
  while (!operations_.empty() && operations_.back().invoked_ns > dead_ns) operations_.pop_back();
  for (Operation& operation : operations_) {
    if (operation.responded_ns == history::kNever) operation.responded_ns = dead_ns;
  }
  return std::exchange(operations_, {});
}

std::uint32_t Load::any_key() {
  return static_cast<std::uint32_t>(random_.below(keys_.size()));
}

std::uint32_t Load::own_key() {
  return number_ * kKeysPerConnection +
         static_cast<std::uint32_t>(random_.below(kKeysPerConnection));
}

client::Result<std::vector<Operation>> read_all(client::Connection& connection,
                                                const std::vector<std::string>& keys,
                                                const Stopwatch& watch, std::uint32_t number) {
  constexpr std::size_t kTogether = 64;
  std::vector<Operation> reads;
  for (std::uint32_t key = 0; key < keys.size(); ++key) {
    auto queued = connection.queue({"GET", keys[key]});
    if (!queued) return tl::unexpected<client::Error>(queued.error());
    Operation read;
    read.invoked_ns = watch.now_ns();
    read.key = key;
    read.client = number;
    reads.push_back(read);
    const bool is_last = key + 1 == keys.size();
    if (reads.size() % kTogether != 0 && !is_last) continue;
    while (connection.pending_requests() != 0) {
      const auto reply = connection.receive();
      if (!reply) return tl::unexpected<client::Error>(reply.error());
      if (reply->is_error()) {
        return client::fail(client::ErrorCode::refused,
                            "a read after the crash was refused: " + error_text(*reply));
      }
      Operation& answered = reads[reads.size() - 1 - connection.pending_requests()];
      answered.responded_ns = watch.now_ns();
      note_read(*reply, answered);
    }
  }
  return reads;
}

}  // namespace phoenix::bench::crash
