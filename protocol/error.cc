#include "protocol/error.h"

namespace phoenix::protocol {

std::string_view error_prefix(Status status) {
  switch (status) {
    case Status::not_authenticated:
      return "NOAUTH";
    case Status::wrong_password:
      return "WRONGPASS";
    case Status::out_of_memory:
      return "OOM";
    case Status::disk_full:
      return "DISKFULL";
    case Status::cross_slot:
      return "CROSSSLOT";
    case Status::shutting_down:
      return "SHUTDOWN";
    case Status::busy:
      return "BUSY";
    case Status::exec_aborted:
      return "EXECABORT";
    case Status::busy_key:
      return "BUSYKEY";
    case Status::no_protocol:
      return "NOPROTO";
    case Status::no_permission:
      return "NOPERM";
    case Status::wrong_type:
      return "WRONGTYPE";
    case Status::not_busy:
      return "NOTBUSY";
    case Status::no_replicas:
      return "NOREPLICAS";
    default:
      return "ERR";
  }
}

Status status_of_prefix(std::string_view prefix) {
  for (auto code = static_cast<std::uint8_t>(Status::not_authenticated);
       code <= static_cast<std::uint8_t>(kStatusMax); ++code) {
    if (error_prefix(static_cast<Status>(code)) == prefix) return static_cast<Status>(code);
  }
  return Status::error;
}

std::string printable(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    if (c >= ' ' && c <= '~') {
      text += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    text += "\\x";
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

}  // namespace phoenix::protocol
