#include "bench/history/linearizability.h"

#include <algorithm>
#include <optional>
#include <queue>

#include <fmt/format.h>

#include "bench/history/clusters.h"

namespace phoenix::bench::history {
namespace {

using Zones = std::vector<const Cluster*>;

std::vector<Operation> joined(std::vector<Operation> first, const std::vector<Operation>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

/// What has to be placed at one instant of a gap between zones, from `opens_ns` to `due_ns`.
struct Item {
  std::uint64_t opens_ns = 0;
  std::uint64_t due_ns = 0;
  const Cluster* value = nullptr;        // Set for the instant of a value,
  const Operation* operation = nullptr;  // or this for a delete or a read of absent.
  bool is_placed = false;

  bool is_erase() const { return operation != nullptr && operation->kind == Kind::erase; }
};

/// Makes an item due before the zone that it would end in. It may still open in one, where nothing
/// is ever due. Otherwise the zone that it lies inside of.
const Cluster* fit(Item& item, const Zones& zones) {
  const auto inside = [&zones](std::uint64_t at) -> const Cluster* {
    const auto after = std::ranges::lower_bound(
        zones, at, {}, [](const Cluster* zone) { return zone->from_ns(); });
    if (after == zones.begin()) return nullptr;
    const Cluster* zone = *(after - 1);
    return at < zone->to_ns() ? zone : nullptr;
  };
  const Cluster* begins_in = inside(item.opens_ns);
  const Cluster* ends_in = inside(item.due_ns);
  if (begins_in != nullptr && begins_in == ends_in) return begins_in;
  if (ends_in != nullptr) item.due_ns = ends_in->from_ns();
  return nullptr;
}

/// What can happen at an instant, in this order: what opens may be placed at once, and what ends
/// with the beginning of a zone is placed before it.
enum class Step : std::uint8_t { open, erase_due, read_due, value_due, zone_begins };

struct Event {
  std::uint64_t at_ns = 0;
  Step step = Step::open;
  std::uint32_t index = 0;  // Into items, or zones.
};

/// The sweep: what the key holds as time goes on, and what is still to be placed.
class Sweep final {
 public:
  Sweep(std::vector<Item> items, const Zones& zones) : items_(std::move(items)), zones_(zones) {}

  /// The read of absent that nothing explains.
  std::optional<Violation> run() {
    for (const Event& event : events()) {
      Item* item = event.step == Step::zone_begins ? nullptr : &items_[event.index];
      switch (event.step) {
        case Step::open:
          open(*item, event.index);
          break;
        case Step::erase_due:
          if (!item->is_placed) place_erase(*item);
          break;
        case Step::read_due:
          if (!item->is_placed && !use_erase()) return unexplained(*item->operation);
          break;
        case Step::value_due:
          if (!item->is_placed) hold(item->value);
          break;
        case Step::zone_begins:
          hold(zones_[event.index]);
          break;
      }
    }
    return std::nullopt;
  }

 private:
  std::vector<Event> events() const {
    std::vector<Event> all;
    all.reserve(items_.size() * 2 + zones_.size());
    for (std::uint32_t i = 0; i < items_.size(); ++i) {
      const Item& item = items_[i];
      const Step due = item.value != nullptr ? Step::value_due
                       : item.is_erase()     ? Step::erase_due
                                             : Step::read_due;
      all.push_back({item.opens_ns, Step::open, i});
      all.push_back({item.due_ns, due, i});
    }
    for (std::uint32_t i = 0; i < zones_.size(); ++i) {
      all.push_back({zones_[i]->from_ns(), Step::zone_begins, i});
    }
    std::ranges::sort(all, [](const Event& a, const Event& b) {
      return a.at_ns != b.at_ns ? a.at_ns < b.at_ns : a.step < b.step;
    });
    return all;
  }

  void open(Item& item, std::uint32_t index) {
    if (item.is_erase()) {
      erases_.emplace(item.due_ns, index);
    } else if ((item.value != nullptr) == (holder_ != nullptr)) {
      item.is_placed = true;  // It changes nothing.
    } else {
      (item.value != nullptr ? values_ : reads_).push_back(&item);
    }
  }

  /// The delete that has to be placed first. False when there is none.
  bool use_erase() {
    while (!erases_.empty()) {
      Item& item = items_[erases_.top().second];
      erases_.pop();
      if (item.is_placed) continue;
      place_erase(item);
      return true;
    }
    return false;
  }

  /// Values that are open are overwritten by it, reads that are open see it.
  void place_erase(Item& item) {
    item.is_placed = true;
    last_erase_ = item.operation;
    holder_ = nullptr;
    place_all(values_);
    place_all(reads_);
  }

  void hold(const Cluster* value) {
    holder_ = value;
    place_all(values_);
  }

  static void place_all(std::vector<Item*>& items) {
    for (Item* item : items) item->is_placed = true;
    items.clear();
  }

  Violation unexplained(const Operation& read) const {
    Violation violation{read.key,
                        "a read found nothing although the value was there, and there is no delete "
                        "between them (or it explains another read)",
                        holder_->evidence()};
    if (last_erase_ != nullptr) violation.evidence.push_back(*last_erase_);
    violation.evidence.push_back(read);
    return violation;
  }

  std::vector<Item> items_;
  const Zones& zones_;
  const Cluster* holder_ = nullptr;  // Null: the key is absent.
  const Operation* last_erase_ = nullptr;
  // Open and not placed: values while the key is absent, reads of absent while it is not.
  std::vector<Item*> values_;
  std::vector<Item*> reads_;
  using Due = std::pair<std::uint64_t, std::uint32_t>;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> erases_;
};

Violation hidden(const Item& item, const Cluster& zone) {
  const std::string shown = value_text(zone.write->value);
  if (item.value != nullptr) {
    return {zone.write->key,
            fmt::format("{} was written and gone again while the key can only have held {}",
                        value_text(item.value->write->value), shown),
            joined(zone.evidence(), item.value->evidence())};
  }
  const char* what = item.is_erase() ? "a delete was acknowledged" : "a read found nothing";
  return {zone.write->key, fmt::format("{} while the key can only have held {}", what, shown),
          joined(zone.evidence(), {*item.operation})};
}

std::optional<Violation> overlap(const Zones& zones) {
  for (std::size_t i = 1; i < zones.size(); ++i) {
    const Cluster& before = *zones[i - 1];
    const Cluster& after = *zones[i];
    if (after.from_ns() >= before.to_ns()) continue;
    return Violation{before.write->key,
                     fmt::format("it went back and forth between {} and {}: both were there before "
                                 "the last read of the other",
                                 value_text(before.write->value), value_text(after.write->value)),
                     joined(before.evidence(), after.evidence())};
  }
  return std::nullopt;
}

std::optional<Violation> check_key(std::span<const Operation*> operations) {
  Clusters clusters;
  auto wrong = cluster(operations, clusters);
  if (wrong) return wrong;
  Zones zones;
  std::vector<Item> items;
  for (const Cluster& value : clusters.values) {
    if (value.is_forward()) {
      zones.push_back(&value);
    } else {
      items.push_back({value.to_ns(), value.from_ns(), &value, nullptr});
    }
  }
  for (const Operation* operation : clusters.absent) {
    items.push_back({operation->invoked_ns, operation->responded_ns, nullptr, operation});
  }
  std::ranges::sort(zones, {}, [](const Cluster* zone) { return zone->from_ns(); });
  wrong = overlap(zones);
  if (wrong) return wrong;
  std::vector<Item> fitting;
  for (Item& item : items) {
    const Cluster* zone = fit(item, zones);
    if (zone == nullptr) {
      fitting.push_back(item);
    } else if (!item.is_erase() || item.operation->outcome == Outcome::ok) {
      return hidden(item, *zone);
    }
  }
  return Sweep(std::move(fitting), zones).run();
}

}  // namespace

std::vector<Violation> check_linearizability(const History& history, std::size_t violations_max) {
  std::vector<const Operation*> by_key;
  by_key.reserve(history.operations.size());
  for (const Operation& operation : history.operations) by_key.push_back(&operation);
  std::ranges::sort(by_key, {}, [](const Operation* operation) { return operation->key; });
  std::vector<Violation> violations;
  std::size_t begin = 0;
  while (begin < by_key.size() && violations.size() < violations_max) {
    std::size_t end = begin + 1;
    while (end < by_key.size() && by_key[end]->key == by_key[begin]->key) ++end;
    auto wrong = check_key(std::span(by_key).subspan(begin, end - begin));
    if (wrong) violations.push_back(std::move(*wrong));
    begin = end;
  }
  return violations;
}

}  // namespace phoenix::bench::history
