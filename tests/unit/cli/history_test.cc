#include "cli/history.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include "phoenix/client/tokenizer.h"

namespace phoenix::cli {

namespace {

class TemporaryFolder final {
 public:
  TemporaryFolder() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string file() const { return path_ + "/state/history"; }

 private:
  std::string path_ = "/tmp/phoenix-cli-test-XXXXXX";
};

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

History loaded(const std::string& path) {
  History history(path);
  CHECK(history.load().has_value());
  return history;
}

bool add(History& history, const std::string& line) {
  const Result<bool> added = history.add(line);
  REQUIRE(added.has_value());
  return *added;
}

}  // namespace

TEST_CASE("where the history is") {
  CHECK(history_path({nullptr, nullptr, "/home/a"}) == "/home/a/.local/state/phoenix-cli/history");
  CHECK(history_path({nullptr, "/state", "/home/a"}) == "/state/phoenix-cli/history");
  CHECK(history_path({nullptr, "state", "/home/a"}) == "/home/a/.local/state/phoenix-cli/history");
  CHECK(history_path({"here", "/state", "/home/a"}) == "here");
  CHECK(history_path({"", "/state", "/home/a"}).empty());
  CHECK(history_path({nullptr, nullptr, nullptr}).empty());
}

TEST_CASE("lines outlive the run, for the user alone") {
  const TemporaryFolder folder;
  {
    History history = loaded(folder.file());
    CHECK(add(history, "GET a"));
    CHECK_FALSE(add(history, "GET a"));
    CHECK(add(history, "SET b \"\xc3\xa9\""));
    CHECK(add(history, "GET a"));
  }
  CHECK(content(folder.file()) == "GET a\nSET b \"\xc3\xa9\"\nGET a\n");
  struct stat status {};
  REQUIRE(::stat(folder.file().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600);
  History again = loaded(folder.file());
  CHECK(again.lines().size() == 3);
  CHECK_FALSE(add(again, "GET a"));
}

TEST_CASE("passwords and what cannot be shown stay out") {
  const TemporaryFolder folder;
  History history = loaded(folder.file());
  for (const char* line :
       {"AUTH secret", "  auth \"secret\"", "HELLO 3 AUTH me secret", "\"AUTH\" secret",
        "aUTh \"secret", "CONFIG SET requirepass secret", "config set masterauth secret",
        "ACL SETUSER me on >secret", "MIGRATE h 1 k 0 5 AUTH2 me secret",
        "CONFIG SET requirepass \"secret", "GET \x1b[2J", "GET \xff", ""}) {
    CAPTURE(line);
    CHECK_FALSE(add(history, line));
  }
  CHECK_FALSE(add(history, "SET a " + std::string(kHistoryLineBytesMax, 'x')));
  CHECK(add(history, "GET author"));
  CHECK(content(folder.file()) == "GET author\n");
}

TEST_CASE("prompts side by side keep each other's lines") {
  const TemporaryFolder folder;
  History one = loaded(folder.file());
  History two = loaded(folder.file());
  CHECK(add(one, "GET 1"));
  CHECK(add(two, "GET 2"));
  CHECK(add(one, "GET 3"));
  CHECK(content(folder.file()) == "GET 1\nGET 2\nGET 3\n");
}

TEST_CASE("a last line that was cut off does not swallow the next one") {
  const TemporaryFolder folder;
  History history = loaded(folder.file());
  std::ofstream(folder.file()) << "GET cut";
  CHECK(add(history, "GET b"));
  CHECK(content(folder.file()) == "GET cut\nGET b\n");
}

TEST_CASE("a file that has grown is cut to its newest lines") {
  const TemporaryFolder folder;
  loaded(folder.file());
  {
    std::ofstream file(folder.file());
    for (int i = 0; i < 100'000; ++i) file << "GET key:" << i << "\n";
    file << "GET \xff\n";
  }
  const History history = loaded(folder.file());
  CHECK(history.lines().size() == kHistoryLinesMax);
  CHECK(history.lines().back() == "GET key:99999");
  const std::string kept = content(folder.file());
  CHECK(kept.starts_with("GET key:99000\n"));
  CHECK(kept.ends_with("GET key:99999\n"));
}

TEST_CASE("without a file that can be written there is memory") {
  History none{std::string()};
  CHECK(none.load().has_value());
  CHECK(add(none, "GET a"));
  CHECK(none.lines().back() == "GET a");
  History device("/dev/null");
  CHECK(device.load().has_value());
  CHECK(add(device, "GET a"));
  History wrong("/dev/null/history");
  const Result<void> refused = wrong.load();
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("'/dev/null/history'") != std::string::npos);
  CHECK(add(wrong, "GET a"));
}

TEST_CASE("a command in several lines becomes one that reads the same") {
  const std::vector<std::string> words = {"SET", "it's", "a\nb", "", "\xff\x01", "plain", "\\n"};
  const std::string line = one_line(words);
  CHECK(line == R"(SET "it's" "a\nb" "" "\xff\x01" plain "\\n")");
  CHECK(client::tokenize(line).value() == words);
}

}  // namespace phoenix::cli
