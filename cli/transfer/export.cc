#include "cli/transfer/export.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "cli/base64.h"
#include "cli/transfer/export_file.h"
#include "cli/transfer/key_source.h"
#include "cli/transfer/progress.h"
#include "cli/transfer/row_writer.h"
#include "cli/transfer/server_errors.h"
#include "cli/transfer/state.h"
#include "cli/units.h"

namespace phoenix::cli::transfer {

namespace {

constexpr std::chrono::seconds kStateInterval(1);
constexpr std::uint64_t kBatchBytes = std::uint64_t{16} << 20U;
constexpr std::size_t kRunIdBytesMax = 64;
constexpr std::size_t kBatchKeysMin = 10;
constexpr std::size_t kBatchKeysMax = 1'000;

class Export final {
 public:
  Export(const client::Options& options, const ExportRequest& request, Output& standard_output)
      : options_(options), request_(request), standard_output_(standard_output) {}

  Result<ExitCode> run() {
    Result<void> opened = open();
    if (!opened) return tl::unexpected<Failure>(opened.error());
    const Result<void> moved = move_keys();
    meter_->clear();
    if (!moved) return tl::unexpected<Failure>(stopped(moved.error()));
    const Result<void> completed = file_->complete();
    if (!completed) return tl::unexpected<Failure>(stopped(completed.error()));
    print_note("exported " + totals() + " in " + duration_text(meter_->duration()) + "\n");
    return ExitCode::ok;
  }

 private:
  Result<void> open() {
    if (request_.is_resumed && request_.path == "-") {
      return fail(ExitCode::usage, "--resume needs a file: what went to a pipe is gone");
    }
    // First the server: without one there is nothing to begin a file for.
    auto connection = client::Connection::open(options_);
    if (!connection) return tl::unexpected<Failure>(failure_of(std::move(connection.error())));
    connection_ = std::move(*connection);
    source_ = std::make_unique<KeySource>(*connection_, options_.wire, request_.pattern);
    Result<void> learned = learn_server();
    if (!learned) return learned;
    auto file = ExportFile::open(request_.path, request_.is_resumed, standard_output_);
    if (!file) return tl::unexpected<Failure>(std::move(file.error()));
    file_ = std::move(*file);
    Result<void> started = request_.is_resumed ? resume() : Result<void>{};
    if (!started) return started;
    bytes_ = done_.file_bytes;
    rows_ = done_.rows;
    // A bar would stand between the rows.
    const bool is_shown_to_people = !file_->is_file() && ::isatty(STDOUT_FILENO) == 1;
    meter_ = std::make_unique<ProgressMeter>(progress(), is_shown_to_people);
    return {};
  }

  Result<void> learn_server() {
    done_.server = protocol::printable(options_.endpoint.text());
    done_.pattern_base64 = base64(request_.pattern);
    done_.format = request_.format;
    if (request_.pattern.empty()) {
      const client::Result<client::Reply> size = connection_->call({"DBSIZE"});
      if (!size) return tl::unexpected<Failure>(failure_of(size.error()));
      // A server that does not say it only costs the bar.
      const bool is_count = size->value.kind == protocol::Kind::integer && size->value.integer > 0;
      keys_ = is_count ? static_cast<std::uint64_t>(size->value.integer) : 0;
    }
    if (options_.wire == client::Wire::native) return {};
    const client::Result<client::Reply> info = connection_->call({"INFO", "server"});
    if (!info) return tl::unexpected<Failure>(failure_of(info.error()));
    if (!info->is_error()) done_.server_run = run_id(info->value.bytes);
    return {};
  }

  static std::string run_id(std::string_view info) {
    constexpr std::string_view kName = "\nrun_id:";
    const std::size_t at = info.find(kName);
    if (at == std::string_view::npos) return {};
    info.remove_prefix(at + kName.size());
    return protocol::printable(
        info.substr(0, info.find_first_of("\r\n")).substr(0, kRunIdBytesMax));
  }

  Result<void> resume() {
    const std::string anew = "; remove '" + request_.path + ".partial' to begin anew";
    const Result<std::string> text = load_state(file_->state_path());
    if (!text) return tl::unexpected<Failure>(text.error());
    // It ended before there was anything to keep.
    if (text->empty()) return file_->truncate(0);
    const std::optional<ExportState> saved = export_state(*text);
    const std::string state = "'" + file_->state_path() + "'";
    if (!saved) return fail(ExitCode::usage, state + " is damaged" + anew);
    if (saved->server != done_.server) {
      return fail(ExitCode::usage, state + " is of an export from " +
                                       protocol::printable(saved->server) + ", and this is " +
                                       done_.server + anew);
    }
    if (saved->format != done_.format || saved->pattern_base64 != done_.pattern_base64) {
      return fail(ExitCode::usage,
                  state + " is of an export with another --format or --pattern" + anew);
    }
    const bool is_same_run = options_.wire == client::Wire::native ||
                             (!done_.server_run.empty() && saved->server_run == done_.server_run);
    if (!is_same_run) {
      return fail(ExitCode::usage,
                  "the server was started anew since, or does not say (run_id in INFO), and its "
                  "cursors hold for one run only" +
                      anew);
    }
    // The part was taken away: what the state tells of is gone.
    if (file_->bytes_on_opening() < saved->file_bytes) {
      if (file_->bytes_on_opening() == 0) return file_->truncate(0);
      return fail(ExitCode::usage, "'" + request_.path + ".partial' is shorter than it was" + anew);
    }
    done_ = *saved;
    return file_->truncate(done_.file_bytes);
  }

