// What one core tells the others, and when: the notices between cores, changes of keys until they
// are durable, and the lines of MONITOR.
#include "phoenix/server/notices.h"

#include <doctest/doctest.h>

#include "phoenix/commands/table.h"
#include "phoenix/server/key_event_feed.h"
#include "phoenix/server/limits.h"
#include "phoenix/server/monitor_line.h"

using namespace phoenix;
using namespace phoenix::server;

namespace {

using Kind = Notice::Kind;

/// Three cores without threads.
struct Cores {
  std::string post(unsigned core) {
    std::string posted;
    ends[core]->post([&posted](unsigned to) { posted += std::to_string(to); });
    return posted;
  }
  std::string received(unsigned core) {
    std::string text;
    ends[core]->receive([&text](const Notice& notice) {
      text += notice.name + "=" + notice.text.substr(0, 8) + ";";
    });
    return text;
  }

  NoticeBoard board{3};
  BufferBytes buffers;
  Metrics metrics;
  std::vector<std::unique_ptr<Notices>> ends = [this] {
    std::vector<std::unique_ptr<Notices>> made;
    for (unsigned core = 0; core < 3; ++core) {
      made.push_back(std::make_unique<Notices>(core, board, buffers, metrics));
    }
    return made;
  }();
};

TEST_CASE("notices go to the cores that want them, in order") {
  Cores cores;
  cores.board.set_wanted(1, Kind::key_event, true);
  cores.board.set_wanted(2, Kind::request, true);
  CHECK(cores.ends[0]->are_wanted_elsewhere(Kind::key_event));
  CHECK_FALSE(cores.ends[1]->are_wanted_elsewhere(Kind::key_event));  // Only by itself.
  cores.ends[0]->add(Kind::key_event, "set", "a");
  cores.ends[0]->add(Kind::key_event, "del", "b");
  CHECK(cores.post(0) == "1");
  cores.ends[0]->add(Kind::key_event, "set", "c");
  CHECK(cores.post(0) == "1");
  CHECK(cores.ends[1]->has_mail());
  CHECK(cores.received(1) == "set=a;del=b;set=c;");
  CHECK_FALSE(cores.ends[1]->has_mail());
  CHECK_FALSE(cores.ends[2]->has_mail());
  CHECK(cores.post(0).empty());
  cores.board.set_wanted(1, Kind::key_event, false);
  cores.board.set_wanted(1, Kind::key_event, false);
  CHECK_FALSE(cores.board.is_wanted_anywhere(Kind::key_event));
  CHECK(cores.board.is_wanted_anywhere(Kind::request));
}

TEST_CASE("what a slow core does not take is kept, in order, and no more than the bound") {
  Cores cores;
  cores.board.set_wanted(1, Kind::key_event, true);
  const std::string key(std::size_t{1} << 20U, 'k');
  const std::size_t sent = NoticeBoard::kBatchesPerPair + 2 * (kNoticeBytesKeptMax >> 20U);
  for (std::size_t i = 0; i < sent; ++i) {
    cores.ends[0]->add(Kind::key_event, std::to_string(i), key);
    (void)cores.post(0);
  }
  CHECK(cores.buffers.channels > kNoticeBytesKeptMax / 2);
  CHECK(cores.buffers.channels <= kNoticeBytesKeptMax);
  CHECK(cores.metrics.notices_dropped.get() > 0);
  std::size_t next = 0;
  while (true) {
    std::string text = cores.received(1);
    (void)cores.post(0);  // Makes use of the room.
    if (text.empty()) break;
    while (!text.empty()) {
      CHECK(text.substr(0, text.find('=')) == std::to_string(next++));
      text.erase(0, text.find(';') + 1);
    }
  }
  CHECK(next + cores.metrics.notices_dropped.get() == sent);
  CHECK(cores.buffers.channels == 0);
}

TEST_CASE("what is still on its way goes with the cores") {
  Cores cores;  // The sanitizer looks for what is left.
  cores.board.set_wanted(1, Kind::key_event, true);
  cores.board.set_wanted(2, Kind::key_event, true);
  for (std::size_t i = 0; i < NoticeBoard::kBatchesPerPair + 3; ++i) {
    cores.ends[0]->add(Kind::key_event, "set", "a");
    (void)cores.post(0);
  }
  CHECK_FALSE(cores.received(2).empty());
}

struct Feed {
  Feed() { feed.set_classes(*commands::parse_key_events("KEg$x")); }
  std::string deliver(log::Position committed, std::size_t budget = 1000) {
    told.clear();
    TurnWork work;
    work.grant(budget);
    feed.deliver(committed, work);
    return told;
  }

