#include <phoenix/client/client.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

using namespace std::chrono_literals;

namespace {

[[noreturn]] void give_up(const phoenix::client::Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  phoenix::client::ClientOptions options;  // 127.0.0.1:6969, 5 s to connect, 30 s for a reply
  if (argc > 1) options.connection.endpoint.port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  phoenix::client::Client client(options);  // Connects when it is needed, and again if need be.

  // Every call returns its result or an error; nothing throws.
  if (auto stored = client.set("greeting", "hello, world"); !stored) give_up(stored.error());
  auto greeting = client.get("greeting");
  if (!greeting) give_up(greeting.error());
  std::printf("greeting: %s\n", greeting->value_or("(none)").c_str());

  // Times to live are durations. A condition that is not met is no error, but false.
  using Condition = phoenix::client::SetOptions::Condition;
  auto locked = client.set("lock", "me", {.ttl = 30s, .condition = Condition::if_absent});
  if (!locked) give_up(locked.error());
  std::printf("locked: %s\n", *locked ? "yes" : "somebody else has it");

  // A pipeline sends many requests in one go; each has a result of its own.
  auto pipeline = client.pipeline();
  for (int i = 0; i < 3; ++i) pipeline.set("user:" + std::to_string(i), "someone");
  pipeline.incr("visits");
  for (const auto& result : pipeline.run()) {
    if (!result) give_up(result.error());
  }

  // Keys arrive as they are found: no list of them is ever made.
  int users = 0;
  auto listed = client.for_each_key("user:*", [&](std::string_view) { return ++users < 1'000; });
  if (!listed) give_up(listed.error());
  std::printf("users: %d\n", users);

  // What a client lacks can be said in words.
  auto answer = client.call({"SET", "greeting", "good bye", "GET"});
  if (!answer) give_up(answer.error());
  std::printf("before: %s\n", answer->bytes.c_str());
}
