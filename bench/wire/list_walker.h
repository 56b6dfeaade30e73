// Finds the items of a list of the native protocol in the parts in which a reply's payload arrives:
// u32 count, then u8 kind, u32 size and bytes for each (docs/PROTOCOL.md, "Kinds"). Nothing is put
// together but those five bytes.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "protocol/binary.h"

namespace phoenix::bench {

/// `Sink` is told in order of
///   void item(protocol::Kind kind, std::size_t bytes)
///   void item_part(std::size_t offset, std::string_view bytes)
///   void item_end()
class ListWalker final {
 public:
  template <typename Sink>
  void walk(std::string_view bytes, Sink& sink) {
    while (!bytes.empty() && !is_broken_) {
      if (in_item_) {
        item_bytes(bytes, sink);
      } else if (is_whole()) {
        is_broken_ = true;  // There is more than the list said.
      } else if (gather(bytes)) {
        begin(sink);
      }
    }
  }

  /// Whether the list has come to its end, and what came ended there too.
  bool is_whole() const { return !is_broken_ && has_count_ && !in_item_ && items_left_ == 0; }

  std::uint32_t items() const { return items_; }

 private:
  // A list's count is shorter than the head of an item.
  static constexpr std::size_t kCountBytes = 4;
  static constexpr std::size_t kHeadBytes = 5;

  bool gather(std::string_view& bytes) {
    const std::size_t wanted = has_count_ ? kHeadBytes : kCountBytes;
    const std::size_t take = std::min(bytes.size(), wanted - head_have_);
    std::memcpy(head_.data() + head_have_, bytes.data(), take);
    head_have_ += take;
    bytes.remove_prefix(take);
    return head_have_ == wanted;
  }

  template <typename Sink>
  void begin(Sink& sink) {
    head_have_ = 0;
    if (!has_count_) {
      has_count_ = true;
      items_ = items_left_ = protocol::load_le<std::uint32_t>(head_.data());
      return;
    }
    item_size_ = protocol::load_le<std::uint32_t>(head_.data() + 1);
    item_done_ = 0;
    in_item_ = true;
    sink.item(static_cast<protocol::Kind>(head_[0]), item_size_);
    if (item_size_ == 0) end(sink);
  }

  template <typename Sink>
  void item_bytes(std::string_view& bytes, Sink& sink) {
    const std::size_t take = std::min(bytes.size(), item_size_ - item_done_);
    sink.item_part(item_done_, bytes.substr(0, take));
    item_done_ += take;
    bytes.remove_prefix(take);
    if (item_done_ == item_size_) end(sink);
  }

  template <typename Sink>
  void end(Sink& sink) {
    in_item_ = false;
    --items_left_;
    sink.item_end();
  }

  std::array<char, kHeadBytes> head_{};
  std::size_t head_have_ = 0;
  std::uint32_t items_ = 0;
  std::uint32_t items_left_ = 0;
  std::size_t item_size_ = 0;
  std::size_t item_done_ = 0;
  bool has_count_ = false;
  bool in_item_ = false;
  bool is_broken_ = false;
};

}  // namespace phoenix::bench
