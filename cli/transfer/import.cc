#include "cli/transfer/import.h"

#include <chrono>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "cli/output.h"
#include "cli/transfer/clock.h"
#include "cli/transfer/input_file.h"
#include "cli/transfer/progress.h"
#include "cli/transfer/row_parser.h"
#include "cli/transfer/server_errors.h"
#include "cli/transfer/state.h"
#include "cli/units.h"

namespace phoenix::cli::transfer {

namespace {

/// How far ahead of the replies rows are sent: enough to keep a server busy over a slow line.
constexpr std::size_t kRequestsMax = 1'024;
constexpr std::size_t kUnsentBytesMax = std::size_t{1} << 20U;
constexpr std::uint64_t kErrorsToldMax = 20;
constexpr std::chrono::seconds kStateInterval(1);

class Import final {
 public:
  Import(const client::Options& options, const ImportRequest& request)
      : options_(options),
        request_(request),
        state_path_(request.path + ".import"),
        parser_(make_row_parser(request.format)) {}

  Result<ExitCode> run() {
    Result<void> opened = open();
    if (!opened) return tl::unexpected<Failure>(opened.error());
    meter_ = std::make_unique<ProgressMeter>(progress());
    Result<void> moved = move_rows();
    meter_->clear();
    if (!moved) return tl::unexpected<Failure>(stopped(std::move(moved.error())));
    const Result<void> removed = remove_state(state_path_);
    if (!removed) return tl::unexpected<Failure>(removed.error());
    print_note("imported " + totals() + " in " + duration_text(meter_->duration()) + "\n");
    return done_.failed > 0 ? ExitCode::error_reply : ExitCode::ok;
  }

 private:
  enum class Kind : std::uint8_t {
    row,
    expired,  // A row that is sent nowhere; it has its place so that all is counted in order.
    barrier,  // No row: what was answered before it was sent is durable once it is answered.
  };
  /// What is not done yet.
  struct Due {
    Kind kind = Kind::row;
    std::uint64_t line = 0;
    std::uint64_t end = 0;        // The file's offset behind it,
    std::uint64_t next_line = 0;  // and the line that begins there.
  };

  Result<void> open() {
    Result<std::unique_ptr<InputFile>> input =
        InputFile::open(request_.path, options_.interrupt_fd);
    if (!input) return tl::unexpected<Failure>(std::move(input.error()));
    input_ = std::move(*input);
    if (request_.is_resumed && !input_->is_regular()) {
      return fail(ExitCode::usage, "--resume needs a file: a pipe cannot be read again");
    }
    done_.server = protocol::printable(options_.endpoint.text());
    done_.format = request_.format;
    if (input_->is_regular()) {
      const Result<std::uint64_t> fingerprint = input_->fingerprint();
      if (!fingerprint) return tl::unexpected<Failure>(fingerprint.error());
      done_.file_bytes = input_->file_bytes();
      done_.fingerprint = *fingerprint;
    }
    Result<void> resumed = request_.is_resumed ? resume() : Result<void>{};
    if (!resumed) return resumed;
    auto connection = client::Connection::open(options_);
    if (!connection) return tl::unexpected<Failure>(failure_of(std::move(connection.error())));
    connection_ = std::move(*connection);
    // What an earlier import left tells of rows that this one has not stored: a --resume, after a
    // kill before the first state of this one, must not go on from there.
    const bool is_new = input_->is_regular() && !request_.is_resumed;
    return is_new ? remove_state(state_path_) : Result<void>{};
  }

  Result<void> resume() {
    const Result<std::string> text = load_state(state_path_);
    if (!text) return tl::unexpected<Failure>(text.error());
    if (text->empty()) return {};
    const std::optional<ImportState> saved = import_state(*text);
    const std::string anew = "; without --resume it begins anew";
    if (!saved) return fail(ExitCode::usage, "'" + state_path_ + "' is damaged" + anew);
    if (saved->server != done_.server) {
      return fail(ExitCode::usage, "'" + state_path_ + "' is of an import into " +
                                       protocol::printable(saved->server) + ", and this is " +
                                       done_.server + anew);
    }
    const bool is_same_file = saved->file_bytes == done_.file_bytes &&
                              saved->fingerprint == done_.fingerprint &&
                              saved->format == done_.format;
    if (!is_same_file) {
      return fail(ExitCode::usage, "'" + request_.path + "' has changed since" + anew);
    }
    done_ = *saved;
    has_state_ = true;
    return done_.offset == 0 ? Result<void>{} : go_on();
  }

