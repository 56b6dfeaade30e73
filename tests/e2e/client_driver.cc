// A program that uses the client library, steered by a test: a command per line on standard input,
// a line of answer each on standard output.
//
//   client_driver PORT
//     fill N       sets key:0 to key:N-1, one by one     -> "N ok", or the first error
//     pipe N       the same in one pipeline              -> the same
//     check N      reads them                            -> "N right", or the first error
//     incr         counts under "n"                      -> the number, or the error
//     list         counts the keys                       -> the number, or the error
#include <cstdlib>
#include <iostream>
#include <string>

#include "phoenix/client/client.h"

namespace {

using phoenix::client::Client;

std::string key(int i) {
  return "key:" + std::to_string(i);
}

std::string fill(Client& client, int count) {
  for (int i = 0; i < count; ++i) {
    const auto stored = client.set(key(i), std::to_string(i));
    if (!stored) return stored.error().message;
  }
  return std::to_string(count) + " ok";
}

std::string pipe(Client& client, int count) {
  auto pipeline = client.pipeline();
  for (int i = 0; i < count; ++i) pipeline.set(key(i), std::to_string(i));
  int stored = 0;
  for (const auto& result : pipeline.run()) {
    if (!result) return result.error().message;
    ++stored;
  }
  return std::to_string(stored) + " ok";
}

std::string check(Client& client, int count) {
  int right = 0;
  for (int i = 0; i < count; ++i) {
    const auto value = client.get(key(i));
    if (!value) return value.error().message;
    if (*value == std::to_string(i)) ++right;
  }
  return std::to_string(right) + " right";
}

std::string incr(Client& client) {
  const auto number = client.incr("n");
  return number ? std::to_string(*number) : number.error().message;
}

std::string list(Client& client) {
  int keys = 0;
  const auto listed =
      client.for_each_key("key:*", [&keys](std::string_view) { return ++keys > 0; });
  return listed ? std::to_string(keys) : listed.error().message;
}

std::string answer(Client& client, const std::string& command) {
  const std::size_t blank = command.find(' ');
  const int count = blank == std::string::npos ? 0 : std::atoi(command.c_str() + blank + 1);
  if (command.starts_with("fill ")) return fill(client, count);
  if (command.starts_with("pipe ")) return pipe(client, count);
  if (command.starts_with("check ")) return check(client, count);
  if (command == "incr") return incr(client);
  if (command == "list") return list(client);
  return "unknown command";
}

}  // namespace

int main(int, char** argv) {
  phoenix::client::ClientOptions options;
  options.connection.endpoint.port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  Client client(options);
  std::string command;
  while (std::getline(std::cin, command)) {
    std::cout << answer(client, command) << std::endl;
    if (!std::cout) return 1;
  }
}
