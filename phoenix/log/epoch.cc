// Phases 3 and 5: what makes a start final. The order of the steps is the point; each may be cut
// anywhere, and the next start does it again.
#include <algorithm>
#include <set>
#include <tuple>

#include "phoenix/base/check.h"
#include "phoenix/log/file.h"
#include "phoenix/log/store_parts.h"

namespace phoenix::log {
namespace {

// What was found for each old core, checked to be the same where several cores read it.
Result<std::vector<const CoreLog*>> logs_by_core(const Store::Parts& parts) {
  std::vector<const CoreLog*> logs;
  for (std::size_t old = 0; old < parts.found.core_count; ++old) {
    const auto& places = parts.cores;
    const auto& own = parts.remaps() ? places[0].logs : places[old].logs;
    const std::size_t index = parts.remaps() ? old : 0;
    PHX_CHECK(index < own.size());  // Replay of every core ended well.
    logs.push_back(&own[index]);
    if (!parts.remaps()) continue;
    for (const CorePlace& place : places) {
      PHX_CHECK(old < place.logs.size());
      const CoreLog& other = place.logs[old];
      if (other.next_lsn == own[index].next_lsn && other.next_seq == own[index].next_seq) continue;
      return fail(ErrorCode::io, "two readers found different logs of core " + std::to_string(old) +
                                     ": the disk answers differently");
    }
  }
  return logs;
}

using Accepted = std::set<std::uint64_t>;  // Uids of segments with an accepted batch.

Accepted accepted_segments(const std::vector<const CoreLog*>& logs, std::uint64_t epoch_or_0) {
  Accepted accepted;
  for (const CoreLog* log : logs) {
    for (const EpochLog& epoch : log->epochs) {
      if (epoch_or_0 != 0 && epoch.epoch != epoch_or_0) continue;
      for (const StreamLog& stream : epoch.streams) {
        for (const Extent& extent : stream.extents) accepted.insert(extent.segment->uid);
      }
    }
  }
  return accepted;
}

// Rule 5 (3): what was accepted may be in a cache only. Older epochs were synced by earlier starts.
io::Task<Result<void>> sync_accepted(io::Context& io, Store::Parts& parts,
                                     const std::vector<const CoreLog*>& logs) {
  const std::int32_t directory = co_await io.sync(parts.access.directory);
  if (directory < 0) co_return system_error("syncing the directory", directory);
  if (parts.options.mutations.skip_recovery_sync) co_return Result<void>();
  const Accepted accepted = accepted_segments(logs, parts.found.epoch);
  for (const std::uint64_t uid : accepted) {
    const Result<int> fd = co_await open_segment(io, parts.access, uid);
    if (!fd) co_return tl::unexpected<Error>(fd.error());
    const std::int32_t synced = co_await io.sync(*fd);
    const std::int32_t closed = co_await io.close(*fd);
    if (synced < 0) co_return system_error("syncing segment " + segment_name(uid), synced);
    if (closed < 0) co_return system_error("closing segment " + segment_name(uid), closed);
  }
  co_return Result<void>();
}

using StreamKey = std::tuple<std::uint16_t, std::uint64_t, std::uint8_t>;  // Core, epoch, stream.

// Streams that still have a segment: their ends must be known as long as that is so.
std::set<StreamKey> streams_on_disk(const Store::Parts& parts) {
  std::set<StreamKey> streams;
  for (const FoundSegment& segment : parts.segments) {
    if (segment.state != HeaderState::valid) continue;
    const SegmentHeader& header = segment.header;
    if (!is_live(parts.found, header.epoch)) continue;
    streams.insert({header.core, header.epoch, header.stream});
  }
  return streams;
}

// With damage accepted by flag, whatever might still be of use to somebody stays.
bool has_accepted_damage(const Store::Parts& parts) {
  return std::any_of(parts.cores.begin(), parts.cores.end(),
                     [](const CorePlace& place) { return !place.damage.empty(); });
}

std::uint64_t rewrite_bytes(const Store::Parts& parts) {
  std::uint64_t live_bytes = 0;
  for (const CorePlace& place : parts.cores) live_bytes += place.live_bytes;
  return live_bytes + live_bytes / 4;  // With what records and segments take beside the data.
}

// A superblock with many recorded ends is relieved by a rewrite. Without room for that the next
// start looks again; and while damage is accepted nothing may be deleted.
bool wants_relief(const Store::Parts& parts) {
  if (parts.found.ends.size() <= kRecordedEndsRewrite || has_accepted_damage(parts)) return false;
  const auto space = parts.host.space(parts.access.directory);
  const std::uint64_t need_bytes = rewrite_bytes(parts);
  return space && space->available_bytes > kept_free_bytes(parts.options, *space) &&
         space->available_bytes - kept_free_bytes(parts.options, *space) > need_bytes;
}

// The ends that the next start is going to add must have their place, so that it can relieve it.
Result<void> check_ends(const Store::Parts& parts, const Superblock& next) {
  if (next.rewriting) return {};
  if (next.ends.size() + 2 * std::size_t{next.core_count} <= recorded_ends_max(next)) return {};
  return fail(
      ErrorCode::disk_full,
      "the ends of " + std::to_string(next.ends.size()) +
          " logs are recorded in the superblock of " + parts.where +
          ", which is full by that. Free space on its disk, so that the data can be written "
          "anew: " +
          std::to_string((rewrite_bytes(parts) >> 20U) + 1) +
          " MiB beside what is kept free. (It is not done with --accept-damage on a damaged "
          "log: copy the data to a new directory then.)");
}

std::vector<RecordedEnd> ends_of(const Store::Parts& parts,
                                 const std::vector<const CoreLog*>& logs) {
  const std::set<StreamKey> on_disk = streams_on_disk(parts);
  // Whose end a segment without a readable header needs is not known: it may be read one day.
  const bool keeps_all = std::any_of(
      parts.segments.begin(), parts.segments.end(),
      [](const FoundSegment& segment) { return segment.state == HeaderState::damaged; });
  std::vector<RecordedEnd> ends;
  for (std::uint16_t core = 0; core < logs.size(); ++core) {
    for (const EpochLog& epoch : logs[core]->epochs) {
      for (std::uint8_t stream = 0; stream < 2; ++stream) {
        const StreamLog& log = epoch.streams[stream];
        // What is missing as a whole was accepted as lost, and is told again by the next start.
        const bool missing = log.end_seq > log.first_seq;
        if (!keeps_all && !missing && !on_disk.contains({core, epoch.epoch, stream})) continue;
        ends.push_back({epoch.epoch, log.first_seq, log.end_seq, core, stream});
      }
    }
  }
  return ends;
}

// Numbers go on above everything seen, also behind the ends, so that nothing old can be mistaken
// for new.
std::vector<CoreBase> next_bases(const Store::Parts& parts,
                                 const std::vector<const CoreLog*>& logs) {
  std::vector<CoreBase> bases(parts.core_count);
  CoreBase highest;
  const auto raise = [](CoreBase& base, const CoreBase& other) {
    base.user_seq = std::max(base.user_seq, other.user_seq);
    base.survivor_seq = std::max(base.survivor_seq, other.survivor_seq);
    base.lsn = std::max(base.lsn, other.lsn);
  };
  for (std::size_t old = 0; old < std::max(logs.size(), parts.found.bases.size()); ++old) {
    CoreBase base;
    if (old < parts.found.bases.size()) base = parts.found.bases[old];
    if (old < logs.size() && !parts.options.mutations.lsn_goes_back) {
      const CoreLog& log = *logs[old];
      raise(base, {log.next_seq[0], log.next_seq[1], log.next_lsn});
    }
    raise(highest, base);
    if (old < bases.size()) raise(bases[old], base);
  }
  if (parts.rewrites) std::fill(bases.begin(), bases.end(), highest);
  return bases;
}

Superblock next_superblock(const Store::Parts& parts, const std::vector<const CoreLog*>& logs,
                           std::int64_t stamp_high_water_ms) {
  Superblock next = parts.found;
  ++next.number;
  ++next.epoch;
  next.rewriting = parts.rewrites;
  next.stamp_high_water_ms = std::max(next.stamp_high_water_ms, stamp_high_water_ms);
  next.bases = next_bases(parts, logs);
  next.ends = ends_of(parts, logs);
  return next;
}

// An epoch that was being written by a rewrite that did not end. The superblock says so, hence it
// can go before anything else is written.
std::vector<std::uint64_t> void_segments(const Store::Parts& parts) {
  std::vector<std::uint64_t> uids;
  if (!parts.found.rewriting) return uids;
  for (const FoundSegment& segment : parts.segments) {
    const bool is_void =
        segment.state == HeaderState::valid && segment.header.epoch == parts.found.epoch;
    if (is_void) uids.push_back(segment.uid);
  }
  return uids;
}

// Where the stream of a live segment ended; nothing at or behind that counts.
std::uint64_t end_of(const Store::Parts& parts, const SegmentHeader& header) {
  for (const RecordedEnd& end : parts.current.ends) {
    const bool matches =
        end.core == header.core && end.epoch == header.epoch && end.stream == header.stream;
    if (matches) return end.end_seq;
  }
  PHX_CHECK(false);  // The superblock that was just written has it.
  return 0;
}

// What holds nothing that counts, now that the superblock says where the logs ended. Behind an end
// that damage made, too, nothing counts, but there it may be all that is left.
std::vector<std::uint64_t> empty_segments(const Store::Parts& parts) {
  const bool keeps_all = has_accepted_damage(parts);
  std::vector<std::uint64_t> uids;
  for (const FoundSegment& segment : parts.segments) {
    bool empty = segment.state == HeaderState::blank;
    if (segment.state == HeaderState::damaged) empty = !parts.options.accept_damage;
    if (segment.state == HeaderState::valid) {
      const SegmentHeader& header = segment.header;
      if (header.epoch < parts.current.dead_below_epoch) {
        empty = true;
      } else if (is_live(parts.found, header.epoch)) {
        empty = !keeps_all && header.first_seq >= end_of(parts, header);
      }
    }
    if (empty) uids.push_back(segment.uid);
  }
  return uids;
}

void drop_found(Store::Parts& parts, const std::vector<std::uint64_t>& uids) {
  const std::set<std::uint64_t> gone(uids.begin(), uids.end());
  for (const FoundSegment& segment : parts.segments) {
    if (!gone.contains(segment.uid) || segment.state != HeaderState::valid) continue;
    if (parts.remaps() || !is_live(parts.found, segment.header.epoch)) continue;
    CorePlace& place = parts.cores[segment.header.core];
    place.log_bytes -= segment.header.size_bytes;
    --place.segments;
  }
  std::erase_if(parts.segments, [&](const FoundSegment& s) { return gone.contains(s.uid); });
}

}  // namespace

io::Task<Result<void>> remove_segments(io::Context& io, Store::Parts& parts,
                                       std::vector<std::uint64_t> uids) {
  if (uids.empty()) co_return Result<void>();
  for (const std::uint64_t uid : uids) {
    const std::string name = segment_name(uid);
    const std::int32_t unlinked = co_await io.unlink(parts.access.directory, name.c_str());
    if (unlinked < 0) co_return system_error("removing segment " + name, unlinked);
  }
  const std::int32_t synced = co_await io.sync(parts.access.directory);
  if (synced < 0) co_return system_error("syncing the directory", synced);
  co_return Result<void>();
}

namespace {

// Everything is declared dead first: a cut leaves an empty database, not a damaged one.
io::Task<Result<void>> discard(io::Context& io, Store::Parts& parts) {
  const int newest = parts.copies.newest();
  if (newest >= 0) {
    Superblock dead = parts.copies.decoded[static_cast<std::size_t>(newest)].superblock;
    ++dead.number;
    ++dead.epoch;
    dead.dead_below_epoch = dead.epoch;
    dead.rewriting = false;
    dead.ends.clear();
    dead.bases.resize(dead.core_count);
    const Result<void> written =
        co_await write_superblocks(io, parts.access, dead, parts.copies, false);
    if (!written) co_return written;
  }
  std::vector<std::uint64_t> uids;
  for (const FoundSegment& segment : parts.segments) uids.push_back(segment.uid);
  const Result<void> removed = co_await remove_segments(io, parts, uids);
  if (!removed) co_return removed;
  for (std::size_t i = 0; i < 2; ++i) {
    if (!parts.copies.present[i]) continue;
    const std::int32_t unlinked = co_await io.unlink(parts.access.directory, kSuperblockNames[i]);
    if (unlinked < 0) co_return system_error("removing a superblock", unlinked);
  }
  const std::int32_t synced = co_await io.sync(parts.access.directory);
  if (synced < 0) co_return system_error("syncing the directory", synced);
  parts.segments.clear();
  parts.notices.push_back("data directory " + parts.where + ": the log was discarded");
  co_return Result<void>();
}

}  // namespace

io::Task<Result<void>> begin_epoch(io::Context& io, Store::Parts& parts,
                                   std::int64_t stamp_high_water_ms) {
  if (parts.discards) {
    co_return co_await discard(io, parts);
  }
  if (parts.off()) co_return Result<void>();
  const auto logs = logs_by_core(parts);
  if (!logs) co_return tl::unexpected<Error>(logs.error());
  parts.rewrites = parts.remaps() || wants_relief(parts);
  for (CorePlace& place : parts.cores) {
    for (const std::string& damage : place.damage) {
      parts.notices.push_back("accepted as lost: " + damage);
    }
  }
  const Result<void> synced = co_await sync_accepted(io, parts, *logs);
  if (!synced) co_return synced;
  const std::vector<std::uint64_t> voided = void_segments(parts);
  const Result<void> cleared = co_await remove_segments(io, parts, voided);
  if (!cleared) co_return cleared;
  const Superblock next = next_superblock(parts, *logs, stamp_high_water_ms);
  const Result<void> fits = check_ends(parts, next);
  if (!fits) co_return fits;
  const Result<void> written = co_await write_superblocks(
      io, parts.access, next, parts.copies, parts.options.mutations.superblock_same_copy_twice);
  if (!written) co_return written;
  parts.current = next;
  for (CorePlace& place : parts.cores) place.logs.clear();  // They point into what goes now.
  drop_found(parts, voided);
  const std::vector<std::uint64_t> empty = empty_segments(parts);
  const Result<void> removed = co_await remove_segments(io, parts, empty);
  if (!removed) co_return removed;
  drop_found(parts, empty);
  co_return Result<void>();
}

namespace {

// The new epoch holds some of the live keys once more, as if clients had written them.
io::Task<Result<void>> keep_sources(io::Context& io, Store::Parts& parts, Superblock next) {
  const Result<void> fits = check_ends(parts, next);
  if (!fits) co_return fits;
  const Result<void> written = co_await write_superblocks(
      io, parts.access, next, parts.copies, parts.options.mutations.superblock_same_copy_twice);
  if (written) parts.current = next;
  co_return written;
}

}  // namespace

io::Task<Result<void>> retire(io::Context& io, Store::Parts& parts) {
  if (parts.off() || !parts.rewrites) co_return Result<void>();
  Superblock next = parts.current;
  ++next.number;
  next.rewriting = false;
  if (parts.rewrite_ended_early) {
    co_return co_await keep_sources(io, parts, std::move(next));
  }
  next.dead_below_epoch = next.epoch;
  next.core_count = static_cast<std::uint16_t>(parts.core_count);
  next.slots = parts.slots;
  next.ends.clear();
  const Result<void> written = co_await write_superblocks(
      io, parts.access, next, parts.copies, parts.options.mutations.superblock_same_copy_twice);
  if (!written) co_return written;
  parts.current = next;
  std::vector<std::uint64_t> dead;
  for (const FoundSegment& segment : parts.segments) {
    const bool keep = segment.state == HeaderState::damaged && parts.options.accept_damage;
    if (!keep) dead.push_back(segment.uid);
  }
  const Result<void> removed = co_await remove_segments(io, parts, dead);
  if (!removed) co_return removed;
  parts.segments.clear();
  co_return Result<void>();
}

}  // namespace phoenix::log
