#include "phoenix/uring/host.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <fstream>
#include <future>
#include <set>
#include <thread>

#include "phoenix/uring/os_error.h"
#include "tests/unit/uring/fixture.h"

using namespace phoenix;
using namespace phoenix::uring;

namespace {

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

template <typename T>
Error error_of(const Result<T>& result) {
  REQUIRE_FALSE(result.has_value());
  return result.error();
}

int option_of(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  REQUIRE(::getsockopt(fd, level, name, &value, &size) == 0);
  return value;
}

// What a server that was killed leaves behind.
void leave_socket(const std::string& path) {
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.data(), path.size());
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

// A host and its first listener, on a port that was free.
struct Listening {
  explicit Listening(std::string address) : endpoint{std::move(address), 0, {}} {
    const auto listened = host.listen(endpoint);
    REQUIRE(listened.has_value());
    first = UniqueFd(*listened);
    endpoint.port = host.bound_port(*listened);
    REQUIRE(endpoint.port != 0);
  }

  Host host;
  io::Endpoint endpoint;
  UniqueFd first;
};

}  // namespace

TEST_CASE("open_directory makes a private directory and opens an existing one") {
  const ScratchDirectory scratch;
  Host host;
  const std::string path = scratch.path() + "/data";
  const auto made = host.open_directory(path);
  REQUIRE(made.has_value());
  struct stat status {};
  REQUIRE(::fstat(*made, &status) == 0);
  CHECK((status.st_mode & 07777) == 0700);
  CHECK((::fcntl(*made, F_GETFD) & FD_CLOEXEC) != 0);
  const auto again = host.open_directory(path + "//");
  REQUIRE(again.has_value());
  host.close(*made);
  host.close(*again);
}

TEST_CASE("open_directory refuses links, files and missing parents, in words") {
  const ScratchDirectory scratch;
  Host host;
  const std::string path = scratch.path();
  REQUIRE(::symlink(path.c_str(), (path + "/link").c_str()) == 0);
  std::ofstream(path + "/file") << "x";
  CHECK(contains(error_of(host.open_directory(path + "/link")).message, "symbolic link"));
  CHECK(contains(error_of(host.open_directory(path + "/link/")).message, "symbolic link"));
  CHECK(contains(error_of(host.open_directory(path + "/file")).message, "not a directory"));
  const Error missing = error_of(host.open_directory(path + "/no/data"));
  CHECK(contains(missing.message, "its parent " + path + "/no does not exist"));
  CHECK(missing.code == ErrorCode::invalid);
  CHECK(error_of(host.open_directory("")).code == ErrorCode::invalid);
}

