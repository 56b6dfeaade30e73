// What handlers may do to the session that they answer. See SessionActions.
#include "phoenix/base/check.h"
#include "phoenix/server/core.h"

namespace phoenix::server {

bool SessionActions::begin_transaction() {
  if (!session_->transaction) session_->transaction = std::make_unique<Transaction>();
  if (session_->transaction->is_open()) return false;
  session_->transaction->open();
  return true;
}

bool SessionActions::discard_transaction() {
  const bool is_open = session_->transaction && session_->transaction->is_open();
  if (is_open) session_->transaction.reset();
  return is_open;
}

void SessionActions::forget_watches() {
  if (!session_->transaction) return;
  if (session_->transaction->is_open()) return session_->transaction->forget_watches();
  session_->transaction.reset();
}

SessionActions::AuthResult Core::authenticate(std::string_view password) {
  const std::string& expected = password_;
  if (expected.empty()) return AuthResult::no_password_set;
  // As long for a wrong password as for a right one.
  unsigned difference = password.size() == expected.size() ? 0U : 1U;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const char given = i < password.size() ? password[i] : '\0';
    difference |= static_cast<unsigned char>(given) ^ static_cast<unsigned char>(expected[i]);
  }
  if (difference != 0) return AuthResult::refused;
  session_->is_authenticated = true;
  return AuthResult::accepted;
}

void Core::close_after_reply() {
  connections_->end_input(*session_);
}

void Core::cut_off() {
  connections_->cut_off(*session_);
}

commands::Client& Core::client() {
  return session_->client;
}

bool Core::is_authenticated() const {
  return session_->is_authenticated;
}

Wire Core::wire() const {
  return session_->wire;
}

void Core::set_wire(Wire wire) {
  session_->wire = wire;
  router_->writers().set_wire(wire);
}

void Core::reset() {
  messaging_->closing(*session_);
  session_->transaction.reset();
  const std::uint64_t id = session_->client.id;
  session_->client = commands::Client();
  session_->client.id = id;
  session_->is_authenticated = password_.empty();
  session_->stranger_since_ns = now_ns_;
  if (wire() != Wire::native) set_wire(Wire::resp2);
}

void Core::describe(std::string& line) {
  messaging_->clients().describe(*session_, line);
}

void Core::monitor() {
  messaging_->start_monitoring(*session_);
}

SessionActions::Subscribed Core::subscribe(commands::ChannelKind kind, std::string_view name) {
  const auto subscribed = messaging_->subscriptions().subscribe(*session_, kind, name);
  messaging_->subscriptions_changed();
  return subscribed;
}

void Core::unsubscribe(commands::ChannelKind kind, std::string_view name) {
  messaging_->subscriptions().unsubscribe(*session_, kind, name);
  messaging_->subscriptions_changed();
}

std::size_t Core::subscriptions(commands::ChannelKind kind) const {
  if (!session_->subscriptions) return 0;
  return session_->subscriptions->by_kind[static_cast<std::size_t>(kind)].size();
}

std::string_view Core::first_subscription(commands::ChannelKind kind) const {
  PHX_CHECK(subscriptions(kind) > 0);
  return session_->subscriptions->by_kind[static_cast<std::size_t>(kind)].begin()->first;
}

}  // namespace phoenix::server
