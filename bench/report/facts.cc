#include "bench/report/facts.h"

#include <fmt/format.h>

#include "bench/report/numbers.h"

namespace phoenix::bench {
namespace {

const char* name_of(Durability durability) {
  switch (durability) {
    case Durability::wait:
      return "wait";
    case Durability::do_not_wait:
      return "nowait";
    default:
      return "default";
  }
}

Fact text_or_none(const char* name, const std::string& text) {
  if (text.empty()) return {name, {}};
  return {name, text};
}

Fact number(const char* name, std::uint64_t value) {
  return {name, value};
}

// A number where there is one.
Fact size(const char* name, const Sizes& sizes) {
  if (sizes.all_equal()) return number(name, sizes.max());
  return {name, sizes.text()};
}

}  // namespace

std::vector<Fact> facts_of(const RunOptions& options) {
  const WorkloadOptions& workload = options.workload;
  return {
      {"protocol", std::string(name_of(options.target.protocol))},
      {"host", options.target.host},
      number("port", options.target.port),
      text_or_none("unix", options.target.unix_path),
      number("connections", options.connections),
      number("pipeline", options.pipeline),
      {"workload", workload.name},
      {"get_share", workload.mix.get},
      {"distribution", workload.distribution.text()},
      number("keys", workload.keys),
      size("key_size", workload.key_size),
      size("value_size", workload.value_size),
      text_or_none("ttl_ms", workload.ttl.any() ? workload.ttl.text() : ""),
      text_or_none("replay", workload.replay_path),
      {"arrivals", std::string(options.arrivals == Arrivals::poisson ? "poisson" : "constant")},
      {"durability", std::string(name_of(options.durability))},
      {"preload", options.preload},
      number("threads", options.threads),
      number("seed", options.seed),
  };
}

std::string text_of(const Fact& fact) {
  struct Text {
    std::string operator()(std::monostate) const { return {}; }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(std::uint64_t value) const { return std::to_string(value); }
    std::string operator()(double value) const { return fmt::format("{}", value); }
    std::string operator()(const std::string& value) const { return value; }
  };
  return std::visit(Text{}, fact.value);
}

std::string load_text(const RunOptions& options) {
  const WorkloadOptions& workload = options.workload;
  std::string verbs = workload.name;
  if (verbs == "mixed") verbs = fmt::format("mixed ({:g} GET)", workload.mix.get);
  return fmt::format(
      "{}, {}, {} connection{}, pipeline {}, {} keys of {} bytes, values of {} bytes, {} thread{}",
      verbs, workload.distribution.text(), options.connections, options.connections == 1 ? "" : "s",
      options.pipeline, grouped(workload.keys), workload.key_size.text(),
      workload.value_size.text(), options.threads, options.threads == 1 ? "" : "s");
}

std::string server_text(const ServerFacts& server) {
  std::string text = server.name.empty() ? "unknown" : server.name;
  if (!server.version.empty()) text += " " + server.version;
  return text;
}

NamedTexts machine_texts(const MachineFacts& machine) {
  NamedTexts texts;
  const auto add = [&texts](const char* name, const std::string& text) {
    if (!text.empty()) texts.emplace_back(name, text);
  };
  add("CPU", machine.cpu_model);
  if (machine.cpus_online > 0) add("CPUs online", std::to_string(machine.cpus_online));
  if (machine.memory_bytes > 0) {
    add("memory", figure_text(Unit::bytes, static_cast<double>(machine.memory_bytes)));
  }
  add("kernel", machine.kernel);
  add("virtualisation", machine.virtualisation);
  add("CPU governor", machine.governor);
  if (machine.load_average) {
    add("load average before", fmt::format("{:.2f}", *machine.load_average));
  }
  add("phoenix-bench", PHOENIX_VERSION);
  add("its compiler", machine.compiler);
  return texts;
}

}  // namespace phoenix::bench
