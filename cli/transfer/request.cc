#include "cli/transfer/request.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace phoenix::cli::transfer {

namespace {

constexpr std::string_view kImportWord = "import";
constexpr std::string_view kExportWord = "export";

/// What both take.
struct Arguments {
  std::string path;
  std::string format;
  std::string pattern;
  bool is_resumed = false;
  bool if_absent = false;
  std::string on_error = "stop";
};

void declare_import(CLI::App& app, Arguments& arguments) {
  app.add_option("FILE", arguments.path, "What to read; - is standard input")->required();
  app.add_flag("--resume", arguments.is_resumed, "Go on where the last import of FILE ended");
  app.add_flag("--if-absent", arguments.if_absent, "Keep keys that are there already");
  app.add_option("--on-error", arguments.on_error, "At a bad row: stop, or tell it and go on")
      ->check(CLI::IsMember({"stop", "skip"}))
      ->option_text("stop|skip [stop]");
}

void declare_export(CLI::App& app, Arguments& arguments) {
  app.add_option("FILE", arguments.path, "What to write; - is standard output")->required();
  app.add_flag("--resume", arguments.is_resumed, "Go on with an export to FILE that did not end");
  app.add_option("--pattern", arguments.pattern, "Only keys that match this glob pattern")
      ->option_text("PATTERN");
}

/// By the name, when nobody says.
Result<RowFormat> format_of(const Arguments& arguments) {
  const std::string_view path = arguments.path;
  const bool is_told = !arguments.format.empty();
  if (is_told ? arguments.format == "csv" : path.ends_with(".csv")) return RowFormat::csv;
  if (is_told || path.ends_with(".jsonl") || path.ends_with(".ndjson")) {
    return RowFormat::json_lines;
  }
  return fail(ExitCode::usage, "the name '" + arguments.path +
                                   "' does not end in .csv or .jsonl: say --format csv or "
                                   "--format jsonl");
}

/// The help, when it was asked for.
Result<std::optional<std::string>> parse(CLI::App& app, std::vector<std::string> words) {
  // The parser takes them from the back, and throws: its exceptions end here.
  std::reverse(words.begin(), words.end());
  try {
    app.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    return std::optional(app.help());
  } catch (const CLI::ExtrasError& error) {
    return fail(ExitCode::usage, std::string(error.what()) +
                                     "; options of the connection stand before the word " +
                                     app.get_name().substr(app.get_name().find(' ') + 1));
  } catch (const CLI::ParseError& error) {
    return fail(ExitCode::usage, error.what());
  }
  return std::optional<std::string>();
}

}  // namespace

bool is_transfer(std::string_view word) {
  return word == kImportWord || word == kExportWord;
}

Result<Request> parse_request(std::vector<std::string> words) {
  const bool is_import = words.front() == kImportWord;
  Arguments arguments;
  CLI::App app(is_import ? "Stores the rows of a file. See docs/TRANSFER.md for their form."
                         : "Writes keys, their values and expiries into a file.",
               "phoenix-cli " + words.front());
  app.set_help_flag("--help", "Print this help and end");
  if (is_import) {
    declare_import(app, arguments);
  } else {
    declare_export(app, arguments);
  }
  app.add_option("--format", arguments.format, "Of the rows, if FILE's name does not say it")
      ->check(CLI::IsMember({"csv", "jsonl"}))
      ->option_text("csv|jsonl");
  words.erase(words.begin());
  Result<std::optional<std::string>> help = parse(app, std::move(words));
  if (!help) return tl::unexpected<Failure>(std::move(help.error()));
  if (*help) return Request(std::move(**help));
  const Result<RowFormat> format = format_of(arguments);
  if (!format) return tl::unexpected<Failure>(format.error());
  if (is_import) {
    return Request(ImportRequest{arguments.path, *format, arguments.is_resumed, arguments.if_absent,
                                 arguments.on_error == "skip"});
  }
  return Request(ExportRequest{arguments.path, *format, arguments.pattern, arguments.is_resumed});
}

}  // namespace phoenix::cli::transfer
