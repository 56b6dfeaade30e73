// How the program ends, and failures that end a command or the program, as values.
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

#include "phoenix/client/result.h"

namespace phoenix::cli {

/// Documented in --help: scripts rely on these.
enum class ExitCode : int {
  ok = 0,             // nil too: an absent key is an answer.
  error_reply = 1,    // A reply was an error, or a piped line could not be read as a command.
  usage = 2,          // The arguments make no sense.
  connection = 3,     // No connection, or it was lost, or the peer is no Phoenix that fits.
  timeout = 4,        // The server did not answer in time.
  output = 5,         // Standard output took no more.
  interrupted = 130,  // As shells say it of SIGINT.
};

struct Failure {
  ExitCode code = ExitCode::usage;
  std::string message;  // A sentence for standard error.
};

template <typename T>
using Result = tl::expected<T, Failure>;

[[nodiscard]] inline tl::unexpected<Failure> fail(ExitCode code, std::string message) {
  return tl::unexpected<Failure>(Failure{code, std::move(message)});
}

/// What an error of the connection means for the program.
[[nodiscard]] inline Failure failure_of(client::Error error) {
  ExitCode code = ExitCode::connection;
  if (error.code == client::ErrorCode::invalid) code = ExitCode::usage;
  if (error.code == client::ErrorCode::timed_out) code = ExitCode::timeout;
  if (error.code == client::ErrorCode::interrupted) code = ExitCode::interrupted;
  return {code, std::move(error.message)};
}

}  // namespace phoenix::cli
