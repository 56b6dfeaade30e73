// The keys of a server, page by page: LIST of Phoenix, SCAN of Redis and its relatives. Between two
// pages the connection is free for requests about the keys of the last one.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "cli/result.h"
#include "phoenix/client/connection.h"

namespace phoenix::cli {

class KeyLister final {
 public:
  /// `pattern` is a glob of the server's; empty: every key.
  KeyLister(client::Connection& connection, client::Wire wire, std::string pattern)
      : connection_(connection), wire_(wire), pattern_(std::move(pattern)) {}

  /// About `count` keys, maybe none although more come; is_done() tells of the end. Keys that are
  /// there all the time come at least once.
  Result<std::vector<std::string>> next_page(std::size_t count);
  bool is_done() const { return is_done_; }

  /// Where the next page begins, for another lister to go on from; "0" is the beginning, and the
  /// end.
  const std::string& cursor() const { return cursor_; }
  void go_on_at(std::string cursor) { cursor_ = std::move(cursor); }

 private:
  Result<std::vector<std::string>> list(const std::string& count);
  Result<std::vector<std::string>> scan(const std::string& count);

  client::Connection& connection_;
  client::Wire wire_;
  std::string pattern_;
  std::string cursor_ = "0";
  bool is_done_ = false;
};

}  // namespace phoenix::cli
