// RESP requests as a server reads them: what is one, what is none and is told in Redis's words, and
// that pieces do not matter.
#include "protocol/resp_request.h"

#include <doctest/doctest.h>

namespace phoenix::protocol {
namespace {

using Outcome = RespRequestReader::Outcome;

struct Read {
  Outcome end = Outcome::need_more;
  std::vector<std::string> requests;  // Words between '|'.
  std::string error;
};

std::string words_of(const RespRequestReader& reader, std::string_view input) {
  std::vector<std::string_view> words;
  reader.append_words(input, words);
  CHECK(words.size() == reader.word_count());
  std::string text;
  for (const auto word : words) text.append(word).append("|");
  return text;
}

/// All that `stream` holds, given in pieces of `piece_bytes`.
Read read(std::string_view stream, std::size_t piece_bytes = ~std::size_t{0},
          const RespRequestLimits& limits = {}) {
  RespRequestReader reader;
  Read seen;
  std::string input;
  while (true) {
    const std::string_view piece = stream.substr(0, piece_bytes);
    stream.remove_prefix(piece.size());
    input += piece;
    while (true) {
      seen.end = reader.next(input, limits, true);
      if (seen.end != Outcome::request && seen.end != Outcome::nothing) break;
      if (seen.end == Outcome::request) {
        CHECK(reader.next(input, limits, true) == Outcome::request);  // Until it is taken.
        seen.requests.push_back(words_of(reader, input));
      }
      input.erase(0, reader.bytes());
      reader.restart();
    }
    if (seen.end == Outcome::broken) seen.error = reader.error();
    if (seen.end == Outcome::broken || stream.empty()) return seen;
  }
}

std::string only(std::string_view stream) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, stream.size()}) {
    const Read seen = read(stream, piece);
    REQUIRE(seen.end == Outcome::need_more);
    REQUIRE(seen.requests.size() == 1);
    if (piece == stream.size()) return seen.requests[0];
  }
  return {};
}

TEST_CASE("arrays of bulk strings are requests, whatever their bytes") {
  CHECK(only("*1\r\n$4\r\nPING\r\n") == "PING|");
  CHECK(only("*3\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\n\r\n*1\r\n") == "SET||\r\n*1|");
  CHECK(only("*0\r\n*-1\r\n\r\n*1\r\n$4\r\nPING\r\n") == "PING|");
  CHECK(read("*1\r\n$1\r\na\r\n*2\r\n$1\r\nb\r\n$1\r\nc\r\nd e\n").requests ==
        std::vector<std::string>{"a|", "b|c|", "d|e|"});
}

TEST_CASE("lines of words are requests, and quotes are as in Redis") {
  CHECK(only("PING\r\n") == "PING|");
  CHECK(only("SET  a\t b \n") == "SET|a|b|");
  CHECK(only("\r\n\n  \r\nPING\r\n") == "PING|");
  CHECK(only("SET \"a b\" 'c d'\r\n") == "SET|a b|c d|");
  CHECK(only("SET \"\" ''\r\n") == "SET|||");
  CHECK(only(R"(ECHO "\x41\x4g\n\t\\\"\q")"
             "\r\n") == "ECHO|Ax4g\n\t\\\"q|");
  CHECK(only(R"(ECHO 'it\'s \n')"
             "\r\n") == "ECHO|it's \\n|");
  CHECK(only("ECHO pre\"fix\"\r\n") == "ECHO|prefix|");
}

struct Wrong {
  std::string stream;
  std::string_view error;
};

TEST_CASE("what is no request is told as Redis tells it, in whatever pieces it comes") {
  const Wrong all[] = {
      {"*a\r\n", "invalid multibulk length"},
      {"*\r\n", "invalid multibulk length"},
      {"*01\r\n", "invalid multibulk length"},
      {"*1 \r\n", "invalid multibulk length"},
      {"*1\n\n", "invalid multibulk length"},
      {"*1048577\r\n", "invalid multibulk length"},
      {"*99999999999999999999999999\r\n", "invalid multibulk length"},
      {"*2\r\n$1\r\na\r\n:1\r\n", "expected '$', got ':'"},
      {"*1\r\n$-1\r\n", "invalid bulk length"},
      {"*1\r\n$x\r\n", "invalid bulk length"},
      {"*1\r\n$536870913\r\n", "invalid bulk length"},
      {"*1\r\n$1\r\nabc", "a bulk string does not end in CR LF"},
      {"ECHO \"a\r\n", "unbalanced quotes in request"},
      {"ECHO 'a\r\n", "unbalanced quotes in request"},
      {"ECHO \"a\"b\r\n", "unbalanced quotes in request"},
      {std::string(kRespInlineBytesMax, 'a'), "too big inline request"},
  };
  for (const Wrong& wrong : all) {
    CAPTURE(wrong.stream.substr(0, 40));
    for (const std::size_t piece : {std::size_t{1}, std::size_t{5}, wrong.stream.size()}) {
      if (piece == 1 && wrong.stream.size() > 1000) continue;
      const Read seen = read("*1\r\n$4\r\nPING\r\n" + wrong.stream, piece);
      CHECK(seen.end == Outcome::broken);
      CHECK(seen.requests == std::vector<std::string>{"PING|"});
      CHECK(seen.error == "Protocol error: " + std::string(wrong.error));
    }
  }
}

