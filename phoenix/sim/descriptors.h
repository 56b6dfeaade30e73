// The descriptor table of the simulated process. Numbers are reused at once, lowest first, as the
// kernel does, so that a stale number names the wrong thing here as it would there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace phoenix::sim {

struct Descriptor {
  enum class Kind : std::uint8_t { none, file, directory, listener, socket };

  Kind kind = Kind::none;
  bool writable = false;
  bool direct = false;
  std::uint32_t index = 0;  // Inode, directory, listener or connection.
};

class Descriptors final {
 public:
  static constexpr int kFirst = 3;

  int add(Descriptor descriptor) {
    std::size_t place = 0;
    while (place < table_.size() && table_[place].kind != Descriptor::Kind::none) ++place;
    if (place == table_.size()) table_.emplace_back();
    table_[place] = descriptor;
    ++open_;
    return kFirst + static_cast<int>(place);
  }
  /// Kind::none when the number is not open.
  Descriptor find(int fd) const {
    if (fd < kFirst || static_cast<std::size_t>(fd - kFirst) >= table_.size()) return {};
    return table_[static_cast<std::size_t>(fd - kFirst)];
  }
  Descriptor remove(int fd) {
    const Descriptor descriptor = find(fd);
    if (descriptor.kind == Descriptor::Kind::none) return descriptor;
    table_[static_cast<std::size_t>(fd - kFirst)] = {};
    --open_;
    return descriptor;
  }
  std::size_t open_count() const { return open_; }
  void clear() {
    table_.clear();
    open_ = 0;
  }

 private:
  std::vector<Descriptor> table_;
  std::size_t open_ = 0;
};

}  // namespace phoenix::sim