  Result<void> move_keys() {
    // Lines behind those that the state tells of, which were cut off, come again.
    bool is_at_end = done_.file_bytes > 0 && done_.cursor == "0";
    if (done_.file_bytes == 0) {
      file_->buffer() += header_row(request_.format);
      bytes_ = file_->buffer().size();
    }
    while (!is_at_end) {
      Result<void> moved = move_some();
      if (!moved) return moved;
      is_at_end = done_.cursor == "0";
    }
    return {};
  }

  Result<void> move_some() {
    std::string cursor = done_.cursor;
    Result<std::vector<std::string>> keys = source_->list(cursor, batch_keys());
    if (!keys) return tl::unexpected<Failure>(unlisted(std::move(keys.error())));
    const Result<KeySource::Counts> counts =
        source_->read(std::move(*keys), [this](const Record& record) { return write(record); });
    if (!counts) return tl::unexpected<Failure>(counts.error());
    done_.cursor = std::move(cursor);
    has_listed_ = true;
    done_.file_bytes = bytes_;
    done_.rows = rows_;
    done_.vanished += counts->vanished;
    done_.other_types += counts->other_types;
    return checkpoint();
  }

  /// So many that a batch, which an interruption may cost, stays small.
  std::size_t batch_keys() const {
    if (rows_ == 0) return kBatchKeysMax;
    return std::clamp(static_cast<std::size_t>(kBatchBytes / (bytes_ / rows_ + 1)), kBatchKeysMin,
                      kBatchKeysMax);
  }

  Failure unlisted(Failure failure) const {
    const bool is_saved_cursor = request_.is_resumed && !has_listed_ && done_.cursor != "0";
    if (is_saved_cursor && failure.code == ExitCode::error_reply) {
      failure.message +=
          " (a cursor does not outlive a change of the server's cores: if that is it, remove '" +
          request_.path + ".partial' to begin anew)";
    }
    return failure;
  }

  Result<void> write(const Record& record) {
    std::string& out = file_->buffer();
    const std::size_t bytes_before = out.size();
    append_row(out, request_.format, record);
    bytes_ += out.size() - bytes_before;
    ++rows_;
    meter_->show(progress());
    return file_->flush_when_large();
  }

  Result<void> checkpoint() {
    const auto now = std::chrono::steady_clock::now();
    if (!file_->is_file() || now - saved_at_ < kStateInterval) return {};
    saved_at_ = now;
    return save();
  }

  /// First what it tells of, then the state.
  Result<void> save() {
    Result<void> synced = file_->sync();
    return synced ? save_state(file_->state_path(), to_text(done_)) : synced;
  }

  /// Adds what is there already, and how to go on.
  Failure stopped(Failure failure) {
    if (!file_->is_file()) return failure;
    if (done_.rows == 0) {
      file_->discard();
      static_cast<void>(remove_state(file_->state_path()));
      return failure;
    }
    // Where it does not work (a full disk), the last one stands.
    static_cast<void>(save());
    failure.message +=
        "; before it: " + totals() + ". --resume goes on with '" + request_.path + ".partial'";
    return failure;
  }

  std::string totals() const {
    std::string text = rows_text(done_.rows) + " (" + size_text(done_.file_bytes) + ")";
    if (done_.vanished > 0) text += ", " + count_text(done_.vanished) + " gone meanwhile";
    if (done_.other_types > 0) {
      text += ", " + count_text(done_.other_types) + " left out that are no strings";
    }
    return text;
  }

  Progress progress() const {
    return {rows_, bytes_, rows_ + done_.vanished + done_.other_types, keys_};
  }

  const client::Options& options_;
  const ExportRequest& request_;
  Output& standard_output_;
  std::unique_ptr<client::Connection> connection_;
  std::unique_ptr<KeySource> source_;
  std::unique_ptr<ExportFile> file_;
  std::unique_ptr<ProgressMeter> meter_;

  std::uint64_t keys_ = 0;  // Of the server, at the start; 0: not known.
  ExportState done_;        // Whole batches of keys.
  // With the batch under way.
  std::uint64_t bytes_ = 0;
  std::uint64_t rows_ = 0;
  bool has_listed_ = false;
  std::chrono::steady_clock::time_point saved_at_ = std::chrono::steady_clock::now();
};

}  // namespace

Result<ExitCode> run_export(const client::Options& connection, const ExportRequest& request,
                            Output& standard_output) {
  return Export(connection, request, standard_output).run();
}

}  // namespace phoenix::cli::transfer
