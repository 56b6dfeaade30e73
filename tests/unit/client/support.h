// What the tests of the client share.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include "phoenix/client/connection.h"
#include "tests/unit/client/fake_server.h"

namespace phoenix::client::test {

/// Long enough for any machine; only a broken test waits for it.
inline constexpr std::uint32_t kPatienceMs = 20'000;

inline Options options_for(const FakeServer& server) {
  Options options;
  options.endpoint.port = server.port();
  options.connect_timeout_ms = kPatienceMs;
  options.reply_timeout_ms = kPatienceMs;
  return options;
}

inline std::unique_ptr<Connection> open_ok(const Options& options) {
  auto connection = Connection::open(options);
  REQUIRE_MESSAGE(connection.has_value(), connection.error().message);
  return std::move(*connection);
}

inline Error open_error(const Options& options) {
  auto connection = Connection::open(options);
  REQUIRE_FALSE(connection.has_value());
  return connection.error();
}

inline Error call_error(Connection& connection) {
  const auto reply = connection.call({"GET", "k"});
  REQUIRE_FALSE(reply.has_value());
  return reply.error();
}

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// Answers every argv request with its last word.
inline void echo(Peer& peer) {
  if (!peer.greet()) return;
  while (const auto request = peer.next()) {
    const std::string word = request->words().back();
    if (!peer.reply(request->header.id, bytes_value(word))) return;
  }
}

}  // namespace phoenix::client::test
