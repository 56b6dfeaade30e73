#include "bench/load/control_text.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <initializer_list>
#include <string_view>

#include <fmt/format.h>

#include "bench/measure/process.h"
#include "protocol/error.h"

namespace phoenix::bench {
namespace {

constexpr std::size_t kAnswerBytesMax = std::size_t{1} << 20U;
constexpr std::string_view kLineEnd = "\r\n";

using IsWhole = bool (*)(std::string_view answer);

/// Sends a question and gathers what comes until it is whole.
Result<std::string> ask(int fd, const std::string& question, IsWhole is_whole) {
  const timeval patience{kAnswerSeconds, 0};
  if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
      send(fd, question.data(), question.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(question.size())) {
    return fail(ErrorCode::io, std::strerror(errno));
  }
  std::string answer;
  std::array<char, 16384> part{};
  while (!is_whole(answer)) {
    const ssize_t size = recv(fd, part.data(), part.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno != EAGAIN) return fail(ErrorCode::io, std::strerror(errno));
    if (size <= 0 || answer.size() > kAnswerBytesMax) {
      const char* why = size == 0  ? "it closed the connection"
                        : size < 0 ? "no whole answer within 5 s"
                                   : "an answer over 1 MiB";
      return fail(ErrorCode::unsupported,
                  fmt::format("{}: it may speak another protocol (--protocol)", why));
    }
    answer.append(part.data(), static_cast<std::size_t>(size));
  }
  return answer;
}

bool is_line(std::string_view answer) {
  return answer.ends_with(kLineEnd);
}

std::string_view first_line(std::string_view text) {
  return text.substr(0, text.find(kLineEnd));
}

std::uint64_t number_in(std::string_view digits) {
  std::uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

/// 0: none that a process can have.
int pid_in(std::string_view digits) {
  const std::uint64_t number = number_in(digits);
  return number <= kPidMax ? static_cast<int>(number) : 0;
}

std::uint32_t threads_in(std::string_view digits) {
  constexpr std::uint64_t kThreadsMax = 65'536;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(number_in(digits), 1, kThreadsMax));
}

/// A whole RESP bulk string, or a line that is something else.
bool is_bulk(std::string_view answer) {
  if (answer.find(kLineEnd) == std::string_view::npos) return false;
  if (!answer.starts_with('$') && !answer.starts_with('=')) return is_line(answer);
  const std::string_view line = first_line(answer);
  return answer.size() >= line.size() + number_in(line.substr(1)) + 2 * kLineEnd.size();
}

bool is_stats(std::string_view answer) {
  return answer.ends_with("END\r\n") || (is_line(answer) && answer.find("ERROR") < answer.size());
}

/// What stands behind `name` up to the line's end; empty when there is no such line.
std::string_view field(std::string_view text, std::string_view name) {
  for (std::size_t at = text.find(name); at != std::string_view::npos;
       at = text.find(name, at + 1)) {
    if (at != 0 && text[at - 1] != '\n') continue;
    const std::string_view rest = text.substr(at + name.size());
    return rest.substr(0, rest.find_first_of("\r\n"));
  }
  return {};
}

}  // namespace

Result<void> authenticate_resp(int fd, const std::string& password) {
  const auto answer =
      ask(fd, fmt::format("*2\r\n$4\r\nAUTH\r\n${}\r\n{}\r\n", password.size(), password), is_line);
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (answer->starts_with('+')) return {};
  return fail(ErrorCode::not_permitted,
              fmt::format("AUTH: {}", protocol::printable(first_line(*answer))));
}

Result<void> ask_resp(int fd, ServerFacts& facts) {
  const auto answer = ask(fd, "*1\r\n$4\r\nINFO\r\n", is_bulk);
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (!answer->starts_with('$') && !answer->starts_with('=')) {
    return fail(ErrorCode::unsupported,
                fmt::format("INFO: {}", protocol::printable(first_line(*answer).substr(0, 200))));
  }
  take_info(*answer, facts);
  return {};
}

Result<void> ask_memcached(int fd, ServerFacts& facts) {
  const auto answer = ask(fd, "version\r\nstats\r\n", is_stats);
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (!answer->starts_with("VERSION ")) {
    return fail(
        ErrorCode::unsupported,
        fmt::format("version: {}", protocol::printable(first_line(*answer).substr(0, 200))));
  }
  take_memcached_stats(*answer, facts);
  return {};
}

void take_info(std::string_view info, ServerFacts& facts) {
  facts.pid = pid_in(field(info, "process_id:"));
  // Relatives of Redis tell its version too, for clients' sake: their own names come first.
  for (const std::string_view name :
       {"phoenix", "valkey", "dragonfly", "keydb", "garnet", "redis"}) {
    const std::string_view version = field(info, fmt::format("{}_version:", name));
    if (version.empty()) continue;
    facts.name = name;
    facts.version = version;
    break;
  }
  const bool is_phoenix = facts.name == "phoenix";
  facts.cores = threads_in(field(info, is_phoenix ? "cores:" : "thread_count:"));  // Dragonfly's.
}

void take_memcached_stats(std::string_view lines, ServerFacts& facts) {
  facts.name = "memcached";
  facts.version = field(lines, "VERSION ");
  facts.pid = pid_in(field(lines, "STAT pid "));
  facts.cores = threads_in(field(lines, "STAT threads "));
}

}  // namespace phoenix::bench
