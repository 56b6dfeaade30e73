// Keys of a server with their values and expiries, a bounded number at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "cli/key_lister.h"
#include "cli/result.h"
#include "cli/transfer/record.h"
#include "phoenix/client/connection.h"

namespace phoenix::cli::transfer {

class KeySource final {
 public:
  struct Counts {
    std::uint64_t vanished = 0;     // Listed, and gone before they were read.
    std::uint64_t other_types = 0;  // No strings.
  };
  using Take = std::function<Result<void>(const Record&)>;

  /// `pattern` is a glob; empty: every key.
  KeySource(client::Connection& connection, client::Wire wire, std::string pattern)
      : connection_(connection), lister_(connection, wire, std::move(pattern)) {}

  /// Lists about `count` keys from `cursor` ("0" is the beginning) on, and moves it: "0" is the
  /// end.
  Result<std::vector<std::string>> list(std::string& cursor, std::size_t count);

  /// Hands what the keys hold to `take`.
  Result<Counts> read(std::vector<std::string> keys, const Take& take);

 private:
  enum class Outcome : std::uint8_t { record, vanished, other_type, changed };

  /// One round. Keys that changed while they were read are left in `keys`.
  Result<void> read_round(std::vector<std::string>& keys, bool is_last, const Take& take,
                          Counts& counts);
  /// How a server says when a key expires.
  enum class ExpiryForm : std::uint8_t { unknown, time_left, unix_time };
  Result<void> find_expiry_form(const std::string& key);
  [[nodiscard]] const char* expiry_command() const {
    return expiry_form_ == ExpiryForm::unix_time ? "PEXPIRETIME" : "PTTL";
  }
  Result<void> ask(const std::string& key);
  Result<Outcome> receive_key(std::uint64_t asked_at_ms, bool is_last, Record& record);
  Result<std::int64_t> receive_expiry();
  Result<Outcome> receive_value(std::string& value);

  client::Connection& connection_;
  KeyLister lister_;
  ExpiryForm expiry_form_ = ExpiryForm::unknown;
};

/// What two looks at the expiry of a key, before and after its value was read, say about it.
struct ExpiryLooks {
  std::int64_t before_ms = 0;  // As PTTL says it, or PEXPIRETIME.
  std::int64_t after_ms = 0;
  // When the first was asked for, and when each was answered, by the same clock.
  std::uint64_t asked_at_ms = 0;
  std::uint64_t before_at_ms = 0;
  std::uint64_t after_at_ms = 0;
  bool is_unix_time = false;  // By PEXPIRETIME: clocks and answers take nothing from it.

  /// Nobody has set another one in between.
  [[nodiscard]] bool agree() const;
  /// Unix time; 0: never. By PTTL late by what the answers took, at most.
  [[nodiscard]] std::uint64_t expires_at_ms() const;
};

}  // namespace phoenix::cli::transfer
