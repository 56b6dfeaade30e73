#include "cli/key_lister.h"

#include <string_view>

namespace phoenix::cli {

namespace {

using protocol::Kind;
using protocol::Value;

tl::unexpected<Failure> refused(const Value& error) {
  return fail(ExitCode::error_reply, "the server does not list its keys: " +
                                         protocol::printable(protocol::error_line(error)));
}

tl::unexpected<Failure> odd_reply() {
  return fail(ExitCode::connection, "the server answered something else than a list of keys");
}

/// A page that comes in parts is held to what one reply may be. False when it is more.
bool append_keys(const Value& list, std::vector<std::string>& keys, std::size_t& bytes) {
  for (const Value& key : list.items) {
    bytes += key.bytes.size();
    if (keys.size() == protocol::kReplyItemsMax || bytes > protocol::kReplyBytesMax) return false;
    keys.emplace_back(key.bytes);
  }
  return true;
}

/// A number, as they all have it. It is sent back, shown, and kept in files.
bool is_cursor(std::string_view bytes) {
  constexpr std::size_t kDigitsMax = 20;
  return !bytes.empty() && bytes.size() <= kDigitsMax &&
         bytes.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

Result<std::vector<std::string>> KeyLister::next_page(std::size_t count) {
  const std::string limit = std::to_string(count);
  auto keys = wire_ == client::Wire::native ? list(limit) : scan(limit);
  is_done_ = cursor_ == "0";
  return keys;
}

Result<std::vector<std::string>> KeyLister::list(const std::string& count) {
  std::vector<std::string_view> words = {"LIST"};
  if (!pattern_.empty()) words.emplace_back(pattern_);
  words.insert(words.end(), {"CURSOR", cursor_, "LIMIT", count});
  const client::Result<void> queued = connection_.queue(words);
  if (!queued) return tl::unexpected<Failure>(failure_of(queued.error()));
  std::vector<std::string> keys;
  std::size_t bytes = 0;
  for (;;) {
    const client::Result<client::Reply> part = connection_.receive();
    if (!part) return tl::unexpected<Failure>(failure_of(part.error()));
    if (part->is_error()) return refused(part->value);
    if (!append_keys(part->value, keys, bytes)) return odd_reply();
    if (part->more_follows) continue;
    if (part->value.kind != Kind::bytes || !is_cursor(part->value.bytes)) return odd_reply();
    cursor_ = part->value.bytes;
    return keys;
  }
}

Result<std::vector<std::string>> KeyLister::scan(const std::string& count) {
  std::vector<std::string_view> words = {"SCAN", cursor_};
  if (!pattern_.empty()) words.insert(words.end(), {"MATCH", pattern_});
  words.insert(words.end(), {"COUNT", count});
  const client::Result<client::Reply> reply = connection_.call(words);
  if (!reply) return tl::unexpected<Failure>(failure_of(reply.error()));
  if (reply->is_error()) return refused(reply->value);
  const std::vector<Value>& parts = reply->value.items;
  if (parts.size() != 2 || !is_cursor(parts[0].bytes) || parts[1].kind != Kind::list) {
    return odd_reply();
  }
  std::vector<std::string> keys;
  std::size_t bytes = 0;
  if (!append_keys(parts[1], keys, bytes)) return odd_reply();
  cursor_ = parts[0].bytes;
  return keys;
}

}  // namespace phoenix::cli
