#include "bench/measure/machine.h"

#include <charconv>
#include <fstream>
#include <string_view>

namespace phoenix::bench {
namespace {

#if defined(__clang__)
constexpr const char* kCompiler = __VERSION__;
#else
constexpr const char* kCompiler = "g++ " __VERSION__;
#endif

// Empty when there is none.
std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Of "name   : value".
std::string_view value_behind(std::string_view line, std::string_view name) {
  if (!line.starts_with(name)) return {};
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return {};
  line.remove_prefix(colon + 1);
  const std::size_t begin = line.find_first_not_of(" \t");
  return begin == std::string_view::npos ? std::string_view() : line.substr(begin);
}

template <typename Number>
Number number_in(std::string_view text) {
  Number number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// x86 says "model name"; Arm says it only of some boards.
void read_cpus(const std::string& path, MachineFacts& facts, bool& is_guest) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("processor")) ++facts.cpus_online;
    if (facts.cpu_model.empty()) facts.cpu_model = value_behind(line, "model name");
    const std::string_view flags = value_behind(line, "flags");
    if (flags.find(" hypervisor") != std::string_view::npos) is_guest = true;
  }
}

std::uint64_t read_memory_bytes(const std::string& path) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::string_view kib = value_behind(line, "MemTotal");
    if (!kib.empty()) return number_in<std::uint64_t>(kib) * 1024;
  }
  return 0;
}

std::string read_virtualisation(const std::string& root, bool is_guest) {
  std::string kind = first_line(root + "/sys/hypervisor/type");
  if (kind.empty() && !is_guest) return {};
  const std::string vendor = first_line(root + "/sys/class/dmi/id/sys_vendor");
  if (!vendor.empty()) kind = vendor;
  return kind.empty() ? "virtual machine" : "virtual machine (" + kind + ")";
}

}  // namespace

MachineFacts read_machine_facts(const std::string& root) {
  MachineFacts facts;
  bool is_guest = false;
  read_cpus(root + "/proc/cpuinfo", facts, is_guest);
  facts.memory_bytes = read_memory_bytes(root + "/proc/meminfo");
  const std::string release = first_line(root + "/proc/sys/kernel/osrelease");
  if (!release.empty()) facts.kernel = "Linux " + release;
  facts.compiler = kCompiler;
  facts.governor = first_line(root + "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  facts.virtualisation = read_virtualisation(root, is_guest);
  const std::string load = first_line(root + "/proc/loadavg");
  if (!load.empty()) facts.load_average = number_in<double>(load);
  return facts;
}

}  // namespace phoenix::bench
