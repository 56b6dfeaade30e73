#include "phoenix/commands/settings.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <limits>
#include <set>

#include <fmt/format.h>

#include "phoenix/commands/pattern.h"
#include "phoenix/commands/refusals.h"
#include "phoenix/commands/settings_table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

constexpr std::string_view kOutputLimits = "client-output-buffer-limit";
constexpr std::string_view kMemoryPolicy = "maxmemory-policy";  // Whose only value is a fact.

const Parameter* find_parameter(std::string_view name) {
  const auto all = parameters();
  const auto found = std::find_if(all.begin(), all.end(), [name](const auto& parameter) {
    return equals_ignoring_case(parameter.name, name);
  });
  return found == all.end() ? nullptr : &*found;
}

std::string lower(std::string_view word) {
  std::string text(word);
  for (char& c : text) c = to_lower(c);
  return text;
}

std::optional<std::int64_t> parse_yes_or_no(std::string_view word) {
  if (equals_ignoring_case(word, "yes")) return 1;
  if (equals_ignoring_case(word, "no")) return 0;
  return std::nullopt;
}

std::string refusal(std::string_view name, std::string_view reason) {
  return fmt::format("CONFIG SET failed (possibly related to argument '{}') - {}", name, reason);
}

// In the order of Settings::Text. There are no replicas that could use the second and the third.
// Where every write is in the log, no snapshot that the last one asks for would make it safer.
constexpr auto kTextNames = std::to_array<std::string_view>(
    {"requirepass", "masterauth", "masteruser", "save", "latency-tracking-info-percentiles"});
constexpr std::size_t kTextBytesMax = kPasswordBytesMax;

// Numbers with one space between them; "" has none. What is no number, or lies outside, too.
std::optional<std::vector<double>> parse_numbers(std::string_view text) {
  std::vector<double> numbers;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    double number = 0;
    const auto parsed = std::from_chars(word.data(), word.data() + word.size(), number);
    const bool is_whole = parsed.ec == std::errc() && parsed.ptr == word.data() + word.size();
    if (!is_whole || number != number) return std::nullopt;
    numbers.push_back(number);
    text.remove_prefix(word.size());
    if (text == " ") return std::nullopt;
    if (!text.empty()) text.remove_prefix(1);
  }
  return numbers;
}

// "50.0" is shown as "50".
std::string format_numbers(const std::vector<double>& numbers) {
  std::string text;
  for (const double number : numbers) {
    fmt::format_to(std::back_inserter(text), "{}{:.8g}", text.empty() ? "" : " ", number);
  }
  return text;
}

// The classes in Redis's order; "A" stands for those before 'm', except 'n'.
constexpr std::string_view kClasses = "g$lshzxetd";
constexpr std::string_view kLetters = "g$lshzxetdmnKE";
constexpr KeyEventSet kAllClasses = (KeyEventSet{1} << kClasses.size()) - 1;

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    const auto begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) return words;
    text.remove_prefix(begin);
    words.push_back(text.substr(0, text.find(' ')));
    text.remove_prefix(words.back().size());
  }
}

// "seconds changes", perhaps several of them, or nothing.
bool are_save_points(std::string_view text) {
  constexpr std::size_t kWordsMax = 64;
  const auto words = split(text);
  if (words.size() % 2 != 0 || words.size() > kWordsMax) return false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto number = parse_integer(words[i]);
    if (!number || *number < (i % 2 == 0 ? 1 : 0)) return false;
  }
  return true;
}

}  // namespace

KeyEventSet key_event_bit(char letter) {
  const auto place = kLetters.find(letter);
  return place == std::string_view::npos ? 0 : KeyEventSet{1} << place;
}

std::optional<KeyEventSet> parse_key_events(std::string_view letters) {
  KeyEventSet events = 0;
  for (const char letter : letters) {
    const KeyEventSet bits = letter == 'A' ? kAllClasses : key_event_bit(letter);
    if (bits == 0) return std::nullopt;
    events |= bits;
  }
  return events;
}

std::string format_key_events(KeyEventSet events) {
  const bool has_all = (events & kAllClasses) == kAllClasses;
  std::string letters = has_all ? "A" : "";
  const std::string_view rest = has_all ? "KEm" : "g$lshzxetdnKEm";
  for (const char letter : rest) {
    if ((events & key_event_bit(letter)) != 0) letters += letter;
  }
  return letters;
}

std::optional<std::int64_t> parse_memory(std::string_view word) {
  struct Unit {
    std::string_view name;
    std::int64_t bytes;
  };
  constexpr auto kUnits = std::to_array<Unit>({{"", 1},
                                               {"b", 1},
                                               {"k", 1000},
                                               {"kb", 1024},
                                               {"m", 1'000'000},
                                               {"mb", std::int64_t{1} << 20U},
                                               {"g", 1'000'000'000},
                                               {"gb", std::int64_t{1} << 30U}});
  const std::size_t digits = std::min(word.find_first_not_of("0123456789"), word.size());
  const std::string_view unit_name = word.substr(digits);
  const auto* const unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const auto& one) {
    return equals_ignoring_case(one.name, unit_name);
  });
  if (unit == kUnits.end()) return std::nullopt;
  std::int64_t number = 0;
  const auto parsed = std::from_chars(word.data(), word.data() + digits, number);
  if (parsed.ec == std::errc::result_out_of_range || number > kMost / unit->bytes) return kMost;
  return number * unit->bytes;
}

