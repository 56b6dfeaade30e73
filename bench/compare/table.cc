#include "bench/compare/table.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "bench/report/markup.h"
#include "bench/report/numbers.h"

namespace phoenix::bench::compare {
namespace {

constexpr const char* kNothing = "-";

// Decimals that show three digits of the median, as all of its spread has; at most three.
int decimals_of(double median) {
  return median >= 99.95 ? 0 : median >= 9.995 ? 1 : median >= 0.9995 ? 2 : 3;
}

std::string with_spread(const std::optional<Spread>& value, double unit, const char* suffix) {
  if (!value) return kNothing;
  const int digits = decimals_of(value->median / unit);
  return fmt::format("{:.{}f}{} [{:.{}f}-{:.{}f}]", value->median / unit, digits, suffix,
                     value->low / unit, digits, value->high / unit, digits);
}

std::string median_text(const std::optional<Spread>& value, double unit, int digits) {
  return value ? fmt::format("{:.{}f}", value->median / unit, digits) : kNothing;
}

std::string busy_text(const CellSummary& summary) {
  std::string text = median_text(summary.busy, 0.01, 0);
  if (summary.busy) text += " %";
  if (summary.idle != 0) text += fmt::format(" !{}", summary.idle);
  return text;
}

std::vector<std::string> row_of(const std::string& name, const CellSummary& summary) {
  return {name,
          fmt::format("{}/{}", summary.counted, summary.runs),
          with_spread(summary.cpu_us, 1, ""),
          with_spread(summary.cpu_to_ceiling, 1, "x"),
          with_spread(summary.cpu_to_first, 1, "x"),
          with_spread(summary.operations_per_s, 1e3, " k"),
          summary.rate_to_first ? median_text(summary.rate_to_first, 1, 2) + "x" : kNothing,
          median_text(summary.p50_us, 1, 0),
          median_text(summary.p99_us, 1, 0),
          median_text(summary.p999_us, 1, 0),
          busy_text(summary)};
}

// The terminal's version of a table: two spaces between columns as wide as they must be.
std::string aligned(const Table& table) {
  std::vector<std::size_t> widths(table.head.size(), 0);
  std::vector<std::vector<std::string>> rows = table.rows;
  rows.insert(rows.begin(), table.head);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], length_of(row[i]));
    }
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - length_of(row[i]), ' ');
      line += "  " + (i < table.text_columns ? row[i] + space : space + row[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

// A cell in which some server waited, by name.
std::string idle_text(const Options& options, const Summary& summary) {
  std::size_t idle = 0;
  std::vector<std::string> names;
  for (const auto& cell : summary.by_cell) {
    for (std::size_t server = 0; server < cell.size(); ++server) {
      idle += cell[server].idle;
      const std::string& name = options.servers[server].name;
      const bool is_new = std::find(names.begin(), names.end(), name) == names.end();
      if (cell[server].idle != 0 && is_new) names.push_back(name);
    }
  }
  if (idle == 0) return {};
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return fmt::format(
      "In {} runs (marked !, of {}) the server was less than {:.0f} % busy: it waited for the "
      "client or the disk, so its CPU time per operation holds sleeping and waking, and its "
      "throughput is not its limit.",
      idle, list, kServerBusyEnough * 100);
}

std::string durability_text(const Options& options) {
  std::string durable;
  std::string without;
  for (const PeerSpec& spec : options.servers) {
    if (spec.durability == "none") {
      without += (without.empty() ? "" : ", ") + spec.name;
    } else if (spec.durability != "off" && spec.durability != "as started") {
      durable += (durable.empty() ? "" : ", ") + spec.name + " (" + spec.durability + ")";
    }
  }
  if (durable.empty() || without.empty()) return {};
  return fmt::format(
      "Writes to {} are kept on disk; whatever is asked of them, these keep nothing there: {}.",
      durable, without);
}

}  // namespace

Table table_of_servers(const Options& options, const Comparison& measured) {
  Table out{{"server", "version", "protocol", "durability"}, {}, 4};
  for (std::size_t i = 0; i < options.servers.size(); ++i) {
    const PeerSpec& spec = options.servers[i];
    const bool known = i < measured.versions.size() && !measured.versions[i].empty();
    out.rows.push_back({spec.name, known ? clean_utf8(measured.versions[i]) : kNothing,
                        std::string(name_of(spec.protocol)), spec.durability});
  }
  return out;
}

NamedTexts commands_of(const Options& options) {
  NamedTexts out;
  for (const PeerSpec& spec : options.servers) {
    std::string command;
    for (const std::string& word : spec.words) {
      // Of the program its name only: where it lies differs from machine to machine.
      const bool first = command.empty();
      command += first ? word.substr(word.rfind('/') + 1) : " " + (word.empty() ? "''" : word);
    }
    out.emplace_back(spec.name, std::move(command));
  }
  return out;
}

Table table_of_cell(const Options& options, const Summary& summary, std::size_t cell) {
  const std::string& first = options.servers.front().name;
  Table out{{"server", "runs", "CPU us/op", "CPU to ceiling", "CPU to " + first, "ops/s",
             "ops/s to " + first, "p50 us", "p99 us", "p99.9 us", "busy"},
            {},
            1};
  for (std::size_t server = 0; server < options.servers.size(); ++server) {
    out.rows.push_back(row_of(options.servers[server].name, summary.by_cell[cell][server]));
  }
  return out;
}

Table table_of_memory(const Options& options, const Summary& summary) {
  Table out{{"server", "MiB before", "MiB after", "bytes per key", "of these overhead"}, {}, 1};
  const auto payload = static_cast<double>(options.key_bytes + options.value_bytes);
  for (std::size_t server = 0; server < options.servers.size(); ++server) {
    const MemorySummary& memory = summary.memory[server];
    if (!memory.bytes_per_key) continue;
    constexpr double kMiB = 1 << 20;
    out.rows.push_back({options.servers[server].name, median_text(memory.before_bytes, kMiB, 1),
                        median_text(memory.after_bytes, kMiB, 1),
                        with_spread(memory.bytes_per_key, 1, ""),
                        fmt::format("{:.1f}", memory.bytes_per_key->median - payload)});
  }
  return out;
}

std::vector<std::string> cautions_of(const Options& options, const Comparison& measured,
                                     const Summary& summary) {
  std::vector<std::string> out = measured.failures;
  if (measured.interrupted) {
    out.push_back("It was interrupted: this is what had been measured until then.");
  }
  if (summary.counted != summary.runs) {
    out.push_back(
        fmt::format("{} of {} runs do not count:", summary.runs - summary.counted, summary.runs));
    out.insert(out.end(), summary.refusals.begin(), summary.refusals.end());
  }
  if (measured.in_memory && options.durability != PeerDurability::off) {
    out.emplace_back(
        "The servers' directories were in a file system in memory, where a durable write costs "
        "nothing: choose one on a disk with --dir.");
  }
  if (std::string idle = idle_text(options, summary); !idle.empty()) out.push_back(std::move(idle));
  if (std::string text = durability_text(options); !text.empty()) out.push_back(std::move(text));
  return out;
}

std::string conditions_text(const Options& options) {
  const auto cpu_text = [](int cpu, std::uint32_t threads) {
    if (cpu < 0) return std::string("any CPU");
    if (threads == 1) return fmt::format("CPU {}", cpu);
    return fmt::format("CPUs {}-{}", cpu, cpu + static_cast<int>(threads) - 1);
  };
  return fmt::format(
      "{} pass{} of {:g} s per run after {:g} s of warm-up; {} connections; {} keys of {} bytes "
      "with values of {} bytes; servers with {} thread{} on {}, client with {} on {}; seed {}",
      options.passes, options.passes == 1 ? "" : "es", options.seconds, options.warmup_seconds,
      options.connections, grouped(options.keys), options.key_bytes, options.value_bytes,
      options.server_threads, options.server_threads == 1 ? "" : "s",
      cpu_text(options.server_cpu, options.server_threads), options.client_threads,
      cpu_text(options.client_cpu, options.client_threads), options.seed);
}

std::string comparison_text(const Options& options, const Comparison& measured,
                            const Summary& summary) {
  std::string out = "\n" + conditions_text(options) + "\n\n";
  out += aligned(table_of_servers(options, measured));
  for (std::size_t cell = 0; cell < summary.cells.size(); ++cell) {
    out += fmt::format("\n{}\n", summary.cells[cell].text());
    out += aligned(table_of_cell(options, summary, cell));
  }
  const Table memory = table_of_memory(options, summary);
  if (!memory.rows.empty()) {
    out += fmt::format("\nResident memory for {} keys\n", grouped(options.keys)) + aligned(memory);
  }
  out += fmt::format(
      "\nMedian [lowest-highest] of the runs that count ({} of {}); ratios are of runs in the same "
      "pass.\n",
      summary.counted, summary.runs);
  for (const std::string& text : cautions_of(options, measured, summary)) out += text + "\n";
  return out;
}

}  // namespace phoenix::bench::compare
