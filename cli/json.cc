#include "cli/json.h"

#include <nlohmann/json.hpp>

#include <utility>

#include "cli/base64.h"
#include "cli/renderer.h"
#include "cli/utf8.h"

namespace phoenix::cli {

namespace {

using Json = nlohmann::json;
using protocol::Kind;
using protocol::Value;

Json bytes_json(std::string_view bytes) {
  if (is_utf8(bytes)) return Json(std::string(bytes));
  return Json{{"base64", base64(bytes)}};
}

Json value_json(const Value& value);

bool has_text_keys(const Value& map) {
  for (std::size_t i = 0; i < map.items.size(); i += 2) {
    const Value& key = map.items[i];
    if ((key.kind != Kind::bytes && key.kind != Kind::text) || !is_utf8(key.bytes)) return false;
  }
  return true;
}

// The decoder bounds the depth (kReplyDepthMax).
// NOLINTNEXTLINE(misc-no-recursion)
Json pairs_json(const Value& map) {
  Json pairs = Json::array();
  for (std::size_t i = 0; i + 1 < map.items.size(); i += 2) {
    pairs.push_back(Json::array({value_json(map.items[i]), value_json(map.items[i + 1])}));
  }
  return pairs;
}

// NOLINTNEXTLINE(misc-no-recursion)
Json map_json(const Value& map) {
  if (!has_text_keys(map)) return pairs_json(map);
  Json object = Json::object();
  for (std::size_t i = 0; i + 1 < map.items.size(); i += 2) {
    object[std::string(map.items[i].bytes)] = value_json(map.items[i + 1]);
  }
  // A key that came twice would have hidden a value.
  return object.size() == map.items.size() / 2 ? object : pairs_json(map);
}

// NOLINTNEXTLINE(misc-no-recursion)
Json value_json(const Value& value) {
  switch (value.kind) {
    case Kind::bytes:
    case Kind::text:
      return bytes_json(value.bytes);
    case Kind::integer:
      return Json(value.integer);
    case Kind::list: {
      Json list = Json::array();
      for (const Value& item : value.items) list.push_back(value_json(item));
      return list;
    }
    case Kind::map:
      return map_json(value);
    case Kind::none:
    case Kind::nil:
    case Kind::error:
      break;
  }
  if (protocol::is_error(value.status)) return Json{{"error", bytes_json(error_line(value))}};
  return value.status == protocol::Status::nil ? Json(nullptr) : Json("OK");
}

void append_escape(std::string& out, char32_t unit) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += "\\u";
  for (const unsigned shift : {12U, 8U, 4U, 0U}) out += kDigits[(unit >> shift) & 15U];
}

/// It may go to a terminal, and there are more characters that steer one than JSON escapes.
std::string for_terminal(const Json& json) {
  const std::string text = json.dump();
  std::string safe;
  safe.reserve(text.size());
  for (std::string_view rest = text; !rest.empty();) {
    const Character character = first_character(rest);
    const char32_t point = character.code_point;
    if (is_printable(point)) {
      safe.append(rest.substr(0, character.bytes));
    } else if (point > 0xFFFF) {
      append_escape(safe, 0xD800 + ((point - 0x10000) >> 10U));
      append_escape(safe, 0xDC00 + ((point - 0x10000) & 0x3FFU));
    } else {
      append_escape(safe, point);
    }
    rest.remove_prefix(character.bytes);
  }
  return safe;
}

}  // namespace

std::string to_json(const Value& value) {
  return for_terminal(value_json(value));
}

std::string json_string(std::string_view text) {
  return for_terminal(bytes_json(text));
}

std::string json_file_string(std::string_view text) {
  return bytes_json(text).dump();
}

std::string json_error(std::string_view text) {
  return for_terminal(Json{{"error", bytes_json(text)}});
}

}  // namespace phoenix::cli
