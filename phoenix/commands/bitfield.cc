// BITFIELD: integers of any width within a value, several at a time.
#include <algorithm>
#include <array>
#include <vector>

#include "phoenix/base/result.h"
#include "phoenix/commands/bit_editor.h"
#include "phoenix/commands/bit_offset.h"
#include "phoenix/commands/string_words.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

enum class Action : std::uint8_t { get, set, increment };

struct Operation {
  Action action = Action::get;
  Overflow overflow = Overflow::wrap;
  BitField field;
  std::int64_t operand = 0;
};

struct Plan {
  std::vector<Operation> operations;
  WrittenRange range;
  std::uint64_t writes = 0;
};

std::optional<Overflow> parse_overflow(std::string_view word) {
  if (equals_ignoring_case(word, "WRAP")) return Overflow::wrap;
  if (equals_ignoring_case(word, "SAT")) return Overflow::saturate;
  if (equals_ignoring_case(word, "FAIL")) return Overflow::fail;
  return std::nullopt;
}

// In bits, or in integers of the type behind a '#'.
std::optional<std::uint64_t> parse_field_offset(std::string_view word, unsigned bits) {
  if (!word.starts_with('#')) return parse_bit_offset(word);
  const auto index = parse_unsigned(word.substr(1));
  if (!index || *index >= kBitsMax || *index * bits >= kBitsMax) return std::nullopt;
  return *index * bits;
}

// Action, type, offset, and the operand of those that write.
Result<Operation> parse_operation(Args words) {
  Operation operation;
  const bool is_get = equals_ignoring_case(words[0], "GET");
  const bool is_set = equals_ignoring_case(words[0], "SET");
  const bool is_known = is_get || is_set || equals_ignoring_case(words[0], "INCRBY");
  if (!is_known || words.size() < (is_get ? 3 : 4)) {
    return fail(ErrorCode::invalid, std::string(kSyntaxError));
  }
  const auto type = parse_integer_type(words[1]);
  if (!type) {
    return fail(ErrorCode::invalid,
                "Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported "
                "but i64 is.");
  }
  const auto offset = parse_field_offset(words[2], type->bits);
  // One that is written must end within the largest value; Redis lets it grow by 8 bytes more.
  if (!offset || (!is_get && *offset + type->bits > kBitsMax)) {
    return fail(ErrorCode::invalid, std::string(kNotABitOffset));
  }
  operation.field = {*offset, *type};
  if (is_get) return operation;
  operation.action = is_set ? Action::set : Action::increment;
  const auto operand = parse_integer(words[3]);
  if (!operand) return fail(ErrorCode::invalid, std::string(kNotAnInteger));
  operation.operand = *operand;
  return operation;
}

Result<Plan> parse_plan(Args args) {
  Plan plan;
  Overflow overflow = Overflow::wrap;
  for (std::size_t i = 2; i < args.size();) {
    if (equals_ignoring_case(args[i], "OVERFLOW") && i + 1 < args.size()) {
      const auto parsed = parse_overflow(args[i + 1]);
      if (!parsed) return fail(ErrorCode::invalid, "Invalid OVERFLOW type specified");
      overflow = *parsed;
      i += 2;
      continue;
    }
    auto operation = parse_operation(args.subspan(i));
    if (!operation) return tl::unexpected<Error>(operation.error());
    operation->overflow = overflow;
    const bool is_write = operation->action != Action::get;
    if (is_write) plan.range.include(operation->field);
    plan.writes += is_write ? 1 : 0;
    plan.operations.push_back(*operation);
    i += is_write ? 4 : 3;
  }
  return plan;
}

// SET answers what was there, INCRBY what is there now, and both nil where they do not fit.
void run_operation(BitEditor& editor, const Operation& operation, ReplySink& reply) {
  const BitField& field = operation.field;
  const std::int64_t old = editor.read(field);
  if (operation.action == Action::get) return reply.integer(old);
  const bool is_set = operation.action == Action::set;
  const auto value = is_set ? fit(field.type, operation.operand, operation.overflow)
                            : fit_sum(field.type, old, operation.operand, operation.overflow);
  if (!value) return reply.nil();
  editor.write(field, *value);
  reply.integer(is_set ? old : *value);
}

void run_plan(Context& context, const Request& request, const Plan& plan) {
  const engine::Key key = first_key(request);
  BitEditor editor(context, key, plan.range);
  context.reply.begin_list(static_cast<std::uint32_t>(plan.operations.size()));
  for (const Operation& operation : plan.operations) {
    run_operation(editor, operation, context.reply);
  }
  context.reply.end();
  constexpr std::uint64_t kStepsPerOperation = 256;
  context.steps += plan.operations.size() * kStepsPerOperation;
  if (editor.finish()) context.notify('$', "setbit", key.bytes);
}

void bitfield(Context& context, const Request& request) {
  const auto plan = parse_plan(request.args);
  if (!plan) return answer_error(context, plan.error().message);
  run_plan(context, request, *plan);
}

void bitfield_ro(Context& context, const Request& request) {
  const auto plan = parse_plan(request.args);
  if (!plan) return answer_error(context, plan.error().message);
  if (plan->writes > 0) {
    return answer_error(context, "BITFIELD_RO only supports the GET subcommand");
  }
  run_plan(context, request, *plan);
}

std::uint64_t extra_bytes_of_bitfield(const Context& context, const Request& request) {
  const auto plan = parse_plan(request.args);
  if (!plan) return 0;
  return BitEditor::extra_bytes(context, first_key(request), plan->range, plan->writes);
}

std::uint64_t bitfield_grows_to(const Request& request) {
  const auto plan = parse_plan(request.args);
  return plan ? plan->range.end : 0;
}

LongJob job_of_bitfield(const Context& context, const Request& request) {
  LongJob job = job_before_patch(context, request);
  if (!job) return job;
  const auto plan = parse_plan(request.args);
  return plan && !plan->range.empty() ? job : LongJob();
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "BITFIELD",
     .arity = -2,
     .flags = Flags::write | Flags::denied_when_full | Flags::has_long_job,
     .keys = kOneKey,
     .usage = "BITFIELD key [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] "
              "<SET encoding offset value | INCRBY encoding offset increment> "
              "[GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] "
              "<SET encoding offset value | INCRBY encoding offset increment> ...]]",
     .summary = "Reads and changes integers within a value: i1 to i64 and u1 to u63, at an offset "
                "in bits, or with # in integers. SET answers the old one, INCRBY the new one. "
                "OVERFLOW says what those after it do when it does not fit: begin anew (WRAP), "
                "stay at the limit (SAT), or answer nil and change nothing (FAIL).",
     .since = "0.1",
     .example = "BITFIELD a SET u8 0 97 INCRBY u4 #1 2 => [(integer) 0, (integer) 3]",
     .run = bitfield,
     .extra_bytes = extra_bytes_of_bitfield,
     .grows_to = bitfield_grows_to,
     .long_job = job_of_bitfield},
    {.name = "BITFIELD_RO",
     .arity = -2,
     .flags = Flags::readonly | Flags::fast,
     .keys = kOneKey,
     .usage = "BITFIELD_RO key [GET encoding offset [GET encoding offset ...]]",
     .summary = "BITFIELD that only reads.",
     .since = "0.1",
     .example = "SET a A => OK; BITFIELD_RO a GET u8 0 => [(integer) 65]",
     .run = bitfield_ro},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> bitfield_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
