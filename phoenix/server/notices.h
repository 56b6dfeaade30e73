// What one core tells the others without waiting for an answer: changes of keys and messages of
// transactions for their subscribers, requests for their monitors. A batch of them leaves at the
// end of a turn, for the cores that have somebody who wants to know.
//
// Nobody may be held up by a core that is slow to read: what does not fit into its mailbox is kept
// here up to a bound, in order, and dropped beyond it. Channels promise no more.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "phoenix/io/mailbox.h"
#include "phoenix/server/budget.h"
#include "phoenix/server/metrics.h"

namespace phoenix::server {

struct Notice {
  enum class Kind : std::uint8_t { key_event, request, message, shard_message };
  static constexpr std::size_t kKinds = 4;

  Kind kind = Kind::key_event;
  std::string name;  // Of the event ("set", "expired" ...) or the channel. Empty for a request.
  std::string text;  // The key, the request's line, or the message.

  std::uint64_t bytes() const { return sizeof(Notice) + name.size() + text.size(); }
};

/// Of one turn, for all cores that get it; the last one deletes it.
struct NoticeBatch {
  std::vector<Notice> notices;
  std::uint64_t bytes = 0;
  std::array<bool, Notice::kKinds> has_kind{};  // By Notice::Kind.
  std::atomic<unsigned> readers{0};

  void release() {
    if (readers.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
};

/// Shared by all cores: who wants to know what, and the mailboxes.
class NoticeBoard final {
 public:
  explicit NoticeBoard(unsigned cores);
  NoticeBoard(const NoticeBoard&) = delete;
  NoticeBoard& operator=(const NoticeBoard&) = delete;
  ~NoticeBoard();

  static constexpr std::size_t kBatchesPerPair = 64;
  using Mailbox = io::Mailbox<NoticeBatch*, kBatchesPerPair>;

  unsigned cores() const { return cores_; }
  Mailbox& mailbox(unsigned from, unsigned to) {
    return *mailboxes_[std::size_t{from} * cores_ + to];
  }
  /// The core's own answer to whether its sessions want notices of this kind.
  void set_wanted(unsigned core, Notice::Kind kind, bool is_wanted);
  bool is_wanted(unsigned core, Notice::Kind kind) const {
    return wants_[core].kinds[static_cast<std::size_t>(kind)].load(std::memory_order_relaxed);
  }
  /// By any core: a look at one number.
  bool is_wanted_anywhere(Notice::Kind kind) const {
    return wanted_by_[static_cast<std::size_t>(kind)].load(std::memory_order_relaxed) != 0;
  }

 private:
  struct alignas(io::kCacheLineBytes) Wants {
    std::array<std::atomic<bool>, Notice::kKinds> kinds{};
  };

  unsigned cores_;
  std::vector<std::unique_ptr<Mailbox>> mailboxes_;
  std::unique_ptr<Wants[]> wants_;
  std::array<std::atomic<unsigned>, Notice::kKinds> wanted_by_{};  // So many cores.
};

/// One core's end of it.
class Notices final {
 public:
  Notices(unsigned core, NoticeBoard& board, BufferBytes& buffers, Metrics& metrics)
      : core_(core), board_(board), buffers_(buffers), metrics_(metrics), kept_(board.cores()) {}
  Notices(const Notices&) = delete;
  Notices& operator=(const Notices&) = delete;
  ~Notices();

  /// For all other cores that want it.
  void add(Notice::Kind kind, std::string_view name, std::string_view text);
  /// Whether any other core wants it.
  bool are_wanted_elsewhere(Notice::Kind kind) const;

  /// End of a turn: sends what was added. Calls `posted` with each core that has got some.
  void post(const std::function<void(unsigned)>& posted);

  /// Takes what other cores have sent, at most some batches of each.
  void receive(const std::function<void(const Notice&)>& take);
  bool has_mail() const;
  /// What the mailboxes had no room for.
  std::uint64_t kept_bytes() const { return kept_bytes_; }

 private:
  struct Kept {
    std::deque<NoticeBatch*> batches;
    std::uint64_t bytes = 0;
  };

  bool wants(unsigned core, const NoticeBatch& batch) const;
  bool send_kept(unsigned to);
  void keep(unsigned to, NoticeBatch& batch);

  unsigned core_;
  NoticeBoard& board_;
  BufferBytes& buffers_;
  Metrics& metrics_;
  std::unique_ptr<NoticeBatch> open_;
  std::vector<Kept> kept_;  // By core: what its mailbox had no room for.
  std::uint64_t kept_bytes_ = 0;
};

}  // namespace phoenix::server
