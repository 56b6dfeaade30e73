#include "tests/unit/log_crash/oracle.h"

#include "protocol/slot.h"

namespace phoenix::log_test {
namespace {

std::string show(const Map& map) {
  std::string text;
  for (const auto& [key, value] : map) {
    text += " " + key + "=" + value.bytes.substr(0, 12) + "(" + std::to_string(value.bytes.size()) +
            ")";
  }
  return text;
}

}  // namespace

void Oracle::apply(Map& map, const Change& change) {
  if (change.clears) {
    map.clear();
  } else if (change.value) {
    map[change.key] = *change.value;
  } else {
    map.erase(change.key);
  }
}

void Oracle::begin(const Process& process, unsigned cores) {
  slots_ = process.slots();
  cores_.assign(cores, Core());
  for (unsigned core = 0; core < cores; ++core) cores_[core].base = of_core(process.map(), core);
}

void Oracle::put(Process& process, const std::string& key, const Value& value) {
  note(process, key, value, process.put(key, value.bytes, value.expires_at_ms));
}

void Oracle::erase(Process& process, const std::string& key) {
  note(process, key, std::nullopt, process.erase(key));
}

void Oracle::patch(Process& process, const std::string& key, std::size_t offset,
                   const std::string& part) {
  const auto written = process.patch(key, offset, part);
  if (written) note(process, key, process.map().at(key), written);
}

void Oracle::clear(Process& process, unsigned core) {
  const auto written = process.clear(core);
  if (!written) return;
  cores_[core].changes.push_back({{}, std::nullopt, written->position, true});
}

void Oracle::set_expiry(Process& process, const std::string& key, engine::ExpiryMs expires_at_ms) {
  const auto written = process.set_expiry(key, expires_at_ms);
  if (written) note(process, key, process.map().at(key), written);
}

void Oracle::note(const Process&, const std::string& key, std::optional<Value> value,
                  const std::optional<Process::Written>& written) {
  if (!written) return;  // Refused, or the world went down before.
  cores_[written->core].changes.push_back({key, std::move(value), written->position});
}

void Oracle::note_acknowledged(const Process& process) {
  for (unsigned core = 0; core < cores_.size(); ++core) {
    Core& known = cores_[core];
    while (known.acknowledged < known.changes.size() &&
           process.is_durable({core, known.changes[known.acknowledged].position})) {
      ++known.acknowledged;
    }
  }
}

std::string Oracle::judge(const Map& found) const {
  if (cores_.empty() && !found.empty()) return "nothing was written yet, found" + show(found);
  for (unsigned core = 0; core < cores_.size(); ++core) {
    const Core& known = cores_[core];
    const Map shown = of_core(found, core);
    Map map = known.base;
    bool matches = known.acknowledged == 0 && map == shown;
    for (std::size_t i = 0; i < known.changes.size() && !matches; ++i) {
      apply(map, known.changes[i]);
      matches = i + 1 >= known.acknowledged && map == shown;
    }
    if (matches) continue;
    return "core " + std::to_string(core) + ": no prefix of at least " +
           std::to_string(known.acknowledged) + " of " + std::to_string(known.changes.size()) +
           " changes gives" + show(shown) + "; all of them give" + show(map);
  }
  return "";
}

std::size_t Oracle::changes() const {
  std::size_t count = 0;
  for (const Core& core : cores_) count += core.changes.size();
  return count;
}

Map Oracle::of_core(const Map& map, unsigned core) const {
  Map own;
  for (const auto& [key, value] : map) {
    if (slots_[protocol::slot_of(key)] == core) own[key] = value;
  }
  return own;
}

}  // namespace phoenix::log_test
