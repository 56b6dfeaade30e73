#include "tests/sim/follower.h"

#include <vector>

#include "tests/sim/process.h"

namespace phoenix::simtest {
namespace {

constexpr std::string_view kKeyChannel = "__keyspace@0__:";

}  // namespace

void Follower::act() {
  const sim::ClientState state = client_.state();
  if (state != sim::ClientState::open && state != sim::ClientState::connecting) subscribe();
  take_messages();
}

void Follower::subscribe() {
  client_.connect(endpoint());
  wire_.start(random_.below(3) == 0 ? Protocol::native : Protocol::resp);
  std::uint32_t id = 0;
  const auto say = [&](const std::vector<std::string>& words) {
    client_.send(wire_.request(random_, 0, ++id, words));
  };
  if (wire_.is_resp() && random_.below(2) == 0) say({"HELLO", "3"});
  say({"PSUBSCRIBE", std::string(kKeyChannel) + "*"});
  say({"SUBSCRIBE", kNews});
}

void Follower::take_messages() {
  Answer answer;
  while (wire_.next(client_, answer) == Wire::Outcome::answer) take(answer.value);
}

// A message is its kind, the pattern if it came by one, the channel and the text.
void Follower::take(const protocol::Value& message) {
  const auto& words = message.items;
  if (words.size() == 3 && words[0].bytes == "message") return take_news(words[2].bytes);
  if (words.size() != 4 || words[0].bytes != "pmessage") return;
  ++messages_;
  if (words[3].bytes == "set") take_event(std::string(words[2].bytes.substr(kKeyChannel.size())));
}

// In the order in which they were sent.
void Follower::take_news(std::string_view text) {
  ++messages_;
  const std::size_t colon = text.find(':');
  std::uint64_t& latest = latest_[std::string(text.substr(0, colon))];
  const std::uint64_t number = std::stoull(std::string(text.substr(colon + 1)));
  if (number <= latest) truth_.violate("a message out of order: " + std::string(text));
  latest = number;
}

// As many were sent before it in this life, so it is at least that one.
void Follower::take_event(const std::string& key) {
  const std::vector<VersionNumber>& sent = truth_.sets[key];
  const std::size_t told = sets_[key]++;
  if (told >= sent.size()) return truth_.violate(key + ": told of a SET that nobody sent");
  truth_.keys[key].told(sent[told], is_durable_);
}

void Follower::forget() {
  client_.reset();
  sets_.clear();
}

}  // namespace phoenix::simtest
