#include <algorithm>
#include <cctype>

#include "bench/report/report.h"

namespace phoenix::bench {
namespace {

bool needs_no_quotes(char letter) {
  constexpr std::string_view kPlain = "@%_-+=:,./";
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 ||
         kPlain.find(letter) != std::string_view::npos;
}

std::string quoted(const std::string& word) {
  if (!word.empty() && std::all_of(word.begin(), word.end(), needs_no_quotes)) return word;
  std::string out = "'";
  for (const char letter : word) {
    // A quote ends the text, stands by itself, and begins it again.
    out += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
  }
  return out + "'";
}

bool names_seed(const std::string& word) {
  return word == "--seed" || word.starts_with("--seed=");
}

}  // namespace

std::string shell_command(const std::vector<std::string>& arguments, std::uint64_t seed) {
  std::string line;
  for (const std::string& word : arguments) {
    // Where the program lies is of the machine.
    line += line.empty() ? quoted(word.substr(word.rfind('/') + 1)) : " " + quoted(word);
  }
  if (std::none_of(arguments.begin(), arguments.end(), names_seed)) {
    line += " --seed " + std::to_string(seed);
  }
  return line;
}

}  // namespace phoenix::bench
