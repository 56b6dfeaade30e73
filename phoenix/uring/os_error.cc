#include "phoenix/uring/os_error.h"

#include <cerrno>
#include <cstring>

namespace phoenix::uring {
namespace {

ErrorCode code_of(int error_number) {
  switch (error_number) {
    case EACCES:
    case EPERM:
    case EROFS:
    case EMFILE:
    case ENFILE:
      return ErrorCode::not_permitted;
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::disk_full;
    case EADDRINUSE:
      return ErrorCode::in_use;
    default:
      return ErrorCode::io;
  }
}

const char* advice_for(int error_number) {
  switch (error_number) {
    case EMFILE:
    case ENFILE:
      return " (raise the limit: `ulimit -n`, LimitNOFILE= of a systemd unit)";
    case EROFS:
      return " (choose a directory on a file system that is mounted for writing)";
    default:
      return "";
  }
}

}  // namespace

Error os_error(std::string_view what, int error_number) {
  std::string message(what);
  message += ": ";
  message += std::strerror(error_number);
  message += advice_for(error_number);
  return {code_of(error_number), std::move(message)};
}

}  // namespace phoenix::uring
