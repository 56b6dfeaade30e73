// What looks at entries without naming them: scans, and an entry by chance.
#include <algorithm>

#include "phoenix/engine/keyspace_parts.h"

namespace phoenix::engine {
namespace {

// The low bits of a scan position are the caller's; an index never has lines enough to need them.
constexpr std::uint64_t kScanPositionMask = ~std::uint64_t{0xFFFF};

// A random entry is drawn from the live ones of some neighbouring lines, or entries that are alone
// in their line would come far too often.
constexpr std::size_t kDrawFrom = 32;
// An index that has little in it has so many lines; any larger one has 3 entries per line or more.
constexpr unsigned kDrawLinesMax = 64;

}  // namespace

ScanCursor Keyspace::scan(ScanCursor cursor, std::size_t entries_max, std::int64_t now_ms,
                          EntryVisitor& visitor) const {
  std::uint64_t position = cursor & kScanPositionMask;
  std::size_t seen = 0;
  do {
    const std::uint64_t from = position;
    std::size_t in_line = 0;
    position = parts_->index.visit_line(position, [&](char* at) {
      const Entry entry(at);
      ++in_line;
      // A line that grew or was joined since the cursor was given out holds what was visited too.
      if (Index::reverse_bits(hash_of(entry.key())) < from) return;
      if (entry.expired_at(now_ms)) {
        parts_->note_expired(entry.expiry());
      } else {
        visitor.visit(view_of(entry));
      }
    });
    seen += std::max<std::size_t>(in_line, 1);  // Empty lines are work, too.
  } while (position != 0 && seen < entries_max);
  return position;
}

bool Keyspace::random_entry(std::uint64_t chance, std::int64_t now_ms, EntryView& entry) const {
  SeededRandom random(chance);
  std::uint64_t position = random.next();
  Entry drawn;
  std::size_t live = 0;
  for (unsigned line = 0; line < kDrawLinesMax && live < kDrawFrom; ++line) {
    position = parts_->index.visit_line(position, [&](char* at) {
      const Entry candidate(at);
      if (candidate.expired_at(now_ms)) {
        parts_->note_expired(candidate.expiry());
      } else if (random.below(++live) == 0) {  // Each with the same chance, however many come.
        drawn = candidate;
      }
    });
  }
  if (live == 0) return false;
  entry = view_of(drawn);
  return true;
}

}  // namespace phoenix::engine
