// The two copies of the superblock in their files.
#pragma once

#include <array>
#include <string>

#include "phoenix/base/result.h"
#include "phoenix/io/context.h"
#include "phoenix/io/task.h"
#include "phoenix/log/batch_cursor.h"
#include "phoenix/log/superblock.h"

namespace phoenix::log {

struct SuperblockCopies {
  std::array<bool, 2> present{};  // Whether the files exist.
  std::array<DecodedSuperblock, 2> decoded;
  std::array<std::string, 2> unreadable;  // Why a copy could not be read, which is then `damaged`.

  /// The copy that counts, or -1 when none is valid.
  int newest() const;
  /// The copy to write first: one that is not valid, else the older.
  int first_to_write() const;
};

/// `present` says which files are in the directory. An error when a copy cannot be read, unless the
/// other one is valid.
io::Task<Result<SuperblockCopies>> read_superblocks(io::Context& io, SegmentAccess access,
                                                    std::array<bool, 2> present);

/// Makes `superblock` durable in one copy and then in the other, so that a crash at any point
/// leaves one that is whole.
io::Task<Result<void>> write_superblocks(io::Context& io, SegmentAccess access,
                                         const Superblock& superblock, SuperblockCopies& copies,
                                         bool same_copy_twice);

}  // namespace phoenix::log