TEST_CASE("counts are strict, however many digits they have and whatever stands behind them") {
  using Counted = protocol::RespCount::Outcome;
  struct Case {
    std::string line;
    Counted outcome;
    std::int64_t number = 0;
  };
  const std::vector<Case> cases = {
      {"$0\r\n", Counted::whole, 0},        {"$9\r\n", Counted::whole, 9},
      {"$10\r\n", Counted::whole, 10},      {"$99\r\n", Counted::whole, 99},
      {"$100\r\n", Counted::whole, 100},    {"*2147483647\r\n", Counted::whole, 2'147'483'647},
      {"$-1\r\n", Counted::whole, -1},      {"$00\r\n", Counted::broken},
      {"$07\r\n", Counted::broken},         {"$1x\r\n", Counted::broken},
      {"$1\rx\n", Counted::broken},         {"$12\n\r\n", Counted::broken},
      {"$2147483648\r\n", Counted::broken},
  };
  for (const Case& c : cases) {
    CAPTURE(c.line);
    for (const std::string_view behind : {"", "$", "value\r\n"}) {
      const auto count = protocol::read_resp_count(c.line + std::string(behind));
      REQUIRE(count.outcome == c.outcome);
      if (c.outcome != Counted::whole) continue;
      REQUIRE(count.number == c.number);
      REQUIRE(count.bytes == c.line.size());
    }
    if (c.outcome != Counted::whole) continue;
    for (std::size_t cut = 1; cut < c.line.size(); ++cut) {
      REQUIRE(protocol::read_resp_count(c.line.substr(0, cut)).outcome == Counted::need_more);
    }
  }
}

TEST_CASE("a stranger may send 10 words of 16 KiB") {
  const std::string word(kUnauthenticatedBytesMax, 'w');
  const auto bulk = [](std::string_view bytes) {
    return "$" + std::to_string(bytes.size()) + "\r\n" + std::string(bytes) + "\r\n";
  };
  const auto stranger = [](const std::string& stream) {
    return read(stream, ~std::size_t{0}, kRespStrangerLimits);
  };
  CHECK(stranger("*1\r\n" + bulk(word)).requests.size() == 1);
  CHECK(stranger("*11\r\n").error == "Protocol error: unauthenticated multibulk length");
  CHECK(stranger("*1\r\n$16385\r\n").error == "Protocol error: unauthenticated bulk length");
  CHECK(stranger("1 2 3 4 5 6 7 8 9 10\r\n").requests.size() == 1);
  CHECK(stranger("1 2 3 4 5 6 7 8 9 10 11\r\n").end == Outcome::broken);
}

TEST_CASE("a long word that is not all there is told of, and a short one is not") {
  RespRequestReader reader(10);
  const std::string head = "*4\r\n$3\r\nSET\r\n$1\r\nk\r\n";
  CHECK(reader.next(head + "$10\r\n12345", {}, true) == Outcome::need_more);
  CHECK(reader.next(head + "$10\r\n1234567890\r", {}, true) == Outcome::need_more);
  reader.restart();
  const std::string input = head + "$11\r\n123";
  REQUIRE(reader.next(input, {}, true) == Outcome::large);
  CHECK(words_of(reader, input) == "SET|k|");
  CHECK(input.substr(reader.large_begin()) == "123");
  CHECK(reader.large_bytes() == 11);
  CHECK(reader.words_left() == 2);
  CHECK(reader.next(input + "45678901\r\n$1\r\nx\r\n", {}, true) == Outcome::request);
}

TEST_CASE("quotes wait while the words of the line before are in use") {
  RespRequestReader reader;
  CHECK(reader.next("ECHO \"a\"\n", {}, false) == Outcome::no_room);
  CHECK(reader.next("ECHO a\n", {}, false) == Outcome::request);
  reader.restart();
  CHECK(reader.next("ECHO \"a\"\n", {}, true) == Outcome::request);
}

TEST_CASE("of an array with more words than are read here only its begin is read") {
  const RespRequestLimits limits{.whole_words_max = 100};
  RespRequestReader reader;
  CHECK(reader.next("*101\r", limits, true) == Outcome::need_more);
  for (int again = 0; again < 2; ++again) {
    CHECK(reader.next("*101\r\n$1\r\na\r\n", limits, true) == Outcome::many);
    CHECK(reader.words_left() == 101);
    CHECK(reader.bytes() == 6);
  }
  reader.restart();
  CHECK(reader.next("*100\r\n$1\r\na\r\n", limits, true) == Outcome::need_more);
  reader.restart();
  CHECK(reader.next("*1048577\r\n", limits, true) == Outcome::broken);
  CHECK(reader.error() == "Protocol error: invalid multibulk length");
}

TEST_CASE("a request of very many words in single bytes is looked at once, and its memory goes") {
  std::string stream = "*65536\r\n";
  for (int i = 0; i < 65'536; ++i) stream += "$1\r\na\r\n";
  RespRequestReader reader;
  for (std::size_t size = 0; size < stream.size(); size += 7) {
    REQUIRE(reader.next(std::string_view(stream).substr(0, size), {}, true) == Outcome::need_more);
  }
  REQUIRE(reader.next(stream, {}, true) == Outcome::request);
  CHECK(reader.word_count() == 65'536);
  CHECK(reader.memory_bytes() >= 65'536);
  reader.restart();
  reader.shrink();
  CHECK(reader.memory_bytes() < 1024);
}

}  // namespace
}  // namespace phoenix::protocol
