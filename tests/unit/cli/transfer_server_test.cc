// Transfers against servers that do what real ones do rarely.
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "cli/transfer/import.h"
#include "cli/transfer/key_source.h"
#include "cli/transfer/state.h"
#include "tests/unit/client/fake_server.h"

namespace phoenix::cli::transfer {

namespace {

using client::test::bytes_value;
using client::test::error_value;
using client::test::FakeServer;
using client::test::integer_value;
using client::test::Peer;
using protocol::Status;

client::Options options_for(const FakeServer& server) {
  client::Options options;
  options.endpoint.port = server.port();
  options.connect_timeout_ms = 20'000;
  options.reply_timeout_ms = 20'000;
  return options;
}

/// Answers the requests that come with `replies`, in turn, and notes their words.
FakeServer::Script replies_of(std::vector<protocol::Value> replies,
                              std::vector<std::string>& requests) {
  return [replies = std::move(replies), &requests](Peer& peer) {
    if (!peer.greet()) return;
    for (const protocol::Value& reply : replies) {
      const auto request = peer.next();
      if (!request) return;
      std::string words;
      for (const std::string& word : request->words()) words += (words.empty() ? "" : " ") + word;
      requests.push_back(words);
      peer.reply(request->header.id, reply);
    }
    static_cast<void>(peer.wait_for_end());
  };
}

protocol::Value nil_value() {
  protocol::Value value;
  value.status = Status::nil;
  return value;
}

/// A CSV file with these rows in a directory of its own.
class Rows final {
 public:
  explicit Rows(const std::string& rows) {
    REQUIRE(::mkdtemp(directory_.data()) != nullptr);
    const Result<void> saved = save_state(path(), "key,value,expires_at_ms\n" + rows);
    REQUIRE(saved.has_value());
  }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;
  ~Rows() {
    static_cast<void>(remove_state(path()));
    static_cast<void>(remove_state(state_path()));
    static_cast<void>(::rmdir(directory_.c_str()));
  }
  std::string path() const { return directory_ + "/rows.csv"; }
  std::string state_path() const { return path() + ".import"; }

