// A session's way out: order, positions, places kept for replies that come later, and chunks.
#include "phoenix/server/output.h"

#include <algorithm>
#include <cstring>
#include <deque>

#include <doctest/doctest.h>

#include "phoenix/base/random.h"
#include "tests/unit/server/reply_support.h"
#include "tests/unit/server/support.h"

using namespace phoenix;
using namespace phoenix::server;
using namespace phoenix::server::test;

namespace {

void append(ChunkPool& pool, Output& output, std::string_view bytes, log::Position position) {
  char* const place = pool.reserve(bytes.size());
  std::memcpy(place, bytes.data(), bytes.size());
  pool.commit(bytes.size());
  output.append_committed(place, bytes.size(), position);
}

TEST_CASE("replies that adjoin leave in one piece") {
  BufferBytes buffers;
  ChunkPool pool(buffers);
  Output output(pool);
  CHECK(output.empty());
  CHECK(output.sendable(9, kAny).empty());
  append(pool, output, "one", 0);
  append(pool, output, "two", 0);
  CHECK(output.runs() == 1);
  append(pool, output, "three", 4);
  append(pool, output, "four", 5);
  CHECK(output.runs() == 3);
  CHECK(output.queued_bytes() == 15);
  CHECK(output.sendable(5, kAny) == "onetwothreefour");
  CHECK(output.sendable(4, kAny) == "onetwothree");
  CHECK(output.sendable(3, kAny) == "onetwo");
  CHECK(output.sendable(5, 8) == "onetwoth");
  CHECK(drain(output, 5) == "onetwothreefour");
  CHECK(output.empty());
  CHECK(output.queued_bytes() == 0);
}

TEST_CASE("another session's reply in between keeps them apart, not out of order") {
  BufferBytes buffers;
  ChunkPool pool(buffers);
  Output one(pool);
  Output other(pool);
  append(pool, one, "one", 0);
  append(pool, other, "other", 0);
  append(pool, one, "two", 0);
  CHECK(one.runs() == 2);
  CHECK(one.sendable(0, kAny) == "one");
  CHECK(drain(one, 0) == "onetwo");
  CHECK(drain(other, 0) == "other");
}

TEST_CASE("nothing overtakes a reply that waits for its position") {
  BufferBytes buffers;
  ChunkPool pool(buffers);
  Output output(pool);
  append(pool, output, "write", 7);
  append(pool, output, "read", 0);
  CHECK(output.sendable(6, kAny).empty());
  CHECK(output.waits_for_commit(6));
  CHECK_FALSE(output.waits_for_commit(7));
  CHECK(drain(output, 7) == "writeread");
  CHECK_FALSE(output.waits_for_commit(0));
}

TEST_CASE("places are kept for replies that come later, in any order") {
  BufferBytes buffers;
  ChunkPool pool(buffers);
  Output output(pool);
  append(pool, output, "a", 0);
  Run* const b = output.append_awaited(100);
  append(pool, output, "c", 0);
  Run* const d = output.append_awaited(100);
  CHECK(drain(output, 0) == "a");
  CHECK_FALSE(output.waits_for_commit(0));  // It waits for another core.
  output.fill_copy(*d, "d");
  CHECK(output.sendable(9, kAny).empty());
  output.fill(*b, "b", {}, 3);
  CHECK(output.waits_for_commit(2));
  CHECK(output.sendable(2, kAny).empty());
  CHECK(drain(output, 3) == "bcd");
  CHECK(output.empty());
}

TEST_CASE("copied bytes share a run, never the one in flight, and keep no chunk") {
  BufferBytes buffers;
  ChunkPool pool(buffers);
  Output output(pool);
  append(pool, output, "chunk", 0);
  output.append_copied("one");
  const std::string_view in_flight = output.sendable(0, kAny);
  output.append_copied("two");
  CHECK(output.runs() == 2);
  CHECK(in_flight == "chunk");
  output.consume(5);
  const std::string_view first = output.sendable(0, kAny);
  CHECK(first == "onetwo");
  output.append_copied("three");
  append(pool, output, "waits", 3);
  output.append_copied("last");
  CHECK(first == "onetwo");  // Nothing moved.
  CHECK(output.queued_bytes() == 20);
  CHECK(drain(output, 2) == "onetwothree");
  CHECK(drain(output, 3) == "waitslast");
  CHECK(buffers.output == pool.memory_bytes());
}

TEST_CASE("a large value follows its header from where it lies, and is let go when it has left") {
  BufferBytes buffers;
  ChunkPool pool(buffers);
  Output output(pool);
  auto block = block_of(std::string(200'000, 'v'));
  append(pool, output, "before", 0);
  output.append_owned("header", block, 2);
  append(pool, output, "after", 0);
  CHECK(output.queued_bytes() == 6 + 6 + 200'000 + 5);
  CHECK(drain(output, 1) == "before");
  CHECK(output.sendable(2, kAny) == "header");
  output.consume(4);
  CHECK(output.sendable(2, kAny) == "er");
  output.consume(2);
  CHECK(output.sendable(2, 1000).data() == block->view().data());
  output.consume(1000);
  CHECK(output.sendable(2, kAny).data() == block->view().data() + 1000);
  CHECK(output.sendable(2, kAny).size() == 199'000);
  output.consume(198'999);
  CHECK(block.use_count() == 2);
  output.consume(1);
  CHECK(block.use_count() == 1);
  CHECK(drain(output, 2) == "after");
}

TEST_CASE("a slow reader leaves the chunks to the others") {
  BufferBytes buffers;
  ChunkPool pool(buffers);
  Output slow(pool);
  append(pool, slow, "abcdef", 0);
  append(pool, slow, "ghi", 5);
  slow.consume(2);
  const std::uint64_t memory = pool.memory_bytes();
  slow.leave_chunks();
  CHECK(slow.queued_bytes() == 7);
  // The chunk is free again, so these overwrite where the slow reader's bytes lay.
  Output quick(pool);
  for (int i = 0; i < 100; ++i) {
    append(pool, quick, std::string(kChunkBytes, 'x'), 0);
    CHECK(drain(quick, 0).size() == kChunkBytes);
  }
  CHECK(pool.memory_bytes() <= memory + sizeof(Chunk));
  CHECK(slow.sendable(0, kAny) == "cdef");
  CHECK(drain(slow, 5) == "cdefghi");
}

TEST_CASE("chunks are used again, and a burst is given back but for a few") {
  BufferBytes buffers;
  ChunkPool pool(buffers);
  Output output(pool);
  const std::string chunk(kChunkBytes, 'x');
  for (int i = 0; i < 200; ++i) append(pool, output, chunk, 0);
  CHECK(pool.memory_bytes() == 200 * sizeof(Chunk));
  output.clear();
  CHECK(output.empty());
  CHECK(output.queued_bytes() == 0);
  CHECK(pool.memory_bytes() <= 65 * sizeof(Chunk));
  const std::uint64_t memory = pool.memory_bytes();
  for (int i = 0; i < 50; ++i) append(pool, output, chunk, 0);
  CHECK(pool.memory_bytes() == memory);
}

TEST_CASE("an output that is destroyed gives its chunks back") {
  BufferBytes buffers;
  ChunkPool pool(buffers);
  for (int i = 0; i < 100; ++i) {
    Output output(pool);
    append(pool, output, std::string(kChunkBytes, 'x'), 0);
    append(pool, output, "rest", 0);
  }
  CHECK(pool.memory_bytes() <= 4 * sizeof(Chunk));
  CHECK(buffers.output == pool.memory_bytes());
}

TEST_CASE("what an output holds beside chunks is counted until it has left") {
  BufferBytes buffers;
  ChunkPool pool(buffers);
  {
    Output output(pool);
    append(pool, output, "in a chunk", 0);
    CHECK(buffers.output == pool.memory_bytes());
    output.append_owned(std::string(1'000'000, 'x'), {}, 0);
    Run* const run = output.append_awaited(100);
    output.append_owned(std::string(200'000, 'y'), block_of(std::string(100'000, 'v')), 0);
    output.fill(*run, std::string(300'000, 'z'), {}, 0);
    const std::uint64_t owned = buffers.output - pool.memory_bytes();
    CHECK(owned >= 1'500'000);
    CHECK(owned < 1'600'000);
    output.consume(10 + 1'000'000 - 1);
    CHECK(buffers.output - pool.memory_bytes() == owned);  // It still lies there.
    output.consume(1);
    CHECK(buffers.output - pool.memory_bytes() < 600'000);
    append(pool, output, std::string(50'000, 'w'), 0);
    output.leave_chunks();
    CHECK(buffers.output - pool.memory_bytes() >= 550'000);
  }
  CHECK(buffers.output == pool.memory_bytes());
}

TEST_CASE("while memory is full an output is full sooner, but never while it is empty") {
  BufferBytes buffers;
  ChunkPool pool(buffers);
  Output output(pool);
  output.append_owned(std::string(kSessionOutputBytesWhenFullMax, 'x'), {}, 0);
  CHECK_FALSE(output.full());
  pool.set_memory_full(true);
  CHECK(output.full());
  output.consume(1);
  CHECK_FALSE(output.full());
  output.append_awaited(kAwaitedListBytes);
  CHECK(output.full());
  pool.set_memory_full(false);
  CHECK_FALSE(output.full());
  output.clear();
  pool.set_memory_full(true);
  CHECK_FALSE(output.full());
}

TEST_CASE("an output is full by bytes, and by replies") {
  BufferBytes buffers;
  ChunkPool pool(buffers);
  Output by_bytes(pool);
  by_bytes.append_owned(std::string(kSessionOutputBytesMax - 1, 'x'), {}, 0);
  CHECK_FALSE(by_bytes.full());
  append(pool, by_bytes, "x", 0);
  CHECK(by_bytes.full());
  by_bytes.consume(1);
  CHECK_FALSE(by_bytes.full());
  Output by_runs(pool);
  for (std::size_t i = 1; i < kSessionRunsMax; ++i) by_runs.append_awaited(100);
  CHECK_FALSE(by_runs.full());
  by_runs.append_awaited(100);
  CHECK(by_runs.full());
  Output by_awaited(pool);
  Run* const first = by_awaited.append_awaited(kSessionAwaitedBytesMax - 1);
  CHECK_FALSE(by_awaited.full());
  by_awaited.append_awaited(1);
  CHECK(by_awaited.full());
  by_awaited.fill_copy(*first, "short");
  CHECK_FALSE(by_awaited.full());
}

/// An output beside a plain model of it: what each reply is and what it waits for.
class Modelled {
 public:
  Modelled(ChunkPool& pool, SeededRandom& random) : output(pool), pool_(pool), random_(random) {}

  void step(log::Position& committed, log::Position newest) {
    switch (random_.below(8)) {
      case 0:
      case 1: {
        const std::string bytes = random_bytes(random_.below(50) == 0 ? kChunkBytes : 200);
        const log::Position position = random_position(newest);
        append(pool_, output, bytes, position);
        pieces_.push_back({bytes, position, nullptr});
        return;
      }
      case 2:
        return add_owned(random_position(newest));
      case 3:
        pieces_.push_back({"", 0, output.append_awaited(100)});
        return;
      case 4:
        fill_one(newest);
        return;
      case 5:
        if (committed < newest) ++committed;
        return;
      case 6:
        if (random_.below(10) == 0) output.leave_chunks();
        return;
      default:
        return send(committed);
    }
  }

  void finish(log::Position newest) {
    while (fill_one(newest)) {
    }
    while (!pieces_.empty()) send(newest);
    CHECK(output.empty());
    CHECK(output.queued_bytes() == 0);
    CHECK(output.sendable(newest, kAny).empty());
  }

  Output output;

 private:
  struct Piece {
    std::string bytes;
    log::Position position = 0;
    Run* run = nullptr;  // Set while the reply is awaited.
  };

  std::string random_bytes(std::size_t size_max) {
    std::string bytes(random_.below(size_max) + 1, '\0');
    for (auto& byte : bytes) byte = static_cast<char>(random_.next());
    return bytes;
  }
  log::Position random_position(log::Position newest) {
    return random_.below(2) == 0 ? 0 : random_.below(newest + 1);
  }

  void add_owned(log::Position position) {
    const std::string bytes = random_bytes(3000);
    engine::LargeValueRef large;
    if (random_.below(8) == 0) large = block_of(random_bytes(60'000));
    output.append_owned(bytes, large, position);
    pieces_.push_back({bytes + std::string(large ? large->view() : ""), position, nullptr});
  }

  /// False when no reply is awaited.
  bool fill_one(log::Position newest) {
    const auto is_awaited = [](const Piece& piece) { return piece.run != nullptr; };
    const auto count =
        static_cast<std::uint64_t>(std::count_if(pieces_.begin(), pieces_.end(), is_awaited));
    if (count == 0) return false;
    auto chosen = random_.below(count);
    for (Piece& piece : pieces_) {
      if (!is_awaited(piece) || chosen-- > 0) continue;
      piece.bytes = random_bytes(500);
      if (random_.below(2) == 0) {
        output.fill_copy(*piece.run, piece.bytes);
      } else {
        piece.position = random_position(newest);
        output.fill(*piece.run, piece.bytes, {}, piece.position);
      }
      piece.run = nullptr;
      break;
    }
    return true;
  }

  void send(log::Position committed) {
    std::string may_leave;
    std::size_t queued = 0;
    bool holds = false;
    for (const Piece& piece : pieces_) {
      queued += piece.bytes.size();
      holds = holds || piece.run != nullptr || piece.position > committed;
      if (!holds) may_leave += piece.bytes;
    }
    REQUIRE(output.queued_bytes() == queued);
    REQUIRE(output.empty() == pieces_.empty());
    const std::size_t size_max = random_.below(3) == 0 ? random_.below(100) + 1 : kAny;
    const std::string_view piece = output.sendable(committed, size_max);
    REQUIRE(piece.empty() == may_leave.empty());
    REQUIRE(piece.size() <= size_max);
    REQUIRE(may_leave.starts_with(piece));
    if (piece.empty()) return;
    take(random_.below(4) == 0 ? random_.below(piece.size()) + 1 : piece.size());
  }

  void take(std::size_t size_bytes) {
    output.consume(size_bytes);
    while (size_bytes > 0) {
      std::string& first = pieces_.front().bytes;
      const std::size_t taken = std::min(size_bytes, first.size());
      first.erase(0, taken);
      size_bytes -= taken;
      if (first.empty()) pieces_.pop_front();
    }
  }

  ChunkPool& pool_;
  SeededRandom& random_;
  std::deque<Piece> pieces_;
};

TEST_CASE("three outputs on one pool give out what went in, whatever happens in between") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    SeededRandom random(seed);
    BufferBytes buffers;
    ChunkPool pool(buffers);
    Modelled outputs[] = {{pool, random}, {pool, random}, {pool, random}};
    log::Position committed = 0;
    log::Position newest = 0;
    for (int step = 0; step < 1'500; ++step) {
      if (random.below(10) == 0) ++newest;
      outputs[random.below(3)].step(committed, newest);
    }
    for (auto& one : outputs) one.finish(newest);
    CHECK(buffers.output == pool.memory_bytes());
    CHECK(pool.memory_bytes() <= 66 * sizeof(Chunk));
  }
}

}  // namespace
