#include "cli/command_docs.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace phoenix::cli {

namespace {

using protocol::Value;

/// The value of `name` in what is a map to RESP3 and a flat list to RESP2; null when there is none.
const Value* field(const Value& map, std::string_view name) {
  for (std::size_t i = 0; i + 1 < map.items.size(); i += 2) {
    if (map.items[i].bytes == name) return &map.items[i + 1];
  }
  return nullptr;
}

std::string_view text_field(const Value& map, std::string_view name) {
  const Value* value = field(map, name);
  return value == nullptr ? std::string_view() : value->bytes;
}

bool has_flag(const Value& argument, std::string_view flag) {
  const Value* flags = field(argument, "flags");
  if (flags == nullptr) return false;
  return std::any_of(flags->items.begin(), flags->items.end(),
                     [flag](const Value& each) { return each.bytes == flag; });
}

std::string synopsis(const Value& arguments, std::string_view separator);

/// "seconds", "EX seconds", "NX | XX", "score member": without what its flags add.
// NOLINTNEXTLINE(misc-no-recursion): a reply is at most kRespDepthMax deep.
std::string body(const Value& argument) {
  const std::string_view type = text_field(argument, "type");
  std::string text(text_field(argument, "token"));
  if (type == "pure-token") return text;
  const Value* parts = field(argument, "arguments");
  std::string rest(text_field(argument, "name"));
  if (parts != nullptr) rest = synopsis(*parts, type == "oneof" ? " | " : " ");
  if (!text.empty() && type == "oneof") rest = "<" + rest + ">";
  if (!text.empty() && !rest.empty()) text += ' ';
  return text + rest;
}

// NOLINTNEXTLINE(misc-no-recursion)
std::string synopsis(const Value& arguments, std::string_view separator) {
  std::string text;
  for (const Value& argument : arguments.items) {
    std::string one = body(argument);
    if (one.empty()) continue;
    const bool is_choice = text_field(argument, "type") == "oneof" && separator == " ";
    const bool is_optional = has_flag(argument, "optional");
    const bool is_multiple = has_flag(argument, "multiple");
    if (is_optional) {
      one = "[" + one + (is_multiple ? " ...]" : "]");
    } else if (is_multiple) {
      const std::string again = " [" + one + " ...]";
      one = (is_choice ? "<" + one + ">" : one) + again;
    } else if (is_choice) {
      one = "<" + one + ">";
    }
    if (!text.empty()) text += separator;
    text += one;
  }
  return text;
}

void add_command(HelpIndex& index, std::string_view name, const Value& command) {
  const Value* arguments = field(command, "arguments");
  index.add(name, arguments == nullptr ? std::string() : synopsis(*arguments, " "));
}

}  // namespace

HelpIndex index_of_docs(const Value& docs) {
  HelpIndex index;
  for (std::size_t i = 0; i + 1 < docs.items.size(); i += 2) {
    const Value& command = docs.items[i + 1];
    add_command(index, docs.items[i].bytes, command);
    const Value* inner = field(command, "subcommands");
    for (std::size_t j = 0; inner != nullptr && j + 1 < inner->items.size(); j += 2) {
      std::string name(inner->items[j].bytes);  // "config|get"
      std::replace(name.begin(), name.end(), '|', ' ');
      add_command(index, name, inner->items[j + 1]);
    }
  }
  return index;
}

Result<HelpIndex> ask_help(Session& session) {
  HelpIndex index;
  if (session.wire() == client::Wire::resp) {
    const Result<client::Reply> docs = session.ask({"COMMAND", "DOCS"});
    if (!docs) return tl::unexpected<Failure>(docs.error());
    index = index_of_docs(docs->value);
    if (!index.empty()) return index;
  }
  const Result<client::Reply> page = session.ask({"HELP"});
  if (!page) return tl::unexpected<Failure>(page.error());
  if (!page->is_error()) index.add_page(page->value.bytes);
  return index;
}

}  // namespace phoenix::cli
