// Both ends of a pipe, for tests of what reads from standard input and writes to standard output.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

namespace phoenix::cli::test {

class Pipe final {
 public:
  Pipe() { REQUIRE(::pipe2(ends_.data(), O_CLOEXEC) == 0); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_reader();
    close_writer();
  }

  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }
  void close_reader() { close_end(ends_[0]); }
  void close_writer() { close_end(ends_[1]); }

  bool write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t count = ::write(writer(), bytes.data(), bytes.size());
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  /// Up to the end of what is written.
  std::string read_all() const {
    std::string text;
    std::array<char, 4'096> room{};
    for (;;) {
      const ssize_t count = ::read(reader(), room.data(), room.size());
      if (count <= 0) return text;
      text.append(room.data(), static_cast<std::size_t>(count));
    }
  }

 private:
  static void close_end(int& end) {
    const int fd = std::exchange(end, -1);
    if (fd >= 0) static_cast<void>(::close(fd));
  }

  std::array<int, 2> ends_{-1, -1};
};

}  // namespace phoenix::cli::test
