#include "bench/peers/peer.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "bench/measure/process.h"
#include "bench/peers/probe.h"
#include "phoenix/uring/os_error.h"

namespace phoenix::bench {
namespace {

constexpr std::uint32_t kProbeIntervalMs = 10;
constexpr std::uint32_t kProbePatienceMs = 1000;
constexpr std::streamoff kTailBytes = 4096;

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
}

std::string filled_in(std::string word, const PeerPlace& place, std::uint16_t port,
                      std::string_view directory) {
  replace_all(word, "{port}", std::to_string(port));
  replace_all(word, "{cpu}", std::to_string(place.cpu));
  replace_all(word, "{threads}", std::to_string(place.threads));
  replace_all(word, "{dir}", directory);  // Last: a path may hold braces.
  return word;
}

}  // namespace

Peer::Peer(PeerSpec spec, const PeerPlace& place, std::uint16_t port)
    : spec_(std::move(spec)),
      place_(place),
      port_(port),
      directory_(place.directory + "/" + spec_.name) {
  for (const std::string& word : spec_.words) {
    words_.push_back(filled_in(word, place_, port_, directory_));
  }
}

Result<std::unique_ptr<Peer>> Peer::make(PeerSpec spec, const PeerPlace& place) {
  const auto port = find_free_port();
  if (!port) return tl::unexpected<Error>(port.error());
  std::unique_ptr<Peer> peer(new Peer(std::move(spec), place, *port));
  std::error_code error;
  std::filesystem::create_directory(peer->directory_, error);
  if (error) return uring::os_failure(peer->directory_, error.value());
  return peer;
}

Result<void> Peer::launch() {
  child_.reset();
  auto child = Child::start({words_, output_path(), directory_, place_.cpu, place_.threads});
  if (!child) return fail(child.error().code, spec_.name + ": " + child.error().message);
  child_ = std::move(*child);
  return {};
}

Error Peer::ended_early(std::string_view what) const {
  return {ErrorCode::io, fmt::format("{}: {}; it printed:\n{}", spec_.name, what, output_tail())};
}

Result<void> Peer::await_answer(std::uint32_t patience_ms, const std::atomic<bool>* stop) {
  if (child_ == nullptr) return fail(ErrorCode::invalid, spec_.name + " has not been started");
  const auto begin = std::chrono::steady_clock::now();
  const auto end = begin + std::chrono::milliseconds(patience_ms);
  while (!child_->wait_for_end(0)) {
    // Whoever else took the port may answer: ours has ended then.
    if (answers(spec_.protocol, port_, std::min(patience_ms, kProbePatienceMs))) {
      if (!child_->wait_for_end(0)) return {};
      break;
    }
    if (stop != nullptr && *stop) {
      child_->kill_now();
      return tl::unexpected<Error>(ended_early("interrupted before it answered"));
    }
    if (std::chrono::steady_clock::now() >= end) {
      child_->kill_now();
      return tl::unexpected<Error>(
          ended_early(fmt::format("no answer on port {} within {} ms", port_, patience_ms)));
    }
    child_->wait_for_end(kProbeIntervalMs);
  }
  return tl::unexpected<Error>(
      ended_early(fmt::format("it ended before it answered ({})", child_->end_text())));
}

Result<void> Peer::stop() {
  if (child_ == nullptr) return {};
  auto stopped = child_->stop(kStopPatienceMs);
  if (!stopped) return tl::unexpected<Error>(ended_early(stopped.error().message));
  return {};
}

void Peer::kill_now() {
  if (child_ != nullptr) child_->kill_now();
}

int Peer::server_pid() const {
  if (child_ == nullptr || !child_->running()) return 0;
  const int listener = find_listener(port_);
  return listener != 0 ? listener : child_->pid();
}

std::string Peer::output_tail() const {
  std::ifstream file(output_path(), std::ios::binary | std::ios::ate);
  if (!file) return {};
  const std::streamoff size = file.tellg();
  file.seekg(std::max<std::streamoff>(0, size - kTailBytes));
  std::string tail{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto is_control = [](char c) {
    return (static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t') || c == '\x7f';
  };
  std::ranges::replace_if(tail, is_control, '?');
  return tail;
}

}  // namespace phoenix::bench
