#include "cli/transfer/input_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "phoenix/client/socket.h"

namespace phoenix::cli::transfer {

namespace {

constexpr std::size_t kPieceBytes = std::size_t{256} << 10U;
constexpr std::uint64_t kFingerprintBytes = std::uint64_t{64} << 10U;

/// FNV-1a.
std::uint64_t hash_more(std::uint64_t hash, std::string_view bytes) {
  for (const char c : bytes) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  }
  return hash;
}

}  // namespace

Result<std::unique_ptr<InputFile>> InputFile::open(const std::string& path, int interrupt_fd) {
  const bool is_stdin = path == "-";
  // Without waiting: a named pipe that nobody writes to yet is waited for in read().
  const int fd = is_stdin ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    return fail(ExitCode::usage, "cannot open '" + path + "': " + client::os_error_text(errno));
  }
  std::unique_ptr<InputFile> file(
      new InputFile(is_stdin ? "standard input" : path, fd, interrupt_fd));
  struct stat facts {};
  if (::fstat(fd, &facts) != 0) return file->failed(errno);
  // Standard input may be a file, and somebody else's to seek in.
  file->is_regular_ = S_ISREG(facts.st_mode) && !is_stdin;
  if (file->is_regular_) file->file_bytes_ = static_cast<std::uint64_t>(facts.st_size);
  return file;
}

InputFile::InputFile(std::string path, int fd, int interrupt_fd)
    : path_(std::move(path)), fd_(fd), interrupt_fd_(interrupt_fd) {}

InputFile::~InputFile() {
  // Opened for reading: closing can lose nothing.
  if (fd_ != STDIN_FILENO) static_cast<void>(::close(fd_));
}

Result<std::string_view> InputFile::read() {
  piece_.resize(kPieceBytes);
  for (;;) {
    std::array<pollfd, 2> entries{{{fd_, POLLIN, 0}, {interrupt_fd_, POLLIN, 0}}};
    if (::poll(entries.data(), entries.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return failed(errno);
    }
    if (entries[1].revents != 0) return fail(ExitCode::interrupted, "interrupted");
    const ssize_t count = ::read(fd_, piece_.data(), piece_.size());
    if (count >= 0) return std::string_view(piece_).substr(0, static_cast<std::size_t>(count));
    if (errno != EINTR && errno != EAGAIN) return failed(errno);
  }
}

bool InputFile::is_ready() const {
  pollfd entry{fd_, POLLIN, 0};
  return ::poll(&entry, 1, 0) != 0;
}

Result<void> InputFile::seek(std::uint64_t offset) {
  if (::lseek(fd_, static_cast<off_t>(offset), SEEK_SET) < 0) return failed(errno);
  return {};
}

Result<std::uint64_t> InputFile::fingerprint() {
  std::uint64_t hash = 0xCBF29CE484222325U;
  std::string bytes(kFingerprintBytes, '\0');
  for (const std::uint64_t offset :
       {std::uint64_t{0}, file_bytes_ - std::min(file_bytes_, kFingerprintBytes)}) {
    const ssize_t count = ::pread(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0) return failed(errno);
    hash = hash_more(hash, std::string_view(bytes).substr(0, static_cast<std::size_t>(count)));
  }
  return hash;
}

tl::unexpected<Failure> InputFile::failed(int error) const {
  return fail(ExitCode::usage, "cannot read '" + path_ + "': " + client::os_error_text(error));
}

}  // namespace phoenix::cli::transfer
