#include "cli/piped.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "tests/unit/cli/pipe.h"
#include "tests/unit/client/fake_server.h"

namespace phoenix::cli {

namespace {

using client::test::FakeServer;
using client::test::Peer;
using protocol::Status;
using test::Pipe;

client::Options options_for(const FakeServer& server) {
  client::Options options;
  options.endpoint.port = server.port();
  options.connect_timeout_ms = 20'000;
  options.reply_timeout_ms = 20'000;
  return options;
}

/// GET answers its key, LIST two keys in two parts, FAIL an error, EXIT OK and the end.
void serve(Peer& peer) {
  if (!peer.greet()) return;
  while (const auto request = peer.next()) {
    const std::vector<std::string> words = request->words();
    const std::uint32_t id = request->header.id;
    if (words[0] == "FAIL") {
      peer.reply(id, client::test::error_value(Status::error, "failed"));
    } else if (words[0] == "LIST") {
      peer.reply(id, client::test::list_value({client::test::bytes_value("a")}), true);
      peer.reply(id, client::test::list_value({client::test::bytes_value("b")}), true);
      peer.reply(id, client::test::bytes_value("0"));
    } else if (words[0] == "EXIT") {
      peer.reply(id, client::test::ok_value());
      return;
    } else {
      peer.reply(id, client::test::bytes_value(words.back()));
    }
  }
}

struct Run {
  Result<ExitCode> code = ExitCode::ok;
  std::string output;
};

/// Everything that a script in a file would see.
Run run_lines(const client::Options& options, const std::string& lines) {
  Pipe input;
  Pipe output;
  std::thread feeder([&input, &lines] {
    static_cast<void>(input.write(lines));
    input.close_writer();
  });
  Run run;
  std::thread drain([&run, &output] { run.output = output.read_all(); });
  {
    Output out(output.writer());
    Session session(options, Renderer(Format::human), out);
    LineReader reader(input.reader(), 1'000);
    const Result<void> connected = session.connect();
    if (connected) run.code = run_piped(session, reader, out);
    static_cast<void>(out.flush());
  }
  output.close_writer();
  // Whoever still writes must not wait for a reader that has gone.
  static_cast<void>(input.read_all());
  feeder.join();
  drain.join();
  return run;
}

ExitCode code_of(const Run& run) {
  return run.code ? *run.code : run.code.error().code;
}

}  // namespace

TEST_CASE("a reply line for each command line, in order") {
  const FakeServer server(serve);
  const Run run = run_lines(options_for(server), "GET a\n\n  \nLIST\r\nGET \"b\\x00\"\nGET last");
  CHECK(code_of(run) == ExitCode::ok);
  CHECK(run.output == "\"a\"\n1) \"a\"\n2) \"b\"\n\"b\\x00\"\n\"last\"\n");
}

TEST_CASE("errors keep their place, and show in the exit code") {
  const FakeServer server(serve);
  std::string lines;
  std::string expected;
  SUBCASE("of the server") {
    lines = "GET a\nFAIL\nGET b\n";
    expected = "\"a\"\n(error) ERR failed\n\"b\"\n";
  }
  SUBCASE("of a line") {
    lines = "GET a\nGET \"x\nGET b\n";
    expected = "\"a\"\n(error) line 2, column 5: this \" has no closing \"\n\"b\"\n";
  }
  SUBCASE("of a line that is too long") {
    lines = "GET a\nGET " + std::string(5'000, 'x') + "\nGET b\n";
    expected = "\"a\"\n(error) line 2, a line has at most 513 MiB\n\"b\"\n";
  }
  const Run run = run_lines(options_for(server), lines);
  CHECK(code_of(run) == ExitCode::error_reply);
  CHECK(run.output == expected);
}

TEST_CASE("nothing behind EXIT is sent") {
  const FakeServer server(serve);
  const Run run = run_lines(options_for(server), "GET a\nexit\nEXIT\nGET b\n");
  // The script answers EXIT in capitals alone: the other one is the last to be sent.
  CHECK(code_of(run) == ExitCode::ok);
  CHECK(run.output == "\"a\"\n\"exit\"\n");
}

TEST_CASE("QUIT leaves as EXIT does") {
  const FakeServer server(serve);
  const Run run = run_lines(options_for(server), "GET a\nQUIT now\nquit\nGET b\n");
  CHECK(code_of(run) == ExitCode::ok);
  CHECK(run.output == "\"a\"\n\"now\"\nOK\n");
}

TEST_CASE("many commands are under way at once, and none is lost") {
  constexpr int kLines = 20'000;
  const FakeServer server(serve);
  std::string lines;
  std::string expected;
  for (int i = 0; i < kLines; ++i) {
    lines += "GET " + std::to_string(i) + "\n";
    expected += "\"" + std::to_string(i) + "\"\n";
  }
  const Run run = run_lines(options_for(server), lines);
  CHECK(code_of(run) == ExitCode::ok);
  CHECK(run.output == expected);
}

TEST_CASE("a reply does not wait for the next line") {
  const FakeServer server(serve);
  Pipe input;
  Pipe output;
  std::thread talker([&input, &output] {
    std::array<char, 4> room{};
    // The second command is written only when the first reply, and half of that line, is there.
    if (!input.write("GET a\nGET")) return;
    if (::read(output.reader(), room.data(), room.size()) != 4) return;
    static_cast<void>(input.write(" b\n"));
    input.close_writer();
  });
  Output out(output.writer());
  Session session(options_for(server), Renderer(Format::human), out);
  REQUIRE(session.connect().has_value());
  LineReader reader(input.reader());
  const Result<ExitCode> code = run_piped(session, reader, out);
  talker.join();
  output.close_writer();
  CHECK(code.has_value());
  CHECK(output.read_all() == "\"b\"\n");
}

TEST_CASE("a connection that is lost says where") {
  const FakeServer server([](Peer& peer) {
    if (!peer.greet()) return;
    const auto request = peer.next();
    peer.reply(request->header.id, client::test::bytes_value("first"));
    static_cast<void>(peer.next());
  });
  const Run run = run_lines(options_for(server), "GET a\n\nGET b\n");
  REQUIRE_FALSE(run.code.has_value());
  CHECK(run.code.error().code == ExitCode::connection);
  CHECK(run.code.error().message.find("may or may not have been executed") != std::string::npos);
  CHECK(run.code.error().message.find("(the first is of line 3)") != std::string::npos);
  CHECK(run.output == "\"first\"\n");
}

TEST_CASE("an output that takes no more ends the run") {
  const FakeServer server(serve);
  Pipe input;
  REQUIRE(input.write("GET a\nGET b\n"));
  input.close_writer();
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  REQUIRE(full >= 0);
  {
    Output out(full);
    Session session(options_for(server), Renderer(Format::human), out);
    REQUIRE(session.connect().has_value());
    LineReader reader(input.reader());
    const Result<ExitCode> code = run_piped(session, reader, out);
    REQUIRE_FALSE(code.has_value());
    CHECK(code.error().code == ExitCode::output);
    CHECK(code.error().message == "cannot write the output: no space left on device");
  }
  CHECK(::close(full) == 0);
}

TEST_CASE("lines with and without an end, and too long ones") {
  Pipe input;
  REQUIRE(input.write("one\n\n" + std::string(11, 'x') + "\n" + std::string(10, 'y') + "\nlast"));
  input.close_writer();
  LineReader reader(input.reader(), 10);
  std::string_view line;
  using Outcome = LineReader::Outcome;
  CHECK(*reader.next(line) == Outcome::line);
  CHECK(line == "one");
  CHECK(*reader.next(line) == Outcome::line);
  CHECK(line.empty());
  CHECK(*reader.next(line) == Outcome::too_long);
  CHECK(*reader.next(line) == Outcome::line);
  CHECK(line == std::string(10, 'y'));
  CHECK(*reader.is_ready());
  CHECK(*reader.next(line) == Outcome::line);
  CHECK(line == "last");
  CHECK(*reader.next(line) == Outcome::end);
  CHECK(*reader.next(line) == Outcome::end);
}

TEST_CASE("a line longer than what is kept of it") {
  Pipe input;
  std::thread writer([&input] {
    static_cast<void>(input.write(std::string(1'000'000, 'x') + "\nnext\n"));
    input.close_writer();
  });
  LineReader reader(input.reader(), 10);
  std::string_view line;
  CHECK(*reader.next(line) == LineReader::Outcome::too_long);
  CHECK(*reader.next(line) == LineReader::Outcome::line);
  CHECK(line == "next");
  CHECK(*reader.next(line) == LineReader::Outcome::end);
  writer.join();
}

}  // namespace phoenix::cli
