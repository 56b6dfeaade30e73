#include "cli/prompt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "cli/plain_editor.h"
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
  std::string place;
  std::string prompt = place + "> ";
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
  Run run{.place = "127.0.0.1:" + std::to_string(server.port())};
  {
    Output out(output.writer());
    Session session(options, Renderer(Format::human), out);
    PlainEditor editor(input.reader(), out, interrupt);
    run.code = run_prompt(session, editor, out, interrupt, {});
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
  const Run run = type_lines(server, interrupt, "GET a\n\nGET \"b\"c\nquit\nGET c\n");
  REQUIRE(run.code.has_value());
  CHECK(run.output ==
        "Connected to " + run.place +
            ", phoenix 1.2.3.\n"
            "HELP lists the commands, \\? tells about the prompt, EXIT leaves.\n" +
            run.prompt + "\"a\"\n" + run.prompt + run.prompt +
            "(error) column 8: a closing quote is followed by a blank or the end of the line\n" +
            run.prompt);
}

TEST_CASE("an open quote goes on in the next line") {
  InterruptSignal interrupt;
  REQUIRE(interrupt.open().has_value());
  const FakeServer server(script([](Peer&) {}));
  const Run run = type_lines(server, interrupt, "GET \"a\nb\n'\" \nGET 'c\n");
  REQUIRE(run.code.has_value());
  const std::string more = std::string(run.place.size() - 3, ' ') + "...> ";
  CHECK(run.output.ends_with(run.prompt + more + more + "\"a\\nb\\n'\"\n" + run.prompt + more +
                             "\n(error) column 5: this ' has no closing '\n" + run.prompt + "\n"));
}

TEST_CASE("the prompt's own commands are not sent") {
  InterruptSignal interrupt;
  REQUIRE(interrupt.open().has_value());
  const FakeServer server(script([](Peer&) {}));
  const Run run = type_lines(server, interrupt, "\\timing\n\\timing off\n\\nonsense\n\\?\n");
  REQUIRE(run.code.has_value());
  CHECK(run.output.find("> Timing is on.\n") != std::string::npos);
  CHECK(run.output.find("> Timing is off.\n") != std::string::npos);
  CHECK(run.output.find("> (error) the prompt's own commands are") != std::string::npos);
  CHECK(run.output.find("> Commands of this prompt:\n") != std::string::npos);
}

TEST_CASE("the end of the input leaves the prompt") {
  InterruptSignal interrupt;
  REQUIRE(interrupt.open().has_value());
  const FakeServer server(script([](Peer&) {}));
  const Run run = type_lines(server, interrupt, "GET a");
  REQUIRE(run.code.has_value());
  CHECK(run.output.ends_with(run.prompt + "\"a\"\n" + run.prompt + "\n"));
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
  CHECK(run.output.ends_with(run.prompt + "\"b\"\n" + run.prompt + "\n"));
}

TEST_CASE("a connection that is lost is made again for the next command") {
  InterruptSignal interrupt;
  REQUIRE(interrupt.open().has_value());
  const FakeServer server(script([](Peer&) {}), 2);
  const Run run = type_lines(server, interrupt, "LIST\nGET b\n");
  REQUIRE(run.code.has_value());
  CHECK(run.output.ends_with(run.prompt + "1) \"a\"\n" + run.place + " (not connected)> \"b\"\n" +
                             run.prompt + "\n"));
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
    CHECK(run.output.ends_with(run.prompt + "OK\n" + run.prompt + run.place +
                               " (not connected)> OK\n" + run.prompt + "\n"));
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
