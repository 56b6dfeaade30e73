// MULTI, EXEC and WATCH over RESP in a whole server: over two cores, over crashes, and at the
// bounds.
#include <algorithm>

#include <doctest/doctest.h>

#include "protocol/slot.h"
#include "tests/unit/server_sim/talker.h"

using namespace phoenix;
using namespace phoenix::simtest;

namespace {

const std::string kOk = "+OK\r\n";
const std::string kQueued = "+QUEUED\r\n";
const std::string kNilList = "*-1\r\n";

std::string request(const std::vector<std::string>& words) {
  std::string text = "*" + std::to_string(words.size()) + "\r\n";
  for (const auto& word : words) text += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  return text;
}

/// A tag whose keys are on that core of two.
std::string tag_on(unsigned core) {
  for (int i = 0;; ++i) {
    const std::string tag = "t" + std::to_string(i);
    if (protocol::slot_of(tag) / (16'384 / 2) == core) return "{" + tag + "}";
  }
}

TEST_CASE("a transaction runs on whichever core has its keys, and replies keep their order") {
  for (const unsigned core : {0U, 1U}) {
    CAPTURE(core);
    Served at(memory_only(2));
    const auto a = at.talker();
    const std::string t = tag_on(core);
    // All at once: what follows a WATCH on another core waits for it.
    std::string lines;
    std::string expected;
    for (int i = 1; i <= 3; ++i) {
      lines += "WATCH " + t + "n\r\nMULTI\r\nINCR " + t + "n\r\nPING\r\nGET " + t + "n\r\nEXEC\r\n";
      lines += "GET " + t + "n\r\n";
      const std::string n = std::to_string(i);
      expected += kOk + kOk + kQueued + kQueued + kQueued;
      expected += "*3\r\n:" + n + "\r\n+PONG\r\n$1\r\n" + n + "\r\n$1\r\n" + n + "\r\n";
    }
    a->expect(lines, expected);
    a->expect("MULTI\r\nEXEC\r\n", kOk + "*0\r\n");
    a->expect("MULTI\r\nSET " + t + "x 1\r\nDISCARD\r\nEXISTS " + t + "x\r\nEXEC\r\n",
              kOk + kQueued + kOk + ":0\r\n-ERR EXEC without MULTI\r\n");
    a->expect("MULTI\r\nINCR " + t + "n\r\nLCS " + t + "n " + t + "n BAD\r\nEXEC\r\n",
              kOk + kQueued + kQueued + "*2\r\n:4\r\n-ERR syntax error\r\n");
  }
}

TEST_CASE("WATCH sees what another session did, on this core and on the other one") {
  for (const unsigned core : {0U, 1U}) {
    CAPTURE(core);
    Served at(memory_only(2));
    const auto a = at.talker();
    const auto b = at.talker();
    const std::string key = tag_on(core) + "k";
    a->expect("WATCH " + key + "\r\nMULTI\r\nSET " + key + " a\r\n", kOk + kOk + kQueued);
    b->expect("SET " + key + " b\r\n", kOk);
    a->expect("EXEC\r\nGET " + key + "\r\n", kNilList + "$1\r\nb\r\n");
    a->expect("WATCH " + key + "\r\nUNWATCH\r\n", kOk + kOk);
    b->expect("SET " + key + " c\r\n", kOk);
    a->expect("MULTI\r\nGET " + key + "\r\nEXEC\r\n", kOk + kQueued + "*1\r\n$1\r\nc\r\n");
  }
}

TEST_CASE("what is refused when it is queued makes EXEC refuse all") {
  Served at(memory_only(2));
  const auto a = at.talker();
  const std::string aborted = "-EXECABORT Transaction discarded because of previous errors.\r\n";
  const std::string here = tag_on(0);
  const std::string there = tag_on(1);
  const std::string cross =
      "-CROSSSLOT Keys in request don't hash to the same slot: give them one {hash tag}, as in "
      "{user1}:name\r\n";
  for (const auto& [line, error] :
       {std::pair<std::string, std::string>{"GET " + there, cross},
        {"MGET " + here + " " + there, cross},
        {"GET", "-ERR wrong number of arguments for 'get' command\r\n"},
        {"MONITOR", "-ERR Command not allowed inside a transaction\r\n"},
        {"FLUSHALL",
         "-CROSSSLOT the command asks every core: outside of a "
         "transaction, or on a server with one core\r\n"}}) {
    const auto& shown_line = line;  // Bindings cannot be captured.
    CAPTURE(shown_line);
    a->expect("MULTI\r\nSET " + here + " 1\r\n" + line + "\r\nEXEC\r\nEXISTS " + here + "\r\n",
              kOk + kQueued + error + aborted + ":0\r\n");
  }
  a->expect("WATCH " + there + "\r\nWATCH " + here + "\r\nUNWATCH\r\n", kOk + cross + kOk);
  a->expect("MULTI\r\nMULTI\r\nWATCH a\r\nEXEC\r\n",
            kOk +
                "-ERR MULTI calls can not be nested\r\n-ERR WATCH inside MULTI is not allowed\r\n" +
                "*0\r\n");
}

TEST_CASE("on one core a transaction asks for all keys, and removes them") {
  Served at(memory_only(1));
  const auto a = at.talker();
  const std::string queued = kQueued + kQueued + kQueued + kQueued;
  const std::string key = "*1\r\n$1\r\nk\r\n";
  a->expect("MULTI\r\nSET k 1\r\nDBSIZE\r\nKEYS *\r\nSCAN 0 COUNT 100\r\nLIST k\r\nRANDOMKEY\r\n",
            kOk + queued + kQueued + kQueued);
  a->expect("FLUSHALL\r\nDBSIZE\r\nKEYS *\r\nSCAN 0\r\nRANDOMKEY\r\nSCAN x\r\n",
            queued + kQueued + kQueued);
  const std::string page = "*2\r\n$1\r\n0\r\n";
  a->expect("EXEC\r\nEXISTS k\r\n", "*12\r\n+OK\r\n:1\r\n" + key + page + key + page + key +
                                        "$1\r\nk\r\n" + "+OK\r\n:0\r\n*0\r\n" + page +
                                        "*0\r\n$-1\r\n-ERR invalid cursor\r\n:0\r\n");
  // What is watched has changed when all keys are removed, and not when there were none.
  const auto b = at.talker();
  a->expect("WATCH gone\r\nMULTI\r\nDBSIZE\r\n", kOk + kOk + kQueued);
  b->expect("FLUSHALL\r\n", kOk);
  a->expect("EXEC\r\nSET k 1\r\nWATCH k\r\nMULTI\r\nSET k 2\r\n",
            "*1\r\n:0\r\n" + kOk + kOk + kOk + kQueued);
  b->expect("MULTI\r\nFLUSHDB\r\nEXEC\r\n", kOk + kQueued + "*1\r\n+OK\r\n");
  a->expect("EXEC\r\n", kNilList);
}

TEST_CASE("on one core a transaction asks for clients and ends them") {
  Served at(memory_only(1));
  const auto a = at.talker();
  const std::string answer =
      a->ask("MULTI\r\nCLIENT LIST\r\nCLIENT KILL ID 99\r\nCLIENT LIST ID 99\r\nEXEC\r\n");
  CHECK(answer.find("id=1 addr=") != std::string::npos);
  CHECK(answer.ends_with("\n\r\n:0\r\n$0\r\n\r\n"));
}

TEST_CASE("removing all keys again and again in one transaction has an end") {
  Served at(memory_only(1));
  const auto a = at.talker();
  std::string flushes = "MULTI\r\n";
  std::string expected = kOk;
  for (int i = 0; i < 64; ++i) {
    flushes += "SET k v\r\nFLUSHALL\r\nFLUSHDB\r\n";
    expected += kQueued + kQueued + kQueued;
  }
  a->expect(flushes + "FLUSHALL\r\nEXEC\r\n",
            expected +
                "-ERR the transaction is too long: at most 128 FLUSHALL or FLUSHDB\r\n-EXECABORT "
                "Transaction discarded because of previous errors.\r\n");
  std::string done = "*192\r\n";
  for (int i = 0; i < 192; ++i) done += kOk;
  a->expect(flushes + "EXEC\r\n", expected + done);
}

TEST_CASE("a walk over the keys in a transaction has an end") {
  Served at(memory_only(1));
  const auto a = at.talker();
  const auto fill = [&](int from, int to) {
    std::string sets;
    std::string expected;
    for (int i = from; i < to; ++i) {
      sets += "SET k" + std::to_string(i) + " v\r\n";
      expected += kOk;
    }
    a->expect(sets, expected);
  };
  fill(0, 65'536);
  a->expect("MULTI\r\nKEYS k123456*\r\nEXEC\r\n", kOk + kQueued + "*1\r\n*0\r\n");
  fill(65'536, 65'537);
  a->expect("MULTI\r\nKEYS k1\r\nEXEC\r\nKEYS k1\r\n",
            kOk + kQueued +
                "*1\r\n-ERR there are over 65536 keys, which is all that KEYS walks over in a "
                "transaction: use SCAN, or KEYS outside of it\r\n*1\r\n$2\r\nk1\r\n");
  // Keys and a pattern that take a million steps each.
  std::string sets = "FLUSHALL\r\n";
  std::string expected = kOk;
  for (int i = 0; i < 50; ++i) {
    sets += request({"SET", std::to_string(i) + std::string(60'000, 'x'), "v"});
    expected += kOk;
  }
  a->expect(sets, expected);
  const std::string pattern = "*" + std::string(1000, 'x') + "y*";
  a->expect("MULTI\r\nKEYS " + pattern + "\r\nEXEC\r\n",
            kOk + kQueued +
                "*1\r\n-ERR the pattern takes over 32 ms, which is all that KEYS has in a "
                "transaction: use a simpler one, or KEYS outside of it\r\n");
  const std::string page = a->ask("MULTI\r\nSCAN 0 MATCH " + pattern + " COUNT 1000\r\nEXEC\r\n");
  CHECK(page.starts_with(kOk + kQueued + "*1\r\n*2\r\n$"));
  CHECK_FALSE(page.starts_with(kOk + kQueued + "*1\r\n*2\r\n$1\r\n0\r\n"));
  CHECK(page.ends_with("*0\r\n"));
}

TEST_CASE("messages of a transaction reach the subscribers of all cores, once it has run") {
  for (const unsigned core : {0U, 1U}) {
    CAPTURE(core);
    Served at(memory_only(2));
    std::vector<std::unique_ptr<Talker>> listeners;
    for (int i = 0; i < 6; ++i) {
      listeners.push_back(at.talker());
      listeners.back()->expect("SUBSCRIBE c\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
      listeners.back()->expect("SSUBSCRIBE s\r\n", "*3\r\n$10\r\nssubscribe\r\n$1\r\ns\r\n:1\r\n");
    }
    const auto a = at.talker();
    const auto b = at.talker();
    const std::string key = tag_on(core) + "k";
    a->expect("WATCH " + key + "\r\nMULTI\r\nSET " + key + " 1\r\nPUBLISH c not\r\n",
              kOk + kOk + kQueued + kQueued);
    b->expect("SET " + key + " 2\r\n", kOk);
    a->expect("EXEC\r\n", kNilList);
    a->send("MULTI\r\nSET " + key + " 1\r\nPUBLISH c m\r\nSPUBLISH s n\r\nEXEC\r\n");
    const std::string begin = kOk + kQueued + kQueued + kQueued + "*3\r\n+OK\r\n:";
    CHECK(a->receive(begin + "0\r\n:0\r\n").starts_with(begin));
    const std::string message = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n";
    const std::string sharded = "*3\r\n$8\r\nsmessage\r\n$1\r\ns\r\n$1\r\nn\r\n";
    for (const auto& listener : listeners) {
      CHECK(listener->receive(message + sharded) == message + sharded);
    }
  }
}

TEST_CASE("what has no key is done only when the transaction is") {
  for (const unsigned core : {0U, 1U}) {
    CAPTURE(core);
    Served at(memory_only(2));
    std::vector<std::unique_ptr<Talker>> talkers;
    for (int i = 0; i < 4; ++i) talkers.push_back(at.talker());  // On both cores.
    const auto b = at.talker();
    const std::string key = tag_on(core) + "k";
    const std::string keyless =
        "CLIENT SETNAME late\r\nCONFIG SET timeout 77\r\nSELECT 0\r\nECHO a\r\n";
    const std::string queued = kQueued + kQueued + kQueued + kQueued;
    const std::string untouched = "$-1\r\n*2\r\n$7\r\ntimeout\r\n$1\r\n0\r\n";
    const std::string asks = "CLIENT GETNAME\r\nCONFIG GET timeout\r\n";
    for (const auto& a : talkers) {
      a->expect("WATCH " + key + "\r\nMULTI\r\n" + keyless + "SET " + key + " 1\r\n",
                kOk + kOk + queued + kQueued);
      b->expect("SET " + key + " 2\r\n", kOk);
      a->expect("EXEC\r\n" + asks, kNilList + untouched);
    }
    // Replies are in order, and what is behind EXEC comes after all of it.
    const std::string lines = "MULTI\r\nECHO 1\r\nCLIENT SETNAME late\r\nINCR " + key +
                              "\r\nECHO 2\r\nCLIENT GETNAME\r\nINCR " + key +
                              "\r\nCLIENT SETNAME n\r\nEXEC\r\nCLIENT GETNAME\r\nDEL " + key +
                              "\r\n";
    const std::string replies =
        "*7\r\n$1\r\n1\r\n+OK\r\n:1\r\n$1\r\n2\r\n$4\r\nlate\r\n:2\r\n+OK\r\n$1\r\nn\r\n:1\r\n";
    b->expect("DEL " + key + "\r\n", ":1\r\n");
    for (const auto& a : talkers) {
      a->expect(lines, kOk + queued + kQueued + kQueued + kQueued + replies);
    }
    // Nor is it where there is no room for the others.
    const auto& a = talkers[1];
    a->expect("MULTI\r\n" + keyless + "SET " + key + " 1\r\n", kOk + queued + kQueued);
    b->expect("CONFIG SET maxmemory 1\r\n", kOk);
    const std::string refused = a->ask("EXEC\r\n" + asks);
    CHECK(refused.starts_with("-EXECABORT Transaction discarded because of: OOM command not"));
    CHECK(refused.ends_with("$1\r\nn\r\n*2\r\n$7\r\ntimeout\r\n$1\r\n0\r\n"));
  }
}

TEST_CASE("what tells of the server in a transaction has an end, and changes do not") {
  Served at(memory_only(2));
  const auto a = at.talker();
  // One of them has its key on the other core: what has no key runs at home.
  for (const unsigned core : {0U, 1U}) {
    CAPTURE(core);
    const std::string set = "SET " + tag_on(core) + "k v\r\n";
    std::string lines = "MULTI\r\n" + set;
    for (int i = 0; i < 125; ++i) lines += "COMMAND DOCS\r\n";
    const std::string answer =
        a->ask(lines + "COMMAND COUNT\r\n" + set + "CLIENT SETNAME n\r\nEXEC\r\n");
    CHECK(answer.find("*129\r\n+OK\r\n*") != std::string::npos);
    CHECK(
        answer.ends_with("-ERR those before it took 250 ms, which is all that a transaction has "
                         "for reads: run it by itself\r\n+OK\r\n+OK\r\n"));
  }
}

TEST_CASE("a client that is gone in the middle of EXEC takes nothing of it along") {
  for (const unsigned core : {0U, 1U}) {
    CAPTURE(core);
    Served at(memory_only(2));
    const auto b = at.talker();
    const std::string key = tag_on(core) + "k";
    b->expect("SET " + key + " 0\r\n", kOk);
    for (int i = 1; i <= 40; ++i) {
      const auto a = at.talker();
      const std::string n = std::to_string(i);
      a->expect("MULTI\r\nCONFIG SET timeout " + n + "\r\nSET " + key + " " + n + "\r\n",
                kOk + kQueued + kQueued);
      a->send("EXEC\r\nPING\r\n");
      const auto delay_ns = static_cast<std::uint64_t>(i) * 5'000;
      (void)at.process.run_until([] { return false; }, delay_ns);
      a->client().reset();
      b->expect("PING\r\n", "+PONG\r\n");
      const std::string now = b->ask("GET " + key + "\r\n");
      CHECK(b->ask("CONFIG GET timeout\r\n") == "*2\r\n$7\r\ntimeout\r\n" + now);
    }
    b->expect("EXISTS " + key + "\r\n", ":1\r\n");
  }
}

TEST_CASE("CLIENT REPLY OFF leaves out what EXEC answers, and nothing else") {
  for (const unsigned core : {0U, 1U}) {
    Served at(memory_only(2));
    const auto a = at.talker();
    const std::string key = tag_on(core) + "k";
    a->expect("CLIENT REPLY OFF\r\nMULTI\r\nINCR " + key + "\r\nEXEC\r\nCLIENT REPLY ON\r\nGET " +
                  key + "\r\n",
              kOk + "$1\r\n1\r\n");
    a->expect("MULTI\r\nINCR " + key + "\r\nCLIENT REPLY SKIP\r\n", kOk + kQueued + kQueued);
  }
}

TEST_CASE("large values go through a transaction whole, and what is too long is refused") {
  for (const unsigned core : {0U, 1U}) {
    CAPTURE(core);
    Served at(memory_only(2));
    const auto a = at.talker();
    const std::string key = tag_on(core) + "k";
    const std::string value(300'000, 'v');
    const std::string bulk = "$300000\r\n" + value + "\r\n";
    a->expect("MULTI\r\n" + request({"SET", key, value, "EX", "100"}) + "PING\r\nGET " + key +
                  "\r\nEXEC\r\n",
              kOk + kQueued + kQueued + kQueued + "*3\r\n+OK\r\n+PONG\r\n" + bulk);
    a->expect("GET " + key + "\r\nPING\r\n", bulk + "+PONG\r\n");
    std::string gets;
    std::string expected = kOk;
    for (int i = 0; i < 60; ++i) {
      gets += "GET " + key + "\r\n";
      expected += kQueued;
    }
    a->expect("MULTI\r\nCLIENT SETNAME done\r\n" + gets + "EXEC\r\nCLIENT GETNAME\r\nPING\r\n",
              expected + kQueued +
                  "-ERR the transaction was executed, but its replies are over 16 MiB, or 1 MiB "
                  "while memory is full\r\n" +
                  "$4\r\ndone\r\n+PONG\r\n");
  }
}

TEST_CASE("65536 commands are a transaction, one more is none, and nothing stays of it") {
  Served at(memory_only(2));
  const auto a = at.talker();
  const std::string key = tag_on(1) + "k";
  std::string lines = "MULTI\r\n";
  std::string expected = kOk;
  for (int i = 0; i < 65'536; ++i) lines += "INCR " + key + "\r\n";
  for (int i = 0; i < 65'536; ++i) expected += kQueued;
  a->expect(lines, expected);
  a->expect("PING\r\nEXEC\r\n",
            "-ERR the transaction is too long: at most 65536 commands and 64 MiB\r\n-EXECABORT "
            "Transaction discarded because of previous errors.\r\n");
  a->expect(lines, expected);
  expected = "*65536\r\n";
  for (int i = 1; i <= 65'536; ++i) expected += ":" + std::to_string(i) + "\r\n";
  a->expect("EXEC\r\n", expected);
}

TEST_CASE("while memory is full nothing is queued, and what was is given back with its session") {
  server::Config config = memory_only(1);
  config.memory_bytes_max = std::uint64_t{24} << 20U;
  Served at(config);
  const std::string word(60'000, 'w');
  const auto a = at.talker();
  a->expect("MULTI\r\n", kOk);
  int queued = 0;
  std::string reply = kQueued;
  while (reply == kQueued) {
    REQUIRE(++queued < 1000);
    a->send(request({"GET", word}));
    reply = a->receive(kQueued);
  }
  CHECK(queued > 50);
  CHECK(reply.starts_with("-OOM command not allowed when used memory > 'maxmemory'"));
  a->client().close();
  const auto b = at.talker();
  (void)at.process.run_until([] { return false; }, kNanosPerSecond);
  b->expect("SET k 1\r\nMULTI\r\nSET k 2\r\nEXEC\r\n", kOk + kOk + kQueued + "*1\r\n+OK\r\n");
}

TEST_CASE("watched keys are bounded by their bytes, too") {
  Served at(memory_only(1));
  const auto a = at.talker();
  std::string reply = kOk;
  int watched = 0;
  while (reply == kOk) {
    REQUIRE(++watched < 2000);
    reply = a->ask(request({"WATCH", std::string(65'536, 'w')}));
  }
  CHECK(watched > 900);
  CHECK(reply.starts_with("-ERR too many watched keys"));
}

// Two keys that a transaction always sets to the same number.
void check_recovered(const sim::Disk& disk, std::uint64_t seed, const std::string& tag) {
  sim::World world(seed, {}, disk);
  Process process(world, small_config(1 + static_cast<unsigned>(seed % 2)));
  REQUIRE_MESSAGE(process.boot(), process.refusal(), process.failure());
  Talker talker(world, process);
  const std::string a = talker.ask("GET " + tag + "a\r\n");
  CHECK(a.starts_with("$"));
  CHECK(talker.ask("GET " + tag + "b\r\n") == a);
  world.crash_now();
}

TEST_CASE(
    "a crash at any point keeps the keys from before a FLUSHALL, or those that came with it") {
  sim::World world(1);
  Process process(world, small_config(1));
  REQUIRE(process.boot());
  Talker talker(world, process);
  talker.expect("MSET a 0 b 0\r\n", kOk);
  std::uint64_t points = 0;
  world.on_point([&] {
    ++points;
    check_recovered(world.disk_after(points % 3 != 0, points), 100 + points, "");
  });
  for (int i = 1; i <= 6; ++i) {
    const std::string n = std::to_string(i);
    const std::string between(i % 2 == 0 ? 50'000 : 10, 'v');
    talker.expect("MULTI\r\nSET c " + n + "\r\nFLUSHALL\r\nSET a " + n + "\r\n" +
                      request({"SET", "v", between}) + "SET b " + n + "\r\nDBSIZE\r\nEXEC\r\n",
                  kOk + kQueued + kQueued + kQueued + kQueued + kQueued + kQueued + "*6\r\n" + kOk +
                      kOk + kOk + kOk + kOk + ":3\r\n");
  }
  world.on_point({});
  CHECK(points > 10);
  world.crash_now();
}

TEST_CASE("a crash at any point keeps all of a transaction or nothing") {
  for (const unsigned core : {0U, 1U}) {
    CAPTURE(core);
    sim::World world(1);
    Process process(world, small_config(2));
    REQUIRE(process.boot());
    const std::string t = tag_on(core);
    std::uint64_t points = 0;
    world.on_point([&] {
      ++points;
      check_recovered(world.disk_after(points % 3 != 0, points), points, t);
    });
    Talker talker(world, process);
    for (int i = 1; i <= 6; ++i) {
      const std::string n = std::to_string(i);
      // Short ones, and with what needs a segment of its own between the two.
      const std::string between(i % 2 == 0 ? 50'000 : 10, 'v');
      const std::string number = ":" + n + "\r\n";
      talker.expect("MULTI\r\nINCR " + t + "a\r\n" + request({"SET", t + "v", between}) + "INCR " +
                        t + "b\r\nEXEC\r\n",
                    kOk + kQueued + kQueued + kQueued + "*3\r\n" + number + kOk + number);
    }
    world.on_point({});
    CHECK(points > 10);
    world.crash_now();
  }
}

}  // namespace
