// What an interrupted transfer leaves behind so that it can go on: a small JSON file, replaced
// atomically, which never says more than what is safely done.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/result.h"
#include "cli/transfer/record.h"

namespace phoenix::cli::transfer {

/// Everything of the file before `offset` was answered.
struct ImportState {
  // What it belongs to.
  std::string server;  // Its address; printable, as all text of a state.
  std::uint64_t file_bytes = 0;
  std::uint64_t fingerprint = 0;
  RowFormat format = RowFormat::csv;
  // How far it is.
  std::uint64_t offset = 0;
  std::uint64_t line = 1;  // That begins there.
  std::uint64_t rows = 0;
  std::uint64_t expired = 0;
  std::uint64_t present = 0;  // Kept as they were (--if-absent).
  std::uint64_t failed = 0;
};

/// The first `file_bytes` of the output hold every row of the keys before `cursor`.
struct ExportState {
  std::string server;
  std::string server_run;  // Cursors hold for one run of the server only when this is not empty.
  std::string pattern_base64;  // It may be any bytes.
  RowFormat format = RowFormat::csv;
  std::string cursor = "0";
  std::uint64_t file_bytes = 0;
  std::uint64_t rows = 0;
  std::uint64_t vanished = 0;
  std::uint64_t other_types = 0;
};

[[nodiscard]] std::string to_text(const ImportState& state);
[[nodiscard]] std::string to_text(const ExportState& state);
/// None when it is not what to_text() makes.
[[nodiscard]] std::optional<ImportState> import_state(std::string_view text);
[[nodiscard]] std::optional<ExportState> export_state(std::string_view text);

/// The file's text; empty when there is no such file.
Result<std::string> load_state(const std::string& path);
/// On stable storage when it returns. Failures have ExitCode::output.
Result<void> save_state(const std::string& path, const std::string& text);
/// It need not be there. Survives a power cut when it returns.
Result<void> remove_state(const std::string& path);

/// Makes names in the directory of `path` survive a power cut.
Result<void> sync_directory_of(const std::string& path);

}  // namespace phoenix::cli::transfer
