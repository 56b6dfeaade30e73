#include "bench/workload/options.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "protocol/limits.h"

namespace phoenix::bench {
namespace {

constexpr std::uint64_t kInsertsMax = 1'000'000'000;

struct Named {
  std::string_view name;
  Mix mix;
  Distribution::Kind distribution;
};

// B. Cooper et al., "Benchmarking cloud serving systems with YCSB", SoCC 2010, table 2.
constexpr auto kZipf = Distribution::Kind::zipf;
constexpr auto kUniform = Distribution::Kind::uniform;
constexpr std::array<Named, 10> kNamed{{
    {"get", {.get = 1}, kUniform},
    {"set", {.get = 0, .set = 1}, kUniform},
    {"del", {.get = 0, .del = 1}, kUniform},
    {"mixed", {.get = 0.9, .set = 0.1}, kUniform},
    {"ycsb-a", {.get = 0.5, .set = 0.5}, kZipf},
    {"ycsb-b", {.get = 0.95, .set = 0.05}, kZipf},
    {"ycsb-c", {.get = 1}, kZipf},
    {"ycsb-d", {.get = 0.95, .insert = 0.05}, Distribution::Kind::latest},
    {"ycsb-e", {.get = 0, .insert = 0.05, .multi_get = 0.95}, kZipf},
    {"ycsb-f", {.get = 0.5, .read_modify_set = 0.5}, kZipf},
}};

}  // namespace

Result<Mix> Mix::parse(std::string_view text) {
  std::array<double, 3> shares{};
  std::size_t count = 0;
  double sum = 0;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::string_view word = text.substr(begin, text.find(':', begin) - begin);
    begin += word.size() + 1;
    unsigned share = 0;
    const auto parsed = std::from_chars(word.data(), word.data() + word.size(), share);
    if (count == shares.size() || parsed.ec != std::errc{} ||
        parsed.ptr != word.data() + word.size()) {
      sum = 0;
      break;
    }
    shares[count++] = share;
    sum += share;
  }
  if (count < 2 || sum == 0) {
    return fail(ErrorCode::invalid,
                fmt::format("--mix {}: it takes the shares of GET, SET and DEL, as 80:15:5", text));
  }
  return Mix{.get = shares[0] / sum, .set = shares[1] / sum, .del = shares[2] / sum};
}

Result<void> set_workload(std::string_view name, WorkloadOptions& options) {
  for (const Named& each : kNamed) {
    if (each.name != name) continue;
    options.name = name;
    options.mix = each.mix;
    options.distribution.kind = each.distribution;
    return {};
  }
  return fail(ErrorCode::invalid,
              fmt::format("--workload {}: it takes {}", name, workload_names()));
}

std::uint64_t key_numbers(const WorkloadOptions& options) {
  return options.keys + (options.mix.insert > 0 ? kInsertsMax : 0);
}

std::string workload_names() {
  std::string names;
  for (const Named& each : kNamed)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", each.name);
  return names;
}

std::uint64_t TtlRange::of(std::uint64_t key) const {
  return min_ms + SeededRandom(key).next() % (max_ms - min_ms + 1);
}

Result<TtlRange> TtlRange::parse(std::string_view text) {
  TtlRange range;
  const char* end = text.data() + text.size();
  auto parsed = std::from_chars(text.data(), end, range.min_ms);
  range.max_ms = range.min_ms;
  if (parsed.ec == std::errc{} && parsed.ptr != end && *parsed.ptr == '-') {
    parsed = std::from_chars(parsed.ptr + 1, end, range.max_ms);
  }
  if (parsed.ec != std::errc{} || parsed.ptr != end || range.min_ms == 0 ||
      range.min_ms > range.max_ms || range.max_ms > protocol::kTtlMsMax) {
    return fail(ErrorCode::invalid,
                fmt::format("--ttl-ms {}: it takes 1500 or 1000-5000, in milliseconds", text));
  }
  return range;
}

std::string TtlRange::text() const {
  return min_ms == max_ms ? std::to_string(max_ms) : fmt::format("{}-{}", min_ms, max_ms);
}

}  // namespace phoenix::bench