TEST_CASE("open_directory refuses a directory that cannot be written to") {
  const ScratchDirectory scratch;
  const std::string path = scratch.path() + "/data";
  REQUIRE(::mkdir(path.c_str(), 0755) == 0);
  REQUIRE(::chmod(path.c_str(), 0555) == 0);
  if (::geteuid() == 0) {
    // Root may write anywhere, so a child without rights asks.
    REQUIRE(::chmod(scratch.path().c_str(), 0755) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
      if (::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
      Host host;
      const auto result = host.open_directory(path);
      ::_exit(!result && result.error().code == ErrorCode::not_permitted ? 0 : 1);
    }
    int status = 0;
    REQUIRE(uninterrupted([&] { return ::waitpid(child, &status, 0); }) == child);
    CHECK(status == 0);
    return;
  }
  Host host;
  CHECK(error_of(host.open_directory(path)).code == ErrorCode::not_permitted);
}

TEST_CASE("one process at a time holds a directory") {
  const ScratchDirectory scratch;
  Host host({.living_ms = 20, .left_behind_ms = 3'600'000});
  const auto directory = host.open_directory(scratch.path());
  REQUIRE(directory.has_value());
  std::array<int, 2> is_locked{};
  std::array<int, 2> may_end{};
  REQUIRE(::pipe(is_locked.data()) == 0);
  REQUIRE(::pipe(may_end.data()) == 0);
  const pid_t child = ::fork();
  char byte = 'x';
  if (child == 0) {
    ::close(may_end[1]);  // So that it ends with its parent, whatever ends that.
    Host other;
    if (!other.lock_directory(*directory)) ::_exit(1);
    if (::write(is_locked[1], &byte, 1) != 1) ::_exit(2);
    ::_exit(uninterrupted([&] { return ::read(may_end[0], &byte, 1); }) == 0 ? 0 : 3);
  }
  REQUIRE(uninterrupted([&] { return ::read(is_locked[0], &byte, 1); }) == 1);
  const Error error = error_of(host.lock_directory(*directory));
  CHECK(error.code == ErrorCode::in_use);
  CHECK(contains(error.message, "in use by another process"));
  for (const int fd : {may_end[1], may_end[0], is_locked[0], is_locked[1]}) ::close(fd);
  int status = 0;
  REQUIRE(uninterrupted([&] { return ::waitpid(child, &status, 0); }) == child);
  CHECK(status == 0);
  CHECK(host.lock_directory(*directory).has_value());
  host.close(*directory);
}

TEST_CASE("a lock that a ring keeps open is held until the ring is gone, and waited for") {
  const ScratchDirectory scratch;
  Host impatient({.living_ms = 3'600'000, .left_behind_ms = 20});
  Host host({.living_ms = 0, .left_behind_ms = 3'600'000});
  const auto directory = host.open_directory(scratch.path());
  REQUIRE(directory.has_value());
  std::promise<void> is_locked;
  std::promise<void> may_go;
  std::thread killed([&] {
    TestRing ring;
    {
      Host host_of_it;
      CHECK(host_of_it.lock_descriptor() == -1);
      REQUIRE(host_of_it.lock_directory(*directory).has_value());
      REQUIRE(ring->keep_open(host_of_it.lock_descriptor()).has_value());
    }
    is_locked.set_value();
    may_go.get_future().wait();
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
  });
  is_locked.get_future().wait();
  CHECK(error_of(impatient.lock_directory(*directory)).code == ErrorCode::in_use);
  may_go.set_value();
  CHECK(host.lock_directory(*directory).has_value());
  killed.join();
  host.close(*directory);
}

TEST_CASE("a probe that a crash left behind is not told as a file of the directory") {
  const ScratchDirectory scratch;
  std::ofstream(scratch.path() + "/alignment-probe.tmp") << "x";
  Host host;
  const auto directory = host.open_directory(scratch.path());
  REQUIRE(directory.has_value());
  const auto files = host.list_directory(*directory);
  REQUIRE(files.has_value());
  CHECK(files->empty());
  host.close(*directory);
}

TEST_CASE("list_directory and space") {
  const ScratchDirectory scratch;
  Host host;
  const auto directory = host.open_directory(scratch.path());
  REQUIRE(directory.has_value());
  CHECK(host.list_directory(*directory)->empty());
  std::ofstream(scratch.path() + "/five") << "12345";
  std::ofstream(scratch.path() + "/.hidden") << "";
  REQUIRE(::mkdir((scratch.path() + "/inner").c_str(), 0700) == 0);
  REQUIRE(::symlink("nowhere", (scratch.path() + "/link").c_str()) == 0);
  for (int round = 0; round < 2; ++round) {  // A second listing starts at the beginning again.
    const auto files = host.list_directory(*directory);
    REQUIRE(files.has_value());
    std::set<std::pair<std::string, std::uint64_t>> found;
    for (const io::FileInfo& file : *files) found.emplace(file.name, file.size_bytes);
    CHECK(found == std::set<std::pair<std::string, std::uint64_t>>{
                       {"five", 5}, {".hidden", 0}, {"inner", 0}, {"link", 0}});
  }
  const auto space = host.space(*directory);
  REQUIRE(space.has_value());
  CHECK(space->total_bytes > 0);
  CHECK(space->available_bytes <= space->total_bytes);
  host.close(*directory);
}

TEST_CASE("write_alignment: a unit that direct writes get through with, and nothing left behind") {
  for (const std::string& parent : {std::filesystem::temp_directory_path().string(),
                                    std::string("/dev/shm"), std::string(".")}) {
    if (::access(parent.c_str(), W_OK) != 0) continue;
    CAPTURE(parent);
    std::string path = parent + "/phoenix-align-XXXXXX";
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    Host host;
    const auto directory = host.open_directory(path);
    REQUIRE(directory.has_value());
    const auto alignment = host.write_alignment(*directory);
    REQUIRE(alignment.has_value());
    CHECK(host.list_directory(*directory)->empty());
    const int fd = ::openat(*directory, "direct", O_CREAT | O_RDWR | O_DIRECT, 0600);
    CHECK((fd >= 0) == (*alignment != 0));
    if (fd >= 0) {
      CHECK(std::has_single_bit(*alignment));
      CHECK(*alignment >= 512);
      void* const memory = std::aligned_alloc(*alignment, *alignment);
      std::memset(memory, 'x', *alignment);
      CHECK(::pwrite(fd, memory, *alignment, *alignment) == ssize_t{*alignment});
      std::free(memory);
      ::close(fd);
    }
    host.close(*directory);
    std::filesystem::remove_all(path);
  }
}

TEST_CASE("listeners of one host share a port, and all of them get connections") {
  Listening server("127.0.0.1");
  const auto second = server.host.listen(server.endpoint);
  REQUIRE(second.has_value());
  const UniqueFd joined(*second);
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 60; ++i) clients.push_back(connect_to(server.first.get()));
  int total = 0;
  for (const int listener : {server.first.get(), joined.get()}) {
    REQUIRE((::fcntl(listener, F_GETFL) & O_NONBLOCK) != 0);
    int accepted = 0;
    while (UniqueFd(::accept(listener, nullptr, nullptr)).valid()) ++accepted;
    CHECK(accepted > 0);
    total += accepted;
  }
  // A client may be connected a moment before its server can accept it.
  const std::uint64_t deadline_ns = patience_ends();
  while (total < 60 && SystemClock().monotonic_ns() < deadline_ns) {
    for (const int listener : {server.first.get(), joined.get()}) {
      while (UniqueFd(::accept(listener, nullptr, nullptr)).valid()) ++total;
    }
  }
  CHECK(total == 60);
}

