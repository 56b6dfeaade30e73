#include "phoenix/sim/host.h"

#include <utility>

namespace phoenix::sim {
namespace {

constexpr const char* kLockName = "LOCK";

}  // namespace

Host::Host(World& world) : world_(world), id_(world.add_host()), life_(world.life()) {}

Host::~Host() {
  if (world_.life() != life_) return;
  for (const DirectoryId id : locked_) world_.lock_holder(id) = 0;
}

Result<DirectoryId> Host::directory(int fd) const {
  if (world_.down() || world_.life() != life_) {
    return fail(ErrorCode::io, "the simulated process has ended");
  }
  const Descriptor descriptor = world_.kernel().descriptors().find(fd);
  if (descriptor.kind != Descriptor::Kind::directory) {
    return fail(ErrorCode::invalid, "not an open directory: " + std::to_string(fd));
  }
  return descriptor.index;
}

Result<int> Host::open_directory(const std::string& path) {
  if (world_.down() || world_.life() != life_) {
    return fail(ErrorCode::io, "the simulated process has ended");
  }
  const auto opened = world_.disk().open_directory(path);
  if (!opened) return tl::unexpected<Error>(opened.error());
  return world_.kernel().descriptors().add(
      Descriptor{Descriptor::Kind::directory, true, false, *opened});
}

// The kernel keeps a dead process's lock until its ring is gone: so nothing of it lands afterwards.
Result<void> Host::lock_directory(int fd) {
  const auto id = directory(fd);
  if (!id) return tl::unexpected<Error>(id.error());
  std::uint32_t& holder = world_.lock_holder(*id);
  if (holder != 0 && holder != id_) {
    return fail(ErrorCode::in_use, "the directory is in use by another process");
  }
  if (!world_.disk().find(*id, kLockName)) world_.disk().create(*id, kLockName);
  world_.kernel().land_late_writes();
  holder = id_;
  locked_.push_back(*id);
  return {};
}

Result<std::vector<io::FileInfo>> Host::list_directory(int fd) {
  const auto id = directory(fd);
  if (!id) return tl::unexpected<Error>(id.error());
  std::vector<io::FileInfo> infos = world_.disk().list(*id);
  for (std::size_t i = infos.size(); i > 1; --i) {
    std::swap(infos[i - 1], infos[world_.environment().random.below(i)]);
  }
  return infos;
}

Result<io::SpaceInfo> Host::space(int fd) {
  const auto id = directory(fd);
  if (!id) return tl::unexpected<Error>(id.error());
  return world_.disk().space();
}

Result<std::uint32_t> Host::write_alignment(int fd) {
  const auto id = directory(fd);
  if (!id) return tl::unexpected<Error>(id.error());
  return world_.plan().write_alignment;
}

Result<int> Host::listen(const io::Endpoint& endpoint) {
  if (world_.down() || world_.life() != life_) {
    return fail(ErrorCode::io, "the simulated process has ended");
  }
  const auto listener = world_.network().listen(endpoint, id_);
  if (!listener) return tl::unexpected<Error>(listener.error());
  return world_.kernel().descriptors().add(
      Descriptor{Descriptor::Kind::listener, true, false, *listener});
}

void Host::close(int fd) {
  if (world_.life() == life_) world_.kernel().close(fd);
}

void Failure::raise(const std::string& message) {
  if (!failed_) message_ = message;
  failed_ = true;
  if (world_.life() == life_) world_.crash_now();
}

}  // namespace phoenix::sim
