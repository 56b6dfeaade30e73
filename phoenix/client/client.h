// A Phoenix server as a C++ program wants to see it: keys, values and times to live.
//
//   phoenix::client::Client client;                        // 127.0.0.1:6969
//   if (auto stored = client.set("greeting", "hello"); !stored) return stored.error().message;
//   auto value = client.get("greeting");                   // Result<std::optional<std::string>>
//
// Nothing throws: every call returns its result, or an Error with a sentence for a person. It
// connects at the first call, and again when the connection broke. A request that only reads and
// was not answered is then repeated once; any other is not, because it may have been executed: it
// ends with `disconnected`, and the caller decides.
//
// A Client is for one thread at a time. Have one for each thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "phoenix/client/answer.h"
#include "phoenix/client/client_options.h"
#include "phoenix/client/pipeline.h"

namespace phoenix::client {

class Links;
struct Request;

/// How long a key has to live.
struct TimeToLive {
  bool key_exists = false;
  /// None: the key has no end.
  std::optional<std::chrono::milliseconds> left;
};

class Client final {
 public:
  using Milliseconds = std::chrono::milliseconds;
  using KeyAndValue = std::pair<std::string_view, std::string_view>;

  /// Connects to nothing yet.
  explicit Client(ClientOptions options = {});
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  /// None when there is no such key.
  Result<std::optional<std::string>> get(std::string_view key);
  /// False when the condition of `options` was not met, and nothing was stored.
  Result<bool> set(std::string_view key, std::string_view value, const SetOptions& options = {});
  /// False when there was no such key.
  Result<bool> del(std::string_view key);
  Result<bool> exists(std::string_view key);
  /// Adds one to the number under the key, 0 when there is none, and returns it.
  Result<std::int64_t> incr(std::string_view key);

  /// Ends the key after `ttl`; at once when that is not positive. False: there is no such key.
  Result<bool> expire(std::string_view key, Milliseconds ttl);
  /// Takes the key's end from it. False: it had none.
  Result<bool> persist(std::string_view key);
  Result<TimeToLive> ttl(std::string_view key);

  /// The values in the order of the keys, none where there is no such key. Of no keys, and in
  /// mset() of no pairs, the server is not asked.
  Result<std::vector<std::optional<std::string>>> mget(std::span<const std::string_view> keys);
  /// Atomic for the keys of one core; over several, each core's part is atomic by itself.
  Result<void> mset(std::span<const KeyAndValue> pairs);

  /// Shows every key that matches the glob pattern to `visit`, as they arrive, until it returns
  /// false; in no order. A key that is there all the while comes exactly once, another once or not
  /// at all. Uses a connection of its own, so `visit` may use this client. Not over RESP.
  Result<void> for_each_key(std::string_view pattern,
                            const std::function<bool(std::string_view key)>& visit);

  /// Any command, but LIST, which streams. The server's refusal is an Error of code `error_reply`.
  Result<Answer> call(const std::vector<std::string_view>& words,
                      Durability durability = Durability::of_server);

  /// Several requests in one go.
  Pipeline pipeline() { return Pipeline(*this); }

 private:
  friend class Pipeline;

  /// Sends all, then receives all: a result for each, in their order.
  std::vector<Result<Answer>> run(std::span<const Request> requests);
  void exchange(std::span<const Request> requests, const std::vector<std::size_t>& due,
                std::vector<Result<Answer>>& answers);

  std::unique_ptr<Links> links_;
};

}  // namespace phoenix::client
