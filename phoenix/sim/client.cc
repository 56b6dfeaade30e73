#include "phoenix/sim/client.h"

#include <algorithm>
#include <utility>

#include "phoenix/base/check.h"

namespace phoenix::sim {

void Client::connect(const io::Endpoint& endpoint) {
  close();
  id_ = network_.connect(endpoint);
}

ClientState Client::state() const {
  return id_ == kNone ? ClientState::closed : network_.connection(id_).state;
}

void Client::send(std::string_view bytes) {
  PHX_CHECK(id_ != kNone);
  network_.client_send(id_, bytes);
}

std::size_t Client::unsent_bytes() const {
  return id_ == kNone ? 0 : network_.connection(id_).outbox.size();
}

std::string_view Client::received() const {
  return id_ == kNone ? std::string_view() : std::string_view(network_.connection(id_).inbox);
}

std::string Client::take(std::size_t bytes_most) {
  if (id_ == kNone) return {};
  std::string& inbox = network_.connection(id_).inbox;
  std::string taken = inbox.substr(0, bytes_most);
  inbox.erase(0, taken.size());
  return taken;
}

void Client::half_close() {
  PHX_CHECK(id_ != kNone);
  network_.client_end(id_);
}

void Client::close() {
  if (id_ != kNone) network_.client_detach(std::exchange(id_, kNone));
}

void Client::reset() {
  if (id_ == kNone) return;
  network_.client_reset(id_);
  close();
}

void Client::set_reading(bool reading) {
  PHX_CHECK(id_ != kNone);
  network_.client_read(id_, reading);
}

void Client::set_segment_bytes(std::size_t bytes_most) {
  PHX_CHECK(id_ != kNone);
  PHX_CHECK(bytes_most > 0);
  network_.connection(id_).segment_bytes_most = bytes_most;
}

}  // namespace phoenix::sim
