// Channels and clients as commands: what is asked of the core, and how the answers of several cores
// are joined.
#include <doctest/doctest.h>

#include "tests/unit/commands/values.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;

namespace {

TEST_CASE("channels and patterns count together, shard channels alone") {
  Harness harness;
  CHECK(harness("SUBSCRIBE a b a") ==
        "[[\"subscribe\", \"a\", (integer) 1], [\"subscribe\", \"b\", (integer) 2], "
        "[\"subscribe\", \"a\", (integer) 2]]");
  CHECK(harness("PSUBSCRIBE p*") == "[[\"psubscribe\", \"p*\", (integer) 3]]");
  CHECK(harness("SSUBSCRIBE s") == "[[\"ssubscribe\", \"s\", (integer) 1]]");
  CHECK(harness("UNSUBSCRIBE") ==
        "[[\"unsubscribe\", \"a\", (integer) 2], [\"unsubscribe\", \"b\", (integer) 1]]");
  CHECK(harness("UNSUBSCRIBE") == "[[\"unsubscribe\", (nil), (integer) 1]]");
  CHECK(harness("PUNSUBSCRIBE x") == "[[\"punsubscribe\", \"x\", (integer) 1]]");
  CHECK(harness("PUNSUBSCRIBE p*") == "[[\"punsubscribe\", \"p*\", (integer) 0]]");
  CHECK(harness("SUNSUBSCRIBE") == "[[\"sunsubscribe\", \"s\", (integer) 0]]");
}

TEST_CASE("a subscription too many is refused, and those before it stay") {
  Harness harness;
  harness.session.subscriptions_max = 1;
  const std::string reply = harness("SUBSCRIBE a b");
  CHECK(reply.starts_with("[[\"subscribe\", \"a\", (integer) 1], (error) ERR too many"));
  CHECK(harness.session.subscriptions(ChannelKind::plain) == 1);
}

TEST_CASE("messages are handed to the core") {
  Harness harness;
  harness.channels.receivers = 3;
  CHECK(harness("PUBLISH news hi") == "(integer) 3");
  CHECK(harness("SPUBLISH news ho") == "(integer) 3");
  CHECK(harness.channels.published == "news=hi;shard news=ho;");
}

TEST_CASE("PUBSUB tells what the core knows") {
  Harness harness;
  harness.channels.known = {"a1", "a2", "b"};
  harness.channels.receivers = 4;
  CHECK(harness("PUBSUB CHANNELS") == "[\"a1\", \"a2\", \"b\"]");
  CHECK(harness("PUBSUB CHANNELS a?") == "[\"a1\", \"a2\"]");
  CHECK(harness("PUBSUB CHANNELS a b") ==
        "(error) ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB "
        "HELP.");
  CHECK(harness("PUBSUB NUMSUB news x news") ==
        "[\"news\", (integer) 4, \"x\", (integer) 0, \"news\", (integer) 4]");
  CHECK(harness("PUBSUB NUMPAT") == "(integer) 3");
  harness.control.cores = 2;
  CHECK(harness("PUBSUB NUMPAT") == "[\"a1\", \"a2\", \"b\"]");
}

TEST_CASE("what several cores know is told once") {
  Harness harness;
  const auto a = list_of({value_of("x"), value_of("y")});
  const auto b = list_of({value_of("w"), value_of("x")});
  CHECK(merged(harness, "PUBSUB|CHANNELS", {a, b}) == "[\"w\", \"x\", \"y\"]");
  CHECK(merged(harness, "PUBSUB|NUMPAT", {a, b}) == "(integer) 3");
  const auto two = list_of({value_of("x"), value_of(2), value_of("y"), value_of(0)});
  const auto three = list_of({value_of("x"), value_of(3), value_of("y"), value_of(1)});
  CHECK(merged(harness, "PUBSUB|NUMSUB", {two, three}) ==
        "[\"x\", (integer) 5, \"y\", (integer) 1]");
}

TEST_CASE("a slice of CLIENT LIST has a place, and behind it the filter") {
  Harness harness;
  CHECK(harness("CLIENT LIST 0") == "[(integer) 64, \"id=1 addr=here\\x0a\"]");
  CHECK(harness("CLIENT LIST 64 ID 3 1").starts_with("[(integer) 0, "));
  CHECK(harness.clients.last_filter.ids == std::vector<std::uint64_t>{1, 3});
  CHECK(harness("CLIENT LIST 0 TYPE pubsub").starts_with("["));
  CHECK(harness.clients.last_filter.type == ClientFilter::Type::pubsub);
  CHECK(harness("CLIENT LIST 0 TYPE foo") == "(error) ERR Unknown client type 'foo'");
  CHECK(harness("CLIENT LIST 0 ID x") == "(error) ERR Invalid client ID");
  CHECK(harness("CLIENT LIST 0 ID") == "(error) ERR syntax error");
  CHECK(harness("CLIENT LIST").starts_with("(error)"));
}

TEST_CASE("CLIENT KILL has an old and a new form") {
  Harness harness;
  CHECK(harness("CLIENT KILL 1.2.3.4:5") == "(error) ERR No such client");
  CHECK(*harness.clients.last_filter.address == "1.2.3.4:5");
  CHECK_FALSE(harness.clients.skips_caller);
  harness.clients.killed = 1;
  CHECK(harness("CLIENT KILL 1.2.3.4:5") == "OK");
  CHECK(harness("CLIENT KILL ID 7 TYPE normal LADDR h:1 USER default") == "(integer) 1");
  CHECK(harness.clients.last_filter.ids == std::vector<std::uint64_t>{7});
  CHECK(harness.clients.last_caller == &harness.session);
  CHECK(harness.clients.skips_caller);
  CHECK(harness("CLIENT KILL SKIPME no ID 7") == "(integer) 1");
  CHECK_FALSE(harness.clients.skips_caller);
  CHECK(harness("CLIENT KILL ID 0") == "(error) ERR client-id should be greater than 0");
  CHECK(harness("CLIENT KILL USER foo") == "(error) ERR No such user 'foo'");
  CHECK(harness("CLIENT KILL SKIPME no ID") == "(error) ERR syntax error");
  CHECK(harness("CLIENT KILL SKIPME maybe ID 7") == "(error) ERR syntax error");
}

TEST_CASE("CLIENT KILL of several cores is one answer") {
  Harness harness;
  harness.control.cores = 2;
  CHECK(harness("CLIENT KILL 1.2.3.4:5") == "(nil)");
  protocol::Value nil;
  nil.status = protocol::Status::nil;
  CHECK(merged(harness, "CLIENT|KILL", {nil, nil}) == "(error) ERR No such client");
  CHECK(merged(harness, "CLIENT|KILL", {nil, protocol::Value()}) == "OK");
  CHECK(merged(harness, "CLIENT|KILL", {value_of(1), value_of(2)}) == "(integer) 3");
}

TEST_CASE("CLIENT PAUSE checks its words") {
  Harness harness;
  CHECK(harness("CLIENT PAUSE 10") == "OK");
  CHECK(harness("CLIENT PAUSE 20 write") == "OK");
  CHECK(harness("CLIENT UNPAUSE") == "OK");
  CHECK(harness.clients.pauses == "10;20w;on;");
  CHECK(harness("CLIENT PAUSE -1") == "(error) ERR timeout is negative");
  CHECK(harness("CLIENT PAUSE x") == "(error) ERR timeout is not an integer or out of range");
  CHECK(harness("CLIENT PAUSE x foo") == "(error) ERR CLIENT PAUSE mode must be WRITE or ALL");
}

TEST_CASE("CLIENT REPLY, SETNAME and SETINFO change the client") {
  Harness harness;
  const Client& client = harness.session.fake_client;
  (void)harness("CLIENT REPLY OFF");
  CHECK(client.replies_are_off);
  (void)harness("CLIENT REPLY SKIP");
  CHECK(client.replies_to_skip == 2);
  (void)harness("CLIENT REPLY ON");
  CHECK_FALSE(client.replies_are_off);
  CHECK(client.replies_to_skip == 0);
  CHECK(harness("CLIENT REPLY foo") == "(error) ERR syntax error");
  (void)harness("CLIENT SETINFO lib-name lib");
  (void)harness("CLIENT SETINFO LIB-VER 1.2");
  CHECK(client.library_name == "lib");
  CHECK(client.library_version == "1.2");
  CHECK(harness("CLIENT SETINFO foo x") == "(error) ERR Unrecognized option 'foo'");
  CHECK(harness.run({"CLIENT", "SETINFO", "lib-ver", "a b"}) ==
        "(error) ERR lib-ver cannot contain spaces, newlines or special characters.");
  CHECK(harness("CLIENT TRACKING ON").starts_with("(error) ERR CLIENT TRACKING is not supported"));
}

}  // namespace
