// Changes whose outcome is known before they are sent, alone and in transactions; keys that are
// watched; and what is made of the answers. See user.h.
#include "tests/sim/user.h"

namespace phoenix::simtest {
namespace {

using protocol::Status;

// An answer as a word, to be held against what was expected.
std::string word_of(const protocol::Value& value) {
  if (value.kind == protocol::Kind::integer) return std::to_string(value.integer);
  if (value.kind == protocol::Kind::nil || value.status == Status::nil) return "nothing";
  if (value.kind == protocol::Kind::none && value.status == Status::ok) return "OK";
  return std::string(value.bytes);
}

}  // namespace

// The newest, when it is there for sure, or for sure nothing, and stays so.
std::optional<Version> User::sure_version(const std::string& key) const {
  const auto found = truth_.keys.find(key);
  if (found == truth_.keys.end()) return std::nullopt;
  const KeyHistory& history = found->second;
  const Version& version = history.version(history.newest());
  const bool is_sure = history.live_floor().number == history.newest();
  if (!is_sure || version.is_void || version.can_expire()) return std::nullopt;
  return version;
}

void User::send_change() {
  InFlight& request = begin(Kind::change);
  draw_wait(request);
  const Words words = draw_change(request, static_cast<unsigned>(random_.below(kTags)));
  keep_together(request);
  send_words(request, words);
}

User::Words User::draw_change(InFlight& request, unsigned tag) {
  const std::uint64_t index = random_.below(kKeysPerTag);
  const std::string key = own_tagged_key(tag, index);
  const std::string other = own_tagged_key(tag, (index + 1) % kKeysPerTag);
  const std::uint64_t dice = random_.below(8);
  if (dice == 0) return set_pair(request, key, other);
  const auto sure = sure_version(key);
  if (dice < 3 || !sure) return set_plainly(request, key);
  if (!sure->value || dice < 6) return change_value(request, key, sure->value.value_or(""));
  return change_pair(request, key, other);
}

User::Words User::set_plainly(InFlight& request, const std::string& key) {
  Version version;
  version.value = new_value();
  version.tells_set = true;
  const Words words{"SET", key, *version.value};
  intend(request, key, std::move(version));
  request.answers.emplace_back("OK");
  return words;
}

// Of a value, or of nothing, that is sure.
User::Words User::change_value(InFlight& request, const std::string& key, const std::string& old) {
  const std::string part = new_value();
  const bool appends = random_.below(2) == 0;
  const std::size_t offset = appends ? old.size() : random_.below(old.size() + 10);
  return write_part(request, key, old, {offset, part, appends});
}

User::Words User::write_part(InFlight& request, const std::string& key, const std::string& old,
                             const Part& part) {
  std::string value = old;
  const std::size_t end = part.offset + part.bytes.size();
  if (value.size() < end) value.resize(end, '\0');
  value.replace(part.offset, part.bytes.size(), part.bytes);
  request.answers.push_back(std::to_string(value.size()));
  Version version;
  version.value = std::move(value);
  intend(request, key, std::move(version));
  if (part.appends) return {"APPEND", key, part.bytes};
  return {"SETRANGE", key, std::to_string(part.offset), part.bytes};
}

// `from` is there for sure.
User::Words User::change_pair(InFlight& request, const std::string& from, const std::string& to) {
  Version version;
  version.value = sure_version(from)->value;
  if (random_.below(2) == 0) {
    request.answers.emplace_back("1");
    intend(request, to, std::move(version));
    return {"COPY", from, to, "REPLACE"};
  }
  request.answers.emplace_back("OK");
  intend(request, from, Version{});
  intend(request, to, std::move(version));
  return {"RENAME", from, to};
}

User::Words User::set_pair(InFlight& request, const std::string& a, const std::string& b) {
  const auto is_a = sure_version(a);
  const auto is_b = sure_version(b);
  const bool is_refused = (is_a && is_a->value) || (is_b && is_b->value);
  const bool is_done = is_a && !is_a->value && is_b && !is_b->value;
  if (is_refused) {
    request.answers.emplace_back("0");
    return {"MSETNX", a, new_value(), b, new_value()};
  }
  request.answers.emplace_back(is_done ? "1" : "OK");
  Version first;
  Version second;
  first.value = new_value();
  second.value = new_value();
  first.tells_set = second.tells_set = true;
  const Words words{is_done ? "MSETNX" : "MSET", a, *first.value, b, *second.value};
  intend(request, a, std::move(first));
  intend(request, b, std::move(second));
  return words;
}

// What a crash keeps as a whole or not at all.
void User::keep_together(const InFlight& request) {
  if (request.keys.size() < 2) return;
  Group& group = truth_.groups.emplace_back();
  for (std::size_t i = 0; i < request.keys.size(); ++i) {
    group.emplace_back(request.keys[i], request.versions[i]);
  }
}

// Everything is sent at once. While a key is watched the transaction is about keys of its core.
void User::send_transaction() {
  if (watched_ && !watched_->newest) return send_read();
  const auto tag = watched_ ? watched_->tag : static_cast<unsigned>(random_.below(kTags));
  send_said({"MULTI"}, "OK");
  InFlight exec;
  const std::uint64_t changes = 1 + random_.below(4);
  for (std::uint64_t i = 0; i < changes; ++i) send_said(draw_change(exec, tag), kQueued);
  watch_conflicts(exec);
  send_exec(std::move(exec));
}

// Of what was queued.
void User::send_exec(InFlight&& queued) {
  keep_together(queued);
  InFlight& request = begin(Kind::exec);
  draw_wait(request);
  request.keys = std::move(queued.keys);
  request.versions = std::move(queued.versions);
  request.answers = std::move(queued.answers);
  request.may_abort = queued.may_abort;
  request.must_abort = queued.must_abort;
  send_words(request, {"EXEC"});
}

// A value that was stored after the answer to WATCH, and that somebody knows of already.
void User::watch_conflicts(InFlight& request) {
  if (!watched_) return;
  request.may_abort = true;
  const KeyHistory& history = truth_.keys[watched_->key];
  for (VersionNumber n = *watched_->newest + 1; n <= history.live_floor().number; ++n) {
    const Version& version = history.version(n);
    if (version.has_happened && version.value && !version.is_void) request.must_abort = true;
  }
  watched_.reset();
}

void User::send_discarded() {
  send_said({"MULTI"}, "OK");
  const unsigned tag = watched_ ? watched_->tag : 0;
  send_said({"SET", own_tagged_key(tag, 0), new_value()}, kQueued);
  send_said({"DISCARD"}, "OK");
  watched_.reset();
}

// A key of any user: its writer may come in between.
void User::send_watch() {
  if (watched_) return send_read();
  const auto tag = static_cast<unsigned>(random_.below(kTags));
  std::string key = any_key();
  if (key.find("{" + std::to_string(tag) + "}") == std::string::npos) {
    key = own_tagged_key(tag, random_.below(kKeysPerTag));
  }
  InFlight& request = begin(Kind::watch);
  draw_wait(request);
  watched_ = Watched{key, tag, std::nullopt};
  send_words(request, {"WATCH", key});
}

void User::check_watch(const InFlight& request, const protocol::Value& value) {
  if (word_of(value) != "OK") return fail(request, "WATCH answered " + word_of(value));
  if (watched_) watched_->newest = truth_.keys[watched_->key].newest();
}

void User::check_change(const InFlight& request, const protocol::Value& value) {
  if (word_of(value) != request.answers[0]) {
    return fail(request, "answered " + word_of(value) + ", not " + request.answers[0]);
  }
  if (request.answers[0] == "OK") is_queue_refused_ = false;  // Of a MULTI or DISCARD.
  acknowledge(request);
}

void User::check_exec(const InFlight& request, const protocol::Value& value) {
  if (is_queue_refused_) return fail(request, "EXEC ran without a request that was refused");
  if (value.status == Status::nil) {
    if (!request.may_abort) return fail(request, "EXEC did nothing although nothing was watched");
    return refuse(request);
  }
  if (request.must_abort) return fail(request, "EXEC ran although a watched key has changed");
  if (value.items.size() != request.answers.size()) {
    return fail(request, "EXEC answered another number of replies");
  }
  for (std::size_t i = 0; i < request.answers.size(); ++i) {
    const std::string word = word_of(value.items[i]);
    if (word == request.answers[i]) continue;
    return fail(request, "in EXEC: answered " + word + ", not " + request.answers[i]);
  }
  acknowledge(request);
}

}  // namespace phoenix::simtest