  BufferBytes buffers;
  Metrics metrics;
  log::Position position = 1;
  std::string told;
  KeyEventFeed feed{[this] { return position; },
                    [this](std::string_view event, std::string_view key) {
                      told += std::string(event) + " " + std::string(key.substr(0, 8)) + ";";
                      return std::uint64_t{100};
                    },
                    buffers, metrics};
};

TEST_CASE("a change is told once it is durable, and not before") {
  Feed feed;
  feed.feed.happened('$', "set", "a");
  feed.position = 2;
  feed.feed.happened('g', "del", "a");
  feed.feed.happened('h', "hset", "a");  // Of a class that nobody asked for.
  feed.position = 0;
  feed.feed.expired("b");  // Waits for nothing itself, but keeps its place.
  CHECK(feed.deliver(0).empty());
  CHECK_FALSE(feed.feed.has_work_left(0));
  CHECK(feed.deliver(1) == "set a;");
  CHECK(feed.deliver(2) == "del a;expired b;");
  CHECK(feed.buffers.channels == 0);
}

TEST_CASE("telling goes on in the next turn when there is much") {
  Feed feed;
  for (int i = 0; i < 5; ++i) feed.feed.happened('$', "set", std::to_string(i));
  CHECK(feed.deliver(1, 250) == "set 0;set 1;set 2;");
  CHECK(feed.feed.has_work_left(1));
  CHECK(feed.deliver(1, 250) == "set 3;set 4;");
  CHECK_FALSE(feed.feed.has_work_left(1));
}

TEST_CASE("what waits to be told is bounded") {
  Feed feed;
  const std::string key(std::size_t{1} << 20U, 'k');
  for (int i = 0; i < 20; ++i) feed.feed.happened('$', "set", key);
  CHECK(feed.buffers.channels <= kKeyEventBytesHeldMax);
  CHECK(feed.metrics.notices_dropped.get() >= 4);
}

TEST_CASE("events need a way and a class") {
  Feed feed;
  CHECK(feed.feed.is_on());
  CHECK(feed.feed.tells_of_expiry());
  for (const std::string_view off : {"", "K", "KE", "g$x"}) {
    feed.feed.set_classes(*commands::parse_key_events(off));
    CHECK_FALSE(feed.feed.is_on());
  }
}

std::string shown(const std::vector<std::string_view>& words) {
  static const commands::Table table;
  const auto* const command = table.find(words[0]);
  return monitor_line(*command, words, "1.2.3.4:5", 1'700'000'000'123);
}

TEST_CASE("a request is shown as Redis shows it, without passwords") {
  CHECK(shown({"get", "a b"}) == "1700000000.123000 [0 1.2.3.4:5] \"get\" \"a b\"");
  CHECK(shown({"ECHO", std::string_view("\"\\\n\r\t\a\b\0\xff", 9)})
            .ends_with("\"\\\"\\\\\\n\\r\\t\\a\\b\\x00\\xff\""));
  CHECK(shown({"AUTH", "u", "secret"}).ends_with("\"AUTH\" \"(redacted)\" \"(redacted)\""));
  CHECK(shown({"HELLO", "3", "auth", "u", "secret", "SETNAME", "x"})
            .ends_with("\"auth\" \"(redacted)\" \"(redacted)\" \"SETNAME\" \"x\""));
  CHECK(shown({"ECHO", std::string(1'000'000, 'x')}).size() < 66'000);
  const commands::Table table;
  CHECK(is_shown_to_monitors(*table.find("GET")));
  CHECK_FALSE(is_shown_to_monitors(*table.find_row("CLIENT|KILL")));
}

}  // namespace
