#include "phoenix/io/frame_pool.h"

#include <array>
#include <new>

namespace phoenix::io {
namespace {

constexpr std::size_t kStep = 64;
constexpr std::size_t kClasses = 33;  // Frames up to 2 KiB are pooled.

struct FreeFrame {
  FreeFrame* next;
};

class Pool final {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() {
    for (auto* frame : heads_) {
      while (frame != nullptr) {
        auto* next = frame->next;
        ::operator delete(frame);
        frame = next;
      }
    }
  }

  void* take(std::size_t index) {
    auto* frame = heads_[index];
    if (frame == nullptr) return ::operator new(index* kStep);
    heads_[index] = frame->next;
    return frame;
  }

  void give(void* memory, std::size_t index) noexcept {
    auto* frame = static_cast<FreeFrame*>(memory);
    frame->next = heads_[index];
    heads_[index] = frame;
  }

 private:
  std::array<FreeFrame*, kClasses> heads_{};
};

Pool& pool() {
  static thread_local Pool instance;
  return instance;
}

std::size_t class_of(std::size_t size_bytes) {
  return (size_bytes + kStep - 1) / kStep;
}

}  // namespace

void* allocate_frame(std::size_t size_bytes) {
  const std::size_t index = class_of(size_bytes);
  return index < kClasses ? pool().take(index) : ::operator new(size_bytes);
}

void free_frame(void* frame, std::size_t size_bytes) noexcept {
  const std::size_t index = class_of(size_bytes);
  if (index < kClasses) {
    pool().give(frame, index);
  } else {
    ::operator delete(frame);
  }
}

}  // namespace phoenix::io
