#include "cli/transfer/json_parser.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "cli/base64.h"
#include "protocol/error.h"

namespace phoenix::cli::transfer {

namespace {

constexpr std::size_t kKeepBytes = std::size_t{1} << 20U;

/// Takes an object's fields as the parser meets them: no tree is built, strings are moved.
class FieldTaker final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit FieldTaker(Record& record) : record_(record) { record_ = {}; }

  /// What is wrong with the record, or nothing; behind the parser.
  std::string outcome() const {
    if (!error_.empty()) return error_;
    if (!has_key_) return "it has no key: \"key\", or \"key_base64\"";
    if (!has_value_) return "it has no value: \"value\", or \"value_base64\"";
    return size_error(record_);
  }

  bool start_object(std::size_t) override {
    if (std::exchange(is_inside_, true)) return fail(expected());
    return true;
  }
  bool end_object() override { return true; }

  bool key(std::string& name) override {
    const auto* const found = std::find(kFields.begin(), kFields.end(), name);
    if (found == kFields.end()) {
      return fail("there is no field \"" + protocol::printable(name.substr(0, 64)) +
                  "\": there are key, value, expires_at_ms, key_base64 and value_base64");
    }
    field_ = *found;
    bool& has_it = field_ == kExpiresAtMs                   ? has_expiry_
                   : field_ == kKey || field_ == kKeyBase64 ? has_key_
                                                            : has_value_;
    if (std::exchange(has_it, true)) return fail("it has its " + std::string(field_) + " twice");
    return true;
  }

  bool string(std::string& text) override {
    if (field_ == kKey || field_ == kKeyBase64) return take(text, record_.key);
    if (field_ == kValue || field_ == kValueBase64) return take(text, record_.value);
    return fail(expected());
  }

  bool number_unsigned(std::uint64_t number) override {
    const bool is_expiry = field_ == kExpiresAtMs && number >= 1 && number <= protocol::kTtlMsMax;
    if (!is_expiry) return fail(expected());
    record_.expires_at_ms = number;
    return true;
  }

  bool null() override { return field_ == kExpiresAtMs || fail(expected()); }
  bool boolean(bool) override { return fail(expected()); }
  bool number_integer(std::int64_t) override { return fail(expected()); }
  bool number_float(double, const std::string&) override { return fail(expected()); }
  bool binary(nlohmann::json::binary_t&) override { return fail(expected()); }
  bool start_array(std::size_t) override { return fail(expected()); }
  bool end_array() override { return false; }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return fail("it is not JSON from its byte " + std::to_string(position) + " on");
  }

 private:
  static constexpr std::array<std::string_view, 5> kFields = {kKey, kValue, kExpiresAtMs,
                                                              kKeyBase64, kValueBase64};

  bool fail(std::string why) {
    error_ = std::move(why);
    return false;
  }

  /// What should have stood where something else does.
  std::string expected() const {
    if (field_.empty()) return "it is no object: a line is {\"key\":\"...\",\"value\":\"...\"}";
    if (field_ == kExpiresAtMs) return expiry_error();
    return std::string(field_) + " is no string";
  }

  bool take(std::string& text, std::string& into) {
    if (field_ == kKey || field_ == kValue) {
      into = std::move(text);
      return true;
    }
    std::optional<std::string> bytes = from_base64(text);
    if (!bytes) return fail(std::string(field_) + " is no base64");
    into = std::move(*bytes);
    return true;
  }

  Record& record_;
  std::string error_;
  std::string_view field_;  // Whose value comes next.
  bool is_inside_ = false;
  bool has_key_ = false;
  bool has_value_ = false;
  bool has_expiry_ = false;
};

}  // namespace

RowParser::Outcome JsonParser::next(std::string_view& bytes, Record& record) {
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    add(bytes.substr(0, newline));
    if (newline == std::string_view::npos) {
      bytes = {};
      break;
    }
    bytes.remove_prefix(newline + 1);
    const Outcome outcome = end_line(record);
    if (outcome != Outcome::need_more) return outcome;
  }
  return Outcome::need_more;
}

RowParser::Outcome JsonParser::finish(Record& record) {
  return end_line(record);
}

void JsonParser::go_on_at(std::uint64_t line) {
  line_ = line;
  text_.clear();
  is_too_long_ = false;
}

void JsonParser::add(std::string_view content) {
  is_too_long_ = is_too_long_ || content.size() > kRowBytesMax - text_.size();
  if (is_too_long_) {
    std::string().swap(text_);
  } else {
    text_ += content;
  }
}

RowParser::Outcome JsonParser::end_line(Record& record) {
  const std::uint64_t line = line_++;
  const bool is_blank = text_.find_first_not_of(" \t\r") == std::string::npos;
  if (is_blank && !is_too_long_) {
    text_.clear();
    return Outcome::need_more;
  }
  row_line_ = line;
  if (std::exchange(is_too_long_, false)) {
    error_ = "it has more than 1 GiB";
    return Outcome::bad_row;
  }
  FieldTaker taker(record);
  // What it returns, the taker knows better.
  static_cast<void>(nlohmann::json::sax_parse(text_, &taker));
  error_ = taker.outcome();
  if (text_.capacity() > kKeepBytes) std::string().swap(text_);
  text_.clear();
  return error_.empty() ? Outcome::record : Outcome::bad_row;
}

}  // namespace phoenix::cli::transfer
