// The server's own bounds, each with its reason. Those of the wire are in protocol/limits.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "phoenix/base/clock.h"

namespace phoenix::server {

/// Completions taken in one turn: a turn must stay short, or a busy core delays its own commits.
inline constexpr std::size_t kCompletionsPerTurn = 256;

/// Requests whose memory is prefetched together: enough to hide its latency, few enough for the
/// first-level cache to hold what was fetched.
inline constexpr std::size_t kRequestsPerBatch = 128;

/// What a turn does before it commits and sends (see work.h): about a millisecond, or some 4000
/// small requests. Half of it is for requests of other cores, half for those of its own sessions,
/// and who needs less leaves it to the next. Listings get the last share, and a bounded one: they
/// have time.
inline constexpr std::size_t kHopWorkPerTurn = std::size_t{512} << 10U;
inline constexpr std::size_t kSessionWorkPerTurn = std::size_t{512} << 10U;
inline constexpr std::size_t kListWorkPerTurn = std::size_t{128} << 10U;
inline constexpr std::size_t kListWorkPerTurnMax = std::size_t{256} << 10U;

/// A request with more words or bytes than this, or that comes after one with a longer reply, is
/// taken for one that takes long: it is run when the others have been.
inline constexpr std::size_t kShortRequestWords = 64;
inline constexpr std::size_t kShortRequestBytes = std::size_t{16} << 10U;
inline constexpr std::size_t kShortReplyBytes = std::size_t{64} << 10U;

/// Words of all requests of a batch together.
inline constexpr std::size_t kWordsPerBatch = 128 * 1024;

/// What a request with more words does in one step would take a core too long: a command of many
/// keys is run in slices then,
inline constexpr std::size_t kStepWordsMax = 8192;
/// of so many words, or bytes.
inline constexpr std::size_t kSliceWords = 256;
inline constexpr std::size_t kSliceBytes = std::size_t{64} << 10U;
/// Slices of one request that are on other cores; of lists, which may bring back much, fewer.
inline constexpr std::size_t kSlicesAwayMax = 64;
inline constexpr std::size_t kListSlicesAwayMax = 4;
/// What cannot be cut into slices, or is queued in a transaction, has at most so many words.
inline constexpr std::size_t kUncutWordsMax = 65'536;
static_assert(kUncutWordsMax <= kWordsPerBatch);

/// Output is written into chunks of this size that all sessions of a core share.
inline constexpr std::size_t kChunkBytes = std::size_t{64} << 10U;

/// A session with this much output queued is not read from until it has taken some.
inline constexpr std::size_t kSessionOutputBytesMax = std::size_t{1} << 20U;

/// While the memory budget is full: a longer request is not collected, its bytes are dropped as
/// they come;
inline constexpr std::size_t kFrameBytesWhenFullMax = std::size_t{1} << 20U;
/// a longer reply with an item per key is not put together;
inline constexpr std::size_t kReplyBytesWhenFullMax = std::size_t{1} << 20U;
/// a session with so much queued, or awaited of other cores (32 small replies), is not read from.
inline constexpr std::size_t kSessionOutputBytesWhenFullMax = kChunkBytes;
inline constexpr std::size_t kSessionAwaitedBytesWhenFullMax = std::size_t{1} << 20U;

/// A session whose requests wait for their turn is read from until it has this much of them.
inline constexpr std::size_t kUnparsedRequestsBytesMax = std::size_t{64} << 10U;

/// Replies a session may have outstanding (not yet durable, or on another core).
inline constexpr std::size_t kSessionRunsMax = 8192;

/// What the requests that a session has on other cores may hold there and bring back, as far as it
/// can be known beforehand: 512 small ones. More wait here.
inline constexpr std::size_t kSessionAwaitedBytesMax = std::size_t{16} << 20U;
/// What a reply with an item per key is taken for: few come near kReplyBytesMax. Four of them are
/// awaited at a time, so that a session that does not read has at most four times kReplyBytesMax.
inline constexpr std::size_t kAwaitedListBytes = kSessionAwaitedBytesMax / 4;

/// What a session may queue between MULTI and EXEC, and watch. It is run in one go: some 10 ms.
inline constexpr std::size_t kTransactionRequestsMax = 65'536;
inline constexpr std::uint64_t kTransactionBytesMax = std::uint64_t{64} << 20U;
inline constexpr std::size_t kWatchesMax = 65'536;
/// And what its effects may write: it is one batch of the log.
inline constexpr std::uint64_t kTransactionLogBytesMax = std::uint64_t{513} << 20U;

/// So many FLUSHALL or FLUSHDB among them: each takes up to 0.1 ms.
inline constexpr std::size_t kTransactionFlushesMax = 128;
/// KEYS in it is one step: an error where there are more keys than this, or a pattern takes more
/// nanoseconds. A page of SCAN ends then.
inline constexpr std::size_t kTransactionKeysMax = 65'536;
inline constexpr std::uint64_t kTransactionWalkMax = std::uint64_t{32} << 20U;

/// Bytes of one reply that are copied together (values of an MGET): more gets an error.
inline constexpr std::size_t kReplyBytesMax = std::size_t{16} << 20U;

/// One send; slow readers are waited for in slices of this size.
inline constexpr std::size_t kSendBytesMax = std::size_t{1} << 20U;
inline constexpr std::size_t kStalledSendBytesMax = std::size_t{64} << 10U;

/// Batches of requests on their way between two cores, each direction.
inline constexpr std::size_t kHopsPerPair = 64;
/// Requests in one such batch, and the bytes after which another one is begun.
inline constexpr std::size_t kPartsPerHop = 512;
inline constexpr std::size_t kHopBytesTarget = std::size_t{256} << 10U;

/// Entries that are written anew at a time when the number of cores has changed.
inline constexpr std::size_t kRewriteSliceEntries = 64;

/// A listing that finds nothing says so this often, lest its client give up.
inline constexpr std::uint64_t kListSilenceNs = kNanosPerSecond;

/// What a turn spends on freeing what FLUSHALL has removed, in nanoseconds, about.
inline constexpr std::size_t kFreeWorkPerTurn = std::size_t{256} << 10U;

/// Nodes of the expiry heap looked at in one turn.
inline constexpr std::size_t kExpiryNodesPerTurn = 64;

/// How late an idle server may remove what has expired (nobody sees it meanwhile): it writes an
/// empty batch for that alone once in this time at most.
inline constexpr std::int64_t kExpiryBatchMs = 1000;

/// Deadlines. A frame that has begun must end; a reader must take something; a stop must end.
inline constexpr std::uint64_t kPartialFrameNs = 60 * kNanosPerSecond;
/// Each byte of it buys time at this rate, so that a long one may take longer.
inline constexpr std::uint64_t kPartialBytesPerSecond = 16 * 1024;
inline constexpr std::uint64_t kStalledReaderNs = 60 * kNanosPerSecond;
inline constexpr std::uint64_t kUnauthenticatedNs = 10 * kNanosPerSecond;
inline constexpr std::uint64_t kShutdownNs = 10 * kNanosPerSecond;
/// And what the disk gets on top, before a stop ends as a failure.
inline constexpr std::uint64_t kShutdownDiskNs = 5 * kNanosPerSecond;
/// For a peer to read the last reply before the socket is closed.
inline constexpr std::uint64_t kLingerNs = kNanosPerSecond;

/// Housekeeping: how often deadlines are looked at, and how many sessions at a time.
inline constexpr std::uint64_t kTickNs = kNanosPerSecond / 4;
inline constexpr std::size_t kSessionsPerTick = 4096;

/// Descriptors that connections must leave to the process, and to each core: its ring, the segments
/// that are written, in reserve and being closed, and while it recovers those that are read. Each
/// address that is listened on takes one more per core.
inline constexpr std::uint64_t kProcessDescriptors = 64;
inline constexpr std::uint64_t kCoreDescriptors = 10;

/// What --max-connections may ask for: Linux has no more descriptors for one process.
inline constexpr std::uint64_t kConnectionsMax = std::uint64_t{1} << 30U;

/// Subscriptions of one session, and the memory that they may take: patterns take most.
inline constexpr std::size_t kSessionSubscriptionsMax = 100'000;
inline constexpr std::uint64_t kSessionSubscriptionBytesMax = std::uint64_t{32} << 20U;

/// Changes of keys that wait until they are durable; more are not told.
inline constexpr std::uint64_t kKeyEventBytesHeldMax = std::uint64_t{16} << 20U;
/// What telling them may take in a turn.
inline constexpr std::size_t kEventWorkPerTurn = std::size_t{128} << 10U;
/// What waits for a core that is slow to take what another one tells; more is dropped.
inline constexpr std::uint64_t kNoticeBytesKeptMax = std::uint64_t{8} << 20U;
/// Batches of it that a core takes from each other one in a turn.
inline constexpr std::size_t kNoticeBatchesPerTurn = 4;

/// Cores of one server; a superblock could hold more.
inline constexpr unsigned kCoresMax = 256;

}  // namespace phoenix::server
