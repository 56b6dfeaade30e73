#include "cli/prompt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/cli/pipe.h"
#include "tests/unit/client/fake_server.h"

namespace phoenix::cli {

namespace {

using client::test::bytes_value;
using client::test::FakeServer;
using client::test::Peer;

struct Run {
  Result<ExitCode> code = ExitCode::ok;
  std::string output;
};

/// A person who types `lines` at once.
Run type_lines(const FakeServer& server, const InterruptSignal& interrupt,
               const std::string& lines) {
  test::Pipe input;
  test::Pipe output;
  REQUIRE(input.write(lines));
  input.close_writer();
  client::Options options;
  options.endpoint.port = server.port();
  options.connect_timeout_ms = options.reply_timeout_ms = 20'000;
  options.interrupt_fd = interrupt.fd();
  Run run;
  {
    Output out(output.writer());
    Session session(options, Format::human, out);
    run.code = run_prompt(session, input.reader(), out, interrupt);
    CHECK(out.flush().has_value());
  }
  output.close_writer();
  run.output = output.read_all();
  return run;
}

/// GET answers its key; LIST begins to answer and then `interferes`.
template <typename Interference>
FakeServer::Script script(Interference interferes) {
  return [interferes](Peer& peer) {
    if (!peer.greet()) return;
    while (const auto request = peer.next()) {
      const std::uint32_t id = request->header.id;
      if (request->words()[0] != "LIST") {
        peer.reply(id, bytes_value(request->words().back()));
        continue;
      }
      peer.reply(id, client::test::list_value({bytes_value("a")}), true);
      return interferes(peer);
    }
  };
}

}  // namespace

TEST_CASE("a prompt for each command, and EXIT leaves") {
  InterruptSignal interrupt;
  REQUIRE(interrupt.open().has_value());
  const FakeServer server(script([](Peer&) {}));
  const Run run = type_lines(server, interrupt, "GET a\n\nGET \"b\nquit\nGET c\n");
  REQUIRE(run.code.has_value());
  CHECK(run.output ==
        "Connected to 127.0.0.1:" + std::to_string(server.port()) +
            ", phoenix 1.2.3. HELP lists the commands, EXIT leaves.\n"
            "phoenix> \"a\"\nphoenix> phoenix> (error) column 5: this \" has no closing \"\n"
            "phoenix> ");
}

TEST_CASE("the end of the input leaves the prompt") {
  InterruptSignal interrupt;
  REQUIRE(interrupt.open().has_value());
  const FakeServer server(script([](Peer&) {}));
  const Run run = type_lines(server, interrupt, "GET a");
  REQUIRE(run.code.has_value());
  CHECK(run.output.ends_with("phoenix> \"a\"\nphoenix> \n"));
}

TEST_CASE("Ctrl-C stops a listing, and the next command is answered") {
  InterruptSignal interrupt;
  REQUIRE(interrupt.open().has_value());
  std::atomic<bool> was_stopped = false;
  Run run;
  {
    const FakeServer server(script([&was_stopped](Peer& peer) {
                              // The listing goes on until the client has had enough.
                              static_cast<void>(::kill(::getpid(), SIGINT));
                              was_stopped = peer.wait_for_end();
                            }),
                            2);
    run = type_lines(server, interrupt, "LIST\nGET b\n");
  }
  CHECK(was_stopped);
  REQUIRE(run.code.has_value());
  // The signal may overtake what was listed.
  CHECK(run.output.ends_with("phoenix> \"b\"\nphoenix> \n"));
}

TEST_CASE("a connection that is lost is made again for the next command") {
  InterruptSignal interrupt;
  REQUIRE(interrupt.open().has_value());
  const FakeServer server(script([](Peer&) {}), 2);
  const Run run = type_lines(server, interrupt, "LIST\nGET b\n");
  REQUIRE(run.code.has_value());
  CHECK(run.output.ends_with("phoenix> 1) \"a\"\nphoenix> \"b\"\nphoenix> \n"));
}

TEST_CASE("a password that was accepted is used again") {
  InterruptSignal interrupt;
  REQUIRE(interrupt.open().has_value());
  std::vector<std::string> commands;
  {
    const FakeServer server(
        [&commands](Peer& peer) {
          if (!peer.greet()) return;
          while (const auto request = peer.next()) {
            commands.push_back(request->words()[0] + " " + request->words().back());
            if (request->words()[0] == "DROP") return;
            peer.reply(request->header.id, client::test::ok_value());
          }
        },
        2);
    const Run run = type_lines(server, interrupt, "AUTH pass\nDROP it\nGET b\n");
    CHECK(run.output.ends_with("phoenix> OK\nphoenix> phoenix> OK\nphoenix> \n"));
  }
  CHECK(commands == std::vector<std::string>{"AUTH pass", "DROP it", "AUTH pass", "GET b"});
}

TEST_CASE("without a server there is no prompt") {
  InterruptSignal interrupt;
  REQUIRE(interrupt.open().has_value());
  const FakeServer server([](Peer&) {});
  const Run run = type_lines(server, interrupt, "GET a\n");
  REQUIRE_FALSE(run.code.has_value());
  CHECK(run.code.error().code == ExitCode::connection);
  CHECK(run.output.empty());
}

}  // namespace phoenix::cli
