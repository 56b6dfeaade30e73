#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <vector>

#include "phoenix/uring/host.h"
#include "tests/unit/uring/fixture.h"

using namespace phoenix;
using namespace phoenix::uring;
using Kind = io::Operation::Kind;

namespace {

class Files final {
 public:
  Files() : directory(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}

  std::int32_t open(const char* name, unsigned flags) {
    io::Operation operation = make_operation(Kind::open, directory.get(), waiter(1));
    operation.path = name;
    operation.open_flags = static_cast<std::uint8_t>(flags);
    return ring.run(operation);
  }

  std::int32_t unlink(const char* name) {
    io::Operation operation = make_operation(Kind::unlink, directory.get(), waiter(2));
    operation.path = name;
    return ring.run(operation);
  }

  std::int32_t read(int fd, std::span<std::byte> target, std::uint64_t offset) {
    io::Operation operation = make_operation(Kind::read, fd, waiter(3));
    operation.target = target;
    operation.offset = offset;
    return ring.run(operation);
  }

  static io::Operation write_of(int fd, std::span<const std::byte> source, std::uint64_t offset) {
    io::Operation operation = make_operation(Kind::write, fd, waiter(4));
    operation.source = source;
    operation.offset = offset;
    return operation;
  }

  std::int32_t sync(int fd) { return ring.run(make_operation(Kind::sync, fd, waiter(5))); }
  std::int32_t close(int fd) { return ring.run(make_operation(Kind::close, fd, waiter(6))); }

  ScratchDirectory scratch;
  UniqueFd directory;
  TestRing ring;
};

}  // namespace

TEST_CASE("a file's life: open, allocate, write, sync, read, close, unlink") {
  Files files;
  const int fd = files.open("a", io::Operation::kOpenCreate);
  REQUIRE(fd >= 0);
  CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(files.open("a", io::Operation::kOpenCreate) == -EEXIST);
  io::Operation allocate = make_operation(Kind::allocate, fd, waiter(9));
  allocate.length = 65536;
  CHECK(files.ring.run(allocate) == 0);
  struct stat status {};
  REQUIRE(::fstat(fd, &status) == 0);
  CHECK(status.st_size == 65536);
  CHECK(status.st_blocks > 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(files.ring.run(Files::write_of(fd, as_bytes("phoenix"), 1000)) == 7);
  CHECK(files.sync(fd) == 0);
  CHECK(files.sync(files.directory.get()) == 0);
  std::vector<std::byte> target(7);
  CHECK(files.read(fd, target, 1000) == 7);
  CHECK(as_text(target) == "phoenix");
  CHECK(files.read(fd, target, 65536) == 0);
  CHECK(files.close(fd) == 0);
  CHECK(files.unlink("a") == 0);
  CHECK(files.unlink("a") == -ENOENT);
  CHECK(files.open("a", 0) == -ENOENT);
}

TEST_CASE("opened for reading only, and never through a link") {
  Files files;
  const int fd = files.open("a", io::Operation::kOpenCreate);
  REQUIRE(fd >= 0);
  CHECK(files.close(fd) == 0);
  const int reader = files.open("a", io::Operation::kOpenRead);
  REQUIRE(reader >= 0);
  CHECK(files.ring.run(Files::write_of(reader, as_bytes("x"), 0)) == -EBADF);
  CHECK(files.close(reader) == 0);
  REQUIRE(::symlinkat("a", files.directory.get(), "link") == 0);
  CHECK(files.open("link", 0) == -ELOOP);
}

TEST_CASE("durable writes, buffered and direct") {
  Files files;
  const auto alignment = Host().write_alignment(files.directory.get());
  REQUIRE(alignment.has_value());
  const bool direct = *alignment != 0;
  const std::size_t size = direct ? *alignment : 4096;
  auto* const memory = static_cast<std::byte*>(std::aligned_alloc(size, size));
  std::memset(memory, 'd', size);
  for (const bool want_direct : {false, direct}) {
    CAPTURE(want_direct);
    const int fd =
        files.open("durable", want_direct ? io::Operation::kOpenCreate | io::Operation::kOpenDirect
                                          : io::Operation::kOpenCreate);
    REQUIRE(fd >= 0);
    io::Operation write = Files::write_of(fd, {memory, size}, size);
    write.durable = true;
    CHECK(files.ring.run(write) == static_cast<int>(size));
    CHECK(files.close(fd) == 0);
    const int reader = files.open("durable", io::Operation::kOpenRead);
    std::vector<std::byte> target(2 * size + 1);
    CHECK(files.read(reader, target, 0) == static_cast<int>(2 * size));
    CHECK(std::memcmp(target.data() + size, memory, size) == 0);
    CHECK(files.close(reader) == 0);
    CHECK(files.unlink("durable") == 0);
  }
  std::free(memory);
}

TEST_CASE("linked write and sync: the sync runs only after a whole write") {
  Files files;
  const int fd = files.open("a", io::Operation::kOpenCreate);
  REQUIRE(fd >= 0);
  const std::string text(1000, 'w');
  const auto write_then_sync = [&](int target) {
    io::Operation write = Files::write_of(target, as_bytes(text), 0);
    write.linked = true;
    files.ring->submit(write);
    files.ring->submit(make_operation(Kind::sync, target, waiter(5)));
    const std::int32_t written = files.ring.next(waiter(4)).result;
    const std::int32_t synced = files.ring.next(waiter(5)).result;
    return std::pair(written, synced);
  };
  CHECK(write_then_sync(fd) == std::pair(1000, 0));
  const int reader = files.open("a", io::Operation::kOpenRead);
  CHECK(write_then_sync(reader) == std::pair(-EBADF, -ECANCELED));
  CHECK(files.close(reader) == 0);

  // A limit on the size of files cuts the write short, as a full disk does.
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit limit{.rlim_cur = 600, .rlim_max = before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  const auto cut = write_then_sync(fd);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK(cut == std::pair(600, -ECANCELED));
  CHECK(files.close(fd) == 0);
}

TEST_CASE("a ring that goes away lets go of the memory of unfinished operations") {
  const SocketPair pair = connected_pair();
  std::array<int, 2> pipe_ends{};
  REQUIRE(::pipe2(pipe_ends.data(), O_CLOEXEC) == 0);
  const UniqueFd reading(pipe_ends[0]);
  const UniqueFd writing(pipe_ends[1]);
  std::vector<std::byte> target(16, std::byte{7});
  {
    TestRing ring;
    io::Operation read = make_operation(Kind::read, reading.get(), waiter(1));
    read.target = target;
    ring->submit(read);
    ring->submit(make_operation(Kind::receive, pair.ours.get(), waiter(2)));
    std::array<io::Completion, 1> out;
    CHECK(ring->run_once(out, 0) == 0);
  }
  REQUIRE(::write(writing.get(), "late", 4) == 4);
  std::array<char, 4> rest{};
  CHECK(::read(reading.get(), rest.data(), rest.size()) == 4);  // Nobody took it before.
  CHECK(target == std::vector<std::byte>(16, std::byte{7}));
}