TEST_CASE("a port that another process listens on is refused, also when it would share") {
  Listening server("127.0.0.1");
  const std::string text = "port " + std::to_string(server.endpoint.port) +
                           " on 127.0.0.1 is in use by another process: stop it or choose another "
                           "port with --port";
  const auto check_refused = [&] {
    Host foreign;
    const Error error = error_of(foreign.listen(server.endpoint));
    CHECK(error.code == ErrorCode::in_use);
    CHECK(error.message == text);
    // A refused first listener is no reason to join the next time.
    CHECK(error_of(foreign.listen(server.endpoint)).code == ErrorCode::in_use);
  };
  check_refused();
  const auto second = server.host.listen(server.endpoint);
  REQUIRE(second.has_value());
  check_refused();
  server.host.close(server.first.take());
  check_refused();
  server.host.close(*second);
  Host next;
  const auto fresh = next.listen(server.endpoint);
  CHECK(fresh.has_value());
  if (fresh) next.close(*fresh);
}

TEST_CASE("a restart gets the port although old connections are still dying") {
  Listening server("127.0.0.1");
  UniqueFd client = connect_to(server.first.get());
  // The server closes first, so its side of the connection stays in TIME_WAIT.
  CHECK(::close(::accept(server.first.get(), nullptr, nullptr)) == 0);
  CHECK(peer_receives(client, 1).empty());
  client = UniqueFd();
  server.host.close(server.first.take());
  Host next;
  const auto again = next.listen(server.endpoint);
  CHECK(again.has_value());
  if (again) next.close(*again);
}

