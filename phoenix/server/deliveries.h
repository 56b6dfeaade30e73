// Messages on their way to more subscribers than one step should serve: each turn takes some of
// them. A message is kept once, and its subscribers are not copied: they are walked over where they
// stand, however they come and go meanwhile.
//
// Whoever is reached gets with one send what else waits for it.
//
// Every subscriber gets all messages in the order in which they were published, each once: those
// that it was there for when they were, and no others.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/commands/channels.h"
#include "phoenix/server/budget.h"
#include "phoenix/server/push.h"
#include "phoenix/server/work.h"

namespace phoenix::server {

class Session;
struct Channel;

/// Takes a message to one session. False: it is closing.
using Deliver = std::function<bool(Session&, Push&)>;

/// The words of a message as the subscribers of `channel` are sent it.
class MessageWords final {
 public:
  MessageWords(const Channel& channel, commands::ChannelKind kind, std::string_view name,
               std::string_view text);
  std::span<const std::string_view> words() const { return {words_.data(), count_}; }

 private:
  std::array<std::string_view, 4> words_;
  std::size_t count_;
};

class Deliveries final {
 public:
  /// Messages that may wait, and their bytes; the last one may be of any size.
  static constexpr std::size_t kMessagesMax = 1024;
  static constexpr std::uint64_t kBytesMax = std::uint64_t{16} << 20U;

  Deliveries(Deliver deliver, BufferBytes& buffers)
      : deliver_(std::move(deliver)), buffers_(buffers) {}
  Deliveries(const Deliveries&) = delete;
  Deliveries& operator=(const Deliveries&) = delete;
  ~Deliveries() { buffers_.channels -= bytes_; }

  bool empty() const { return waiting_.empty(); }
  bool is_full() const { return waiting_.size() >= kMessagesMax || bytes_ >= kBytesMax; }
  std::uint64_t bytes() const { return bytes_; }

  /// The numbers of the oldest message that waits and of the newest there was.
  std::uint64_t oldest() const { return waiting_.front().number; }
  std::uint64_t newest() const { return newest_; }

  /// For the members of `channels`, which must stay where they are, members or not, as long as a
  /// message waits that is no newer than newest() is now. `name` and `text` are copied.
  void add(commands::ChannelKind kind, std::string_view name, std::string_view text,
           const std::vector<Channel*>& channels);

  /// Goes on, as far as `work` allows.
  void step(TurnWork& work);
  /// Takes the oldest message to all that still have to get it. Returns the work.
  std::uint64_t finish_oldest();
  /// Takes to this session all that waits for it: it is about to leave a channel.
  void catch_up(Session& session);

 private:
  /// What the members of one channel are sent; it keeps views of the message.
  struct Pushed {
    Pushed(const Channel& channel, commands::ChannelKind kind, std::string_view name,
           std::string_view text)
        : words(channel, kind, name, text), push(words.words()) {}

    MessageWords words;
    Push push;
  };
  struct Waiting {
    Push& push_for(std::size_t index);
    bool is_done() const { return channel == channels.size(); }
    std::uint64_t bytes() const;

    std::uint64_t number = 0;
    commands::ChannelKind kind = commands::ChannelKind::plain;
    std::string name;
    std::string text;
    std::vector<Channel*> channels;
    std::size_t channel = 0;                     // Those before it are done, and of this one
    std::size_t places = kAll;                   // the members from here on.
    std::deque<std::unique_ptr<Pushed>> pushes;  // From this one on, as far as needed so far.
  };
  static constexpr std::size_t kAll = ~std::size_t{0};

  std::uint64_t give_next(Waiting& message);
  std::uint64_t give_all(Session& session, std::size_t messages_max, std::size_t channels_max);
  bool give(Session& session, Waiting& message, std::size_t index);
  void drop_done();

  Deliver deliver_;
  BufferBytes& buffers_;
  std::deque<Waiting> waiting_;
  std::uint64_t bytes_ = 0;
  std::uint64_t newest_ = 0;
};

}  // namespace phoenix::server
