#include "cli/json.h"
#include "cli/key_lister.h"
#include "cli/modes.h"

namespace phoenix::cli {

namespace {

/// Keys that are listed with one request.
constexpr std::size_t kPageKeys = 1'000;

void append_key(std::string& out, Format format, std::string_view key) {
  if (format == Format::human) append_quoted(out, key);
  if (format == Format::raw) out += key;
  if (format == Format::json) out += json_string(key);
  out += '\n';
}

}  // namespace

Result<ExitCode> run_scan(const ModeContext& context) {
  KeyLister keys(context.connection, context.wire, context.options.pattern);
  ModeBounds bounds(context.options);
  while (!keys.is_done() && !bounds.is_reached()) {
    const auto page = keys.next_page(kPageKeys);
    if (!page && page.error().code == ExitCode::interrupted) {
      print_note("\nStopped: these are not all keys.\n");
      return ExitCode::interrupted;
    }
    if (!page) return tl::unexpected<Failure>(page.error());
    for (const std::string& key : *page) {
      if (bounds.is_reached()) break;
      append_key(context.output.buffer(), context.format, key);
      bounds.count_one();
    }
    const Result<void> written = context.output.flush();
    if (!written) return tl::unexpected<Failure>(written.error());
  }
  return ExitCode::ok;
}

}  // namespace phoenix::cli
