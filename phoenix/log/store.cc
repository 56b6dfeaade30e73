#include "phoenix/log/store.h"

#include <algorithm>

#include <fmt/format.h>

#include "phoenix/base/check.h"
#include "phoenix/log/directory.h"
#include "phoenix/log/file.h"
#include "phoenix/log/replayer.h"
#include "phoenix/log/store_parts.h"

namespace phoenix::log {

SlotMap even_slot_map(unsigned cores) {
  PHX_CHECK(cores > 0 && cores <= kCoresMax);
  SlotMap map(protocol::kSlots);
  for (std::uint32_t slot = 0; slot < protocol::kSlots; ++slot) {
    map[slot] = static_cast<std::uint16_t>(std::uint64_t{slot} * cores / protocol::kSlots);
  }
  return map;
}

std::string describe(const Progress& progress) {
  constexpr double kBytesOfMB = 1e6;
  constexpr double kBytesOfGB = 1e9;
  const std::uint64_t total = std::max<std::uint64_t>(progress.bytes_total, 1);
  const std::uint64_t done = std::min<std::uint64_t>(progress.bytes_done, total);
  const auto percent =
      static_cast<unsigned>(100.0 * static_cast<double>(done) / static_cast<double>(total));
  const auto bytes = static_cast<double>(progress.log_bytes);
  const bool many = bytes >= kBytesOfGB;
  return fmt::format("{} % of {:.1f} {}", percent, bytes / (many ? kBytesOfGB : kBytesOfMB),
                     many ? "GB" : "MB");
}

namespace {

Options within_bounds(Options options) {
  options.segment_bytes_max = std::min(options.segment_bytes_max, kSegmentBytesMax);
  options.segment_bytes_min = std::min(options.segment_bytes_min, options.segment_bytes_max);
  options.commits_in_flight_max = std::max(options.commits_in_flight_max, 1U);
  return options;
}

}  // namespace

Store::Parts::Parts(io::Host& the_host, const Options& the_options, unsigned the_cores)
    : host(the_host),
      options(within_bounds(the_options)),
      core_count(the_cores),
      cores(the_cores) {}

Store::Parts::~Parts() {
  if (access.directory >= 0) host.close(access.directory);
}

std::uint64_t kept_free_bytes(const Options& options, const io::SpaceInfo& space) {
  constexpr std::uint64_t kShare = 20;
  return std::min(options.disk_reserve_bytes, space.total_bytes / kShare);
}

std::uint64_t Store::Parts::draw_uid(unsigned core) {
  struct {
    std::uint64_t core;
    std::uint64_t count;
  } const source = {core, ++cores[core].uids_drawn};
  return hash_bytes(uid_key, {reinterpret_cast<const char*>(&source), sizeof source});
}

Store::Store(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Store::~Store() = default;

const HashKey& Store::hash_key() const {
  return parts_->found.hash_key;
}
const SlotMap& Store::slots() const {
  return parts_->slots;
}
bool Store::rewrites() const {
  return parts_->rewrites;
}
const std::vector<std::string>& Store::notices() const {
  return parts_->notices;
}
Progress& Store::progress() {
  return parts_->progress;
}

io::Task<Result<std::unique_ptr<Store>>> Store::open(io::Context& io, io::Host& host,
                                                     Random& random, const Options& options,
                                                     unsigned cores) {
  PHX_CHECK(cores > 0 && cores <= kCoresMax);
  auto parts = std::make_unique<Parts>(host, options, cores);
  parts->uid_key = HashKey::draw(random);
  const Result<void> opened = co_await open_database(io, *parts, random);
  if (!opened) co_return tl::unexpected<Error>(opened.error());
  std::unique_ptr<Store> store(new Store(std::move(parts)));
  co_return store;
}

namespace {

io::Task<Result<SegmentScan>> scan_found(io::Context& io, SegmentAccess access,
                                         WindowReader& reader, const FoundSegment& segment) {
  const Result<int> fd = co_await open_segment(io, access, segment.uid);
  if (!fd) co_return tl::unexpected<Error>(fd.error());
  const std::uint32_t seed = access.seed_of(segment.uid);
  const auto scan = co_await scan_segment(reader, *fd, segment.header, seed);
  // Reads in flight on the descriptor end before its number may name another file.
  co_await reader.seek(*fd, 0, 0);
  const std::int32_t closed = co_await io.close(*fd);
  const std::string name = segment_name(segment.uid);
  if (!scan) co_return fail(scan.error().code, "segment " + name + ": " + scan.error().message);
  if (closed < 0) co_return system_error("closing segment " + name, closed);
  co_return scan;
}

io::Task<Result<std::vector<ScannedSegment>>> scan_segments(
    io::Context& io, Store::Parts& parts, WindowReader& reader,
    std::vector<const FoundSegment*> segments) {
  std::vector<ScannedSegment> scanned;
  for (const FoundSegment* segment : segments) {
    const auto scan = co_await scan_found(io, parts.access, reader, *segment);
    if (!scan) co_return tl::unexpected<Error>(scan.error());
    scanned.push_back({segment, *scan});
  }
  co_return scanned;
}

// A segment whose header is damaged but that holds valid batches: no batch is ever written before
// its segment's header is durable, so this is no torn write.
io::Task<Result<void>> check_headless(io::Context& io, Store::Parts& parts, WindowReader& reader,
                                      CorePlace& place) {
  for (const FoundSegment& found : parts.segments) {
    if (found.state != HeaderState::damaged) continue;
    for (std::uint8_t stream = 0; stream < 2; ++stream) {
      FoundSegment guess = found;
      guess.header = SegmentHeader();
      guess.header.size_bytes = std::min(found.file_bytes, kSegmentBytesMax);
      guess.header.write_alignment = 512;
      guess.header.stream = stream;
      const auto scan = co_await scan_found(io, parts.access, reader, guess);
      if (!scan) co_return tl::unexpected<Error>(scan.error());
      if (scan->batches == 0) continue;
      place.damage.push_back("the header of segment " + segment_name(found.uid) +
                             " is damaged; it holds " + std::to_string(scan->batches) +
                             " batches that cannot be used");
    }
  }
  co_return Result<void>();
}

std::vector<const FoundSegment*> live_segments(const Store::Parts& parts, unsigned core) {
  std::vector<const FoundSegment*> segments;
  for (const FoundSegment& found : parts.segments) {
    const bool counts = found.state == HeaderState::valid && found.header.core == core &&
                        is_live(parts.found, found.header.epoch);
    if (counts) segments.push_back(&found);
  }
  return segments;
}

tl::unexpected<Error> damage_error(const Store::Parts& parts,
                                   const std::vector<std::string>& damage) {
  constexpr std::size_t kShown = 10;
  std::string text = "the log in " + parts.where + " is damaged: ";
  for (std::size_t i = 0; i < damage.size() && i < kShown; ++i) {
    if (i > 0) text += "; ";
    text += damage[i];
  }
  if (damage.size() > kShown) text += "; and " + std::to_string(damage.size() - kShown) + " more";
  text +=
      ". Nothing was changed. Restore a copy, or start with --accept-damage to serve what is left";
  return fail(ErrorCode::damaged, text);
}

// A rewrite unlinks what it has read, so it must not read around damage: that may be all that is
// left of what was lost.
tl::unexpected<Error> no_rewrite_error(const Store::Parts& parts, const std::string& damage) {
  const std::string former = std::to_string(parts.found.core_count);
  return fail(ErrorCode::damaged,
              "the log in " + parts.where + " is damaged (" + damage +
                  "), and another number of cores would write it anew and delete what is damaged. "
                  "Nothing was changed. Start with the former --cores " +
                  former + "; --accept-damage then serves what is left");
}

io::Task<Result<void>> scan_core(io::Context& io, Store::Parts& parts, WindowReader& reader,
                                 std::uint16_t old_core, CorePlace& place) {
  const auto segments = live_segments(parts, old_core);
  const auto scanned = co_await scan_segments(io, parts, reader, segments);
  if (!scanned) co_return tl::unexpected<Error>(scanned.error());
  place.logs.push_back(accept(parts.found, old_core, *scanned, parts.options.mutations));
  for (const Damage& damage : place.logs.back().damage) {
    place.damage.push_back(describe(damage, parts.found, old_core));
  }
  co_return Result<void>();
}

io::Task<Result<void>> scan_cores(io::Context& io, Store::Parts& parts, unsigned core,
                                  std::vector<std::uint16_t> old_cores) {
  CorePlace& place = parts.cores[core];
  WindowReader reader(io, parts.access.block_bytes);
  reader.count_into(parts.progress.bytes_done);
  if (parts.options.accept_damage) reader.tolerate_errors();
  Result<void> result;
  if (core == 0) {
    const Result<void> headless = co_await check_headless(io, parts, reader, place);
    result = headless;
  }
  for (const std::uint16_t old_core : old_cores) {
    if (!result) break;
    const Result<void> scanned = co_await scan_core(io, parts, reader, old_core, place);
    result = scanned;
  }
  co_await reader.stop();
  if (result && reader.unreadable_bytes() > 0) {
    place.damage.push_back(std::to_string(reader.unreadable_bytes()) +
                           " bytes of the log of core " + std::to_string(core) +
                           " could not be read");
  }
  co_return result;
}

}  // namespace

io::Task<Result<void>> Store::replay(io::Context& io, unsigned core, ReplaySink& sink) {
  Parts& parts = *parts_;
  PHX_CHECK(core < parts.core_count);
  if (parts.off()) co_return Result<void>();
  CorePlace& place = parts.cores[core];
  std::vector<std::uint16_t> old_cores;
  for (unsigned old = 0; old < parts.found.core_count; ++old) {
    if (parts.remaps() || old == core) old_cores.push_back(static_cast<std::uint16_t>(old));
  }
  const Result<void> scanned = co_await scan_cores(io, parts, core, old_cores);
  if (!scanned) co_return scanned;
  if (!place.damage.empty() && !parts.options.accept_damage) {
    co_return damage_error(parts, place.damage);
  }
  if (!place.damage.empty() && parts.remaps()) {
    co_return no_rewrite_error(parts, place.damage.front());
  }
  ReplayFilter filter;
  filter.hash_key = &parts.found.hash_key;
  filter.slots = parts.remaps() ? &parts.slots : nullptr;
  filter.core = core;
  Replayer replayer(io, parts.access, filter, sink, parts.progress);
  for (const CoreLog& log : place.logs) {
    sink.begin_log();
    const Result<void> replayed = co_await replayer.run(log);
    if (!replayed) co_return replayed;
  }
  co_return Result<void>();
}

void Store::note_live_bytes(unsigned core, std::uint64_t bytes) {
  parts_->cores[core].live_bytes = bytes;
}

Result<void> Store::rewrite_has_no_room() {
  if (parts_->remaps()) {
    return fail(ErrorCode::disk_full,
                "the disk has no room to write the keys anew for another number of cores: free "
                "space, or start with the former --cores; nothing was changed");
  }
  parts_->rewrite_ended_early = true;
  return {};
}

std::int64_t Store::stamp_high_water_ms() const {
  std::int64_t highest =
      std::max(parts_->found.stamp_high_water_ms, parts_->current.stamp_high_water_ms);
  for (const CorePlace& place : parts_->cores) {
    for (const CoreLog& log : place.logs) highest = std::max(highest, stamp_ms(log.stamp));
  }
  return highest;
}

io::Task<Result<void>> Store::begin_epoch(io::Context& io) {
  const std::int64_t high_water_ms = stamp_high_water_ms();
  co_return co_await log::begin_epoch(io, *parts_, high_water_ms);
}

io::Task<Result<void>> Store::retire(io::Context& io) {
  co_return co_await log::retire(io, *parts_);
}

}  // namespace phoenix::log
