#include "phoenix/uring/host.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "phoenix/base/check.h"
#include "phoenix/uring/direct_io.h"
#include "phoenix/uring/listener.h"
#include "phoenix/uring/os_error.h"

namespace phoenix::uring {
namespace {

constexpr mode_t kDirectoryMode = 0700;
constexpr mode_t kFileMode = 0600;
constexpr const char* kLockName = "LOCK";
constexpr std::uint32_t kLockPauseMs = 10;

// "data/" would follow a symlink that "data" does not.
std::string without_trailing_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> sync_directory(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || fsync(fd.get()) != 0) {
    return os_failure(fmt::format("cannot sync the directory {}", path), errno);
  }
  return {};
}

// False when it was there already.
Result<bool> make_directory(const std::string& path) {
  if (mkdir(path.c_str(), kDirectoryMode) == 0) {
    const auto synced = sync_directory(parent_of(path));
    if (!synced) return tl::unexpected<Error>(synced.error());
    return true;
  }
  if (errno == EEXIST) {
    // Whoever made it may have been killed before it was durable. Without the right to read the
    // parent this cannot be helped.
    const UniqueFd parent(::open(parent_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (parent.valid() && fsync(parent.get()) != 0 && errno != EINVAL && errno != EROFS) {
      return os_failure(fmt::format("cannot sync the directory {}", parent_of(path)), errno);
    }
    return false;
  }
  if (errno == ENOENT) {
    return fail(ErrorCode::invalid, fmt::format("cannot make the directory {}: its parent {} does "
                                                "not exist: make that first",
                                                path, parent_of(path)));
  }
  return os_failure(fmt::format("cannot make the directory {}", path), errno);
}

std::optional<Error> wrong_kind(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return std::nullopt;
  if (S_ISLNK(status.st_mode)) {
    return Error{ErrorCode::invalid,
                 fmt::format("{} is a symbolic link: name the directory itself", path)};
  }
  if (!S_ISDIR(status.st_mode)) {
    return Error{ErrorCode::invalid, fmt::format("{} is not a directory", path)};
  }
  return std::nullopt;
}

Result<io::FileInfo> describe_entry(int directory, const char* name) {
  struct stat status {};
  if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return os_failure(fmt::format("cannot look at the file {}", name), errno);
  }
  const bool regular = S_ISREG(status.st_mode);
  return io::FileInfo{name, regular ? static_cast<std::uint64_t>(status.st_size) : 0};
}

struct CloseDirectory {
  void operator()(DIR* stream) const { closedir(stream); }
};
using DirectoryStream = std::unique_ptr<DIR, CloseDirectory>;

// A stream of its own: reading it must not move a position that others share.
Result<DirectoryStream> open_stream(int directory) {
  UniqueFd own(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!own.valid()) return os_failure("cannot open the data directory", errno);
  DirectoryStream stream(fdopendir(own.get()));
  if (!stream) return os_failure("cannot read the data directory", errno);
  own.take();
  return stream;
}

// The whole file, for a process.
struct flock process_lock() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

// A ring outlives its process until the disk has done with its writes, and holds the lock so long.
// So a process takes a second one, which ends with it: who finds the first one alone taken knows
// that nobody lives who could serve the directory. Without the second, he takes it for a living
// process and gives up sooner.
void show_life(int lock_file) {
  const struct flock lock = process_lock();
  static_cast<void>(fcntl(lock_file, F_SETLK, &lock));
}

bool holder_lives(int lock_file) {
  struct flock lock = process_lock();
  return fcntl(lock_file, F_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

}  // namespace

Host::~Host() {
  for (const UnixListener& listener : unix_listeners_) listener.file.remove();
}

Result<int> Host::open_directory(const std::string& path) {
  if (path.empty()) return fail(ErrorCode::invalid, "the name of the data directory is empty");
  const std::string name = without_trailing_slashes(path);
  if (const auto made = make_directory(name); !made) return tl::unexpected<Error>(made.error());
  if (const auto error = wrong_kind(name)) return tl::unexpected<Error>(*error);
  UniqueFd fd(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return os_failure(fmt::format("cannot open the directory {}", name), errno);
  if (faccessat(fd.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) {
    const int error = errno;
    return os_failure(
        fmt::format("cannot write to the directory {} as user id {}", name, geteuid()), error);
  }
  return fd.take();
}

Result<void> Host::lock_directory(int directory) {
  UniqueFd lock(openat(directory, kLockName, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kFileMode));
  if (!lock.valid()) return os_failure("cannot open the file LOCK in the data directory", errno);
  int result = flock(lock.get(), LOCK_EX | LOCK_NB);
  for (std::uint32_t waited_ms = 0; result != 0; waited_ms += kLockPauseMs) {
    if (errno != EWOULDBLOCK && errno != EINTR) break;
    const int error = errno;
    const bool lives = holder_lives(lock.get());
    errno = error;
    if (waited_ms >= (lives ? patience_.living_ms : patience_.left_behind_ms)) break;
    const timespec pause{.tv_sec = 0, .tv_nsec = kLockPauseMs * 1'000'000};
    nanosleep(&pause, nullptr);
    result = flock(lock.get(), LOCK_EX | LOCK_NB);
  }
  if (result != 0 && errno == EWOULDBLOCK) {
    return fail(ErrorCode::in_use,
                "the data directory is in use by another process: stop that, or choose another "
                "directory");
  }
  if (result != 0) return os_failure("cannot lock the data directory", errno);
  show_life(lock.get());
  const std::lock_guard guard(mutex_);
  locks_.push_back(std::move(lock));
  return {};
}

int Host::lock_descriptor() {
  const std::lock_guard guard(mutex_);
  return locks_.empty() ? -1 : locks_.back().get();
}

Result<std::vector<io::FileInfo>> Host::list_directory(int directory) {
  auto stream = open_stream(directory);
  if (!stream) return tl::unexpected<Error>(stream.error());
  std::vector<io::FileInfo> files;
  for (;;) {
    errno = 0;
    const dirent* const entry = readdir(stream->get());  // NOLINT(concurrency-mt-unsafe): own.
    if (entry == nullptr) break;
    const std::string_view name(static_cast<const char*>(entry->d_name));
    if (name == "." || name == "..") continue;
    if (name == kScratchName) continue;  // Of a run that was cut; the next look removes it.
    auto info = describe_entry(directory, static_cast<const char*>(entry->d_name));
    if (!info) return tl::unexpected<Error>(info.error());
    files.push_back(std::move(*info));
  }
  if (errno != 0) return os_failure("cannot read the data directory", errno);
  return files;
}

Result<io::SpaceInfo> Host::space(int directory) {
  struct statvfs status {};
  if (fstatvfs(directory, &status) != 0) {
    return os_failure("cannot ask for the free space of the data directory", errno);
  }
  return io::SpaceInfo{.total_bytes = status.f_blocks * status.f_frsize,
                       .available_bytes = status.f_bavail * status.f_frsize};
}

Result<std::uint32_t> Host::write_alignment(int directory) {
  return find_write_alignment(directory);
}

bool Host::listens_on(const io::Endpoint& endpoint) const {
  return std::any_of(listeners_.begin(), listeners_.end(), [&](const Listener& listener) {
    return listener.port == endpoint.port && listener.address == endpoint.address;
  });
}

Result<int> Host::listen(const io::Endpoint& endpoint) {
  const std::lock_guard guard(mutex_);
  if (!endpoint.unix_path.empty()) {
    auto fd = listen_unix(endpoint.unix_path);
    if (fd) unix_listeners_.push_back({*fd, SocketFile::at(endpoint.unix_path)});
    return fd;
  }
  const PortSharing sharing = listens_on(endpoint) ? PortSharing::join : PortSharing::first;
  auto fd = listen_tcp(endpoint.address, endpoint.port, sharing);
  // Port 0 was a new port: further listeners join it by its number.
  if (fd) listeners_.push_back({*fd, endpoint.address, bound_port(*fd)});
  return fd;
}

std::uint16_t Host::bound_port(int listener) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  // The port stands at the same place in both families.
  if (address.ss_family != AF_INET && address.ss_family != AF_INET6) return 0;
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

namespace {

std::string name_of(const sockaddr_storage& address, socklen_t size) {
  char text[INET6_ADDRSTRLEN] = "?";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return fmt::format("{}:{}", text, ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return fmt::format("[{}]:{}", text, ntohs(v6.sin6_port));
  }
  const auto& unix_address = reinterpret_cast<const sockaddr_un&>(address);
  const std::size_t path_max = size - std::min<std::size_t>(size, offsetof(sockaddr_un, sun_path));
  const std::size_t path_bytes = strnlen(unix_address.sun_path, path_max);
  return fmt::format("{}:0", std::string_view(unix_address.sun_path, path_bytes));
}

}  // namespace

// Of a unix socket only the server's end has a name: it stands for both, as in Redis.
io::SocketNames Host::socket_names(int connection) {
  io::SocketNames names;
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(connection, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    names.local = name_of(address, size);
  }
  if (address.ss_family == AF_UNIX) {
    names.peer = names.local;
    return names;
  }
  size = sizeof address;
  if (getpeername(connection, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    names.peer = name_of(address, size);
  }
  return names;
}

void Host::close(int fd) {
  const std::lock_guard guard(mutex_);
  std::erase_if(listeners_, [fd](const Listener& listener) { return listener.fd == fd; });
  std::erase_if(unix_listeners_, [fd](const UnixListener& listener) {
    if (listener.fd != fd) return false;
    listener.file.remove();
    return true;
  });
  // These descriptors were not written to, so only a wrong one can fail here.
  PHX_CHECK(::close(fd) == 0 || errno != EBADF);
}

}  // namespace phoenix::uring
