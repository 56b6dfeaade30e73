#include "cli/transfer/export_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "cli/transfer/state.h"
#include "phoenix/client/socket.h"

namespace phoenix::cli::transfer {

Result<std::unique_ptr<ExportFile>> ExportFile::open(const std::string& path, bool is_resumed,
                                                     Output& standard_output) {
  std::unique_ptr<ExportFile> file(new ExportFile(standard_output));
  if (path == "-") return file;
  file->path_ = path;
  file->part_path_ = path + ".partial";
  file->state_path_ = path + ".export";
  const Result<void> opened = file->open_part(is_resumed);
  if (!opened) return tl::unexpected<Failure>(opened.error());
  return file;
}

Result<void> ExportFile::open_part(bool is_resumed) {
  struct stat facts {};
  // The rename in the end would take the place of a device, or of a link.
  if (::lstat(path_.c_str(), &facts) == 0 && !S_ISREG(facts.st_mode)) {
    return fail(ExitCode::usage,
                "'" + path_ + "' is no regular file: export to - and redirect standard output");
  }
  const int how = is_resumed ? O_NOFOLLOW | O_NONBLOCK : O_EXCL;
  // As private as the data of the server is.
  fd_ = ::open(part_path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | how, 0600);
  if (fd_ < 0 && errno == EEXIST) {
    return fail(ExitCode::usage, "'" + part_path_ +
                                     "' is there, of an export that did not end: go on with it by "
                                     "--resume, or remove it");
  }
  if (fd_ < 0) return failed("write", part_path_, errno);
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    return fail(ExitCode::usage, "another export is writing '" + part_path_ + "'");
  }
  if (::fstat(fd_, &facts) != 0) return failed("read", part_path_, errno);
  // In a directory of many somebody may have laid it there: to read along, or to have it truncated.
  if (!S_ISREG(facts.st_mode) || facts.st_uid != ::geteuid() || facts.st_nlink != 1) {
    return fail(
        ExitCode::usage,
        "'" + part_path_ + "' is not what an export of yours left: remove it to begin anew");
  }
  // The state of an earlier part, which is gone, must not be taken for that of this one.
  if (!is_resumed) {
    const Result<void> forgotten = remove_state(state_path_);
    if (!forgotten) return forgotten;
  }
  bytes_on_opening_ = static_cast<std::uint64_t>(facts.st_size);
  own_ = std::make_unique<Output>(fd_);
  output_ = own_.get();
  return {};
}

ExportFile::~ExportFile() {
  // Whatever matters was synced before.
  if (fd_ >= 0) static_cast<void>(::close(fd_));
}

Result<void> ExportFile::truncate(std::uint64_t bytes) {
  const auto size = static_cast<off_t>(bytes);
  if (::ftruncate(fd_, size) != 0 || ::lseek(fd_, size, SEEK_SET) < 0) {
    return failed("write", part_path_, errno);
  }
  return {};
}

Result<void> ExportFile::sync() {
  Result<void> written = output_->flush();
  if (!written || !is_file()) return written;
  return ::fsync(fd_) == 0 ? Result<void>{} : failed("write", part_path_, errno);
}

Result<void> ExportFile::complete() {
  Result<void> synced = sync();
  if (!synced || !is_file()) return synced;
  if (std::rename(part_path_.c_str(), path_.c_str()) != 0) return failed("write", path_, errno);
  Result<void> named = sync_directory_of(path_);
  return named ? remove_state(state_path_) : named;
}

void ExportFile::discard() {
  if (is_file()) static_cast<void>(::unlink(part_path_.c_str()));
}

tl::unexpected<Failure> ExportFile::failed(const char* what, const std::string& path,
                                           int error) const {
  return fail(ExitCode::output,
              "cannot " + std::string(what) + " '" + path + "': " + client::os_error_text(error));
}

}  // namespace phoenix::cli::transfer