Settings::Settings() : clients_most_(kMost) {
  for (const auto& parameter : parameters()) set(parameter.setting, parameter.initial);
  set(Setting::pubsub_output_bytes, std::int64_t{32} << 20U);
  set(Setting::pubsub_soft_bytes, std::int64_t{8} << 20U);
  set(Setting::pubsub_soft_s, 60);
  set(Setting::replica_output_bytes, std::int64_t{256} << 20U);
  set(Setting::replica_soft_bytes, std::int64_t{64} << 20U);
  set(Setting::replica_soft_s, 60);
  set(Setting::active_expiry, 1);
  set_text(Text::percentiles, "50 99 99.9");
}

void Settings::set(Setting setting, std::int64_t value) {
  values_[static_cast<std::size_t>(setting)].store(value, std::memory_order_relaxed);
  version_.fetch_add(1, std::memory_order_release);
}

void Settings::set_fact(std::string_view name, std::string value) {
  facts_.insert_or_assign(std::string(name), std::move(value));
}

std::optional<Settings::Text> Settings::text_named(std::string_view name) {
  static_assert(kTextNames.size() == static_cast<std::size_t>(Text::count));
  for (std::size_t i = 0; i < kTextNames.size(); ++i) {
    if (equals_ignoring_case(kTextNames[i], name)) return static_cast<Text>(i);
  }
  return std::nullopt;
}

std::string Settings::text(Text which) const {
  const auto shared = texts_[static_cast<std::size_t>(which)].load();
  return shared ? *shared : std::string();
}

std::vector<double> Settings::percentiles() const {
  return parse_numbers(text(Text::percentiles)).value_or(std::vector<double>());
}

void Settings::set_text(Text which, std::string_view value) {
  const bool is_list = which == Text::percentiles;
  texts_[static_cast<std::size_t>(which)].store(std::make_shared<const std::string>(
      is_list ? format_numbers(parse_numbers(value).value_or(std::vector<double>())) : value));
  if (which == Text::password) has_password_.store(!value.empty(), std::memory_order_release);
  version_.fetch_add(1, std::memory_order_release);
}

bool Settings::is_known(std::string_view name) const {
  return find_parameter(name) != nullptr || name == kOutputLimits || facts_.contains(name) ||
         text_named(name).has_value();
}

std::string Settings::value_of(std::string_view name) const {
  if (name == kOutputLimits) {
    // Of those who do not subscribe none is cut off: what they do not read holds up only them.
    return fmt::format("normal 0 0 0 slave {} {} {} pubsub {} {} {}",
                       get(Setting::replica_output_bytes), get(Setting::replica_soft_bytes),
                       get(Setting::replica_soft_s), get(Setting::pubsub_output_bytes),
                       get(Setting::pubsub_soft_bytes), get(Setting::pubsub_soft_s));
  }
  if (const Parameter* const parameter = find_parameter(name)) {
    if (parameter->kind == Parameter::Kind::key_events) return format_key_events(key_events());
    const std::int64_t value = get(parameter->setting);
    if (parameter->kind == Parameter::Kind::yes_or_no) return value == 0 ? "no" : "yes";
    return std::to_string(value);
  }
  if (const auto which = text_named(name)) return text(*which);
  return facts_.find(name)->second;
}

std::vector<std::pair<std::string, std::string>> Settings::matching(Args patterns) const {
  std::vector<std::string> names;
  for (const auto& [name, value] : facts_) names.push_back(name);
  for (const auto& parameter : parameters()) names.emplace_back(parameter.name);
  names.insert(names.end(), kTextNames.begin(), kTextNames.end());
  names.emplace_back(kOutputLimits);
  std::sort(names.begin(), names.end());
  std::set<std::string> told;
  std::vector<std::pair<std::string, std::string>> pairs;
  const auto tell = [&](const std::string& name, std::string_view shown) {
    if (told.insert(name).second) pairs.emplace_back(shown, value_of(name));
  };
  for (const auto word : patterns) {
    const std::string pattern = lower(word);
    if (pattern.find_first_of("*?[") == std::string::npos) {
      if (is_known(pattern)) tell(pattern, word);
      continue;
    }
    Pattern compiled(pattern);
    for (const auto& name : names) {
      if (compiled.matches(name)) tell(name, name);
    }
  }
  return pairs;
}

// In Redis's order: names first, then values.
Settings::Refusal Settings::check_names(Args pairs) const {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    const std::string name = lower(pairs[i]);
    if (!is_known(name)) {
      return fmt::format("Unknown option or number of arguments for CONFIG SET - '{}'",
                         printable(pairs[i]));
    }
    if (!seen.insert(name).second) return refusal(pairs[i], "duplicate parameter");
    // To say what is so anyway is no change.
    const auto fact = facts_.find(name);
    if (fact != facts_.end() && !equals_ignoring_case(fact->second, pairs[i + 1])) {
      return refusal(pairs[i], name == kMemoryPolicy
                                   ? "argument(s) must be one of the following: noeviction"
                                   : "can't set immutable config");
    }
  }
  return std::nullopt;
}

