#include "cli/session.h"

#include <algorithm>
#include <array>
#include <utility>

#include "phoenix/client/tokenizer.h"

namespace phoenix::cli {

namespace {

/// Commands of Redis after which it sends without being asked, or keeps replies back: those to come
/// would be taken for those of other commands.
bool breaks_order(const std::vector<std::string>& words) {
  constexpr std::array<std::string_view, 6> kEndless = {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE",
                                                        "MONITOR",   "SYNC",       "PSYNC"};
  const bool is_endless = std::any_of(kEndless.begin(), kEndless.end(), [&](std::string_view each) {
    return client::is_name(words[0], each);
  });
  return is_endless || (words.size() > 1 && client::is_name(words[0], "CLIENT") &&
                        client::is_name(words[1], "REPLY"));
}

}  // namespace

Session::Session(client::Options options, Renderer renderer, Output& output)
    : options_(std::move(options)), output_(output), renderer_(renderer) {}

Result<void> Session::connect() {
  if (was_closed()) disconnect();
  if (connection_) return {};
  auto connection = client::Connection::open(options_);
  if (!connection) return tl::unexpected<Failure>(failure_of(std::move(connection.error())));
  connection_ = std::move(*connection);
  return {};
}

Result<void> Session::send(const std::vector<std::string>& words) {
  const bool is_native = options_.wire == client::Wire::native;
  if (!is_native && breaks_order(words)) {
    return fail(ExitCode::usage,
                words.front() + " cannot be followed here: each command has one reply");
  }
  const client::Result<void> queued = connection_->queue({words.begin(), words.end()});
  if (!queued) return tl::unexpected<Failure>(lost(queued.error()));
  Due due{is_native && client::is_name(words.front(), "LIST"), {}};
  if (words.size() == 2 && client::is_name(words.front(), "AUTH")) due.password = words[1];
  due_.push_back(std::move(due));
  return {};
}

Result<bool> Session::receive() {
  bool is_error = false;
  for (;;) {
    const client::Result<client::Reply> reply = connection_->receive();
    if (!reply) return tl::unexpected<Failure>(lost(reply.error()));
    is_error = is_error || reply->is_error();
    std::string notes;
    renderer_.reply(*reply, due_.front().is_listing, output_.buffer(), notes);
    take_note(*reply, notes);
    // Notes come behind what they are about.
    const bool is_urgent = reply->more_follows || !notes.empty();
    const Result<void> written = is_urgent ? output_.flush() : output_.flush_when_large();
    if (!written) return tl::unexpected<Failure>(written.error());
    if (!notes.empty()) print_note(notes);
    if (!reply->more_follows) return is_error;
  }
}

Result<client::Reply> Session::ask(const std::vector<std::string>& words) {
  client::Result<client::Reply> reply = connection_->call({words.begin(), words.end()});
  if (!reply) return tl::unexpected<Failure>(lost(std::move(reply.error())));
  return *std::move(reply);
}

void Session::take_note(const client::Reply& reply, std::string& notes) {
  if (reply.value.status == protocol::Status::not_authenticated && !has_hinted_) {
    has_hinted_ = true;
    notes += "phoenix-cli: the server asks for a password: give --password-file FILE\n";
  }
  if (reply.more_follows) return;
  std::string& password = due_.front().password;
  if (!password.empty() && !reply.is_error()) options_.password = std::move(password);
  due_.pop_front();
}

std::string Session::peer_text() const {
  if (options_.wire == client::Wire::resp) return options_.endpoint.text() + " over RESP";
  std::string text = options_.endpoint.text() + ", phoenix ";
  append_text(text, connection_->server().version);
  return text;
}

void Session::disconnect() {
  connection_.reset();
  due_.clear();
  renderer_.abandon(output_.buffer());
}

/// What was asked wrongly leaves the connection as it was; everything else ends it.
Failure Session::lost(client::Error error) {
  if (error.code != client::ErrorCode::invalid) disconnect();
  return failure_of(std::move(error));
}

}  // namespace phoenix::cli
