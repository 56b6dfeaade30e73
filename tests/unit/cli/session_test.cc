// How a command's own nature shapes its reply.
#include "cli/session.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/client/fake_server.h"

namespace phoenix::cli {

namespace {

/// What is printed for `words` when a RESP server answers `reply`.
std::string printed(const std::vector<std::string>& words, std::string reply) {
  client::test::FakeServer server([reply = std::move(reply)](client::test::Peer& peer) {
    (void)peer.take(1);
    (void)peer.send(reply);
    (void)peer.wait_for_end();
  });
  client::Options options;
  options.endpoint.port = server.port();
  options.wire = client::Wire::resp;
  Output output(-1);
  Session session(options, Renderer(Format::human), output);
  REQUIRE(session.connect());
  REQUIRE(session.send(words));
  REQUIRE(session.receive());
  std::string text = output.buffer();
  session.disconnect();
  return text;
}

}  // namespace

TEST_CASE("pages for people are printed as they are, though RESP2 sends them as bytes") {
  const std::string page = "$10\r\n# A\r\nb:1\r\n\r\n";
  CHECK(printed({"info"}, page) == "# A\nb:1\n");
  CHECK(printed({"INFO", "server"}, page) == "# A\nb:1\n");
  CHECK(printed({"client", "list"}, page) == "# A\nb:1\n");
  CHECK(printed({"CLIENT", "GETNAME"}, page) == "\"# A\\r\\nb:1\\r\\n\"\n");
  CHECK(printed({"GET", "info"}, page) == "\"# A\\r\\nb:1\\r\\n\"\n");
  CHECK(printed({"HELP"}, "$-1\r\n") == "(nil)\n");
  CHECK(printed({"HELP"}, "-ERR no\r\n") == "(error) ERR no\n");
}

}  // namespace phoenix::cli
