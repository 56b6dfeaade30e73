#include "tests/unit/protocol/support.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>

#include <doctest/doctest.h>

namespace {

std::atomic<std::size_t> allocated{0};

void* counted_allocation(std::size_t bytes) {
  allocated += bytes;
  void* const memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) std::abort();
  return memory;
}

const std::string kGoldenFolder = "tests/unit/protocol/golden/";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

// The whole test program counts: the default array forms end up here too.
void* operator new(std::size_t bytes) {
  return counted_allocation(bytes);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace phoenix::protocol::test {

std::size_t allocated_bytes() {
  return allocated;
}

std::string read_source_file(const std::string& path) {
  std::ifstream file(std::string(PHX_SOURCE_ROOT) + "/" + path, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), "cannot open ", path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string parse_hex(std::string_view text) {
  std::string bytes;
  bool in_comment = false;
  int high = -1;
  for (const char c : text) {
    if (c == '\n') in_comment = false;
    if (c == '#') in_comment = true;
    if (in_comment || c == ' ' || c == '\n') {
      REQUIRE_MESSAGE(high < 0, "half a byte of hex");
      continue;
    }
    const int digit = hex_digit(c);
    REQUIRE_MESSAGE(digit >= 0, "not upper-case hex: ", c);
    if (high >= 0) bytes.push_back(static_cast<char>(high * 16 + digit));
    high = high >= 0 ? -1 : digit;
  }
  REQUIRE_MESSAGE(high < 0, "half a byte of hex");
  return bytes;
}

std::string golden(const std::string& name) {
  return parse_hex(read_source_file(kGoldenFolder + name + ".hex"));
}

std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  const std::filesystem::path folder = std::string(PHX_SOURCE_ROOT) + "/" + kGoldenFolder;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() == ".hex") names.push_back(file.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool same(const Value& a, const Value& b) {
  return a.kind == b.kind && a.status == b.status && a.integer == b.integer && a.bytes == b.bytes &&
         std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), same);
}

Value none(Status status, std::string_view text) {
  Value value;
  value.status = status;
  value.bytes = text;
  return value;
}

Value bytes(std::string_view bytes) {
  Value value;
  value.kind = Kind::bytes;
  value.bytes = bytes;
  return value;
}

Value text(std::string_view text) {
  Value value;
  value.kind = Kind::text;
  value.bytes = text;
  return value;
}

Value integer(std::int64_t integer) {
  Value value;
  value.kind = Kind::integer;
  value.integer = integer;
  return value;
}

Value nil() {
  Value value;
  value.kind = Kind::nil;
  value.status = Status::nil;
  return value;
}

Value error(Status status, std::string_view text) {
  Value value;
  value.kind = Kind::error;
  value.status = status;
  value.bytes = text;
  return value;
}

Value list(std::vector<Value> items) {
  Value value;
  value.kind = Kind::list;
  value.items = std::move(items);
  return value;
}

Value map(std::vector<Value> keys_and_values) {
  Value value;
  value.kind = Kind::map;
  value.items = std::move(keys_and_values);
  return value;
}

std::string_view Samples::word(std::size_t bytes_max) {
  std::string& word = words_.emplace_back(below(4) == 0 ? below(bytes_max + 1) : below(12), '\0');
  if (word.size() > bytes_max) word.resize(bytes_max);
  for (char& c : word) c = static_cast<char>(random_());
  return word;
}

Value Samples::reply() {
  switch (below(10)) {
    case 0:
      return none();
    case 1:
      return none(Status::nil);
    case 2: {
      const auto status = static_cast<Status>(16 + below(240));
      return none(status, word(kErrorTextBytesMax));
    }
    case 3:
    case 4:
      return items(below(3) == 0 ? Kind::map : Kind::list, 0);
    case 5:
      return integer(static_cast<std::int64_t>(random_()));
    case 6:
      return text(word(100));
    default:
      return bytes(word(2000));
  }
}

Value Samples::nested(std::uint32_t depth) {
  switch (below(8)) {
    case 0:
      return none();
    case 1:
      return nil();
    case 2: {
      const auto status = static_cast<Status>(16 + below(240));
      return error(status, word(kErrorTextBytesMax));
    }
    case 3:
      return integer(static_cast<std::int64_t>(random_()));
    case 4:
      return text(word(30));
    case 5:
    case 6:
      if (depth < kReplyDepthMax) return items(below(3) == 0 ? Kind::map : Kind::list, depth);
      [[fallthrough]];
    default:
      return bytes(word(60));
  }
}

Value Samples::items(Kind kind, std::uint32_t depth) {
  const std::uint64_t count = below(4) * (kind == Kind::map ? 2 : 1);
  std::vector<Value> values;
  for (std::uint64_t i = 0; i < count; ++i) values.push_back(nested(depth + 1));
  return kind == Kind::map ? map(std::move(values)) : list(std::move(values));
}

}  // namespace phoenix::protocol::test