Settings::Refusal Settings::read(std::string_view name, std::string_view word,
                                 std::vector<Change>& changes) const {
  if (equals_ignoring_case(name, kOutputLimits)) return read_limits(word, changes);
  if (const auto which = text_named(name)) return check_text(*which, word);
  const Parameter* const parameter = find_parameter(name);
  if (parameter == nullptr) return std::nullopt;  // A fact that was repeated.
  std::optional<std::int64_t> value;
  switch (parameter->kind) {
    case Parameter::Kind::integer:
      value = parse_integer(word);
      if (!value) return "argument couldn't be parsed into an integer";
      break;
    case Parameter::Kind::memory:
      value = parse_memory(word);
      if (!value) return "argument must be a memory value";
      break;
    case Parameter::Kind::key_events:
      value = parse_key_events(word);
      if (!value) return "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
      break;
    case Parameter::Kind::yes_or_no:
      value = parse_yes_or_no(word);
      if (!value) return "argument must be 'yes' or 'no'";
      break;
  }
  if (*value < parameter->least || *value > parameter->most) {
    return fmt::format("argument must be between {} and {} inclusive", parameter->least,
                       parameter->most);
  }
  if (parameter->setting == Setting::clients_max && *value > clients_most_) {
    return fmt::format(
        "The operating system is not able to handle the specified number of clients, try with {}",
        clients_most_);
  }
  changes.push_back({parameter->setting, *value});
  return std::nullopt;
}

Settings::Refusal Settings::check_text(Text which, std::string_view word) const {
  if (which == Text::snapshots) {
    const bool is_valid = are_save_points(word);
    return is_valid ? std::nullopt : Refusal("Invalid save parameters");
  }
  if (word.size() > kTextBytesMax) {
    return fmt::format("argument must have at most {} bytes", kTextBytesMax);
  }
  if (which == Text::percentiles) {
    const std::string_view name = kTextNames[static_cast<std::size_t>(which)];
    const auto numbers = parse_numbers(word);
    if (!numbers) return fmt::format("Invalid {} parameters", name);
    const bool are_percents = std::all_of(numbers->begin(), numbers->end(), [](double number) {
      return number >= 0 && number <= 100;
    });
    if (are_percents) return std::nullopt;
    return fmt::format("{} parameters should sit between [0.0,100.0]", name);
  }
  if (which == Text::password && word.empty() && keeps_password_) {
    return "this server is reached from other machines: without a password anybody could read and "
           "delete everything";
  }
  return std::nullopt;
}

// "class hard soft seconds", perhaps several of them.
Settings::Refusal Settings::read_limits(std::string_view word, std::vector<Change>& changes) const {
  const auto words = split(word);
  if (words.empty() || words.size() % 4 != 0) {
    return "Wrong number of arguments in buffer limit configuration.";
  }
  for (std::size_t i = 0; i < words.size(); i += 4) {
    const bool is_pubsub = equals_ignoring_case(words[i], "pubsub");
    const bool is_replica =
        equals_ignoring_case(words[i], "slave") || equals_ignoring_case(words[i], "replica");
    if (!is_pubsub && !is_replica && !equals_ignoring_case(words[i], "normal")) {
      return "Invalid client class specified in buffer limit configuration.";
    }
    const auto hard = parse_memory(words[i + 1]);
    const auto soft = parse_memory(words[i + 2]);
    const auto seconds = parse_integer(words[i + 3]);
    if (!hard || !soft || !seconds || *seconds < 0) {
      return "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
    }
    if (!is_pubsub && !is_replica) {
      if (*hard == 0 && *soft == 0) continue;
      return "Only clients of class pubsub can be limited: others are not read from while they do "
             "not read.";
    }
    changes.push_back(
        {is_pubsub ? Setting::pubsub_output_bytes : Setting::replica_output_bytes, *hard});
    changes.push_back(
        {is_pubsub ? Setting::pubsub_soft_bytes : Setting::replica_soft_bytes, *soft});
    changes.push_back({is_pubsub ? Setting::pubsub_soft_s : Setting::replica_soft_s, *seconds});
  }
  return std::nullopt;
}

tl::expected<void, std::string> Settings::change(Args pairs) {
  if (pairs.size() % 2 != 0) return tl::unexpected(std::string(kSyntaxError));
  if (auto refused = check_names(pairs)) return tl::unexpected<std::string>(std::move(*refused));
  std::vector<Change> changes;
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    if (const auto refused = read(pairs[i], pairs[i + 1], changes)) {
      return tl::unexpected<std::string>(refusal(pairs[i], *refused));
    }
  }
  for (const auto& change : changes) set(change.setting, change.value);
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    if (const auto which = text_named(pairs[i])) set_text(*which, pairs[i + 1]);
  }
  return {};
}

}  // namespace phoenix::commands
