#include "tests/sim/wire.h"

#include <algorithm>

namespace phoenix::simtest {
namespace {

// What needs no quotes, in a line that a person might type.
bool may_be_inline(const std::vector<std::string>& words) {
  constexpr std::size_t kWordBytesMost = 200;
  constexpr std::size_t kWordsMost = 64;
  return words.size() <= kWordsMost &&
         std::all_of(words.begin(), words.end(), [](const std::string& word) {
           return !word.empty() && word.size() <= kWordBytesMost &&
                  word.find_first_of(" \"'") == std::string::npos;
         });
}

std::string inline_request(const std::vector<std::string>& words, bool has_return) {
  std::string line;
  for (const auto& word : words) line.append(line.empty() ? "" : " ").append(word);
  return line + (has_return ? "\r\n" : "\n");
}

}  // namespace

void Wire::start(Protocol protocol) {
  reader_.reset();
  if (protocol == Protocol::resp) reader_ = std::make_unique<protocol::RespReader>();
  frame_.clear();
  error_.clear();
}

std::string Wire::request(SeededRandom& random, std::uint16_t flags, std::uint32_t id,
                          const std::vector<std::string>& words) const {
  std::string bytes;
  const std::vector<std::string_view> views(words.begin(), words.end());
  if (!is_resp()) {
    protocol::append_argv_request(bytes, flags, id, views);
  } else if (random.below(8) == 0 && may_be_inline(words)) {
    bytes = inline_request(words, random.below(2) == 0);
  } else {
    protocol::append_resp_request(bytes, views);
  }
  return bytes;
}

Wire::Outcome Wire::next(sim::Client& client, Answer& answer) {
  if (!is_resp()) return next_frame(client, answer);
  answer = Answer{};
  if (!client.received().empty() && !reader_->append(client.take())) {
    return fail("no room for an answer");
  }
  switch (reader_->next(answer.value)) {
    case protocol::RespReader::Outcome::frame:
      return Outcome::answer;
    case protocol::RespReader::Outcome::need_more:
      return Outcome::need_more;
    case protocol::RespReader::Outcome::malformed:
      break;
  }
  return fail(reader_->error().text);
}

// Who is sent away before a word was said gets a line of RESP.
Wire::Outcome Wire::next_line(sim::Client& client, Answer& answer) {
  const std::size_t end = client.received().find('\n');
  if (end == std::string_view::npos) return Outcome::need_more;
  frame_ = client.take(end + 1);
  const std::string_view text = std::string_view(frame_).substr(1, end - 2);
  answer.value.status = protocol::status_of_prefix(text.substr(0, text.find(' ')));
  answer.value.has_prefix = true;
  answer.value.bytes = text;
  answer.id = 0;
  return Outcome::answer;
}

Wire::Outcome Wire::next_frame(sim::Client& client, Answer& answer) {
  const std::string_view received = client.received();
  if (received.starts_with('-')) return next_line(client, answer);
  if (received.size() < protocol::kHeaderBytes) return Outcome::need_more;
  protocol::ReplyHeader header;
  const auto broken = protocol::decode_reply_header(received.data(), header);
  if (!broken.ok()) return fail(broken.text);
  if (received.size() < header.frame_bytes()) return Outcome::need_more;
  frame_ = client.take(header.frame_bytes());
  const auto value = std::string_view(frame_).substr(protocol::kHeaderBytes);
  const auto wrong = protocol::decode_reply_value(header, value, answer.value);
  if (!wrong.ok()) return fail(wrong.text);
  answer.id = header.id;
  answer.more_follows = header.more_follows;
  return Outcome::answer;
}

Wire::Outcome Wire::fail(std::string_view error) {
  error_ = error;
  return Outcome::broken;
}

}  // namespace phoenix::simtest
