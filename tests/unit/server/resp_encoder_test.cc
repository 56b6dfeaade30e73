// Replies in RESP2 and RESP3, from whichever end of the server they are written.
#include <doctest/doctest.h>

#include "phoenix/server/sink.h"
#include "tests/unit/server/reply_support.h"
#include "tests/unit/server/support.h"

using namespace phoenix;
using namespace phoenix::server;
using namespace phoenix::server::test;
using commands::ReplySink;
using protocol::Status;

namespace {

struct Reply {
  std::string name;
  void (*say)(ReplySink&);
  std::string resp2;
  std::string resp3;  // Empty: the same.
};

const Reply kReplies[] = {
    {"ok", [](ReplySink& r) { r.ok(); }, "+OK\r\n", ""},
    {"nil", [](ReplySink& r) { r.nil(); }, "$-1\r\n", "_\r\n"},
    {"nil list", [](ReplySink& r) { r.nil_list(); }, "*-1\r\n", "_\r\n"},
    {"integer", [](ReplySink& r) { r.integer(-9223372036854775807 - 1); },
     ":-9223372036854775808\r\n", ""},
    {"digit", [](ReplySink& r) { r.integer(7); }, ":7\r\n", ""},
    {"bytes", [](ReplySink& r) { r.bytes("a\r\nb"); }, "$4\r\na\r\nb\r\n", ""},
    {"no bytes", [](ReplySink& r) { r.bytes(""); }, "$0\r\n\r\n", ""},
    {"line", [](ReplySink& r) { r.line("PO\r\nNG"); }, "+PO  NG\r\n", ""},
    {"text", [](ReplySink& r) { r.text("# a\n"); }, "$4\r\n# a\n\r\n", "=8\r\ntxt:# a\n\r\n"},
    {"real", [](ReplySink& r) { r.real(0.5); }, "$3\r\n0.5\r\n", ",0.5\r\n"},
    {"true", [](ReplySink& r) { r.boolean(true); }, ":1\r\n", "#t\r\n"},
    {"false", [](ReplySink& r) { r.boolean(false); }, ":0\r\n", "#f\r\n"},
    {"big", [](ReplySink& r) { r.big_number("-123"); }, "$4\r\n-123\r\n", "(-123\r\n"},
    {"error", [](ReplySink& r) { r.error(Status::cross_slot, "Keys\nin"); },
     "-CROSSSLOT Keys in\r\n", ""},
    {"empty list", [](ReplySink& r) { r.begin_list(0), r.end(); }, "*0\r\n", ""},
    {"map", [](ReplySink& r) { r.begin_map(1), r.bytes("k"), r.nil(), r.end(); },
     "*2\r\n$1\r\nk\r\n$-1\r\n", "%1\r\n$1\r\nk\r\n_\r\n"},
    {"set", [](ReplySink& r) { r.begin_set(1), r.integer(1), r.end(); }, "*1\r\n:1\r\n",
     "~1\r\n:1\r\n"},
    {"push", [](ReplySink& r) { r.begin_push(1), r.ok(), r.end(); }, "*1\r\n+OK\r\n",
     ">1\r\n+OK\r\n"},
    {"nested",
     [](ReplySink& r) {
       r.begin_list(2), r.begin_list(1), r.error(Status::error, "no"), r.end(), r.nil_list();
       r.end();
     },
     "*2\r\n*1\r\n-ERR no\r\n*-1\r\n", "*2\r\n*1\r\n-ERR no\r\n_\r\n"},
    {"replies",
     [](ReplySink& r) {
       r.begin_replies(2);
       for (int i = 0; i < 2; ++i) r.begin_push(1), r.integer(i), r.end();
       r.end_replies();
     },
     "*1\r\n:0\r\n*1\r\n:1\r\n", ">1\r\n:0\r\n>1\r\n:1\r\n"},
    {"attribute",
     [](ReplySink& r) {
       r.begin_replies(1);
       r.begin_attribute(1), r.bytes("a"), r.integer(1), r.end();
       r.integer(2);
       r.end_replies();
     },
     "|1\r\n$1\r\na\r\n:1\r\n:2\r\n", ""},
    {"long", [](ReplySink& r) { r.bytes(std::string(100'000, 'v')); },
     "$100000\r\n" + std::string(100'000, 'v') + "\r\n", ""},
    {"large", [](ReplySink& r) { r.large(block_of(std::string(50'000, 'v'))); },
     "$50000\r\n" + std::string(50'000, 'v') + "\r\n", ""},
    {"large in a list",
     [](ReplySink& r) { r.begin_list(1), r.large(block_of(std::string(50'000, 'v'))), r.end(); },
     "*1\r\n$50000\r\n" + std::string(50'000, 'v') + "\r\n", ""},
};

TEST_CASE("every kind of reply has its form in RESP2 and RESP3, here and from other cores") {
  for (const Reply& reply : kReplies) {
    CAPTURE(reply.name);
    const std::string& resp3 = reply.resp3.empty() ? reply.resp2 : reply.resp3;
    CHECK(encoded<RespEncoder>({Wire::resp2, 0}, reply.say) == reply.resp2);
    CHECK(encoded<RespEncoder>({Wire::resp3, 0}, reply.say) == resp3);
    for (const std::size_t piece : {std::size_t{1} << 20U, std::size_t{4999}}) {
      CHECK(sent<RespSink>({Wire::resp2, 0}, reply.say, 2, piece) == reply.resp2 + reply.resp2);
      CHECK(sent<RespSink>({Wire::resp3, 0}, reply.say, 2, piece) == resp3 + resp3);
    }
  }
}

TEST_CASE("the end of a large value leaves in single bytes, and counts until then") {
  BufferBytes buffers;
  ChunkPool pool(buffers);
  Output output(pool);
  output.append_owned("$40000\r\n", block_of(std::string(40'000, 'v')), 5, "\r\n");
  output.append_owned("+OK\r\n", {}, 5);
  CHECK(output.queued_bytes() == 8 + 40'000 + 2 + 5);
  CHECK(output.sendable(4, 1).empty());
  std::string out;
  while (!output.empty()) {
    const std::string_view bytes = output.sendable(5, 1);
    REQUIRE(bytes.size() == 1);
    out += bytes;
    output.consume(1);
    CHECK(output.queued_bytes() == 8 + 40'000 + 2 + 5 - out.size());
  }
  CHECK(out == "$40000\r\n" + std::string(40'000, 'v') + "\r\n+OK\r\n");
}

TEST_CASE("a list that grows too long becomes an error, and the reply before it stays") {
  std::string out = "+OK\r\n";
  RespEncoder encoder;
  encoder.begin({Wire::resp3, 0}, out);
  encoder.begin_list(20);
  for (int i = 0; i < 20; ++i) encoder.bytes(std::string(std::size_t{1} << 20U, 'v'));
  encoder.end();
  CHECK(encoder.finish() == nullptr);
  CHECK(out.starts_with("+OK\r\n-ERR reply over 16 MiB"));
  CHECK(out.ends_with("\r\n"));
}

TEST_CASE("a reply that nobody wants keeps its place until the one before it has come") {
  BufferBytes buffers;
  ChunkPool pool(buffers);
  Output output(pool);
  Run* const first = output.append_awaited(10);
  Run* const muted = output.append_awaited(10);
  muted->is_muted = true;
  Run* const last = output.append_awaited(10);
  output.fill(*muted, "+muted\r\n", block_of("large"), 0, "\r\n");
  output.fill_copy(*last, "+last\r\n");
  CHECK(output.sendable(0, 100).empty());
  output.fill_copy(*first, "+first\r\n");
  CHECK(drain(output, 0, 100) == "+first\r\n+last\r\n");
}

}  // namespace
