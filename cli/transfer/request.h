// The words behind phoenix-cli's `import` and `export`.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cli/result.h"
#include "cli/transfer/export.h"
#include "cli/transfer/import.h"

namespace phoenix::cli::transfer {

/// A text is the help that was asked for.
using Request = std::variant<ImportRequest, ExportRequest, std::string>;

/// The first word of a command is one of this program's own, and goes to no server: `import` or
/// `export`, in lower case only.
[[nodiscard]] bool is_transfer(std::string_view word);

/// `words` begin with such a word. Failures have ExitCode::usage.
Result<Request> parse_request(std::vector<std::string> words);

}  // namespace phoenix::cli::transfer
