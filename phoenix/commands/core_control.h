// What the core that runs a request does for its handler beside the keyspace. On the owner's side
// of a hop that is not the core of the session. Each part is an interface in a header of its name,
// which the server implements; a handler includes those that it needs.
#pragma once

namespace phoenix::commands {

class Channels;  // Subscribers of this core (channels.h).
class Clients;   // Connections of this core (clients.h).
class Settings;  // What CONFIG reads and changes; one for all cores (settings.h).
class Latency;   // Events of this core that took long (latency.h).
class SlowLog;   // Requests of this core that took long (slow_log.h).
class LongJobs;  // What this core does ahead of requests (long_job.h).
class Facts;     // What the server tells of itself (facts.h).

class CoreControl final {
 public:
  Channels* channels = nullptr;
  Clients* clients = nullptr;
  Settings* settings = nullptr;
  SlowLog* slow_log = nullptr;
  Latency* latency = nullptr;
  Facts* facts = nullptr;
  LongJobs* long_jobs = nullptr;
  unsigned cores = 1;  // More: a row with Gather::by_row answers its part, and merge the whole.
};

}  // namespace phoenix::commands
