#include "phoenix/log/accept.h"

#include <algorithm>
#include <map>

#include "phoenix/log/file.h"

namespace phoenix::log {
namespace {

struct StreamInput {
  std::vector<const ScannedSegment*> segments;
};
struct EpochInput {
  std::array<StreamInput, 2> streams;
  std::array<std::uint64_t, 2> stable{};  // The highest that any batch or header states.
};

const RecordedEnd* find_end(const Superblock& superblock, std::uint16_t core, std::uint64_t epoch,
                            std::size_t stream) {
  const auto matches = [&](const RecordedEnd& end) {
    return end.core == core && end.epoch == epoch && end.stream == stream;
  };
  const auto it = std::find_if(superblock.ends.begin(), superblock.ends.end(), matches);
  return it == superblock.ends.end() ? nullptr : &*it;
}

std::vector<Extent> sorted_extents(const StreamInput& input) {
  std::vector<Extent> extents;
  for (const auto* scanned : input.segments) {
    for (const BatchRun& run : scanned->scan.runs) extents.push_back({scanned->segment, run});
  }
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.run.first_seq < b.run.first_seq; });
  return extents;
}

// The first seq from `from` on that no extent holds.
std::uint64_t contiguous_end(const std::vector<Extent>& extents, std::uint64_t from) {
  for (const Extent& extent : extents) {
    if (extent.run.first_seq > from) break;
    from = std::max(from, extent.run.end_seq);
  }
  return from;
}

std::uint64_t highest_end(const std::vector<Extent>& extents, std::uint64_t from) {
  for (const Extent& extent : extents) from = std::max(from, extent.run.end_seq);
  return from;
}

// Where batch `seq` should stand: behind the last batch before it, in the last segment that begins
// at or before it.
void locate(Damage& damage, const StreamInput& input) {
  for (const auto* scanned : input.segments) {
    const SegmentHeader& header = scanned->segment->header;
    if (header.first_seq > damage.first_seq) continue;
    if (damage.segment != nullptr && damage.segment->header.first_seq > header.first_seq) continue;
    damage.segment = scanned->segment;
    damage.offset = data_offset(header.write_alignment);
    for (const BatchRun& run : scanned->scan.runs) {
      if (run.end_seq <= damage.first_seq) damage.offset = run.end_offset;
    }
  }
}

class Acceptance final {
 public:
  Acceptance(const Superblock& superblock, std::uint16_t core, const Mutations& mutations)
      : superblock_(superblock), core_(core), mutations_(mutations) {}

  CoreLog run(const std::vector<ScannedSegment>& segments) {
    std::map<std::uint64_t, EpochInput> epochs;
    if (!superblock_.rewriting && superblock_.epoch > 0) epochs[superblock_.epoch];
    for (const RecordedEnd& end : superblock_.ends) {
      if (end.core == core_ && is_live(superblock_, end.epoch)) epochs[end.epoch];
    }
    for (const ScannedSegment& scanned : segments) add(scanned, epochs);
    for (const auto& [epoch, input] : epochs) {
      EpochLog& log = log_.epochs.emplace_back();
      log.epoch = epoch;
      for (std::size_t stream = 0; stream < 2; ++stream) accept_stream(input, stream, log);
    }
    return std::move(log_);
  }

 private:
  void add(const ScannedSegment& scanned, std::map<std::uint64_t, EpochInput>& epochs) {
    const SegmentHeader& header = scanned.segment->header;
    const SegmentScan& scan = scanned.scan;
    EpochInput& epoch = epochs[header.epoch];
    epoch.streams[header.stream].segments.push_back(&scanned);
    epoch.stable[0] = std::max(epoch.stable[0], scan.stable_user_seq);
    epoch.stable[1] = std::max(epoch.stable[1], scan.stable_survivor_seq);
    log_.next_seq[header.stream] = std::max(log_.next_seq[header.stream], scan.end_seq);
    log_.next_lsn = std::max(log_.next_lsn, scan.end_lsn);
    log_.stamp = std::max(log_.stamp, scan.stamp);
  }

  void accept_stream(const EpochInput& input, std::size_t stream, EpochLog& epoch) {
    StreamLog& log = epoch.streams[stream];
    log.extents = sorted_extents(input.streams[stream]);
    const RecordedEnd* const recorded = find_end(superblock_, core_, epoch.epoch, stream);
    const bool open = epoch.epoch == superblock_.epoch && !superblock_.rewriting;
    if (open) {
      accept_open(input.stable[stream], stream, log);
    } else if (recorded != nullptr && !mutations_.forget_recorded_ends) {
      log.first_seq = recorded->first_seq;
      log.end_seq = recorded->end_seq;
    } else {
      log.first_seq = log.end_seq = log.extents.empty() ? 1 : log.extents.front().run.first_seq;
      log.end_seq = highest_end(log.extents, log.end_seq);
    }
    if (!mutations_.truncate_at_damage) {
      find_damage(input.streams[stream], stream, epoch);
    } else {
      log.end_seq = std::min(log.end_seq, contiguous_end(log.extents, log.first_seq));
    }
    const auto behind = [&](const Extent& extent) { return extent.run.first_seq >= log.end_seq; };
    std::erase_if(log.extents, behind);
  }

