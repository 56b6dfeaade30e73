// CLIENT LIST over all cores: their sessions are described slice by slice, and the lines are
// collected and put into order at the end. Who comes or goes meanwhile may stand in it or not.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "phoenix/server/listing.h"

namespace phoenix::server {

class ClientListing final : public Listing {
 public:
  /// Some 200,000 lines.
  static constexpr std::size_t kBytesMax = std::size_t{64} << 20U;

  static Result<std::unique_ptr<Listing>> begin(const commands::Command& command,
                                                commands::Args args, const ListingSetup& setup);
  ClientListing(const commands::Command& command, commands::Args args, const ListingSetup& setup);

  unsigned core() const override { return core_; }
  const std::vector<std::string_view>& next_slice() override;
  void cut_short() override;

 private:
  void take(protocol::Value& slice, bool memory_is_full) override;
  void write_result(commands::ReplySink& reply) override;

  unsigned cores_;
  std::vector<std::string> words_;  // The client's.
  unsigned core_ = 0;
  std::string place_word_ = "0";
  std::vector<std::string_view> slice_words_;
  engine::LargeValue lines_;
};

}  // namespace phoenix::server
