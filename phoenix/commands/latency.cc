#include "phoenix/commands/latency.h"

#include <algorithm>

namespace phoenix::commands {

void Latency::add(Event event, std::int64_t at_s, std::int64_t ms) {
  add(static_cast<std::size_t>(event), History{{{at_s, ms}}, ms});
}

void Latency::add(std::size_t event, const History& other) {
  History& history = histories_[event];
  history.longest_ms = std::max(history.longest_ms, other.longest_ms);
  auto& samples = history.samples;
  samples.insert(samples.end(), other.samples.begin(), other.samples.end());
  std::stable_sort(samples.begin(), samples.end(),
                   [](const auto& a, const auto& b) { return a.at_s < b.at_s; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Sample sample = samples[i];
    if (kept > 0 && samples[kept - 1].at_s == sample.at_s) {
      samples[kept - 1].ms = std::max(samples[kept - 1].ms, sample.ms);
    } else {
      samples[kept++] = sample;
    }
  }
  samples.resize(kept);
  if (kept > kSamples) samples.erase(samples.begin(), samples.end() - kSamples);
}

}  // namespace phoenix::commands
