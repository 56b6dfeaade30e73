// What a transfer decides, tells and remembers; that rows arrive is for tests/e2e to show.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "cli/options.h"
#include "cli/transfer/key_source.h"
#include "cli/transfer/progress.h"
#include "cli/transfer/server_errors.h"
#include "cli/transfer/state.h"

namespace phoenix::cli::transfer {

namespace {

Result<Options> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "phoenix-cli");
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

std::string usage_error(std::vector<const char*> arguments) {
  const Result<Options> options = parse(std::move(arguments));
  REQUIRE_FALSE(options.has_value());
  CHECK(options.error().code == ExitCode::usage);
  return options.error().message;
}

bool has(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

protocol::Value error_value(protocol::Status status, std::string_view text, bool has_prefix) {
  protocol::Value value;
  value.status = status;
  value.bytes = text;
  value.has_prefix = has_prefix;
  return value;
}

}  // namespace

TEST_CASE("import and export are words of the program, in lower case and without --") {
  auto options = parse({"-p", "7000", "import", "rows.csv", "--if-absent", "--on-error", "skip"});
  REQUIRE(options.has_value());
  CHECK(options->connection.endpoint.port == 7'000);
  CHECK(options->command.empty());
  REQUIRE(options->transfer.has_value());
  const auto* import = std::get_if<ImportRequest>(&*options->transfer);
  REQUIRE(import != nullptr);
  CHECK(import->path == "rows.csv");
  CHECK(import->format == RowFormat::csv);
  CHECK(import->if_absent);
  CHECK(import->skip_errors);
  CHECK_FALSE(import->is_resumed);

  options = parse({"export", "-", "--format", "jsonl", "--pattern", "-x*"});
  REQUIRE(options.has_value());
  const auto* exported = std::get_if<ExportRequest>(&*options->transfer);
  REQUIRE(exported != nullptr);
  CHECK(exported->path == "-");
  CHECK(exported->format == RowFormat::json_lines);
  CHECK(exported->pattern == "-x*");

  for (const std::vector<const char*>& command :
       std::vector<std::vector<const char*>>{{"IMPORT", "a.csv"}, {"--", "import", "a.csv"}}) {
    options = parse(command);
    REQUIRE(options.has_value());
    CHECK_FALSE(options->transfer.has_value());
    CHECK(options->command.size() == 2);
  }
}

TEST_CASE("the format is that of the name, if nobody says") {
  for (const char* name : {"a.jsonl", "a.ndjson", "a.csv.jsonl"}) {
    const auto options = parse({"import", name});
    REQUIRE(options.has_value());
    CHECK(std::get<ImportRequest>(*options->transfer).format == RowFormat::json_lines);
  }
  const auto options = parse({"import", "a.jsonl", "--format", "csv", "--resume"});
  REQUIRE(options.has_value());
  CHECK(std::get<ImportRequest>(*options->transfer).format == RowFormat::csv);
  CHECK(std::get<ImportRequest>(*options->transfer).is_resumed);
  CHECK(has(usage_error({"import", "rows"}), "say --format csv or --format jsonl"));
  CHECK(has(usage_error({"export", "-"}), "say --format csv or --format jsonl"));
}

TEST_CASE("what import and export do not take is told") {
  CHECK(has(usage_error({"import"}), "FILE"));
  CHECK(has(usage_error({"export", "a.csv", "b.csv"}), "b.csv"));
  CHECK(has(usage_error({"export", "a.csv", "-p", "7000"}), "stand before the word export"));
  CHECK(has(usage_error({"export", "a.csv", "--if-absent"}), "--if-absent"));
  CHECK(has(usage_error({"import", "a.csv", "--on-error", "maybe"}), "maybe"));
  CHECK(has(usage_error({"import", "a.csv", "--format", "xml"}), "xml"));
  for (const char* option : {"--json", "--raw", "--stat"}) {
    CHECK(has(usage_error({option, "export", "a.csv"}), "import and export go without"));
  }
  const auto options = parse({"import", "--help"});
  REQUIRE(options.has_value());
  CHECK(has(std::get<std::string>(*options->transfer), "--on-error stop|skip"));
}

TEST_CASE("a progress line shows what is known, and fits") {
  const Progress now{1'234'567, 50 << 20, 25, 100};
  const Progress since{1'000'000, 0, 20, 0};
  CHECK(progress_text(now, since, 10, 200) ==
        "[#####...............]  25 %  1,234,567 rows  50.0 MiB  100,000 rows/s  0:38 left");
  CHECK(progress_text(now, since, 10, 12) == "[#####......");
  CHECK(progress_text({1, 5, 0, 0}, {}, 0, 200) == "1 row  5 B");
  CHECK(progress_text({1, 5, 9, 0}, {1, 0, 9, 0}, 2, 200) == "1 row  5 B  0 rows/s");
  // More than was expected: keys came in meanwhile.
  CHECK(progress_text({150, 5, 150, 100}, {150, 5, 150, 0}, 10, 200) ==
        "[####################] 100 %  150 rows  5 B  15 rows/s");
  CHECK(clock_text(9) == "0:09");
  CHECK(clock_text(7'384) == "2:03:04");
  CHECK(count_text(999) == "999");
  CHECK(count_text(1'000) == "1,000");
}

TEST_CASE("a state is read back as it was written, and nothing else is taken for one") {
  ImportState import;
  import.server = "[::1]:6969";
  import.file_bytes = 100;
  import.fingerprint = 0xFFFF'FFFF'FFFF'FFFFU;
  import.format = RowFormat::json_lines;
  import.offset = 99;
  import.line = 8;
  import.rows = 4;
  import.expired = 3;
  import.present = 2;
  import.failed = 1;
  const std::string import_text = to_text(import);
  REQUIRE(import_state(import_text).has_value());
  CHECK(to_text(*import_state(import_text)) == import_text);

  ExportState exported;
  exported.server = "/run/phoenix.sock";
  exported.server_run = "abc";
  exported.pattern_base64 = "/yo=";
  exported.cursor = "18446744073709551615";
  exported.file_bytes = 7;
  exported.vanished = 5;
  exported.other_types = 6;
  const std::string export_text = to_text(exported);
  REQUIRE(export_state(export_text).has_value());
  CHECK(to_text(*export_state(export_text)) == export_text);

  CHECK_FALSE(import_state(export_text).has_value());
  CHECK_FALSE(export_state(import_text).has_value());
  for (const char* text : {"", " ", "{}", "[]", "null", "{\"state\":\"phoenix import 1\"}"}) {
    CAPTURE(text);
    CHECK_FALSE(import_state(text).has_value());
    CHECK_FALSE(export_state(text).has_value());
  }
  for (std::size_t bytes = 0; bytes + 2 < import_text.size(); ++bytes) {
    CHECK_FALSE(import_state(std::string_view(import_text).substr(0, bytes)).has_value());
  }
  import.offset = 101;  // Behind the file's end.
  CHECK_FALSE(import_state(to_text(import)).has_value());
  exported.cursor = "\xff";  // No UTF-8: nothing a state should have, and no end of the program.
  CHECK(export_state(to_text(exported)).has_value());
}

TEST_CASE("a state's file is replaced, and may be missing") {
  std::string directory = "/tmp/phoenix-cli-test-XXXXXX";
  REQUIRE(::mkdtemp(directory.data()) != nullptr);
  const std::string path = directory + "/rows.csv.import";
  CHECK(load_state(path).value() == "");
  CHECK(remove_state(path).has_value());
  CHECK(save_state(path, "one").has_value());
  CHECK(save_state(path, "two").has_value());
  CHECK(load_state(path).value() == "two");
  CHECK(remove_state(path).has_value());
  CHECK(::rmdir(directory.c_str()) == 0);  // Nothing else was left there.
  const Result<void> saved = save_state(path, "three");
  REQUIRE_FALSE(saved.has_value());
  CHECK(saved.error().code == ExitCode::output);
}

TEST_CASE("a state is read from and written to its own file alone") {
  std::string directory = "/tmp/phoenix-cli-test-XXXXXX";
  REQUIRE(::mkdtemp(directory.data()) != nullptr);
  const std::string path = directory + "/rows.csv.import";
  const std::string other = directory + "/other";
  REQUIRE(save_state(other, "other").has_value());
  // As somebody might lay them in a directory of many.
  REQUIRE(::symlink(other.c_str(), (path + ".new").c_str()) == 0);
  REQUIRE(::symlink(other.c_str(), path.c_str()) == 0);
  CHECK_FALSE(load_state(path).has_value());
  CHECK(save_state(path, "one").has_value());
  CHECK(load_state(path).value() == "one");
  CHECK(load_state(other).value() == "other");
  struct stat facts {};
  REQUIRE(::lstat(path.c_str(), &facts) == 0);
  CHECK((facts.st_mode & 077U) == 0);
  CHECK(remove_state(path).has_value());
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK_FALSE(import_state(load_state(path).value_or("")).has_value());  // And does not wait.
  for (const std::string& each : {path, other}) CHECK(remove_state(each).has_value());
  CHECK(::rmdir(directory.c_str()) == 0);
}

TEST_CASE("an expiry belongs to a value only when nobody set it anew between two looks") {
  // Asked at 1000; answered at 1010 and 1020.
  const auto looks = [](std::int64_t before_ms, std::int64_t after_ms) {
    return ExpiryLooks{before_ms, after_ms, 1'000, 1'010, 1'020};
  };
  CHECK(looks(-1, -1).agree());
  CHECK(looks(-1, -1).expires_at_ms() == 0);
  CHECK(looks(500, 500).agree());
  CHECK(looks(500, 480).agree());
  CHECK(looks(500, 500).expires_at_ms() == 1'510);
  CHECK(looks(500, 480).expires_at_ms() == 1'500);
  CHECK_FALSE(looks(-1, 500).agree());
  CHECK_FALSE(looks(500, -1).agree());
  CHECK_FALSE(looks(500, 501).agree());
  CHECK_FALSE(looks(500, 400).agree());
  // Taken as it is in the end: what was seen behind the value counts.
  CHECK(looks(-1, 500).expires_at_ms() == 1'520);
  CHECK(looks(500, -1).expires_at_ms() == 0);
  CHECK(looks(500, 400).expires_at_ms() == 1'420);
  // A clock that was set back says nothing.
  CHECK_FALSE(ExpiryLooks{500, 490, 1'000, 900, 910}.agree());
  CHECK(looks(std::int64_t{1} << 60, std::int64_t{1} << 60).expires_at_ms() == protocol::kTtlMsMax);
}

TEST_CASE("an expiry that is told as a time is taken as it is") {
  const auto looks = [](std::int64_t before_ms, std::int64_t after_ms) {
    return ExpiryLooks{before_ms, after_ms, 1'000, 1'010, 1'020, true};
  };
  CHECK(looks(-1, -1).agree());
  CHECK(looks(-1, -1).expires_at_ms() == 0);
  CHECK(looks(5'000, 5'000).agree());
  CHECK(looks(5'000, 5'000).expires_at_ms() == 5'000);
  CHECK_FALSE(looks(5'000, 4'999).agree());
  CHECK_FALSE(looks(-1, 5'000).agree());
  CHECK(looks(-1, 5'000).expires_at_ms() == 5'000);
  CHECK(looks(std::int64_t{1} << 60, std::int64_t{1} << 60).expires_at_ms() == protocol::kTtlMsMax);
}

TEST_CASE("errors that would meet the next row, too, are told from those of one row") {
  using protocol::Status;
  CHECK(is_about_row(error_value(Status::error, "bad ttl", false)));
  CHECK(is_about_row(error_value(Status::too_large, "value too large", false)));
  CHECK(is_about_row(error_value(Status::error, "ERR invalid expire time", true)));
  CHECK_FALSE(is_about_row(error_value(Status::out_of_memory, "full", false)));
  CHECK_FALSE(is_about_row(error_value(Status::disk_full, "full", false)));
  CHECK_FALSE(is_about_row(error_value(Status::shutting_down, "bye", false)));
  CHECK_FALSE(is_about_row(error_value(Status::error, "READONLY You can't write", true)));
  CHECK_FALSE(is_about_row(error_value(Status::error, "MOVED 1 127.0.0.1:1", true)));
}

}  // namespace phoenix::cli::transfer
