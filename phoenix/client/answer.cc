#include "phoenix/client/answer.h"

#include <utility>

namespace phoenix::client {

namespace {

using protocol::Kind;

tl::unexpected<Error> unexpected_kind() {
  return fail(ErrorCode::bad_reply, "the server answered with another kind of value than expected");
}

}  // namespace

// NOLINTNEXTLINE(misc-no-recursion): the decoders bound the depth.
Answer Answer::copy_of(const protocol::Value& value) {
  Answer answer;
  answer.kind = value.kind;
  answer.status = value.status;
  answer.integer = value.integer;
  answer.bytes = protocol::is_error(value.status) ? error_line(value) : std::string(value.bytes);
  answer.items.reserve(value.items.size());
  for (const protocol::Value& item : value.items) answer.items.push_back(copy_of(item));
  return answer;
}

Result<std::optional<std::string>> to_value(Result<Answer> answer) {
  if (!answer) return tl::unexpected<Error>(std::move(answer.error()));
  if (answer->is_nil()) return std::optional<std::string>();
  if (answer->kind != Kind::bytes && answer->kind != Kind::text) return unexpected_kind();
  return std::optional<std::string>(std::move(answer->bytes));
}

Result<std::int64_t> to_integer(const Result<Answer>& answer) {
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (answer->kind != Kind::integer) return unexpected_kind();
  return answer->integer;
}

Result<bool> to_flag(const Result<Answer>& answer) {
  return to_integer(answer).map([](std::int64_t integer) { return integer == 1; });
}

}  // namespace phoenix::client
