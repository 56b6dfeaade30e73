// Requests that are collected and then sent together: one round trip instead of many.
//
//   auto pipeline = client.pipeline();
//   pipeline.set("a", "1").incr("n").get("a");
//   for (const auto& result : pipeline.run()) ...       // Result<Answer>, in the order of requests
//
// Requests are executed in their order; but where each has one key and cores have ports of their
// own, only those for the same core are. It is no transaction: others' requests may be executed in
// between, and one that fails does not stop the next.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/client/answer.h"

namespace phoenix::client {

class Client;

/// When a request is answered; docs/PROTOCOL.md, Durability.
enum class Durability : std::uint8_t {
  of_server,    // As the server's mode says.
  wait,         // When what it wrote, or saw, is on disk.
  do_not_wait,  // When it is executed: a crash may take it back.
};

struct SetOptions {
  enum class Condition : std::uint8_t { none, if_absent, if_present };

  /// From 1 ms on. Without it, and without keep_ttl, the key has no end.
  std::optional<std::chrono::milliseconds> ttl;
  Condition condition = Condition::none;
  bool keep_ttl = false;  // The key keeps the end that it has. Not with ttl.
  Durability durability = Durability::of_server;
};

/// What one pipeline may hold.
inline constexpr std::size_t kPipelineRequestsMax = 65'536;
inline constexpr std::size_t kPipelineBytesMax = std::size_t{32} << 20U;

/// Lives no longer than its Client.
class Pipeline final {
 public:
  explicit Pipeline(Client& client) : client_(client) {}
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;
  ~Pipeline() = default;

  Pipeline& get(std::string_view key);
  Pipeline& set(std::string_view key, std::string_view value, const SetOptions& options = {});
  Pipeline& del(std::string_view key);
  Pipeline& exists(std::string_view key);
  Pipeline& incr(std::string_view key);
  Pipeline& expire(std::string_view key, std::chrono::milliseconds ttl);
  /// Any command, but LIST, which streams.
  Pipeline& call(const std::vector<std::string_view>& words,
                 Durability durability = Durability::of_server);

  std::size_t size() const { return requests_; }

  /// A result for each request, in their order; afterwards the pipeline is empty. When more was put
  /// in than a pipeline may hold, nothing is sent, and each result is `invalid`.
  std::vector<Result<Answer>> run();

 private:
  struct Stored {
    std::vector<std::string> words;
    std::uint16_t flags = 0;
  };

  bool is_full() const { return requests_ > kPipelineRequestsMax || bytes_ > kPipelineBytesMax; }

  Client& client_;
  std::vector<Stored> stored_;
  std::size_t requests_ = 0;  // All that were put in, also those for which there was no room.
  std::size_t bytes_ = 0;
};

}  // namespace phoenix::client
