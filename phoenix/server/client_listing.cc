#include "phoenix/server/client_listing.h"

#include <algorithm>

#include "phoenix/base/check.h"
#include "phoenix/commands/client_filter.h"
#include "phoenix/commands/words.h"
#include "phoenix/server/limits.h"

namespace phoenix::server {

using protocol::Status;

namespace {

// "CLIENT LIST", before what says which of them.
constexpr std::size_t kOwnWords = 2;

struct Line {
  std::uint64_t id = 0;
  std::string_view text;

  friend bool operator<(const Line& a, const Line& b) { return a.id < b.id; }
};

// Each begins with "id=" and the number.
std::vector<Line> split(std::string_view lines) {
  std::vector<Line> all;
  while (!lines.empty()) {
    const std::string_view text = lines.substr(0, lines.find('\n') + 1);
    constexpr std::size_t kIdAt = std::string_view("id=").size();
    const std::string_view id = text.substr(kIdAt, text.find(' ') - kIdAt);
    all.push_back({commands::parse_unsigned(id).value_or(0), text});
    lines.remove_prefix(text.size());
  }
  return all;
}

}  // namespace

Result<std::unique_ptr<Listing>> ClientListing::begin(const commands::Command& command,
                                                      commands::Args args,
                                                      const ListingSetup& setup) {
  const auto filter = commands::parse_list_filter(args);
  if (!filter) return fail(ErrorCode::invalid, filter.error());
  return std::make_unique<ClientListing>(command, args, setup);
}

ClientListing::ClientListing(const commands::Command& command, commands::Args args,
                             const ListingSetup& setup)
    : Listing(command, setup),
      cores_(setup.cores),
      words_(args.begin(), args.end()),
      lines_(setup.meter) {}

const std::vector<std::string_view>& ClientListing::next_slice() {
  slice_words_.assign(words_.begin(), words_.end());
  slice_words_.insert(slice_words_.begin() + kOwnWords, place_word_);
  return slice_words_;
}

void ClientListing::cut_short() {
  fail_with(Status::error,
            "there are more clients than CLIENT LIST has time for in a transaction: ask outside of "
            "it");
}

void ClientListing::take(protocol::Value& slice, bool memory_is_full) {
  PHX_CHECK(slice.items.size() == 2);
  const std::string_view lines = slice.items[1].bytes;
  const std::size_t bytes_max = memory_is_full ? kReplyBytesWhenFullMax : kBytesMax;
  if (lines_.size_bytes() + lines.size() > bytes_max) {
    return memory_is_full
               ? fail_with(Status::out_of_memory,
                           "command not allowed when used memory > 'maxmemory'.")
               : fail_with(Status::too_large, "reply over 64 MiB: ask for fewer clients by ID");
  }
  if (!lines_.append(lines)) {
    return fail_with(Status::out_of_memory, "the system has no memory for the reply");
  }
  place_word_ = std::to_string(slice.items[0].integer);
  if (slice.items[0].integer == 0) ++core_;
  if (core_ == cores_) complete();
}

// Oldest first; those that were asked for by ID in the order in which they were.
void ClientListing::write_result(commands::ReplySink& reply) {
  std::vector<Line> lines = split(lines_.view());
  std::sort(lines.begin(), lines.end());
  std::string page;
  const bool has_ids =
      words_.size() > kOwnWords && commands::equals_ignoring_case(words_[kOwnWords], "ID");
  if (!has_ids) {
    page.reserve(lines_.size_bytes());
    for (const auto& line : lines) page += line.text;
    return reply.text(page);
  }
  for (std::size_t i = kOwnWords + 1; i < words_.size(); ++i) {
    const auto id = static_cast<std::uint64_t>(commands::parse_integer(words_[i]).value_or(0));
    const auto found = std::lower_bound(lines.begin(), lines.end(), Line{id, {}});
    if (found == lines.end() || found->id != id) continue;
    if (page.size() + found->text.size() > kBytesMax) {
      return reply.error(Status::too_large, "reply over 64 MiB: ask for fewer clients by ID");
    }
    page += found->text;
  }
  reply.text(page);
}

}  // namespace phoenix::server
