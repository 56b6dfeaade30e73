#include "phoenix/server/notices.h"

#include <utility>

#include "phoenix/server/limits.h"

namespace phoenix::server {

NoticeBoard::NoticeBoard(unsigned cores) : cores_(cores), wants_(std::make_unique<Wants[]>(cores)) {
  mailboxes_.reserve(std::size_t{cores} * cores);
  for (unsigned i = 0; i < cores * cores; ++i) {
    mailboxes_.push_back(cores > 1 ? std::make_unique<Mailbox>() : nullptr);
  }
}

NoticeBoard::~NoticeBoard() {
  for (auto& mailbox : mailboxes_) {
    NoticeBatch* batch = nullptr;
    while (mailbox && mailbox->pop(batch)) batch->release();
  }
}

void NoticeBoard::set_wanted(unsigned core, Notice::Kind kind, bool is_wanted) {
  const auto place = static_cast<std::size_t>(kind);
  if (wants_[core].kinds[place].exchange(is_wanted) == is_wanted) return;
  if (is_wanted) {
    wanted_by_[place].fetch_add(1);
  } else {
    wanted_by_[place].fetch_sub(1);
  }
}

Notices::~Notices() {
  for (auto& kept : kept_) {
    for (auto* batch : kept.batches) batch->release();
  }
}

bool Notices::are_wanted_elsewhere(Notice::Kind kind) const {
  if (!board_.is_wanted_anywhere(kind)) return false;
  for (unsigned core = 0; core < board_.cores(); ++core) {
    if (core != core_ && board_.is_wanted(core, kind)) return true;
  }
  return false;
}

void Notices::add(Notice::Kind kind, std::string_view name, std::string_view text) {
  if (!open_) open_ = std::make_unique<NoticeBatch>();
  open_->has_kind[static_cast<std::size_t>(kind)] = true;
  const Notice& notice =
      open_->notices.emplace_back(Notice{kind, std::string(name), std::string(text)});
  open_->bytes += notice.bytes();
}

bool Notices::wants(unsigned core, const NoticeBatch& batch) const {
  for (std::size_t kind = 0; kind < Notice::kKinds; ++kind) {
    const bool has_kind = batch.has_kind[kind];
    if (has_kind && board_.is_wanted(core, static_cast<Notice::Kind>(kind))) return true;
  }
  return false;
}

void Notices::post(const std::function<void(unsigned)>& posted) {
  if (!open_ && kept_bytes_ == 0) [[likely]]
    return;
  std::unique_ptr<NoticeBatch> batch = std::move(open_);
  std::vector<unsigned> readers;
  for (unsigned core = 0; core < board_.cores(); ++core) {
    if (core == core_) continue;
    if (send_kept(core)) posted(core);
    if (batch && wants(core, *batch)) readers.push_back(core);
  }
  if (readers.empty()) return;
  NoticeBatch& sent = *batch.release();
  sent.readers.store(static_cast<unsigned>(readers.size()), std::memory_order_relaxed);
  for (const unsigned core : readers) {
    const bool is_next = kept_[core].batches.empty();
    if (is_next && board_.mailbox(core_, core).push(&sent)) {
      posted(core);
    } else {
      keep(core, sent);
    }
  }
}

// True when there were any.
bool Notices::send_kept(unsigned to) {
  Kept& kept = kept_[to];
  bool has_sent = false;
  while (!kept.batches.empty()) {
    NoticeBatch* const batch = kept.batches.front();
    const std::uint64_t bytes = batch->bytes;  // It may be gone once it was pushed.
    if (!board_.mailbox(core_, to).push(batch)) return has_sent;
    has_sent = true;
    kept.batches.pop_front();
    kept.bytes -= bytes;
    kept_bytes_ -= bytes;
    buffers_.channels -= bytes;
  }
  return has_sent;
}

void Notices::keep(unsigned to, NoticeBatch& batch) {
  Kept& kept = kept_[to];
  if (kept.bytes + batch.bytes > kNoticeBytesKeptMax) {
    metrics_.notices_dropped.add(batch.notices.size());
    return batch.release();
  }
  kept.batches.push_back(&batch);
  kept.bytes += batch.bytes;
  kept_bytes_ += batch.bytes;
  buffers_.channels += batch.bytes;
}

void Notices::receive(const std::function<void(const Notice&)>& take) {
  for (unsigned from = 0; from < board_.cores(); ++from) {
    if (from == core_) continue;
    NoticeBatch* batch = nullptr;
    for (std::size_t i = 0; i < kNoticeBatchesPerTurn; ++i) {
      if (!board_.mailbox(from, core_).pop(batch)) break;
      for (const auto& notice : batch->notices) take(notice);
      batch->release();
    }
  }
}

bool Notices::has_mail() const {
  for (unsigned from = 0; from < board_.cores(); ++from) {
    if (from != core_ && !board_.mailbox(from, core_).empty()) return true;
  }
  return false;
}

}  // namespace phoenix::server
