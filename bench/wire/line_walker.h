// Cuts a stream into lines and counted bodies, as RESP and memcached's protocols are made of,
// without copying: only a line that is split over receives is put together.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace phoenix::bench {

inline constexpr std::string_view kLineEnd = "\r\n";

/// `Sink` is told in order of
///   bool line(std::string_view text, std::size_t& body_bytes)  without its end; a body of so many
///                                                              bytes follows when it sets them and
///                                                              has_body() is true then
///   bool has_body() const
///   void body_part(std::size_t offset, std::string_view bytes)
///   bool body_end()
/// and stops the walk by false.
class LineWalker final {
 public:
  /// No protocol's lines are longer: errors are texts for people.
  static constexpr std::size_t kLineBytesMax = std::size_t{64} << 10U;

  /// False when the sink stopped or the stream is broken (then problem() says how); the walker is
  /// of no more use.
  template <typename Sink>
  [[nodiscard]] bool walk(std::string_view bytes, Sink& sink) {
    while (!bytes.empty()) {
      if (in_body_) {
        if (!body(bytes, sink)) return false;
        continue;
      }
      const std::size_t end = bytes.find('\n');
      if (end == std::string_view::npos || !line_.empty()) {
        if (!gather(bytes, end)) return false;
        if (end == std::string_view::npos) return true;
        bytes.remove_prefix(end + 1);
        const bool goes_on = line(line_, sink);
        line_.clear();
        if (!goes_on) return false;
      } else {
        const std::string_view text = bytes.substr(0, end);
        if (is_too_long(text.size())) return false;
        bytes.remove_prefix(end + 1);
        if (!line(text, sink)) return false;
      }
    }
    return true;
  }

  bool inside() const { return in_body_ || !line_.empty(); }
  /// What is wrong with the stream; empty: nothing.
  std::string_view problem() const { return problem_; }

 private:
  bool gather(std::string_view bytes, std::size_t end) {
    const std::string_view part = bytes.substr(0, end);
    if (is_too_long(line_.size() + part.size())) return false;
    line_.append(part);
    return true;
  }

  bool is_too_long(std::size_t line_bytes) {
    if (line_bytes > kLineBytesMax) problem_ = "a line over 64 KiB";
    return line_bytes > kLineBytesMax;
  }

  template <typename Sink>
  bool line(std::string_view text, Sink& sink) {
    if (text.ends_with('\r')) text.remove_suffix(1);
    body_bytes_ = 0;
    if (!sink.line(text, body_bytes_)) return false;
    in_body_ = sink.has_body();
    body_done_ = 0;
    return true;
  }

  // The body has a line's end behind it.
  template <typename Sink>
  bool body(std::string_view& bytes, Sink& sink) {
    if (body_done_ < body_bytes_) {
      const std::size_t take = std::min(bytes.size(), body_bytes_ - body_done_);
      sink.body_part(body_done_, bytes.substr(0, take));
      body_done_ += take;
      bytes.remove_prefix(take);
    }
    if (body_done_ < body_bytes_) return true;
    while (!bytes.empty() && body_done_ < body_bytes_ + kLineEnd.size()) {
      if (bytes.front() != kLineEnd[body_done_ - body_bytes_]) {
        problem_ = "a value that does not end where its size says";
        return false;
      }
      ++body_done_;
      bytes.remove_prefix(1);
    }
    if (body_done_ < body_bytes_ + kLineEnd.size()) return true;
    in_body_ = false;
    return sink.body_end();
  }

  std::string line_;  // What there is of it, when it is split.
  std::size_t body_bytes_ = 0;
  std::size_t body_done_ = 0;
  bool in_body_ = false;
  std::string_view problem_;
};

}  // namespace phoenix::bench
