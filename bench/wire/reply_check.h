// Holds each reply against the request that it answers, as its bytes arrive: whether it fits, and
// for a hit every byte of the value. The protocols' readers tell it what came, in their own order;
// it counts, and tells who measures when a request is answered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bench/wire/counts.h"
#include "bench/wire/in_flight.h"
#include "bench/wire/shape.h"
#include "bench/workload/value_pattern.h"

namespace phoenix::bench {

/// What a reply may be.
struct CheckRules {
  bool verify = true;          // Compare the values of hits.
  bool miss_is_error = false;  // Every key was stored before: a miss is a lost write.
};

/// Is told of each request that was answered, on the worker's thread.
class Answers {
 public:
  virtual void answered(const Pending& pending, std::size_t times) = 0;

 protected:
  ~Answers() = default;
};

/// One per connection. What the constructor borrows must outlive it.
class ReplyCheck final {
 public:
  ReplyCheck(const RequestShape& shape, const CheckRules& rules, InFlight& in_flight,
             Counts& counts, Complaints& complaints, Answers& answers)
      : shape_(shape),
        rules_(rules),
        in_flight_(in_flight),
        counts_(counts),
        complaints_(complaints),
        answers_(answers) {}

  /// The request that the reply which begins now answers; null: nobody asked.
  const Request* expected() const {
    return in_flight_.empty() ? nullptr : &in_flight_.front().request;
  }

  /// A value of so many bytes begins: of the request's key, or of the `nth` behind it. Its parts
  /// follow, then hit() or, in a multi-get, end_value(), and done_many() behind the last one.
  void begin_value(std::size_t bytes, std::uint64_t nth = 0) {
    comparing_ = rules_.verify;
    if (!comparing_) return;
    value_key_ = shape_.keys.behind(in_flight_.front().request.key, nth);
    value_bytes_ = bytes;
    matches_ = bytes == shape_.values.of(value_key_);
  }
  void value_part(std::size_t offset, std::string_view bytes) {
    if (!comparing_) return;
    matches_ = matches_ && ValuePattern(value_key_).matches(offset, bytes);
  }
  void end_value() {
    ++found_;
    judge_value();
  }
  void hit() {
    ++counts_.hits;
    judge_value();
    done();
  }

  /// A multi-get is answered: the keys that it had no value of were missed.
  void done_many() {
    const std::uint64_t missed = in_flight_.front().request.keys - found_;
    counts_.hits += found_;
    counts_.misses += missed;
    if (missed != 0 && rules_.miss_is_error) complain_of_miss();
    done();
  }

  /// A value begins that came with a key that was not asked for.
  void begin_value_of_other(std::string_view key);

  /// Which of the keys asked for, from the `first` on, this is; none when it is none of them.
  std::optional<std::uint64_t> place_of(std::string_view key, std::uint64_t first);

  void miss() {
    ++counts_.misses;
    if (rules_.miss_is_error) complain_of_miss();
    done();
  }

  /// Any other answer that fits its request.
  void done() {
    ++counts_.replies;
    found_ = 0;
    const Pending& pending = in_flight_.front();
    if (run_ != 0 && !same_run(pending)) flush();
    run_of_ = pending;
    ++run_;
    in_flight_.pop();
  }

  /// An error reply: the request is answered, and did not do what it should.
  void error(std::string_view text);

  /// A reply that no such request is answered with.
  void unfit(std::string_view what);

  /// Tells `answers` of what was answered since the last call. The readers call it when they have
  /// taken what arrived.
  void flush() {
    if (run_ != 0) answers_.answered(run_of_, run_);
    run_ = 0;
  }

  /// The stream is of no more use: why.
  bool fail(std::string why) {
    fatal_ = std::move(why);
    return false;
  }
  const std::string& fatal() const { return fatal_; }

 private:
  bool same_run(const Pending& pending) const {
    return pending.due_ns == run_of_.due_ns && pending.request.verb == run_of_.request.verb;
  }
  void judge_value() {
    if (comparing_ && !matches_) complain_of_value();
    comparing_ = false;
  }
  void complain(const Request& request, std::string_view what);
  void complain(std::string_view what) { complain(in_flight_.front().request, what); }
  void complain_of_value();
  void complain_of_miss();

  const RequestShape& shape_;
  const CheckRules& rules_;
  InFlight& in_flight_;
  Counts& counts_;
  Complaints& complaints_;
  Answers& answers_;

  std::uint64_t value_key_ = 0;
  std::size_t value_bytes_ = 0;
  bool comparing_ = false;
  bool matches_ = true;
  std::uint64_t found_ = 0;  // Values of the reply that is being read.
  std::string key_;          // For place_of(): room that is made once.
  // Answered and not told yet: so many, all as this one.
  std::size_t run_ = 0;
  Pending run_of_;
  std::string fatal_;
};

}  // namespace phoenix::bench
