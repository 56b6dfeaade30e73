#!/usr/bin/env python3
"""The judge is judged: what the oracle must let pass, and what it must not."""
import time
import unittest

import harness
import oracle
from oracle import ABSENT, Key, Operation, State, matches


def done(kind, value=None, ttl_s=None, ago_s=0.0, acked=1):
    """An operation that was sent and answered `ago_s` ago; acked None: never answered."""
    operation = Operation(kind, value, ttl_s)
    operation.sent_s = time.time() - ago_s
    operation.done_s = operation.sent_s + 0.01
    operation.sent = 0
    operation.acked = acked
    return operation


def allowed(*operations, base=ABSENT):
    key = Key(b"k")
    key.base = {base}
    key.operations = list(operations)
    return key.candidates(lambda o: o.acked is not None, lambda _: True)


def may_be(value, *operations, base=ABSENT):
    now = time.time()
    return any(matches(state, value, now, now) for state in allowed(*operations, base=base))


class Judge(unittest.TestCase):
    def test_answered_write_must_be_there(self):
        self.assertTrue(may_be(b"1", done("set", b"1")))
        self.assertFalse(may_be(None, done("set", b"1")))
        self.assertFalse(may_be(b"1", done("set", b"1"), done("set", b"2")))

    def test_unanswered_write_may_be_there(self):
        lawful = (done("set", b"1"), done("set", b"2", acked=None), done("del", acked=None))
        for value in (b"1", b"2", None):
            self.assertTrue(may_be(value, *lawful))
        self.assertFalse(may_be(b"3", *lawful))

    def test_an_answer_covers_what_was_sent_before(self):
        self.assertFalse(may_be(b"1", done("set", b"1", acked=None), done("set", b"2")))

    def test_deleted_must_not_return(self):
        self.assertFalse(may_be(b"1", done("set", b"1"), done("del")))
        self.assertTrue(may_be(None, done("set", b"1"), done("del")))

    def test_expired_must_not_return(self):
        self.assertFalse(may_be(b"1", done("set", b"1", ttl_s=1, ago_s=5)))
        self.assertTrue(may_be(None, done("set", b"1", ttl_s=1, ago_s=5)))
        self.assertFalse(may_be(b"1", done("set", b"1", ago_s=9), done("expire", ttl_s=1, ago_s=5)))

    def test_living_must_not_expire(self):
        self.assertFalse(may_be(None, done("set", b"1", ttl_s=60)))
        self.assertTrue(may_be(b"1", done("set", b"1", ttl_s=60)))

    def test_persist_takes_the_end_away(self):
        operations = (done("set", b"1", ttl_s=2, ago_s=5), done("persist", ago_s=4))
        self.assertTrue(may_be(b"1", *operations))
        self.assertFalse(may_be(None, *operations))

    def test_counters(self):
        self.assertTrue(may_be(b"8", done("incr"), base=State(b"7")))
        self.assertFalse(may_be(b"7", done("incr"), base=State(b"7")))
        self.assertTrue(may_be(b"7", done("incr", acked=None), base=State(b"7")))

    def test_refused_write_changes_nothing(self):
        refused = done("set", b"2")
        refused.outcome = "failed"
        self.assertFalse(may_be(b"2", refused, base=State(b"1")))
        self.assertTrue(may_be(b"1", refused, base=State(b"1")))
        refused.outcome = "unknown"
        self.assertTrue(may_be(b"2", refused, base=State(b"1")))

    def test_shared_counter(self):
        class Db:
            def __init__(self, value):
                self.value = value

            def get(self, _):
                return self.value

        lawful, unlawful = (b"2", b"3"), (b"1", b"4", None)
        for value in lawful + unlawful:
            counter = oracle.SharedCounter(b"n")
            for _ in range(3):
                counter.sending()
            counter.answered(2)
            self.assertEqual(bool(counter.check(Db(value))), value in unlawful, value)


if __name__ == "__main__":
    harness.main(limit_s=30)
