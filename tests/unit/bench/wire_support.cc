#include "tests/unit/bench/wire_support.h"

#include <utility>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "protocol/binary.h"

namespace phoenix::bench {
namespace {

using protocol::Kind;

std::string native(std::uint32_t id, const protocol::Value& value) {
  std::string out;
  append_reply(out, id, value);
  return out;
}

protocol::Value value_of_kind(Kind kind, std::string_view bytes) {
  protocol::Value value;
  value.kind = kind;
  value.bytes = bytes;
  return value;
}

std::string bulk(const std::string& value) {
  return fmt::format("${}\r\n{}\r\n", value.size(), value);
}

}  // namespace

RequestShape small_shape() {
  return {*Keys::make(100, Sizes(8)), Sizes(21), {}, 0, {{"PING"}, {"EVAL", "x y", ""}}};
}

std::string key_of(const RequestShape& shape, std::uint64_t number) {
  std::string key(shape.keys.bytes_of(number), '\0');
  shape.keys.write(key.data(), number);
  return key;
}

std::string value_of(const RequestShape& shape, std::uint64_t number) {
  std::string value(shape.values.of(number), '\0');
  ValuePattern(number).fill(value.data(), value.size());
  return value;
}

WireFixture::WireFixture(Protocol protocol, CheckRules the_rules, RequestShape the_shape)
    : shape(std::move(the_shape)),
      rules(the_rules),
      wire(make_wire(protocol, shape)),
      check(shape, rules, in_flight, counts, complaints, *this) {}

std::string WireFixture::ask(const Request& request) {
  Outbox out;
  in_flight.push({request, 0});
  wire->encode(request, out);
  return std::string(out.bytes());
}

bool WireFixture::feed_bytewise(std::string_view bytes) {
  for (const char& byte : bytes) {
    if (!feed({&byte, 1})) return false;
  }
  return true;
}

void WireFixture::answered(const Pending&, std::size_t times) {
  times_answered += times;
}

std::string Replies::found(std::uint64_t key, const std::string& value) {
  if (is_native()) return native(++id_, value_of_kind(Kind::bytes, value));
  if (protocol_ == Protocol::resp) return bulk(value);
  if (protocol_ == Protocol::memcached_meta) {
    return fmt::format("VA {}\r\n{}\r\n", value.size(), value);
  }
  return fmt::format("VALUE {} 0 {}\r\n{}\r\nEND\r\n", key_of(shape_, key), value.size(), value);
}

std::string Replies::absent() {
  protocol::Value nil;
  nil.status = protocol::Status::nil;
  if (is_native()) return native(++id_, nil);
  if (protocol_ == Protocol::resp) return "$-1\r\n";
  return protocol_ == Protocol::memcached_meta ? "EN\r\n" : "END\r\n";
}

std::string Replies::stored() {
  if (is_native()) return native(++id_, {});
  if (protocol_ == Protocol::resp) return "+OK\r\n";
  return protocol_ == Protocol::memcached_meta ? "HD\r\n" : "STORED\r\n";
}

std::string Replies::deleted(bool was_there) {
  protocol::Value count = value_of_kind(Kind::integer, {});
  count.integer = was_there ? 1 : 0;
  if (is_native()) return native(++id_, count);
  if (protocol_ == Protocol::resp) return was_there ? ":1\r\n" : ":0\r\n";
  if (protocol_ == Protocol::memcached_meta) return was_there ? "HD\r\n" : "NF\r\n";
  return was_there ? "DELETED\r\n" : "NOT_FOUND\r\n";
}

std::string Replies::many(const Request& request,
                          const std::vector<std::optional<std::string>>& values) {
  protocol::Value list = value_of_kind(Kind::list, {});
  std::string resp = fmt::format("*{}\r\n", values.size());
  std::string memcached;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto& value = values[i];
    list.items.push_back(value ? value_of_kind(Kind::bytes, *value) : value_of_kind(Kind::nil, {}));
    if (!value) list.items.back().status = protocol::Status::nil;
    resp += value ? bulk(*value) : "$-1\r\n";
    if (!value) continue;
    memcached +=
        fmt::format("VALUE {} 0 {}\r\n{}\r\n", key_of(shape_, shape_.keys.behind(request.key, i)),
                    value->size(), *value);
  }
  if (is_native()) return native(++id_, list);
  return protocol_ == Protocol::resp ? resp : memcached + "END\r\n";
}

std::string Replies::error(const std::string& text) {
  protocol::Value error;
  error.status = protocol::Status::out_of_memory;
  error.bytes = text;
  if (is_native()) return native(++id_, error);
  return (protocol_ == Protocol::resp ? "-OOM " : "SERVER_ERROR ") + text + "\r\n";
}

std::string Replies::odd(Verb verb) {
  if (is_native()) return native(++id_, value_of_kind(Kind::text, "PONG"));
  if (protocol_ == Protocol::resp) return "+PONG\r\n";
  // What is no value and no END to a get leaves the stream without a sense.
  return verb == Verb::set || verb == Verb::del ? "TOUCHED\r\n" : "";
}

}  // namespace phoenix::bench
