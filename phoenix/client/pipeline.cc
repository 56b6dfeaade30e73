#include "phoenix/client/pipeline.h"

#include <utility>

#include "phoenix/client/client.h"
#include "phoenix/client/request.h"

namespace phoenix::client {

Pipeline& Pipeline::get(std::string_view key) {
  return call({"GET", key});
}

Pipeline& Pipeline::set(std::string_view key, std::string_view value, const SetOptions& options) {
  std::string ttl_ms;
  return call(set_words(key, value, options, ttl_ms), options.durability);
}

Pipeline& Pipeline::del(std::string_view key) {
  return call({"DEL", key});
}

Pipeline& Pipeline::exists(std::string_view key) {
  return call({"EXISTS", key});
}

Pipeline& Pipeline::incr(std::string_view key) {
  return call({"INCR", key});
}

Pipeline& Pipeline::expire(std::string_view key, std::chrono::milliseconds ttl) {
  return call({"PEXPIRE", key, std::to_string(ttl.count())});
}

Pipeline& Pipeline::call(const std::vector<std::string_view>& words, Durability durability) {
  ++requests_;
  for (const std::string_view word : words) bytes_ += word.size();
  if (is_full()) {
    stored_.clear();
  } else {
    stored_.push_back({{words.begin(), words.end()}, flags_of(durability)});
  }
  return *this;
}

std::vector<Result<Answer>> Pipeline::run() {
  const std::vector<Stored> stored = std::exchange(stored_, {});
  const std::size_t count = std::exchange(requests_, 0);
  bytes_ = 0;
  if (stored.size() < count) {
    return {count, fail(ErrorCode::invalid,
                        "a pipeline has at most 65536 requests with 32 MiB in all: nothing was "
                        "sent")};
  }
  std::vector<Request> requests;
  requests.reserve(count);
  for (const Stored& one : stored) {
    requests.push_back({{one.words.begin(), one.words.end()}, one.flags});
  }
  return client_.run(requests);
}

}  // namespace phoenix::client
