#include "cli/transfer/state.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "cli/base64.h"
#include "cli/output.h"
#include "phoenix/client/socket.h"

namespace phoenix::cli::transfer {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kStateBytesMax = std::size_t{64} << 10U;
constexpr const char* kImport = "phoenix import 1";
constexpr const char* kExport = "phoenix export 1";

/// Takes fields out of a state; once one is missing or of another type, all is over.
class Fields final {
 public:
  Fields(std::string_view text, const char* what)
      : json_(Json::parse(text, nullptr, /*allow_exceptions=*/false)) {
    is_sound_ = json_.is_object();
    std::string stated;
    take("state", stated);
    is_sound_ = is_sound_ && stated == what;
  }

  bool is_sound() const { return is_sound_; }

  void take(const char* name, std::string& into) {
    const Json* field = find(name);
    is_sound_ = field != nullptr && field->is_string();
    if (is_sound_) into = field->get<std::string>();
  }

  void take(const char* name, std::uint64_t& into) {
    const Json* field = find(name);
    is_sound_ = field != nullptr && field->is_number_unsigned();
    if (is_sound_) into = field->get<std::uint64_t>();
  }

  void take(const char* name, RowFormat& into) {
    std::string text;
    take(name, text);
    is_sound_ = is_sound_ && (text == "csv" || text == "jsonl");
    into = text == "csv" ? RowFormat::csv : RowFormat::json_lines;
  }

 private:
  const Json* find(const char* name) const {
    if (!is_sound_) return nullptr;
    const auto found = json_.find(name);
    return found == json_.end() ? nullptr : &*found;
  }

  Json json_;
  bool is_sound_ = false;
};

const char* format_name(RowFormat format) {
  return format == RowFormat::csv ? "csv" : "jsonl";
}

tl::unexpected<Failure> failed(const char* what, const std::string& path, int error) {
  return fail(ExitCode::output,
              "cannot " + std::string(what) + " '" + path + "': " + client::os_error_text(error));
}

}  // namespace

std::string to_text(const ImportState& state) {
  return Json{{"state", kImport},
              {"server", state.server},
              {"file_bytes", state.file_bytes},
              {"fingerprint", state.fingerprint},
              {"format", format_name(state.format)},
              {"offset", state.offset},
              {"line", state.line},
              {"rows", state.rows},
              {"expired", state.expired},
              {"present", state.present},
              {"failed", state.failed}}
             .dump(2) +
         "\n";
}

std::string to_text(const ExportState& state) {
  return Json{{"state", kExport},
              {"server", state.server},
              {"server_run", state.server_run},
              {"pattern_base64", base64(state.pattern)},
              {"format", format_name(state.format)},
              {"cursor", state.cursor},
              {"file_bytes", state.file_bytes},
              {"rows", state.rows},
              {"vanished", state.vanished},
              {"other_types", state.other_types}}
             .dump(2) +
         "\n";
}

std::optional<ImportState> import_state(std::string_view text) {
  ImportState state;
  Fields fields(text, kImport);
  fields.take("server", state.server);
  fields.take("file_bytes", state.file_bytes);
  fields.take("fingerprint", state.fingerprint);
  fields.take("format", state.format);
  fields.take("offset", state.offset);
  fields.take("line", state.line);
  fields.take("rows", state.rows);
  fields.take("expired", state.expired);
  fields.take("present", state.present);
  fields.take("failed", state.failed);
  const bool is_sound = fields.is_sound() && state.offset <= state.file_bytes;
  return is_sound ? std::optional(std::move(state)) : std::nullopt;
}

std::optional<ExportState> export_state(std::string_view text) {
  ExportState state;
  std::string pattern_text;
  Fields fields(text, kExport);
  fields.take("server", state.server);
  fields.take("server_run", state.server_run);
  fields.take("pattern_base64", pattern_text);
  fields.take("format", state.format);
  fields.take("cursor", state.cursor);
  fields.take("file_bytes", state.file_bytes);
  fields.take("rows", state.rows);
  fields.take("vanished", state.vanished);
  fields.take("other_types", state.other_types);
  std::optional<std::string> pattern = from_base64(pattern_text);
  if (!fields.is_sound() || !pattern) return std::nullopt;
  state.pattern = std::move(*pattern);
  return state;
}

Result<std::string> load_state(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return std::string();
  if (fd < 0) return failed("read", path, errno);
  std::string text(kStateBytesMax, '\0');
  const ssize_t count = ::read(fd, text.data(), text.size());
  const int error = errno;
  static_cast<void>(::close(fd));  // Opened for reading: closing can lose nothing.
  if (count < 0) return failed("read", path, error);
  text.resize(static_cast<std::size_t>(count));
  // A file that is there and holds nothing is no state either, and must not look like none.
  return text.empty() ? " " : text;
}

Result<void> save_state(const std::string& path, const std::string& text) {
  const std::string draft = path + ".new";
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return failed("write", draft, errno);
  Output output(fd);
  output.buffer() = text;
  Result<void> written = output.flush();
  if (written && ::fsync(fd) != 0) written = failed("write", draft, errno);
  const Result<void> closed = output.finish();
  if (!written) return written;
  if (!closed) return closed;
  if (std::rename(draft.c_str(), path.c_str()) != 0) return failed("write", path, errno);
  return sync_directory_of(path);
}

Result<void> remove_state(const std::string& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  return failed("remove", path, errno);
}

Result<void> sync_directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed("write", directory, errno);
  // Some file systems have nothing to sync there, and say so.
  const int error = ::fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
  static_cast<void>(::close(fd));
  return error == 0 ? Result<void>{} : failed("write", directory, error);
}

}  // namespace phoenix::cli::transfer