  void accept_open(std::uint64_t stable, std::size_t stream, StreamLog& log) const {
    const CoreBase& base = superblock_.bases.at(core_);
    log.first_seq = stream == 0 ? base.user_seq : base.survivor_seq;
    log.end_seq = contiguous_end(log.extents, std::max(log.first_seq, stable + 1));
  }

  // Every seq of [first_seq, end_seq) must be there exactly once. No segment of a live epoch goes
  // away yet, so one that is missing as a whole is found as well.
  void find_damage(const StreamInput& input, std::size_t stream, EpochLog& epoch) {
    const StreamLog& log = epoch.streams[stream];
    std::uint64_t next = log.first_seq;
    std::uint64_t stamp = 0;
    for (const Extent& extent : log.extents) {
      if (extent.run.first_seq >= log.end_seq) break;
      if (extent.run.first_seq != next) {
        report(epoch, input, stream, {next, extent.run.first_seq}, {stamp, extent.run.first_stamp});
      }
      next = std::max(next, extent.run.end_seq);
      stamp = extent.run.last_stamp;
    }
    if (next < log.end_seq) report(epoch, input, stream, {next, log.end_seq}, {stamp, 0});
  }

  using Range = std::pair<std::uint64_t, std::uint64_t>;
  void report(const EpochLog& epoch, const StreamInput& input, std::size_t stream, Range seqs,
              Range stamps) {
    Damage& damage = log_.damage.emplace_back();
    damage.epoch = epoch.epoch;
    damage.stream = static_cast<Stream>(stream);
    damage.first_seq = std::min(seqs.first, seqs.second);
    damage.end_seq = std::max(seqs.first, seqs.second);
    damage.after_stamp = stamps.first;
    damage.before_stamp = stamps.second;
    locate(damage, input);
  }

  const Superblock& superblock_;
  std::uint16_t core_;
  const Mutations& mutations_;
  CoreLog log_;
};

std::string slot_ranges(const Superblock& superblock, std::uint16_t core) {
  constexpr std::size_t kRangesMax = 8;
  std::string text;
  std::size_t ranges = 0;
  const auto& slots = superblock.slots;
  for (std::size_t slot = 0; slot < slots.size();) {
    std::size_t end = slot;
    while (end < slots.size() && slots[end] == slots[slot]) ++end;
    if (slots[slot] == core && ++ranges <= kRangesMax) {
      if (!text.empty()) text += ", ";
      text += std::to_string(slot) + "-" + std::to_string(end - 1);
    }
    slot = end;
  }
  return ranges > kRangesMax ? text + ", ..." : text;
}

}  // namespace

bool is_live(const Superblock& superblock, std::uint64_t epoch) {
  if (superblock.rewriting && epoch == superblock.epoch) return false;
  return epoch >= superblock.dead_below_epoch && epoch <= superblock.epoch;
}

CoreLog accept(const Superblock& superblock, std::uint16_t core,
               const std::vector<ScannedSegment>& segments, const Mutations& mutations) {
  return Acceptance(superblock, core, mutations).run(segments);
}

std::string describe(const Damage& damage, const Superblock& superblock, std::uint16_t core) {
  std::string text = "batches " + std::to_string(damage.first_seq) + " to " +
                     std::to_string(damage.end_seq - 1) + " of core " + std::to_string(core) +
                     (damage.stream == Stream::user ? "" : " (survivors)") + ", epoch " +
                     std::to_string(damage.epoch);
  if (damage.segment != nullptr) {
    text += ", are damaged in segment " + segment_name(damage.segment->uid) + " at offset " +
            std::to_string(damage.offset);
  } else {
    text += ", are missing with their segment";
  }
  text += "; affected: keys in slots " + slot_ranges(superblock, core);
  if (damage.after_stamp != 0) {
    text += ", changed after Unix time " + std::to_string(stamp_ms(damage.after_stamp)) + " ms";
  }
  if (damage.before_stamp != 0) {
    text += ", changed before Unix time " + std::to_string(stamp_ms(damage.before_stamp)) + " ms";
  }
  return text;
}

}  // namespace phoenix::log