  /// The first row is read again, for what stands before it.
  Result<void> go_on() {
    Record record;
    for (RowParser::Outcome outcome = RowParser::Outcome::need_more;
         outcome == RowParser::Outcome::need_more;) {
      Result<std::string_view> piece = input_->read();
      if (!piece) return tl::unexpected<Failure>(piece.error());
      if (piece->empty()) break;
      outcome = parser_->next(*piece, record);
      if (outcome == RowParser::Outcome::bad_header) return fail(ExitCode::error_reply, located());
    }
    parser_->go_on_at(done_.line);
    offset_ = done_.offset;
    return input_->seek(done_.offset);
  }

  Result<void> move_rows() {
    for (;;) {
      // Who may have to wait for the next rows does not keep these.
      Result<void> settled = input_->is_ready() ? Result<void>{} : take_replies(0);
      if (!settled) return settled;
      Result<std::string_view> piece = input_->read();
      if (!piece) return tl::unexpected<Failure>(piece.error());
      if (piece->empty()) break;
      Result<void> moved = move_piece(*piece);
      if (!moved) return moved;
      meter_->show(progress());
    }
    Result<void> moved = take(parser_->finish(record_));
    return moved ? take_replies(0) : moved;
  }

  Result<void> move_piece(std::string_view piece) {
    while (!piece.empty()) {
      const std::size_t before = piece.size();
      const RowParser::Outcome outcome = parser_->next(piece, record_);
      offset_ += before - piece.size();
      Result<void> moved = take(outcome);
      if (!moved) return moved;
      while (due_.size() >= kRequestsMax || connection_->unsent_bytes() >= kUnsentBytesMax) {
        // Half of what is under way stays there: the server always has work.
        moved = take_replies(due_.size() / 2);
        if (!moved) return moved;
      }
    }
    return checkpoint();
  }

  Result<void> take(RowParser::Outcome outcome) {
    switch (outcome) {
      case RowParser::Outcome::need_more:
        return {};
      case RowParser::Outcome::bad_header:
        return fail(ExitCode::error_reply, located());
      case RowParser::Outcome::bad_row:
        return bad_row();
      case RowParser::Outcome::record:
        break;
    }
    if (record_.expires_at_ms == 0 || record_.expires_at_ms > now_ms()) return send();
    due_.push_back(due_now(Kind::expired));
    return {};
  }

  Result<void> bad_row() {
    // What stands before it comes first: in the file, in the server, and in what is told.
    Result<void> settled = take_replies(0);
    if (!settled) return settled;
    Result<void> counted = count_failure(located());
    if (counted) settle(due_now(Kind::row));
    return counted;
  }

  /// The parser's complaint, with its place.
  std::string located() const {
    return "line " + count_text(parser_->row_line()) + ": " + parser_->error();
  }

  /// Of the row that the parser took last.
  Due due_now(Kind kind) const { return {kind, parser_->row_line(), offset_, parser_->line()}; }

  Result<void> send() {
    words_ = {"SET", record_.key, record_.value};
    std::string expiry;
    if (record_.expires_at_ms != 0) {
      expiry = std::to_string(record_.expires_at_ms);
      words_.insert(words_.end(), {"PXAT", expiry});
    }
    if (request_.if_absent) words_.emplace_back("NX");
    const client::Result<void> queued = connection_->queue(words_);
    if (!queued) return tl::unexpected<Failure>(failure_of(queued.error()));
    due_.push_back(due_now(Kind::row));
    return {};
  }

  /// Until `left` are still due.
  Result<void> take_replies(std::size_t left) {
    while (due_.size() > left) {
      if (due_.front().kind == Kind::expired) {
        ++done_.expired;
        settle(due_.front());
      } else {
        const client::Result<client::Reply> reply = connection_->receive();
        if (!reply) return tl::unexpected<Failure>(failure_of(reply.error()));
        Result<void> counted = count(due_.front(), *reply);
        if (!counted) return counted;
      }
      due_.pop_front();
    }
    return {};
  }

