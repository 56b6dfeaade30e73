#include "phoenix/uring/setup_error.h"

#include <sys/utsname.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include <fmt/format.h>

namespace phoenix::uring {
namespace {

constexpr const char* kNeeds = "Phoenix needs Linux 6.1 or later";
constexpr const char* kCalls = "io_uring_setup, io_uring_enter and io_uring_register";

Error explain_not_permitted(const SetupFailure& failure) {
  if (failure.disabled_sysctl == 1) {
    return {ErrorCode::not_permitted,
            "io_uring is reserved for one group on this machine (sysctl kernel.io_uring_disabled "
            "is 1): add this user to the group that kernel.io_uring_group names, or run "
            "`sysctl -w kernel.io_uring_disabled=0` as root"};
  }
  if (failure.disabled_sysctl != 0) {
    return {ErrorCode::not_permitted,
            fmt::format("io_uring is switched off on this machine (sysctl "
                        "kernel.io_uring_disabled is {}): run "
                        "`sysctl -w kernel.io_uring_disabled=0` as root",
                        failure.disabled_sysctl)};
  }
  return {ErrorCode::not_permitted,
          fmt::format("io_uring is not permitted here ({}: {}): a seccomp profile or a security "
                      "policy forbids it, as Docker's default profile does; allow {} (docker: "
                      "--security-opt seccomp=PROFILE)",
                      failure.step, std::strerror(failure.error_number), kCalls)};
}

int read_disabled_sysctl() {
  std::ifstream file("/proc/sys/kernel/io_uring_disabled");
  int value = 0;
  return file >> value ? value : 0;
}

std::string read_kernel_release() {
  utsname name{};
  return uname(&name) == 0 ? std::string(name.release) : std::string("unknown release");
}

}  // namespace

Error explain(const SetupFailure& failure) {
  switch (failure.error_number) {
    case EPERM:
    case EACCES:
      return explain_not_permitted(failure);
    case ENOSYS:
      return {ErrorCode::unsupported,
              fmt::format("io_uring is missing ({}): this kernel ({}) was built without it, or a "
                          "container's seccomp profile hides it; {}, and a profile that allows {}",
                          failure.step, failure.kernel_release, kNeeds, kCalls)};
    case EINVAL:
    case EOPNOTSUPP:
      return {ErrorCode::unsupported,
              fmt::format("this kernel ({}) is too old: it does not know {}; {}",
                          failure.kernel_release, failure.step, kNeeds)};
    case ENOMEM:
      return {ErrorCode::not_permitted,
              fmt::format("the kernel gave no memory for io_uring ({}): raise the limit of locked "
                          "memory (`ulimit -l`, LimitMEMLOCK= of a systemd unit) or the memory "
                          "limit of the container, or start with fewer cores",
                          failure.step)};
    case EMFILE:
    case ENFILE:
      return {ErrorCode::not_permitted,
              fmt::format("no file descriptor is left for io_uring ({}): raise the limit of open "
                          "files (`ulimit -n`, LimitNOFILE= of a systemd unit)",
                          failure.step)};
    default:
      return {ErrorCode::io, fmt::format("io_uring could not be set up ({}): {}", failure.step,
                                         std::strerror(failure.error_number))};
  }
}

Error explain_here(std::string step, int error_number) {
  return explain({.step = std::move(step),
                  .error_number = error_number,
                  .disabled_sysctl = read_disabled_sysctl(),
                  .kernel_release = read_kernel_release()});
}

}  // namespace phoenix::uring