 private:
  std::string directory_ = "/tmp/phoenix-cli-test-XXXXXX";
};

}  // namespace

TEST_CASE("a value does not get the expiry that its key had before or has got since") {
  for (const bool is_old : {false, true}) {  // Before PEXPIRETIME.
    CAPTURE(is_old);
    const std::int64_t expiry_ms = is_old ? 9'000 : 1'900'000'000'000;
    const protocol::Value expiry = integer_value(expiry_ms);
    std::vector<std::string> requests;
    {
      const FakeServer server(
          replies_of({is_old ? error_value(Status::error, "unknown command") : integer_value(-1),
                      integer_value(-1), bytes_value("new"), expiry, integer_value(-2), nil_value(),
                      integer_value(-2), expiry, bytes_value("going"), integer_value(-2), expiry,
                      bytes_value("new"), expiry},
                     requests));
      const auto connection = client::Connection::open(options_for(server));
      REQUIRE(connection.has_value());
      KeySource source(**connection, client::Wire::native, "");
      std::vector<Record> records;
      const auto counts = source.read({"changes", "gone", "goes"}, [&](const Record& record) {
        records.push_back(record);
        return Result<void>{};
      });
      REQUIRE(counts.has_value());
      CHECK(counts->vanished == 2);
      REQUIRE(records.size() == 1);
      CHECK(records[0].key == "changes");
      CHECK(records[0].value == "new");
      const auto told_ms = static_cast<std::uint64_t>(expiry_ms);
      CHECK((is_old ? records[0].expires_at_ms > told_ms : records[0].expires_at_ms == told_ms));
    }
    REQUIRE(requests.size() == 13);
    CHECK(requests[0] == "PEXPIRETIME changes");
    const std::string asks = is_old ? "PTTL changes" : "PEXPIRETIME changes";
    CHECK(requests[10] == asks);
    CHECK(requests[11] == "GET changes");
    CHECK(requests[12] == asks);
  }
}

TEST_CASE("a key that changes whenever it is read is exported as it is in the end") {
  std::vector<protocol::Value> replies{integer_value(9'000)};
  for (int round = 0; round < 4; ++round) {
    replies.insert(replies.end(), {integer_value(9'000), bytes_value("v"), integer_value(-1)});
  }
  std::vector<std::string> requests;
  const FakeServer server(replies_of(std::move(replies), requests));
  const auto connection = client::Connection::open(options_for(server));
  REQUIRE(connection.has_value());
  KeySource source(**connection, client::Wire::native, "");
  std::size_t records = 0;
  const auto counts = source.read({"k"}, [&](const Record& record) {
    ++records;
    CHECK(record.expires_at_ms == 0);
    return Result<void>{};
  });
  CHECK(counts.has_value());
  CHECK(records == 1);
}

TEST_CASE("an import that a full server ends goes on with the row that it refused") {
  const Rows rows("a,1,\nb,2,281474976710655\nold,0,1\nc,3,\n");
  const std::string full = "the memory is full";
  std::vector<std::string> requests;
  {
    const protocol::Value refusal = client::test::error_value(Status::out_of_memory, full);
    const FakeServer server(
        replies_of({client::test::ok_value(), refusal, client::test::ok_value()}, requests));
    ImportRequest request;
    request.path = rows.path();
    request.skip_errors = true;  // It is not about the row.
    const auto ended = run_import(options_for(server), request);
    REQUIRE_FALSE(ended.has_value());
    CHECK(ended.error().code == ExitCode::error_reply);
    CHECK(ended.error().message.find(full) != std::string::npos);
    CHECK(ended.error().message.find("before it: 1 row") != std::string::npos);
  }
  CHECK(requests.at(1) == "SET b 2 PXAT 281474976710655");
  auto state = import_state(load_state(rows.state_path()).value());
  REQUIRE(state.has_value());
  CHECK(state->line == 3);
  CHECK(state->rows == 1);
  requests.clear();
  {
    const FakeServer server(
        replies_of({client::test::ok_value(), nil_value(), nil_value()}, requests));
    // The same server, as far as its address tells.
    state->server = options_for(server).endpoint.text();
    REQUIRE(save_state(rows.state_path(), to_text(*state)).has_value());
    ImportRequest request;
    request.path = rows.path();
    request.is_resumed = true;
    request.if_absent = true;
    const auto ended = run_import(options_for(server), request);
    REQUIRE(ended.has_value());
    CHECK(*ended == ExitCode::ok);
  }
  CHECK(requests == std::vector<std::string>{"SET b 2 PXAT 281474976710655 NX", "SET c 3 NX"});
  CHECK(load_state(rows.state_path()).value() == "");
}

TEST_CASE("an import that begins anew leaves no state of an earlier one") {
  const Rows rows("a,1,\n");
  REQUIRE(save_state(rows.state_path(), "of an earlier one").has_value());
  std::string state_meanwhile = "not looked";
  const FakeServer server([&](Peer& peer) {
    if (!peer.greet()) return;
    const auto request = peer.next();
    // A kill may come now.
    state_meanwhile = load_state(rows.state_path()).value_or("unreadable");
    if (request) peer.reply(request->header.id, client::test::ok_value());
    static_cast<void>(peer.wait_for_end());
  });
  ImportRequest request;
  request.path = rows.path();
  CHECK(run_import(options_for(server), request).has_value());
  CHECK(state_meanwhile == "");
}

TEST_CASE("a row that the server refuses is told, and skipped if asked for") {
  const Rows rows("a,1,\nb,2,\nc,3,\n");
  for (const bool skip_errors : {false, true}) {
    std::vector<std::string> requests;
    const protocol::Value refusal = client::test::error_value(Status::error, "no such thing");
    const FakeServer server(
        replies_of({client::test::ok_value(), refusal, client::test::ok_value()}, requests));
    ImportRequest request;
    request.path = rows.path();
    request.skip_errors = skip_errors;
    const auto ended = run_import(options_for(server), request);
    REQUIRE(ended.has_value() == skip_errors);
    if (skip_errors) {
      CHECK(*ended == ExitCode::error_reply);
    } else {
      CHECK(ended.error().message.find("line 3: ERR no such thing") != std::string::npos);
    }
  }
}

}  // namespace phoenix::cli::transfer
