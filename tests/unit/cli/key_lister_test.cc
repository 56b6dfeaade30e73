#include "cli/key_lister.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/client/fake_server.h"

namespace phoenix::cli {

namespace {

using client::test::bytes_value;
using client::test::FakeServer;
using client::test::list_value;
using client::test::Peer;
using Words = std::vector<std::string>;

std::unique_ptr<client::Connection> connect(const FakeServer& server) {
  client::Options options;
  options.endpoint.port = server.port();
  options.connect_timeout_ms = options.reply_timeout_ms = 20'000;
  auto connection = client::Connection::open(options);
  REQUIRE(connection.has_value());
  return std::move(*connection);
}

}  // namespace

TEST_CASE("pages of keys, each with the cursor of the one before") {
  std::vector<Words> requests;
  {
    const FakeServer server([&requests](Peer& peer) {
      if (!peer.greet()) return;
      for (const char* cursor : {"17", "0"}) {
        const auto request = peer.next();
        requests.push_back(request->words());
        peer.reply(request->header.id, list_value({bytes_value("a"), bytes_value("b")}), true);
        peer.reply(request->header.id, list_value({}), true);
        peer.reply(request->header.id, bytes_value(cursor));
      }
    });
    const auto connection = connect(server);
    KeyLister lister(*connection, client::Wire::native, "*");
    for (const bool is_last : {false, true}) {
      CHECK_FALSE(lister.is_done());
      const auto page = lister.next_page(2);
      REQUIRE(page.has_value());
      CHECK(*page == Words{"a", "b"});
      CHECK(lister.is_done() == is_last);
    }
  }
  CHECK(requests == std::vector<Words>{{"LIST", "*", "CURSOR", "0", "LIMIT", "2"},
                                       {"LIST", "*", "CURSOR", "17", "LIMIT", "2"}});
}

TEST_CASE("a cursor is a number, and a page has an end") {
  const std::vector<protocol::Value> many(100'000, bytes_value("k"));
  for (const char* cursor : {"", "-1", "1\x1b[2J", "\xff", "123456789012345678901", "endless"}) {
    CAPTURE(cursor);
    const FakeServer server([&](Peer& peer) {
      if (!peer.greet()) return;
      const auto request = peer.next();
      const bool is_endless = cursor == std::string("endless");
      for (int part = 0; is_endless && part < 11; ++part) {
        peer.reply(request->header.id, list_value(many), true);
      }
      if (!is_endless) peer.reply(request->header.id, bytes_value(cursor));
      static_cast<void>(peer.wait_for_end());
    });
    const auto connection = connect(server);
    KeyLister lister(*connection, client::Wire::native, "*");
    const auto page = lister.next_page(2);
    REQUIRE_FALSE(page.has_value());
    CHECK(page.error().message.find("something else than a list of keys") != std::string::npos);
  }
}

TEST_CASE("a server that does not list says why") {
  const FakeServer server([](Peer& peer) {
    if (!peer.greet()) return;
    const auto request = peer.next();
    peer.reply(request->header.id,
               client::test::error_value(protocol::Status::not_authenticated, "who are you?"));
    static_cast<void>(peer.wait_for_end());
  });
  const auto connection = connect(server);
  KeyLister lister(*connection, client::Wire::native, "");
  const auto page = lister.next_page(2);
  REQUIRE_FALSE(page.has_value());
  CHECK(page.error().code == ExitCode::error_reply);
  CHECK(page.error().message == "the server does not list its keys: NOAUTH who are you?");
}

}  // namespace phoenix::cli
