#include "phoenix/client/client.h"

#include <algorithm>
#include <numeric>

#include "phoenix/client/links.h"
#include "phoenix/client/request.h"

namespace phoenix::client {

namespace {

bool may_repeat(const Request& request, const Error& error) {
  // Then the server has changed nothing.
  if (error.status == protocol::Status::shutting_down) return true;
  const bool is_lost = error.code == ErrorCode::disconnected || error.code == ErrorCode::refused;
  return is_lost && request.only_reads();
}

tl::unexpected<Error> refusal(const Reply& reply) {
  return tl::unexpected<Error>(Error{
      ErrorCode::error_reply, protocol::printable(error_line(reply.value)), reply.value.status});
}

Result<Answer> receive_from(Connection& connection) {
  auto reply = connection.receive();
  if (!reply) {
    // Whatever it was, the replies to come would be taken for those of later requests.
    connection.close(reply.error());
    return tl::unexpected<Error>(std::move(reply.error()));
  }
  if (reply->is_error()) return refusal(*reply);
  if (reply->more_follows) {
    const Error error{ErrorCode::bad_reply, "the server answered in several parts"};
    connection.close(error);
    return tl::unexpected<Error>(error);
  }
  return Answer::copy_of(reply->value);
}

}  // namespace

Client::Client(ClientOptions options) : links_(std::make_unique<Links>(std::move(options))) {}

Client::~Client() = default;

Result<std::optional<std::string>> Client::get(std::string_view key) {
  return to_value(call({"GET", key}));
}

Result<bool> Client::set(std::string_view key, std::string_view value, const SetOptions& options) {
  std::string ttl_ms;
  return call(set_words(key, value, options, ttl_ms), options.durability)
      .map([](const Answer& answer) { return !answer.is_nil(); });
}

Result<bool> Client::del(std::string_view key) {
  return to_flag(call({"DEL", key}));
}

Result<bool> Client::exists(std::string_view key) {
  return to_flag(call({"EXISTS", key}));
}

Result<std::int64_t> Client::incr(std::string_view key) {
  return to_integer(call({"INCR", key}));
}

Result<bool> Client::expire(std::string_view key, Milliseconds ttl) {
  return to_flag(call({"PEXPIRE", key, std::to_string(ttl.count())}));
}

Result<bool> Client::persist(std::string_view key) {
  return to_flag(call({"PERSIST", key}));
}

Result<TimeToLive> Client::ttl(std::string_view key) {
  return to_integer(call({"PTTL", key})).map([](std::int64_t left_ms) {
    // -2: no such key; -1: no end.
    TimeToLive ttl{left_ms != -2, std::nullopt};
    if (left_ms >= 0) ttl.left = Milliseconds(left_ms);
    return ttl;
  });
}

Result<std::vector<std::optional<std::string>>> Client::mget(
    std::span<const std::string_view> keys) {
  if (keys.empty()) return std::vector<std::optional<std::string>>();
  std::vector<std::string_view> words{"MGET"};
  words.insert(words.end(), keys.begin(), keys.end());
  auto answer = call(words);
  if (!answer) return tl::unexpected<Error>(std::move(answer.error()));
  if (answer->items.size() != keys.size()) {
    return fail(ErrorCode::bad_reply, "the server answered MGET with another number of values");
  }
  std::vector<std::optional<std::string>> values;
  values.reserve(keys.size());
  for (Answer& item : answer->items) {
    auto value = to_value(std::move(item));
    if (!value) return tl::unexpected<Error>(std::move(value.error()));
    values.push_back(std::move(*value));
  }
  return values;
}

Result<void> Client::mset(std::span<const KeyAndValue> pairs) {
  if (pairs.empty()) return {};
  std::vector<std::string_view> words{"MSET"};
  for (const auto& [key, value] : pairs) words.insert(words.end(), {key, value});
  auto answer = call(words);
  if (!answer) return tl::unexpected<Error>(std::move(answer.error()));
  return {};
}

Result<void> Client::for_each_key(std::string_view pattern,
                                  const std::function<bool(std::string_view key)>& visit) {
  auto connection = links_->open_extra();
  if (!connection) return tl::unexpected<Error>(std::move(connection.error()));
  Result<void> queued = (*connection)->queue({"LIST", pattern});
  if (!queued) return queued;
  for (;;) {
    auto part = (*connection)->receive();
    if (!part) return tl::unexpected<Error>(std::move(part.error()));
    if (part->is_error()) return refusal(*part);
    for (const protocol::Value& key : part->value.items) {
      if (!visit(key.bytes)) return {};
    }
    if (!part->more_follows) return {};
  }
}

Result<Answer> Client::call(const std::vector<std::string_view>& words, Durability durability) {
  const Request request{words, flags_of(durability)};
  return std::move(run({&request, 1}).front());
}

std::vector<Result<Answer>> Client::run(std::span<const Request> requests) {
  std::vector<Result<Answer>> answers(requests.size());
  std::vector<std::size_t> due(requests.size());
  std::iota(due.begin(), due.end(), std::size_t{0});
  exchange(requests, due, answers);
  std::erase_if(due, [&](std::size_t i) {
    return answers[i].has_value() || !may_repeat(requests[i], answers[i].error());
  });
  if (!due.empty()) exchange(requests, due, answers);
  return answers;
}

/// One attempt at the requests with the indexes `due`.
void Client::exchange(std::span<const Request> requests, const std::vector<std::size_t>& due,
                      std::vector<Result<Answer>>& answers) {
  links_->begin_round();
  // What is no request for one key goes to the server as a whole, and must not overtake those
  // before it on other connections, nor be overtaken: then all go there.
  const bool is_routed = std::all_of(
      due.begin(), due.end(), [&](std::size_t i) { return requests[i].only_key().has_value(); });
  std::vector<Connection*> via(due.size(), nullptr);
  for (std::size_t n = 0; n < due.size(); ++n) {
    const Request& request = requests[due[n]];
    if (request.streams()) {
      answers[due[n]] = fail(ErrorCode::invalid, "LIST streams its reply: use for_each_key()");
      continue;
    }
    const auto connection = links_->to(is_routed ? request.only_key() : std::nullopt);
    const Result<void> queued =
        connection.and_then([&](Connection* c) { return c->queue(request.words, request.flags); });
    if (queued) {
      via[n] = *connection;
    } else {
      answers[due[n]] = tl::unexpected<Error>(queued.error());
    }
  }
  // All cores work while the first one is waited for. That a connection broke, or takes no more
  // before replies are taken from it, is for receive() to tell and to go on from.
  for (Connection* connection : via) {
    if (connection != nullptr) static_cast<void>(connection->flush());
  }
  for (std::size_t n = 0; n < due.size(); ++n) {
    if (via[n] != nullptr) answers[due[n]] = receive_from(*via[n]);
  }
}

}  // namespace phoenix::client
