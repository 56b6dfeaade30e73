#include "bench/peers/scratch.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "phoenix/uring/os_error.h"

namespace phoenix::bench {

Result<ScratchDirectory> ScratchDirectory::make(const std::string& parent) {
  const char* temporary = std::getenv("TMPDIR");
  const bool has_temporary = temporary != nullptr && *temporary != '\0';
  std::error_code error;
  const auto base = std::filesystem::absolute(!parent.empty() ? parent
                                              : has_temporary ? temporary
                                                              : "/tmp",
                                              error);
  if (error) return uring::os_failure(parent, error.value());
  std::string path = (base / "phoenix-bench-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) {
    return uring::os_failure("cannot make a directory in " + base.string(), errno);
  }
  return ScratchDirectory(std::move(path));
}

bool ScratchDirectory::in_memory() const {
  struct statfs facts {};
  return statfs(path_.c_str(), &facts) == 0 && facts.f_type == TMPFS_MAGIC;
}

ScratchDirectory::~ScratchDirectory() {
  if (path_.empty()) return;
  std::error_code ignored;  // What cannot be removed stays; there is nobody to tell.
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace phoenix::bench
