#include "phoenix/log/directory.h"

#include <algorithm>
#include <optional>

#include "phoenix/base/check.h"
#include "phoenix/log/buffer.h"
#include "phoenix/log/file.h"

namespace phoenix::log {
namespace {

struct Listing {
  std::array<bool, 2> superblocks{};
  std::vector<FoundSegment> segments;
  bool has_data() const { return superblocks[0] || superblocks[1] || !segments.empty(); }
};

tl::unexpected<Error> refuse(const Store::Parts& parts, ErrorCode code, const std::string& text) {
  return fail(code, "data directory " + parts.where + ": " + text);
}

tl::unexpected<Error> refuse(const Store::Parts& parts, const Error& error) {
  return refuse(parts, error.code, error.message);
}

Result<Listing> list(Store::Parts& parts) {
  const auto files = parts.host.list_directory(parts.access.directory);
  if (!files) return refuse(parts, files.error());
  Listing listing;
  for (const io::FileInfo& file : *files) {
    if (file.name == kLockName) continue;
    if (file.name == kSuperblockNames[0]) {
      listing.superblocks[0] = true;
    } else if (file.name == kSuperblockNames[1]) {
      listing.superblocks[1] = true;
    } else if (const auto uid = parse_segment_name(file.name)) {
      FoundSegment& found = listing.segments.emplace_back();
      found.uid = *uid;
      found.file_bytes = file.size_bytes;
    } else {
      return refuse(parts, ErrorCode::invalid,
                    "it holds \"" + file.name +
                        "\", which is not Phoenix's; use an empty directory of its own");
    }
  }
  return listing;
}

// Foreign directories are refused before the lock file would be made in them.
Result<Listing> lock_and_list(Store::Parts& parts) {
  const Result<int> directory = parts.host.open_directory(parts.options.directory);
  if (!directory) return tl::unexpected<Error>(directory.error());
  parts.access.directory = *directory;
  const Result<Listing> before = list(parts);
  if (!before) return before;
  const Result<void> locked = parts.host.lock_directory(*directory);
  if (!locked && locked.error().code == ErrorCode::in_use) {
    return refuse(parts, ErrorCode::in_use, "another server is running on it");
  }
  if (!locked) return refuse(parts, locked.error());
  return list(parts);
}

Result<void> find_alignment(Store::Parts& parts) {
  const auto alignment = parts.host.write_alignment(parts.access.directory);
  if (!alignment) return refuse(parts, alignment.error());
  parts.access.direct = *alignment != 0;
  parts.access.block_bytes = *alignment != 0 ? *alignment : kBlockBytes;
  parts.access.seed_with_uid = !parts.options.mutations.no_uid_seed;
  if (!parts.access.direct) {
    parts.notices.push_back("data directory " + parts.where +
                            ": direct IO is refused; writing buffered, with a sync each");
  }
  return {};
}

// The superblock that counts, or none for a directory without a database.
Result<std::optional<Superblock>> choose_superblock(const Store::Parts& parts, bool has_segments) {
  for (const DecodedSuperblock& copy : parts.copies.decoded) {
    if (copy.state != SuperblockState::newer) continue;
    return refuse(parts, ErrorCode::unsupported,
                  "it was written in format " + std::to_string(copy.version) +
                      " by another version of Phoenix; this one reads format " +
                      std::to_string(kFormatVersion));
  }
  const int newest = parts.copies.newest();
  if (newest >= 0) return parts.copies.decoded[static_cast<std::size_t>(newest)].superblock;
  if (has_segments) {
    return refuse(parts, ErrorCode::damaged,
                  "it holds segments, but both superblocks are missing or damaged; restore one");
  }
  return std::optional<Superblock>();
}

// The other copy serves; it is only told, because the disk may be about to lose more. An ordinary
// crash leaves a damaged one, too, if it cut the copy's write.
void note_damaged_copies(Store::Parts& parts) {
  for (std::size_t i = 0; i < 2; ++i) {
    if (parts.copies.decoded[i].state != SuperblockState::damaged) continue;
    const std::string& why = parts.copies.unreadable[i];
    parts.notices.push_back("data directory " + parts.where + ": " +
                            (why.empty() ? kSuperblockNames[i] + std::string(" is damaged") : why) +
                            "; the other copy is whole and is used");
  }
}

// A header of zeros: either nothing was written yet, or the block was lost. No batch comes before
// its header, so any byte where a first batch can stand tells which.
io::Task<Result<HeaderState>> state_of_blank(io::Context& io, std::uint32_t block_bytes, int fd) {
  const AlignedBuffer buffer(std::size_t{2} * kWriteAlignmentMax, kWriteAlignmentMax);
  const auto read = co_await read_up_to(io, fd, buffer.bytes(), 0, block_bytes);
  if (!read) co_return tl::unexpected<Error>(read.error());
  const auto bytes = buffer.bytes().first(*read);
  const bool unused =
      std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
  co_return unused ? HeaderState::blank : HeaderState::damaged;
}

io::Task<Result<HeaderState>> read_state(io::Context& io, std::uint32_t block_bytes, int fd,
                                         FoundSegment& segment) {
  const std::size_t size = std::max(kBlockBytes, block_bytes);
  const AlignedBuffer buffer(size, size);
  std::fill_n(buffer.data(), size, std::byte{0});
  const auto read = co_await read_up_to(io, fd, buffer.bytes(), 0, block_bytes);
  if (!read) co_return tl::unexpected<Error>(read.error());
  const HeaderState state = decode_segment_header(buffer.bytes(), segment.uid, segment.header);
  if (state != HeaderState::blank) co_return state;
  co_return co_await state_of_blank(io, block_bytes, fd);
}

io::Task<Result<void>> read_header(io::Context& io, Store::Parts& parts, FoundSegment& segment) {
  const std::string name = segment_name(segment.uid);
  const Result<int> fd = co_await open_segment(io, parts.access, segment.uid);
  if (!fd) co_return refuse(parts, fd.error());
  const auto state = co_await read_state(io, parts.access.block_bytes, *fd, segment);
  const std::int32_t closed = co_await io.close(*fd);
  if (closed < 0) co_return system_error("closing segment " + name, closed);
  if (!state && !parts.options.accept_damage) {
    co_return refuse(parts, state.error().code, "segment " + name + ": " + state.error().message);
  }
  segment.state = state ? *state : HeaderState::damaged;
  co_return Result<void>();
}

Result<void> check_header(const Store::Parts& parts, const FoundSegment& segment) {
  if (segment.state == HeaderState::newer) {
    return refuse(parts, ErrorCode::unsupported,
                  "segment " + segment_name(segment.uid) +
                      " was written by a newer version of Phoenix; start that version");
  }
  if (segment.state != HeaderState::valid) return {};
  const SegmentHeader& header = segment.header;
  const Superblock& superblock = parts.found;
  if (header.database != superblock.database) {
    return refuse(parts, ErrorCode::invalid,
                  "segment " + segment_name(segment.uid) + " belongs to another database");
  }
  if (header.epoch > superblock.epoch) {
    return refuse(parts, ErrorCode::damaged,
                  "segment " + segment_name(segment.uid) + " is of epoch " +
                      std::to_string(header.epoch) + ", the superblock only of " +
                      std::to_string(superblock.epoch) +
                      ": the superblock is stale or damaged; restore the newest one");
  }
  if (is_live(superblock, header.epoch) && header.core >= superblock.core_count) {
    return refuse(parts, ErrorCode::damaged,
                  "segment " + segment_name(segment.uid) + " is of core " +
                      std::to_string(header.core) + ", which the superblock does not know");
  }
  return {};
}

io::Task<Result<void>> read_headers(io::Context& io, Store::Parts& parts) {
  std::uint32_t ordinal = 0;
  std::uint64_t live_bytes = 0;
  for (FoundSegment& segment : parts.segments) {
    const Result<void> read = co_await read_header(io, parts, segment);
    if (!read) co_return read;
    const Result<void> checked = check_header(parts, segment);
    if (!checked) co_return checked;
    segment.ordinal = ++ordinal;
    if (segment.state != HeaderState::valid) continue;
    if (!is_live(parts.found, segment.header.epoch)) continue;
    live_bytes += segment.header.size_bytes;
    if (parts.remaps()) continue;
    parts.cores[segment.header.core].log_bytes += segment.header.size_bytes;
    ++parts.cores[segment.header.core].segments;
  }
  if (ordinal > kSegmentOrdinalMax / 2) {
    co_return refuse(parts, ErrorCode::unsupported, "it holds too many segments");
  }
  for (CorePlace& place : parts.cores) place.next_ordinal = ordinal + 1;
  parts.progress.log_bytes = live_bytes;
  // Each live byte is read twice, by every core where the map changes.
  parts.progress.bytes_total = 2 * live_bytes * (parts.remaps() ? parts.core_count : 1);
  co_return Result<void>();
}

Superblock new_superblock(const Store::Parts& parts, Random& random) {
  Superblock superblock;
  superblock.database = {random.next(), random.next()};
  superblock.hash_key = HashKey::draw(random);
  superblock.core_count = static_cast<std::uint16_t>(parts.core_count);
  superblock.slots = even_slot_map(parts.core_count);
  superblock.bases.resize(parts.core_count);
  return superblock;
}

// A new database needs room for its first segments; an old one starts on a full disk too.
Result<void> check_space(Store::Parts& parts) {
  const auto space = parts.host.space(parts.access.directory);
  if (!space) return refuse(parts, space.error());
  const std::uint64_t need = kept_free_bytes(parts.options, *space) + 2 * kSuperblockBytes +
                             2 * parts.core_count * parts.options.segment_bytes_min;
  if (space->available_bytes >= need) return {};
  return refuse(parts, ErrorCode::disk_full,
                "disk full: " + std::to_string(space->available_bytes >> 20U) +
                    " MiB are free, a new database needs " + std::to_string((need >> 20U) + 1) +
                    " MiB");
}

Result<void> create(Store::Parts& parts, Random& random) {
  const Result<void> space = check_space(parts);
  if (!space) return space;
  parts.created = true;
  parts.found = new_superblock(parts, random);
  parts.notices.push_back("data directory " + parts.where + ": created a database");
  return {};
}

// Durability off: no log is kept, and one that is there must not come back one day. It is deleted
// in phase 3: nothing is written before that.
Result<void> open_without_log(Store::Parts& parts, Random& random, Listing& listing) {
  if (listing.has_data() && !parts.options.discard_log) {
    return refuse(parts, ErrorCode::invalid,
                  "it holds a log, and --durability off would leave it to return later; start "
                  "with --discard-log to delete it, or choose another directory");
  }
  parts.discards = listing.has_data();
  parts.segments = std::move(listing.segments);
  parts.found = new_superblock(parts, random);
  parts.slots = parts.found.slots;
  return {};
}

io::Task<Result<void>> open_with_log(io::Context& io, Store::Parts& parts, Random& random,
                                     Listing& listing) {
  if (parts.copies.newest() < 0) {
    const Result<void> made = create(parts, random);
    if (!made) co_return made;
  }
  parts.segments = std::move(listing.segments);
  const Result<void> read = co_await read_headers(io, parts);
  if (!read) co_return read;
  parts.slots = parts.remaps() ? even_slot_map(parts.core_count) : parts.found.slots;
  parts.current = parts.found;
  co_return Result<void>();
}

}  // namespace

io::Task<Result<void>> open_database(io::Context& io, Store::Parts& parts, Random& random) {
  parts.where = parts.options.directory;
  Result<Listing> listing = lock_and_list(parts);
  if (!listing) co_return tl::unexpected<Error>(listing.error());
  const Result<void> aligned = find_alignment(parts);
  if (!aligned) co_return aligned;
  const auto copies = co_await read_superblocks(io, parts.access, listing->superblocks);
  if (!copies) co_return refuse(parts, copies.error());
  parts.copies = *copies;
  const auto chosen = choose_superblock(parts, !listing->segments.empty());
  if (!chosen) co_return tl::unexpected<Error>(chosen.error());
  if (chosen->has_value()) {
    parts.found = **chosen;
    note_damaged_copies(parts);
  }
  Listing& found = *listing;
  if (parts.off()) {
    co_return open_without_log(parts, random, found);
  }
  co_return co_await open_with_log(io, parts, random, found);
}

}  // namespace phoenix::log
