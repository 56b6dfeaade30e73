// One conversation with the server: connects when a command needs it, and carries a command from
// its words to its rendered reply. A connection that is lost is made again for the next command,
// with the password that was accepted last.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/output.h"
#include "cli/renderer.h"
#include "cli/result.h"
#include "phoenix/client/connection.h"

namespace phoenix::cli {

class Session final {
 public:
  Session(client::Options options, Renderer renderer, Output& output);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Connects unless there is a connection that the server has not closed.
  Result<void> connect();

  /// Queues a command on the connection that connect() made; receive() sends it. A failure with
  /// ExitCode::usage concerns this command only.
  Result<void> send(const std::vector<std::string>& words);

  /// Sends what is queued, and renders the next reply, all its parts, into the output; parts that
  /// are followed by more are written at once. True when it was an error.
  Result<bool> receive();

  /// Whether messages follow the reply to a command, for as long as there is a connection.
  static bool is_followed(const std::vector<std::string>& words);
  /// After receive(): renders what follows the last command, if anything does, until it is
  /// interrupted (Ctrl-C) or the connection ends. Either is told as a failure.
  Result<void> follow();

  /// Renders an error of this program in the place of a reply.
  void local_error(std::string_view text) { renderer_.local_error(text, output_.buffer()); }

  std::size_t unsent_bytes() const { return connection_ ? connection_->unsent_bytes() : 0; }
  /// The server has ended the connection since the last command.
  bool was_closed() const { return connection_ && connection_->peer_closed(); }
  void disconnect();

  /// Sends a request of the program's own, and hands its reply on unrendered; its bytes live until
  /// the next call. There is a connection, and no reply is due.
  Result<client::Reply> ask(const std::vector<std::string>& words);

  client::Wire wire() const { return options_.wire; }
  bool is_connected() const { return connection_ != nullptr; }
  /// Since MULTI what is sent is queued by the server.
  bool is_in_transaction() const { return is_in_transaction_; }
  /// Where the server is.
  std::string place_text() const { return options_.endpoint.text(); }
  /// That, and what it is; only while there is a connection.
  std::string peer_text() const;

 private:
  /// What is remembered of a command until its reply.
  struct Due {
    bool is_listing = false;
    bool is_page = false;  // Lines for people, even if they come as bytes.
    std::string password;  // Of AUTH.
    bool begins_transaction = false;
    bool ends_transaction = false;  // Where it succeeds, and an EXEC in any case.
    bool is_exec = false;
  };

  Failure lost(client::Error error);
  void take_note(const client::Reply& reply, std::string& notes);

  client::Options options_;
  Output& output_;
  Renderer renderer_;
  std::unique_ptr<client::Connection> connection_;
  std::deque<Due> due_;
  bool has_hinted_ = false;
  bool is_following_ = false;
  bool is_in_transaction_ = false;
};

}  // namespace phoenix::cli
