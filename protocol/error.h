// One list of outcomes for both protocols. A new code only where a client would act differently;
// the text says what went wrong and what to do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace phoenix::protocol {

enum class Status : std::uint8_t {
  ok = 0,
  nil = 1,  // The key, or the old value, does not exist.

  bad_frame = 16,          // The bytes are no request; the connection closes after this reply.
  error = 17,              // Unknown command, wrong arguments, wrong type of value.
  too_large = 18,          // A key, value, request or reply over its limit.
  not_authenticated = 19,  // AUTH first.
  wrong_password = 20,
  out_of_memory = 21,  // The memory budget is full: delete something, or raise --max-memory.
  disk_full = 22,      // The log has no room: nothing was changed.
  cross_slot = 23,     // The keys must share a {tag}.
  shutting_down = 24,
  busy = 25,           // A bounded queue of the server is full: nothing was changed, try again.
  exec_aborted = 26,   // A command of the transaction was refused when it was queued.
  busy_key = 27,       // RESTORE: the key exists.
  no_protocol = 28,    // HELLO: a version that this server does not speak.
  no_permission = 29,  // Not for this user.
  wrong_type = 30,     // The key holds another kind of value.
  not_busy = 31,       // SCRIPT KILL: nothing runs that could be stopped.
  no_replicas = 32,    // CONFIG SET min-replicas-to-write asks for some: nothing was changed.
};
/// The last of them.
inline constexpr Status kStatusMax = Status::no_replicas;

[[nodiscard]] constexpr bool is_error(Status status) {
  return static_cast<std::uint8_t>(status) >= static_cast<std::uint8_t>(Status::bad_frame);
}

/// The word that RESP puts before the text ("ERR", "OOM", "NOAUTH" ...), and that people see.
[[nodiscard]] std::string_view error_prefix(Status status);

/// The status that `prefix` stands for; Status::error for one that is not known here ("WRONGTYPE").
[[nodiscard]] Status status_of_prefix(std::string_view prefix);

/// What a peer said, for a terminal: everything but printable ASCII is escaped as \xHH, so that
/// nobody at the other end can steer it.
[[nodiscard]] std::string printable(std::string_view bytes);

}  // namespace phoenix::protocol
