#include "tests/unit/server/session_support.h"

#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "phoenix/base/crc32c.h"
#include "tests/unit/commands/harness.h"

namespace phoenix::server::test {

std::string told(const PendingRequest& pending) {
  constexpr std::size_t kShown = 40;
  std::string text = fmt::format("{} {} [", pending.id,
                                 pending.command == nullptr ? "(none)" : pending.command->name);
  for (const std::string_view word : pending.request.args) {
    text += word.size() <= kShown ? commands::test::quoted(word)
                                  : fmt::format("{} bytes {:08x}", word.size(),
                                                crc32c(0, std::as_bytes(std::span(word))));
    text += ' ';
  }
  return text + fmt::format("] flags {} ttl {} fault {}", pending.request.flags,
                            pending.request.ttl_ms, static_cast<int>(pending.fault));
}

DecodingSession::DecodingSession(bool is_authenticated) : session(0, 1, 3, pool) {
  session.is_authenticated = is_authenticated;
}

void DecodingSession::feed(std::string_view bytes) {
  buffers_.emplace_back(bytes);
  session.feed(buffers_.back());
}

void DecodingSession::run_batch() {
  for (const PendingRequest& pending : batch.requests) {
    requests.push_back(told(pending));
    if (pending.frame == nullptr) session.large_input_done();
  }
  session.requests_in_batch = 0;
  batch.clear();
}

void DecodingSession::run_in_slices() {
  PendingRequest pending = session.request_in_slices(table);
  WordSlices& slices = session.words_in_slices();
  std::vector<std::string> words{std::string(pending.command->name)};
  while (!slices.empty()) {
    std::vector<std::string_view> slice;
    slices.append_slice_to(slice);
    CHECK(slice.size() <= kSliceWords + 1);
    words.insert(words.end(), slice.begin(), slice.end());
    const auto* const large = slices.large_of_slice();
    CHECK((large != nullptr) == (slice.back().size() > engine::kSmallValueBytesMax));
    if (large != nullptr) CHECK((*large)->view().data() == slice.back().data());
    slices.drop_slice();
  }
  CHECK(slices.memory_bytes() == 0);
  const std::vector<std::string_view> views(words.begin(), words.end());
  pending.request.args = views;
  requests.push_back(told(pending));
  session.large_input_done();
}

void DecodingSession::decode_all(std::size_t batch_max) {
  while (true) {
    const Session::Decoded decoded = decode();
    if (decoded == Session::Decoded::request && batch.requests.size() < batch_max) continue;
    if (decoded == Session::Decoded::in_slices) {
      run_in_slices();
      continue;
    }
    if (decoded == Session::Decoded::takes_long) {
      run_batch();
      continue;
    }
    const bool was_empty = batch.requests.empty();
    run_batch();
    if (decoded == Session::Decoded::request) continue;
    if (decoded == Session::Decoded::no_room) {
      REQUIRE_FALSE(was_empty);  // An empty batch has room for any request.
      continue;
    }
    is_broken = decoded == Session::Decoded::broken;
    return;
  }
}

void DecodingSession::end_turn() {
  session.end_turn();
  for (auto& buffer : buffers_) std::fill(buffer.begin(), buffer.end(), '#');
  buffers_.clear();
}

void DecodingSession::turn(std::string_view bytes) {
  feed(bytes);
  decode_all();
  end_turn();
}

}  // namespace phoenix::server::test