TEST_CASE("accepted sockets inherit what a session needs") {
  for (const std::string address : {"127.0.0.1", "::1"}) {
    CAPTURE(address);
    if (address == "::1" && ::access("/proc/net/if_inet6", F_OK) != 0) continue;
    const Listening server(address);
    const UniqueFd client = connect_to(server.first.get());
    const UniqueFd socket(::accept(server.first.get(), nullptr, nullptr));
    REQUIRE(socket.valid());
    CHECK(option_of(socket.get(), IPPROTO_TCP, TCP_NODELAY) == 1);
    CHECK(option_of(socket.get(), SOL_SOCKET, SO_KEEPALIVE) == 1);
    CHECK(option_of(socket.get(), IPPROTO_TCP, TCP_KEEPIDLE) == 60);
    CHECK(option_of(socket.get(), IPPROTO_TCP, TCP_USER_TIMEOUT) == 60'000);
  }
}

TEST_CASE("addresses that cannot be listened on are refused in words") {
  Host host;
  for (const std::string address : {"", "localhost", "[::1]", "127.0.0.1:6969", "1.2.3.256"}) {
    CAPTURE(address);
    const Error error = error_of(host.listen({address, 6969, {}}));
    CHECK(error.code == ErrorCode::invalid);
    CHECK(contains(error.message, "\"" + address + "\" is not an IP address"));
  }
  const Error foreign = error_of(host.listen({"192.0.2.1", 0, {}}));  // Reserved for documents.
  CHECK(foreign.code == ErrorCode::invalid);
  CHECK(contains(foreign.message, "no network interface of this machine"));
}

TEST_CASE("unix sockets: mode, a stale file is replaced, a living server is not") {
  const ScratchDirectory scratch;
  const std::string path = scratch.path() + "/phoenix.sock";
  Host host;
  const mode_t before = ::umask(077);
  auto fd = host.listen({{}, 0, path});
  ::umask(before);
  REQUIRE(fd.has_value());
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0660);
  CHECK(host.bound_port(*fd) == 0);
  const UniqueFd client = connect_to(*fd);
  const Error used = error_of(Host().listen({{}, 0, path}));
  CHECK(used.code == ErrorCode::in_use);
  CHECK(contains(used.message, path + " is in use by another process"));
  host.close(*fd);
  leave_socket(path);
  fd = host.listen({{}, 0, path});
  REQUIRE(fd.has_value());
  CHECK(connect_to(*fd).valid());
  host.close(*fd);
}

TEST_CASE("the file of a unix socket goes with its listener or its host, unless it is another's") {
  const ScratchDirectory scratch;
  const std::string path = scratch.path() + "/phoenix.sock";
  const auto exists = [&path] { return ::access(path.c_str(), F_OK) == 0; };
  Host host;
  const auto closed = host.listen({{}, 0, path});
  REQUIRE(closed.has_value());
  host.close(*closed);
  CHECK_FALSE(exists());
  UniqueFd open;
  {
    Host ends;
    const auto listening = ends.listen({{}, 0, path});
    REQUIRE(listening.has_value());
    open = UniqueFd(*listening);
    CHECK(exists());
  }
  CHECK_FALSE(exists());
  {
    Host ends;
    const auto listening = ends.listen({{}, 0, path});
    REQUIRE(listening.has_value());
    open = UniqueFd(*listening);
    REQUIRE(::rename(path.c_str(), (path + ".moved").c_str()) == 0);
    leave_socket(path);
  }
  CHECK(exists());
}

TEST_CASE("unix sockets: other files and long paths are refused in words") {
  const ScratchDirectory scratch;
  Host host;
  const std::string path = scratch.path() + "/file";
  std::ofstream(path) << "precious";
  CHECK(contains(error_of(host.listen({{}, 0, path})).message, "exists and is not a socket"));
  CHECK(std::filesystem::file_size(path) == 8);
  const Error too_long = error_of(host.listen({{}, 0, "/tmp/" + std::string(200, 'x')}));
  CHECK(contains(too_long.message, "at most 107 bytes"));
  CHECK_FALSE(host.listen({{}, 0, scratch.path() + "/no/socket"}).has_value());
}

TEST_CASE("an errno becomes the code that fits it") {
  CHECK(os_error("x", ENOSPC).code == ErrorCode::disk_full);
  CHECK(os_error("x", EROFS).code == ErrorCode::not_permitted);
  CHECK(os_error("x", EMFILE).code == ErrorCode::not_permitted);
  CHECK(contains(os_error("x", EMFILE).message, "ulimit -n"));
  CHECK(os_error("cannot do it", EIO).message == "cannot do it: Input/output error");
}