  Result<void> count(const Due& due, const client::Reply& reply) {
    if (reply.is_error()) {
      const std::string text = error_text(reply.value);
      const bool is_row = is_about_row(reply.value) && due.kind == Kind::row;
      if (!is_row) return fail(ExitCode::error_reply, "the server takes no more: " + text);
      Result<void> counted = count_failure("line " + count_text(due.line) + ": " + text);
      if (!counted) return counted;
    } else if (due.kind == Kind::barrier) {
      return save(durable_);
    } else if (reply.value.status == protocol::Status::nil) {
      ++done_.present;
    } else {
      ++done_.rows;
    }
    settle(due);
    return {};
  }

  Result<void> count_failure(const std::string& text) {
    if (!request_.skip_errors) return fail(ExitCode::error_reply, text);
    ++done_.failed;
    if (done_.failed > kErrorsToldMax) return {};
    meter_->clear();
    print_note(text + "\n");
    if (done_.failed == kErrorsToldMax) print_note("further bad rows are only counted\n");
    return {};
  }

  void settle(const Due& due) {
    done_.offset = due.end;
    done_.line = due.next_line;
  }

  /// Now and then, what is done is written down. A server that answers before it is durable is
  /// asked first, so that no row is taken for done that a crash of it would take back.
  Result<void> checkpoint() {
    const auto now = std::chrono::steady_clock::now();
    if (!input_->is_regular() || now - saved_at_ < kStateInterval) return {};
    saved_at_ = now;
    if (connection_->server().durability != "interval") return save(done_);
    if (is_barrier_due_) return {};
    const client::Result<void> queued = connection_->queue({"DBSIZE"}, protocol::kWaitDurable);
    if (!queued) return tl::unexpected<Failure>(failure_of(queued.error()));
    is_barrier_due_ = true;
    durable_ = done_;
    due_.push_back({Kind::barrier, 0, 0, 0});
    return {};
  }

  /// A state that cannot be written costs only the way back.
  Result<void> save(const ImportState& state) {
    is_barrier_due_ = false;
    if (!can_save_) return {};
    const Result<void> saved = save_state(state_path_, to_text(state));
    has_state_ = saved.has_value();
    if (saved) return {};
    can_save_ = false;
    meter_->clear();
    print_note("note: " + saved.error().message + ": this import could not be resumed\n");
    return {};
  }

  /// Adds what is done already, and how to go on.
  Failure stopped(Failure failure) {
    const bool is_lost = failure.code == ExitCode::connection || failure.code == ExitCode::timeout;
    const std::string& durability = connection_->server().durability;
    // Without the server's word the answer itself is what is known.
    const bool is_durable = durability != "interval";
    const bool is_worth_it = input_->is_regular() && is_durable && done_.offset > 0;
    if (is_worth_it) static_cast<void>(save(done_));
    if (done_.offset > 0) failure.message += "; before it: " + totals();
    if (!has_state_) return failure;
    failure.message += is_durable ? ". --resume goes on from there"
                                  : ". --resume goes on from what was on the disk shortly before";
    if (is_lost && durability != "always" && durability != "interval") {
      failure.message += ", if the server has lost nothing since; else begin anew";
    }
    return failure;
  }

  std::string totals() const {
    std::string text = rows_text(done_.rows) + " (" + size_text(done_.offset) + ")";
    if (done_.expired > 0) text += ", " + count_text(done_.expired) + " expired before and skipped";
    if (done_.present > 0) text += ", " + count_text(done_.present) + " there already and kept";
    if (done_.failed > 0) text += ", " + count_text(done_.failed) + " bad and skipped";
    return text;
  }

  Progress progress() const {
    return {done_.rows + done_.expired + done_.present + done_.failed, done_.offset, done_.offset,
            done_.file_bytes};
  }

  const client::Options& options_;
  const ImportRequest& request_;
  const std::string state_path_;
  std::unique_ptr<InputFile> input_;
  std::unique_ptr<client::Connection> connection_;
  std::unique_ptr<RowParser> parser_;
  std::unique_ptr<ProgressMeter> meter_;

  Record record_;
  std::vector<std::string_view> words_;
  std::uint64_t offset_ = 0;  // Of what the parser has not taken yet.
  std::deque<Due> due_;
  ImportState done_;  // What was answered.

  ImportState durable_;  // What will be once the barrier is answered.
  bool is_barrier_due_ = false;
  bool can_save_ = true;
  bool has_state_ = false;
  std::chrono::steady_clock::time_point saved_at_ = std::chrono::steady_clock::now();
};

}  // namespace

Result<ExitCode> run_import(const client::Options& connection, const ImportRequest& request) {
  return Import(connection, request).run();
}

}  // namespace phoenix::cli::transfer
