#include "phoenix/commands/long_job.h"

#include <algorithm>
#include <utility>

#include "phoenix/commands/command.h"
#include "phoenix/commands/core_control.h"

namespace phoenix::commands {
namespace {

// Short values come as a block that was made for the job: of those the content counts.
bool is_same_source(const engine::LargeValueRef& a, const engine::LargeValueRef& b) {
  if (a == b) return true;
  return a->size_bytes() <= engine::kSmallValueBytesMax && a->view() == b->view();
}

void copy_slice(LongJob& job, std::size_t begin, std::size_t end) {
  auto* const copy = job.result_of(job.size_bytes);
  if (copy == nullptr) return;
  job.has_failed = !copy->append(job.sources[0]->view().substr(begin, end - begin));
}

}  // namespace

bool LongJob::is_same(const LongJob& other) const {
  return step == other.step && size_bytes == other.size_bytes && detail == other.detail &&
         std::equal(sources.begin(), sources.end(), other.sources.begin(), other.sources.end(),
                    is_same_source);
}

void LongJob::run(std::size_t bytes_max) {
  if (is_done()) return;
  const std::size_t end = done_bytes + std::min(bytes_max, size_bytes - done_bytes);
  const std::size_t begin = std::exchange(done_bytes, end);
  step(*this, begin, end);
}

engine::LargeValue* LongJob::result_of(std::size_t bytes) {
  if (result != nullptr) return result.get();
  auto block = std::make_shared<engine::LargeValue>(meter);
  has_failed = !block->reserve(bytes);
  if (!has_failed) result = std::move(block);
  return result.get();
}

std::size_t LongJobs::find(const LongJob& wanted) const {
  const auto is_it = [&](const Kept& kept) { return kept.job.is_same(wanted); };
  return static_cast<std::size_t>(std::find_if(jobs_.begin(), jobs_.end(), is_it) - jobs_.begin());
}

// By whom nobody waits for: its value was changed meanwhile, or its client has gone.
bool LongJobs::make_room() {
  if (jobs_.size() < kJobsMax) return true;
  const auto is_idle = [](const Kept& kept) { return kept.ticks >= kTicksIdle; };
  const auto idle = std::find_if(jobs_.begin(), jobs_.end(), is_idle);
  if (idle == jobs_.end()) return false;
  jobs_.erase(idle);
  return true;
}

bool LongJobs::is_behind_another(std::size_t place) const {
  const auto& sources = jobs_[place].job.sources;
  const auto has_same_block = [&](const Kept& before) {
    const auto& others = before.job.sources;
    return before.ticks < kTicksIdle &&
           std::find_first_of(sources.begin(), sources.end(), others.begin(), others.end()) !=
               sources.end();
  };
  return std::any_of(jobs_.begin(), jobs_.begin() + static_cast<std::ptrdiff_t>(place),
                     has_same_block);
}

bool LongJobs::advance(const LongJob& wanted) {
  if (!wanted || wanted.size_bytes < kSlicesMin * slice_bytes_ * wanted.pace) return true;
  std::size_t place = find(wanted);
  if (place == jobs_.size()) {
    if (!make_room()) return false;
    place = jobs_.size();
    jobs_.push_back({wanted});
  }
  Kept& kept = jobs_[place];
  kept.ticks = 0;
  if (kept.job.is_done()) return true;
  if (is_behind_another(place)) return false;
  goes_on_ = true;
  if (!std::exchange(has_worked_, true)) kept.job.run(slice_bytes_ * wanted.pace);
  return kept.job.is_done();
}

LongJob LongJobs::take(LongJob wanted) {
  const std::size_t place = find(wanted);
  if (place == jobs_.size() || !jobs_[place].job.is_done()) return wanted;
  LongJob done = std::move(jobs_[place].job);
  jobs_.erase(jobs_.begin() + static_cast<std::ptrdiff_t>(place));
  goes_on_ = true;
  return done;
}

bool LongJobs::begin_turn() {
  has_worked_ = false;
  return std::exchange(goes_on_, false);
}

void LongJobs::tick() {
  const std::size_t before = jobs_.size();
  std::erase_if(jobs_, [](Kept& kept) { return ++kept.ticks > kTicksKept; });
  goes_on_ = goes_on_ || jobs_.size() != before;
}

LongJob finish_job(Context& context, LongJob job) {
  LongJobs* const jobs = context.core == nullptr ? nullptr : context.core->long_jobs;
  if (jobs != nullptr && !jobs->empty()) job = jobs->take(std::move(job));
  context.steps += (job.size_bytes - job.done_bytes) / job.pace;
  job.run(job.size_bytes);
  return job;
}

LongJob copy_job(const Context& context, const engine::LargeValueRef& block) {
  LongJob job{copy_slice, block->size_bytes(), {block}};
  job.meter = context.keyspace.large_meter();
  return job;
}

}  // namespace phoenix::commands
