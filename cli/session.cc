#include "cli/session.h"

#include <algorithm>
#include <array>
#include <utility>

#include "phoenix/client/tokenizer.h"

namespace phoenix::cli {

namespace {

template <std::size_t kNames>
bool is_one_of(const std::string& word, const std::array<std::string_view, kNames>& names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return client::is_name(word, name); });
}

/// Commands after which the server keeps replies back, or sends what is none: those to come would
/// be taken for those of other commands.
bool breaks_order(const std::vector<std::string>& words) {
  constexpr std::array<std::string_view, 2> kEndless = {"SYNC", "PSYNC"};
  const bool is_client = words.size() > 1 && client::is_name(words[0], "CLIENT");
  return is_one_of(words[0], kEndless) || (is_client && client::is_name(words[1], "REPLY"));
}

/// Commands that answer with a page for people. RESP2 sends it as any other bytes.
bool answers_page(const std::vector<std::string>& words) {
  using Words = std::array<std::string_view, 2>;
  constexpr auto kPages = std::to_array<Words>({{"CLIENT", "INFO"},
                                                {"CLIENT", "LIST"},
                                                {"CLUSTER", "INFO"},
                                                {"CLUSTER", "NODES"},
                                                {"HELP", {}},
                                                {"INFO", {}},
                                                {"LATENCY", "DOCTOR"},
                                                {"MEMORY", "DOCTOR"}});
  return std::any_of(kPages.begin(), kPages.end(), [&](const Words& each) {
    const bool is_second =
        each[1].empty() || (words.size() > 1 && client::is_name(words[1], each[1]));
    return is_second && client::is_name(words[0], each[0]);
  });
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
  if (breaks_order(words)) {
    const bool is_client = client::is_name(words.front(), "CLIENT");
    const std::string name = is_client ? words[0] + " " + words[1] : words.front();
    return fail(ExitCode::usage, name + " cannot be used here: each command has one reply");
  }
  const client::Result<void> queued = connection_->queue({words.begin(), words.end()});
  if (!queued) return tl::unexpected<Failure>(lost(queued.error()));
  Due due;
  due.is_listing = is_native && client::is_name(words.front(), "LIST");
  due.is_page = answers_page(words);
  if (words.size() == 2 && client::is_name(words.front(), "AUTH")) due.password = words[1];
  due.begins_transaction = client::is_name(words.front(), "MULTI");
  due.is_exec = client::is_name(words.front(), "EXEC");
  due.ends_transaction = due.is_exec || client::is_name(words.front(), "DISCARD") ||
                         client::is_name(words.front(), "RESET");
  is_following_ = is_followed(words);
  due_.push_back(std::move(due));
  return {};
}

Result<bool> Session::receive() {
  bool is_error = false;
  for (;;) {
    client::Result<client::Reply> reply = connection_->receive();
    if (!reply) return tl::unexpected<Failure>(lost(reply.error()));
    const bool is_bytes = reply->value.kind == protocol::Kind::bytes;
    if (is_bytes && due_.front().is_page) reply->value.kind = protocol::Kind::text;
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

bool Session::is_followed(const std::vector<std::string>& words) {
  constexpr std::array<std::string_view, 4> kFollowed = {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE",
                                                         "MONITOR"};
  return is_one_of(words[0], kFollowed);
}

Result<void> Session::follow() {
  if (!is_following_) return {};
  Result<void> written = output_.flush();
  while (written) {
    const client::Result<client::Reply> message = connection_->receive_message();
    if (!message) return tl::unexpected<Failure>(lost(message.error()));
    std::string notes;
    renderer_.reply(*message, false, output_.buffer(), notes);
    written = output_.flush();
  }
  return written;
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
  const bool has_worked = !reply.is_error();
  if (due_.front().begins_transaction && has_worked) is_in_transaction_ = true;
  if (due_.front().ends_transaction && (has_worked || due_.front().is_exec)) {
    is_in_transaction_ = false;
  }
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
  is_in_transaction_ = false;
  due_.clear();
  renderer_.abandon(output_.buffer());
}

/// What was asked wrongly leaves the connection as it was; everything else ends it.
Failure Session::lost(client::Error error) {
  if (error.code != client::ErrorCode::invalid) disconnect();
  return failure_of(std::move(error));
}

}  // namespace phoenix::cli
