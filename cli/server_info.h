// The numbers of a server's INFO page, by name. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace phoenix::cli {

using InfoFields = std::map<std::string, double, std::less<>>;

/// Lines of name:number; others are left out. "keys" is there too when the server has it by
/// database only (db0:keys=7,...).
InfoFields parse_info(std::string_view page);

}  // namespace phoenix::cli
