#include "tests/unit/sim/mini_log.h"

#include <algorithm>
#include <cstring>

#include "phoenix/base/bytes.h"
#include "phoenix/base/crc32c.h"

namespace phoenix::sim_test {
namespace {

constexpr std::uint32_t kMagic = 0x676F6C6DU;
constexpr std::size_t kHeaderBytes = 24;  // crc, magic, segment, number, life; then a pattern.

std::byte pattern(std::uint64_t number) {
  return static_cast<std::byte>(number * 37 % 251 + 1);
}

}  // namespace

MiniLog::MiniLog(sim::World& world, const LogOptions& options, Promise& promise)
    : options_(options),
      promise_(promise),
      host_(world),
      ring_(world),
      failure_(world),
      context_(ring_, world.clock()),
      world_(world),
      block_bytes_(options.direct ? world.plan().write_alignment : 512) {
  buffer_.resize((kBlocksPerSegment + 2) * 4096);
}

void MiniLog::run(std::uint64_t last) {
  task_ = live(last);
  task_.start();
  world_.drive([&](const sim::Ring&) { context_.run_one_turn(); }, [&] { return task_.done(); });
}

io::Task<void> MiniLog::live(std::uint64_t last) {
  directory_ = *host_.open_directory("/log");
  if (!host_.lock_directory(directory_)) co_return;
  const bool recovered = co_await recover();
  if (!recovered) {
    ++promise_.refused_starts;
    co_return;
  }
  if (last_ < promise_.floor) promise_.broken = true;
  if (last_ > promise_.written) promise_.broken = true;
  promise_.floor = last_;
  promise_.ends.push_back(last_);
  while (last_ < last) {
    const std::size_t blocks = 1 + (last_ * 5 + promise_.ends.size()) % 4;
    const bool appended = co_await append(blocks);
    if (!appended) co_return;
  }
}

io::Task<bool> MiniLog::recover() {
  const auto listed = host_.list_directory(directory_);
  if (!listed) co_return false;
  std::vector<std::uint32_t> numbers;
  for (const auto& info : *listed) {
    if (info.name.starts_with("seg-")) {
      numbers.push_back(static_cast<std::uint32_t>(std::stoul(info.name.substr(4))));
    }
  }
  std::sort(numbers.begin(), numbers.end());
  for (const std::uint32_t number : numbers) {
    const bool read = co_await recover_segment(number);
    if (!read) co_return false;
  }
  if (options_.sync_directory) {
    const bool synced = co_await sync(directory_);
    if (!synced) co_return false;
  }
  co_return true;
}

io::Task<bool> MiniLog::recover_segment(std::uint32_t number) {
  name_ = "seg-" + std::to_string(number);
  const std::uint8_t flags = options_.direct ? io::Operation::kOpenDirect : 0;
  const int fd = co_await context_.open(directory_, name_.c_str(), flags);
  if (fd < 0) co_return false;
  const std::int32_t bytes = co_await read_file(fd);
  if (bytes < 0) co_return false;
  const std::span<std::byte> read = memory(static_cast<std::size_t>(bytes));
  std::size_t good = 0;
  while ((good + 1) * block_bytes_ <= read.size()) {
    if (!accept(read.data() + good * block_bytes_, number)) break;
    ++good;
  }
  segment_ = number + 1;
  if (good > 0 && options_.sync_recovered) {
    const bool synced = co_await sync(fd);
    if (!synced) co_return false;
  }
  if (!options_.new_segment) {
    if (fd_ >= 0) {
      co_await context_.close(fd_);
    }
    fd_ = fd;
    used_ = good;
    segment_ = number;
    co_return true;
  }
  const std::int32_t closed = co_await context_.close(fd);
  co_return closed == 0;
}

io::Task<std::int32_t> MiniLog::read_file(int fd) {
  std::size_t bytes = 0;
  while (bytes < kBlocksPerSegment * block_bytes_) {
    const std::span<std::byte> all = memory(kBlocksPerSegment * block_bytes_);
    const std::span<std::byte> rest = all.subspan(bytes);
    const std::int32_t read = co_await context_.read(fd, rest, bytes);
    if (read < 0) co_return read;
    bytes += static_cast<std::size_t>(read);
    if (read == 0) break;
    // A direct read stops inside a block only where a torn file ends.
    if (options_.direct && bytes % block_bytes_ != 0) break;
  }
  co_return static_cast<std::int32_t>(bytes);
}

// A block counts if it is whole, of this segment, and the next in order.
bool MiniLog::accept(const std::byte* block, std::uint32_t segment) {
  const std::span<const std::byte> checked(block + 4, block_bytes_ - 4);
  if (load_le<std::uint32_t>(block) != crc32c(0, checked)) return false;
  if (load_le<std::uint32_t>(block + 4) != kMagic) return false;
  if (load_le<std::uint32_t>(block + 8) != segment) return false;
  const auto number = load_le<std::uint64_t>(block + 12);
  if (number != last_ + 1) return false;
  if (block[block_bytes_ - 1] != pattern(number)) promise_.broken = true;
  // What a start did not find must not come back at a later one.
  for (std::size_t life = load_le<std::uint32_t>(block + 20); life < promise_.ends.size(); ++life) {
    if (promise_.ends[life] < number) promise_.broken = true;
  }
  last_ = number;
  return true;
}

void MiniLog::encode(std::size_t place, std::uint64_t number) {
  const std::span<std::byte> block =
      memory((place + 1) * block_bytes_).subspan(place * block_bytes_);
  std::fill(block.begin() + kHeaderBytes, block.end(), pattern(number));
  store_le(block.data() + 4, kMagic);
  store_le(block.data() + 8, segment_);
  store_le(block.data() + 12, number);
  store_le(block.data() + 20, static_cast<std::uint32_t>(promise_.ends.size()));
  store_le(block.data(), crc32c(0, block.subspan(4)));
}

io::Task<bool> MiniLog::append(std::size_t blocks) {
  if (fd_ < 0 || used_ + blocks > kBlocksPerSegment) {
    const bool opened = co_await open_segment();
    if (!opened) co_return false;
  }
  for (std::size_t i = 0; i < blocks; ++i) encode(i, last_ + 1 + i);
  promise_.written = std::max(promise_.written, last_ + blocks);
  if (!options_.acknowledge_late) promise_.floor = last_ + blocks;
  const std::span<const std::byte> bytes = memory(blocks * block_bytes_);
  const std::uint64_t offset = used_ * block_bytes_;
  std::int32_t written = 0;
  if (options_.direct && options_.sync_data) {
    written = co_await context_.write_durably(fd_, bytes, offset);
  } else {
    written = co_await context_.write(fd_, bytes, offset);
  }
  if (written != static_cast<std::int32_t>(bytes.size())) co_return failed("write");
  if (options_.sync_data && !options_.direct) {
    const bool synced = co_await sync(fd_);
    if (!synced) co_return false;
  }
  used_ += blocks;
  last_ += blocks;
  promise_.floor = last_;
  co_return true;
}

io::Task<bool> MiniLog::open_segment() {
  if (fd_ >= 0) {
    const std::int32_t closed = co_await context_.close(fd_);
    if (closed != 0) co_return failed("close");
    ++segment_;
  }
  name_ = "seg-" + std::to_string(segment_);
  const std::uint8_t direct = options_.direct ? io::Operation::kOpenDirect : 0;
  const auto flags = static_cast<std::uint8_t>(direct | io::Operation::kOpenCreate);
  fd_ = co_await context_.open(directory_, name_.c_str(), flags);
  used_ = 0;
  if (fd_ < 0) co_return failed("open");
  if (options_.sync_directory) {
    const bool synced = co_await sync(directory_);
    co_return synced;
  }
  co_return true;
}

io::Task<bool> MiniLog::sync(int fd) {
  std::int32_t result = co_await context_.sync(fd);
  if (result != 0 && !options_.stop_at_error) {
    result = co_await context_.sync(fd);
  }
  if (result != 0) co_return failed("sync");
  co_return true;
}

std::span<std::byte> MiniLog::memory(std::size_t bytes) {
  constexpr std::size_t kAlignment = 4096;
  const auto at = reinterpret_cast<std::uintptr_t>(buffer_.data());
  return std::span(buffer_).subspan((kAlignment - at % kAlignment) % kAlignment, bytes);
}

bool MiniLog::failed(const char* what) {
  failure_.raise(what);
  return false;
}

}  // namespace phoenix::sim_test
