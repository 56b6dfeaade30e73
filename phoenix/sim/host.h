// The other half of the seam, and where a failed server ends: one Host and one Failure per process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "phoenix/io/host.h"
#include "phoenix/sim/descriptors.h"
#include "phoenix/sim/world.h"

namespace phoenix::sim {

/// Directories are paths without a tree: each is made where it is first opened, durably. A second
/// Host in the same world is a second process: it does not get locks and endpoints of the first.
class Host final : public io::Host {
 public:
  explicit Host(World& world);
  /// Drops its locks. Descriptors stay with whoever closes them.
  ~Host() override;

  Result<int> open_directory(const std::string& path) override;
  Result<void> lock_directory(int directory) override;
  Result<std::vector<io::FileInfo>> list_directory(int directory) override;
  Result<io::SpaceInfo> space(int directory) override;
  Result<std::uint32_t> write_alignment(int directory) override;
  Result<int> listen(const io::Endpoint& endpoint) override;
  void close(int fd) override;

 private:
  Result<DirectoryId> directory(int fd) const;

  World& world_;
  const std::uint32_t id_;
  const std::uint64_t life_;
  std::vector<DirectoryId> locked_;
};

/// raise() takes the world down, as the process would end.
class Failure final : public io::Failure {
 public:
  explicit Failure(World& world) : world_(world), life_(world.life()) {}

  void raise(const std::string& message) override;

  bool process_failed() const { return failed_; }
  /// Of the first raise().
  const std::string& message() const { return message_; }

 private:
  World& world_;
  const std::uint64_t life_;
  bool failed_ = false;
  std::string message_;
};

}  // namespace phoenix::sim
