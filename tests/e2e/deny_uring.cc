// Runs a program that may not use io_uring: io_uring_setup fails with the errno that is asked for,
// as under a container's seccomp profile (EPERM) or on an old kernel (ENOSYS).
//
//   deny_uring ERRNO PROGRAM [ARGUMENT ...]
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: deny_uring ERRNO PROGRAM [ARGUMENT ...]\n", stderr);
    return 2;
  }
  const auto error = static_cast<std::uint32_t>(std::strtoul(argv[1], nullptr, 10));
  std::array<sock_filter, 4> rules{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error & SECCOMP_RET_DATA)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  sock_fprog program{static_cast<unsigned short>(rules.size()), rules.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    std::perror("deny_uring: seccomp");
    return 77;
  }
  execvp(argv[2], argv + 2);
  std::perror(argv[2]);
  return 127;
}
