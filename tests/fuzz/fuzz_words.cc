// Lines of phoenix-cli, and what is printed so that it reads back: the tokenizer takes any line,
// and words that were quoted, for the terminal or for the history, are the same words again. And
// the files in which an interrupted transfer says how far it is: what is read is written as it was.
//
// Input: a byte that chooses (0: a line, 1: words, each with its size in a byte, 2: a state), then
// the bytes.
#include <algorithm>
#include <string>
#include <vector>

#include "cli/history.h"
#include "cli/renderer.h"
#include "cli/server_info.h"
#include "cli/transfer/state.h"
#include "phoenix/client/tokenizer.h"
#include "tests/fuzz/fuzz.h"

using namespace phoenix;

namespace {

void check_reads_back(const std::vector<std::string>& words) {
  std::string shown;
  for (const auto& word : words) {
    cli::append_quoted(shown, word);
    shown += ' ';
  }
  const auto again = client::tokenize(shown);
  FUZZ_CHECK(again.has_value() && *again == words);
  const std::string line = cli::one_line(words);
  FUZZ_CHECK(line.find('\n') == std::string::npos);
  const auto from_history = client::tokenize(line);
  FUZZ_CHECK(from_history.has_value() && *from_history == words);
}

void fuzz_line(std::string_view line) {
  const auto words = client::tokenize(line);
  if (words) {
    std::size_t bytes = 0;
    for (const auto& word : *words) bytes += word.size();
    FUZZ_CHECK(bytes <= line.size());
    return check_reads_back(*words);
  }
  FUZZ_CHECK(!words.error().message.empty());
  FUZZ_CHECK(words.error().column >= 1 && words.error().column <= line.size() + 1);
  (void)cli::parse_info(line);
}

void fuzz_words(std::string_view input) {
  std::vector<std::string> words;
  while (!input.empty()) {
    const std::size_t size = fuzz::take_byte(input);
    words.emplace_back(input.substr(0, size));
    input.remove_prefix(words.back().size());
  }
  check_reads_back(words);
}

template <typename State>
void check_state(const std::optional<State>& state,
                 std::optional<State> (*read)(std::string_view)) {
  if (!state) return;
  const std::string text = cli::transfer::to_text(*state);
  const auto again = read(text);
  FUZZ_CHECK(again.has_value() && cli::transfer::to_text(*again) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  switch (fuzz::take_byte(input) % 3) {
    case 0:
      fuzz_line(input);
      break;
    case 1:
      fuzz_words(input);
      break;
    default:
      check_state(cli::transfer::import_state(input), cli::transfer::import_state);
      check_state(cli::transfer::export_state(input), cli::transfer::export_state);
      break;
  }
  return 0;
}
