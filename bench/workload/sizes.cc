#include "bench/workload/sizes.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>

namespace phoenix::bench {
namespace {

constexpr std::string_view kLog = "log:";
constexpr std::size_t kWeightedMax = 64;
constexpr std::uint64_t kWeightMax = 1'000'000'000;
constexpr std::uint64_t kSizeSalt = 0x5EED0F512E5U;  // Other bits than those the value is made of.

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

tl::unexpected<Error> unreadable(std::string_view text) {
  return fail(ErrorCode::invalid,
              fmt::format("'{}' is no size: it takes 64, 16-1024, log:16-1048576 or "
                          "64*90,1024*10 (size*weight)",
                          text));
}

tl::unexpected<Error> too_large(std::string_view text, std::size_t bytes_max) {
  return fail(ErrorCode::invalid, fmt::format("'{}' is over {} bytes", text, bytes_max));
}

}  // namespace

Result<Sizes> Sizes::parse(std::string_view text, std::size_t bytes_max) {
  if (const auto bytes = number_in(text)) {
    if (*bytes > bytes_max) return too_large(text, bytes_max);
    return Sizes(*bytes);
  }
  const bool is_log = text.starts_with(kLog);
  const bool is_weighted = text.find('*') != std::string_view::npos;
  auto sizes = is_weighted ? parse_weights(text, bytes_max)
               : is_log    ? parse_range(text, Kind::logarithmic, bytes_max)
                           : parse_range(text, Kind::uniform, bytes_max);
  if (sizes) sizes->text_ = text;
  return sizes;
}

Result<Sizes> Sizes::parse_range(std::string_view text, Kind kind, std::size_t bytes_max) {
  const std::string_view range = kind == Kind::logarithmic ? text.substr(kLog.size()) : text;
  const std::size_t dash = range.find('-');
  if (dash == std::string_view::npos) return unreadable(text);
  const auto first = number_in(range.substr(0, dash));
  const auto last = number_in(range.substr(dash + 1));
  if (!first || !last || *first > *last) return unreadable(text);
  if (*last > bytes_max) return too_large(text, bytes_max);
  if (kind == Kind::logarithmic && *first == 0) return unreadable(text);
  Sizes sizes(*last);
  sizes.kind_ = kind;
  sizes.min_ = *first;
  return sizes;
}

Result<Sizes> Sizes::parse_weights(std::string_view text, std::size_t bytes_max) {
  Sizes sizes(0);
  sizes.kind_ = Kind::weighted;
  std::uint64_t weights = 0;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::string_view part = text.substr(begin, text.find(',', begin) - begin);
    begin += part.size() + 1;
    const std::size_t star = part.find('*');
    if (star == std::string_view::npos) return unreadable(text);
    const auto bytes = number_in(part.substr(0, star));
    const auto weight = number_in(part.substr(star + 1));
    if (!bytes || !weight || *weight == 0 || *weight > kWeightMax) return unreadable(text);
    if (*bytes > bytes_max) return too_large(text, bytes_max);
    if (sizes.weighted_.size() == kWeightedMax) return unreadable(text);
    weights += *weight;
    sizes.weighted_.push_back({*bytes, weights});
    sizes.max_ = std::max<std::size_t>(sizes.max_, *bytes);
  }
  return sizes;
}

std::size_t Sizes::min() const {
  if (kind_ == Kind::fixed) return max_;
  if (kind_ != Kind::weighted) return min_;
  const auto smaller = [](const Weighted& a, const Weighted& b) { return a.bytes < b.bytes; };
  return std::min_element(weighted_.begin(), weighted_.end(), smaller)->bytes;
}

std::size_t Sizes::drawn(std::uint64_t number) const {
  const std::uint64_t bits = SeededRandom(number ^ kSizeSalt).next();
  const double unit = static_cast<double>(bits >> 11U) * 0x1p-53;  // In [0, 1).
  if (kind_ == Kind::uniform) return min_ + bits % (max_ - min_ + 1);
  if (kind_ == Kind::logarithmic) {
    const double low = std::log(static_cast<double>(min_));
    const double high = std::log(static_cast<double>(max_) + 1);
    // Rounding may lead out of the range, and buffers are made for what is in it.
    return std::clamp(static_cast<std::size_t>(std::exp(low + unit * (high - low))), min_, max_);
  }
  const std::uint64_t at = bits % weighted_.back().weights_below;
  for (const Weighted& each : weighted_) {
    if (at < each.weights_below) return each.bytes;
  }
  return weighted_.back().bytes;
}

std::string Sizes::text() const {
  return text_.empty() ? std::to_string(max_) : text_;
}

}  // namespace phoenix::bench
