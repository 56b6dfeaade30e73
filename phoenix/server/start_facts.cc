#include "phoenix/server/start_facts.h"

#include "protocol/limits.h"

namespace phoenix::server {
namespace {

using log::Durability;

std::string_view sync_policy(Durability durability) {
  switch (durability) {
    case Durability::always:
      return "always";
    case Durability::interval:
      return "everysec";  // What comes nearest: the interval is --interval-ms.
    case Durability::off:
      return "no";
  }
  return "no";
}

std::string_view debug_access(DebugAccess access) {
  switch (access) {
    case DebugAccess::no:
      return "no";
    case DebugAccess::local:
      return "local";
    case DebugAccess::yes:
      return "yes";
  }
  return "no";
}

std::string addresses(const std::vector<std::string>& bind) {
  std::string text;
  for (const auto& address : bind) text += (text.empty() ? "" : " ") + address;
  return text;
}

}  // namespace

void tell_start(const Config& config, commands::Settings& settings) {
  const bool is_durable = config.log.durability != Durability::off;
  settings.set_fact("activedefrag", "no");
  settings.set_fact("appendfsync", std::string(sync_policy(config.log.durability)));
  settings.set_fact("appendonly", is_durable ? "yes" : "no");
  settings.set_fact("bind", addresses(config.bind));
  settings.set_fact("cluster-enabled", "no");
  settings.set_fact("daemonize", "no");
  settings.set_fact("databases", "1");
  settings.set_fact("dbfilename", "");
  settings.set_fact("dir", config.log.directory);
  settings.set_fact("enable-debug-command", std::string(debug_access(config.debug)));
  settings.set_fact("io-threads", std::to_string(config.cores));
  settings.set_fact("logfile", "");
  settings.set_fact("maxmemory-clients", "0");
  settings.set_fact("maxmemory-policy", "noeviction");
  settings.set_fact("proto-max-bulk-len", std::to_string(protocol::kValueBytesMax));
  // Who would need it cannot start the server without saying so: --allow-open-bind.
  settings.set_fact("protected-mode", "no");
  settings.set_fact("replicaof", "");
  if (!is_durable) settings.set_fact("save", "");  // Else see Settings.
  settings.set_fact("slaveof", "");
  settings.set_fact("unixsocket", config.unix_path);
  settings.set_password(config.password);
  if (config.keeps_password) settings.keep_password();
  settings.set(commands::Setting::memory_bytes_max,
               static_cast<std::int64_t>(config.memory_bytes_max));
  tell_port(config.port, settings);
}

void tell_port(std::uint16_t port, commands::Settings& settings) {
  settings.set_fact("port", std::to_string(port));
}

}  // namespace phoenix::server
