#include "cli/transfer/state.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <type_traits>
#include <utility>

#include "cli/output.h"
#include "phoenix/client/socket.h"

namespace phoenix::cli::transfer {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kStateBytesMax = std::size_t{64} << 10U;
constexpr const char* kImport = "phoenix import 1";
constexpr const char* kExport = "phoenix export 1";

/// What a state consists of, by name: for writing it (a const State) and for reading it.
template <typename State, typename Visitor>
void visit_fields(State& state, Visitor& visit) {
  visit("server", state.server);
  visit("format", state.format);
  visit("file_bytes", state.file_bytes);
  visit("rows", state.rows);
  if constexpr (std::is_same_v<std::remove_const_t<State>, ImportState>) {
    visit("fingerprint", state.fingerprint);
    visit("offset", state.offset);
    visit("line", state.line);
    visit("expired", state.expired);
    visit("present", state.present);
    visit("failed", state.failed);
  } else {
    visit("server_run", state.server_run);
    visit("pattern_base64", state.pattern_base64);
    visit("cursor", state.cursor);
    visit("vanished", state.vanished);
    visit("other_types", state.other_types);
  }
}

class FieldWriter final {
 public:
  explicit FieldWriter(const char* what) : json_{{"state", what}} {}

  void operator()(const char* name, const std::string& text) { json_[name] = text; }
  void operator()(const char* name, std::uint64_t number) { json_[name] = number; }
  void operator()(const char* name, RowFormat format) {
    json_[name] = format == RowFormat::csv ? "csv" : "jsonl";
  }

  /// Only text that is no UTF-8, which no state has, would be changed.
  std::string text() const {
    return json_.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  }

 private:
  Json json_;
};

/// Once a field is missing or of another type, all is over.
class FieldReader final {
 public:
  FieldReader(std::string_view text, const char* what)
      : json_(Json::parse(text, nullptr, /*allow_exceptions=*/false)) {
    is_sound_ = json_.is_object();
    std::string stated;
    (*this)("state", stated);
    is_sound_ = is_sound_ && stated == what;
  }

  bool is_sound() const { return is_sound_; }

  void operator()(const char* name, std::string& into) {
    const Json* field = find(name);
    is_sound_ = field != nullptr && field->is_string();
    if (is_sound_) into = field->get<std::string>();
  }

  void operator()(const char* name, std::uint64_t& into) {
    const Json* field = find(name);
    is_sound_ = field != nullptr && field->is_number_unsigned();
    if (is_sound_) into = field->get<std::uint64_t>();
  }

  void operator()(const char* name, RowFormat& into) {
    std::string text;
    (*this)(name, text);
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

template <typename State>
std::string write_fields(const State& state, const char* what) {
  FieldWriter writer(what);
  visit_fields(state, writer);
  return writer.text();
}

template <typename State>
std::optional<State> read_fields(std::string_view text, const char* what) {
  State state;
  FieldReader reader(text, what);
  visit_fields(state, reader);
  return reader.is_sound() ? std::optional(std::move(state)) : std::nullopt;
}

tl::unexpected<Failure> failed(const char* what, const std::string& path, int error) {
  return fail(ExitCode::output,
              "cannot " + std::string(what) + " '" + path + "': " + client::os_error_text(error));
}

}  // namespace

std::string to_text(const ImportState& state) {
  return write_fields(state, kImport);
}

std::string to_text(const ExportState& state) {
  return write_fields(state, kExport);
}

std::optional<ImportState> import_state(std::string_view text) {
  std::optional<ImportState> state = read_fields<ImportState>(text, kImport);
  return state && state->offset <= state->file_bytes ? state : std::nullopt;
}

std::optional<ExportState> export_state(std::string_view text) {
  return read_fields<ExportState>(text, kExport);
}

Result<std::string> load_state(const std::string& path) {
  // Without waiting for who might write to a named pipe.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
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
  // Whatever has the name, a link to another file say, is not written into: in a directory of many
  // it may be somebody else's.
  static_cast<void>(::unlink(draft.c_str()));  // If it stays, the next line tells.
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
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
  if (::unlink(path.c_str()) == 0) return sync_directory_of(path);
  const int error = errno;
  // A file system that is read-only says so before it looks whether there is such a file.
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0 && errno == ENOENT) return {};
  return failed("remove", path, error);
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
