#include "phoenix/server/transaction.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "phoenix/server/encoder.h"
#include "phoenix/server/work.h"

namespace phoenix::server {

using commands::Command;
using commands::Flags;
using commands::Request;

namespace {

constexpr std::uint64_t kTransactionWorkMax = std::uint64_t{256} << 20U;

// What is told of the server (INFO, CONFIG GET ...) is put together, and not copied as values are:
// so many nanoseconds for each byte of it.
constexpr std::uint64_t kWorkPerToldByte = 32;
// Of a list of replies that is refused already nobody sees how much more would be in it: each is
// taken for so long.
constexpr std::uint64_t kUnseenReplyBytes = 4096;

bool changes_keys_or_session(const Command& command) {
  return has(command.flags, Flags::write | Flags::paused_as_write | Flags::session);
}

}  // namespace

QueuedRequest::QueuedRequest(const Command& row, const Request& request)
    : command_(&row),
      flags_(request.flags),
      ttl_ms_(request.ttl_ms),
      first_key_hash_(request.first_key_hash) {
  if (request.large != nullptr) large_ = *request.large;
  const auto is_large = [this](std::string_view word) {
    return large_ != nullptr && word.data() == large_->view().data();
  };
  std::size_t bytes = 0;
  for (const auto word : request.args) bytes += is_large(word) ? 0 : word.size();
  bytes_ = std::make_unique_for_overwrite<char[]>(bytes);
  words_.reserve(request.args.size());
  char* place = bytes_.get();
  for (const auto word : request.args) {
    if (is_large(word)) {
      words_.push_back(word);
      continue;
    }
    if (!word.empty()) std::memcpy(place, word.data(), word.size());
    words_.emplace_back(place, word.size());
    place += word.size();
  }
  memory_bytes_ = sizeof *this + bytes + words_.size() * sizeof(std::string_view);
}

Request QueuedRequest::request() const {
  Request request;
  request.args = words_;
  request.flags = flags_;
  request.ttl_ms = ttl_ms_;
  request.first_key_hash = first_key_hash_;
  if (large_ != nullptr) request.large = &large_;
  return request;
}

bool TransactionWork::leaves_out(const Command& command) const {
  return sum_ > kTransactionWorkMax && !changes_keys_or_session(command);
}

std::uint64_t TransactionWork::take(const QueuedRequest& queued, std::uint64_t steps,
                                    const Encoder& reply, std::size_t reply_begin) {
  const std::uint64_t bytes =
      reply.is_refused() ? kUnseenReplyBytes : reply.size_bytes() - reply_begin;
  const bool is_told = !has(queued.command().flags, Flags::readonly | Flags::write);
  const std::uint64_t work = steps + queued.request().args.size() * kWorkPerWord +
                             bytes * (is_told ? kWorkPerToldByte : 1);
  sum_ += work;
  return work;
}

bool removes_all(const Command& command) {
  return has(command.flags, commands::Flags::write) &&
         has(command.flags, commands::Flags::every_core);
}

bool Transaction::has_room_for(const Request& request) const {
  std::uint64_t bytes = memory_bytes_;
  for (const auto word : request.args) bytes += word.size() + sizeof(std::string_view);
  return job_.requests.size() < kTransactionRequestsMax && bytes <= kTransactionBytesMax;
}

void Transaction::queue(const Command& command, const Request& request) {
  if (removes_all(command)) ++flushes_;
  memory_bytes_ += job_.requests.emplace_back(command, request).memory_bytes();
}

bool Transaction::has_room_for_watches(commands::Args keys) const {
  std::uint64_t bytes = memory_bytes_;
  for (const auto key : keys) bytes += sizeof(Watch) + key.size();
  return job_.watches.size() + keys.size() <= kWatchesMax && bytes <= kTransactionBytesMax;
}

void Transaction::watch(Watch watch) {
  memory_bytes_ += sizeof watch + watch.key.size();
  job_.watches.push_back(std::move(watch));
}

TransactionJob Transaction::take() {
  is_open_ = is_refused_ = false;
  core_.reset();
  memory_bytes_ = 0;
  flushes_ = 0;
  return std::exchange(job_, {});
}

void Transaction::forget_watches() {
  for (const auto& watch : job_.watches) memory_bytes_ -= sizeof watch + watch.key.size();
  job_.watches.clear();
}

bool Transaction::writes() const {
  return std::any_of(job_.requests.begin(), job_.requests.end(), [](const auto& queued) {
    return has(queued.command().flags, commands::Flags::write);
  });
}

}  // namespace phoenix::server
