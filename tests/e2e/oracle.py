"""Knows which values a key may have after a crash, and makes the load that the question is about.

Each connection owns its keys, so that the order of a key's operations is the order in which its
connection sent them. An operation is noted before it is sent and once more when it is answered.
After a crash a key must show the effect of every answered operation, and may show those of the ones
sent after: a state between the last answered and the last sent. Anything else is a loss, or the
return of what was gone.
"""
import math
import random
import threading
import time
from typing import NamedTuple

import client

# How far the server's reading of the wall clock (once per turn) may lie from ours: as long as the
# kernel may keep its thread from running in the midst of a turn.
CLOCK_MARGIN_S = 0.5


class State(NamedTuple):
    """What a key holds: a value or None, and the window in which it expires (Unix seconds)."""

    value: bytes = None
    expires: tuple = None


ABSENT = State()


class Operation:
    """One write to one key. `sent` and `acked` are positions in whatever orders crashes."""

    __slots__ = ("kind", "value", "ttl_s", "sent", "acked", "sent_s", "done_s", "outcome")

    def __init__(self, kind, value=None, ttl_s=None):
        self.kind = kind
        self.value = value
        self.ttl_s = ttl_s
        self.sent = None
        self.acked = None
        self.sent_s = time.time()
        self.done_s = math.inf  # By then it has been executed, or never will be.
        self.outcome = "done"  # Or "failed": nothing changed; or "unknown": perhaps.

    def window(self):
        first, last = self.sent_s + self.ttl_s, self.done_s + self.ttl_s
        return (first - CLOCK_MARGIN_S, last + CLOCK_MARGIN_S)

    def apply(self, state):
        """The states that this may turn `state` into."""
        if self.outcome == "failed":
            return {state}
        before = {state}
        if state.expires is not None:  # It may have expired by the time of this.
            if state.expires[1] <= self.sent_s:
                before = {ABSENT}
            elif state.expires[0] <= self.done_s:
                before = {state, ABSENT}
        after = {self._apply(one) for one in before}
        return after | {state} if self.outcome == "unknown" else after

    def _apply(self, state):
        if self.kind == "set":
            return State(self.value, self.window() if self.ttl_s is not None else None)
        if self.kind == "del":
            return ABSENT
        if self.kind == "incr":
            number = int(state.value or 0) + 1
            return State(str(number).encode(), state.expires)
        if state.value is None:
            return ABSENT
        if self.kind == "expire":
            return State(state.value, self.window())
        if self.kind == "persist":
            return State(state.value, None)
        raise AssertionError(self.kind)


def matches(state, value, before_s, after_s):
    """Whether a read between these times may answer `value` (None for nil) if this is the state."""
    if value is None:
        return state.value is None or (state.expires is not None and state.expires[0] <= after_s)
    if state.value != value:
        return False
    return state.expires is None or state.expires[1] >= before_s


class Key:
    """The history of one key since it was last looked at."""

    __slots__ = ("name", "base", "operations")

    def __init__(self, name):
        self.name = name
        self.base = {ABSENT}
        self.operations = []

    def candidates(self, is_acked, is_sent):
        """The states that the key may be in after a crash."""
        last = -1
        for index, operation in enumerate(self.operations):
            if is_acked(operation):
                last = index
        states = self.base
        for operation in self.operations[: last + 1]:
            states = set().union(*(operation.apply(state) for state in states))
        allowed = set(states)
        for operation in self.operations[last + 1 :]:
            if not is_sent(operation):
                break
            states = set().union(*(operation.apply(state) for state in states))
            allowed |= states
        return allowed

    def describe(self, value, allowed):
        shown = [f"{o.kind}{'' if o.acked is None else ' acked'}" for o in self.operations[-6:]]
        return (
            f"{self.name!r} is {short(value)}, allowed {[short(s.value) for s in allowed]}, "
            f"last operations {shown}"
        )


def short(value):
    return value if value is None or len(value) < 40 else value[:40] + b"..."


class SharedCounter:
    """A key that all connections increment: it may show no less than was answered, and no more than
    was asked for."""

    def __init__(self, name):
        self.name = name
        self.lock = threading.Lock()
        self.least = 0
        self.most = 0

    def sending(self):
        with self.lock:
            self.most += 1

    def answered(self, number):
        with self.lock:
            self.least = max(self.least, number)

    def check(self, connection):
        """A list of violations. What is seen now is the truth from here on."""
        value = int(connection.get(self.name) or 0)
        wrong = not self.least <= value <= self.most
        text = f"{self.name!r} is {value}, answered {self.least}, asked for {self.most}"
        self.least = self.most = value
        return [text] if wrong else []


class Worker:
    """One connection that writes to keys of its own until the server goes."""

    def __init__(self, number, seed, keys=200, position=lambda: 0, sizes=(8, 64, 300), shared=None):
        self.random = random.Random(f"{seed}-{number}")
        self.keys = [Key(f"w{number}:{index}".encode()) for index in range(keys)]
        self.counters = [Key(f"c{number}:{index}".encode()) for index in range(max(1, keys // 20))]
        self.position = position
        self.sizes = sizes
        self.shared = shared
        self.written = 0
        self.asked = 0
        self.acknowledged = 0
        self.violations = []
        self.stop = threading.Event()
        self.may_end = threading.Event()
        self.thread = None

    def start(self, address):
        self.stop.clear()
        self.may_end.clear()
        self.thread = threading.Thread(target=self._run, args=(address,), daemon=True)
        self.thread.start()

    def expect_end(self):
        """From now on the server may go at any time, and connections with it."""
        self.may_end.set()

    def join(self):
        """Once the server is gone, or to end the load: closes what stays unanswered."""
        self.stop.set()
        self.thread.join(timeout=client.TIMEOUT_S + 5)
        if self.thread.is_alive():
            raise AssertionError("a connection hangs although the server is gone")
        now = time.time()
        for key in self.all_keys():
            for operation in key.operations:
                operation.done_s = min(operation.done_s, now)

    def all_keys(self):
        return self.keys + self.counters

    def _run(self, address):
        try:
            with client.Client(address) as connection:
                while not self.stop.is_set():
                    self._batch(connection)
        except (OSError, client.ProtocolError) as error:
            # A server that is killed ends connections: that is what this is for. Nothing else may.
            if not self.may_end.is_set():
                self.violations.append(f"the connection broke: {error!r}")

    def _batch(self, connection):
        """A pipeline of random length: each reply is judged, each write noted before and after."""
        frames, judges = [], []
        sent = self.position()
        for _ in range(self.random.choice((1, 1, 4, 16))):
            data, judge = self._request(sent)
            self.asked += 1
            frames.append(client.numbered(data, self.asked))
            judges.append((self.asked, judge))
        before_s = time.time()
        connection.send(b"".join(frames))
        for number, judge in judges:
            reply = connection.receive()
            if reply.id != number:
                self.violations.append(f"reply {reply.id} came in the place of {number}: {reply}")
                raise client.ProtocolError("nothing that follows can be judged")
            judge(reply, before_s)

    def _request(self, sent):
        """(bytes of a request, what judges its reply)."""
        dice = self.random.random()
        key = self.random.choice(self.keys)
        if dice < 0.12:
            key = self.random.choice(self.counters)
            return self._write(client.frame(client.INCR, key.name), (key, Operation("incr")), sent)
        if dice < 0.15 and self.shared is not None:
            self.shared.sending()
            return client.frame(client.INCR, self.shared.name), self._judge_shared
        if dice < 0.50:
            return self._set(key, sent)
        if dice < 0.55:
            return self._set_many(sent)
        if dice < 0.70:
            return self._write(client.frame(client.DEL, key.name), (key, Operation("del")), sent)
        if dice < 0.80:
            ttl_ms = self.random.choice((40, 300, 60_000))
            data = client.argv_frame("PEXPIRE", key.name, ttl_ms)
            return self._write(data, (key, Operation("expire", ttl_s=ttl_ms / 1000)), sent)
        if dice < 0.85:
            data = client.argv_frame("PERSIST", key.name)
            return self._write(data, (key, Operation("persist")), sent)
        # A read sees everything that this connection sent before it.
        expected = key.candidates(lambda _: True, lambda _: True)
        return client.frame(client.GET, key.name), lambda reply, before_s: self._judge_read(
            key, reply, expected, before_s
        )

    def _value(self, key):
        """A value that no other operation writes."""
        self.written += 1
        size = self.random.choice(self.sizes)
        return f"{key.name.decode()}={self.written}:".encode().ljust(size, b".")

    def _set(self, key, sent):
        value = self._value(key)
        ttl_ms = self.random.choice((None, None, None, 40, 300, 60_000))
        operation = Operation("set", value, None if ttl_ms is None else ttl_ms / 1000)
        return self._write(
            client.frame(client.SET, key.name, value, ttl_ms=ttl_ms), (key, operation), sent
        )

    def _set_many(self, sent):
        """MSET over several cores: atomic on each core alone, so each key is judged by itself."""
        keys = self.random.sample(self.keys, 3)
        writes = [(key, Operation("set", self._value(key))) for key in keys]
        words = [word for key, operation in writes for word in (key.name, operation.value)]
        return self._write(client.argv_frame("MSET", *words), *writes, sent)

    def _write(self, data, *writes_and_sent):
        *writes, sent = writes_and_sent
        for key, operation in writes:
            operation.sent = sent
            key.operations.append(operation)
        operations = [operation for _, operation in writes]
        return data, lambda reply, _: self._acknowledge(operations, reply)

    def _acknowledge(self, operations, reply):
        position, now = self.position(), time.time()
        for operation in operations:
            operation.done_s = now
            operation.acked = position
            if reply.is_error:  # Parts of an MSET on other cores may have been done.
                operation.outcome = "failed" if len(operations) == 1 else "unknown"
        self.acknowledged += 1

    def _judge_shared(self, reply, _):
        if not reply.is_error:
            self.shared.answered(reply.value)

    def _judge_read(self, key, reply, expected, before_s):
        after_s = time.time()
        if not any(matches(state, reply.value, before_s, after_s) for state in expected):
            self.violations.append("read: " + key.describe(reply.value, expected))


def run_for(workers, seconds, writes=10):
    """Lets the load go on for so long, and until so many writes have been answered since."""
    acknowledged = lambda: sum(worker.acknowledged for worker in workers)
    before = acknowledged()
    time.sleep(seconds)
    while acknowledged() < before + writes and any(w.thread.is_alive() for w in workers):
        time.sleep(0.001)


def check(connection, workers, is_acked=None, is_sent=None, settle=True):
    """Reads every key and compares; the list of violations.

    `settle`: what is seen now is the truth from here on, and may not change back at the next crash.
    """
    is_acked = is_acked or (lambda operation: operation.acked is not None)
    is_sent = is_sent or (lambda _: True)
    violations = []
    for worker in workers:
        violations += worker.violations
        worker.violations = []
        keys = worker.all_keys()
        for begin in range(0, len(keys), 100):
            group = keys[begin : begin + 100]
            before_s = time.time()
            replies = connection.pipeline([client.frame(client.GET, key.name) for key in group])
            after_s = time.time()
            for key, reply in zip(group, replies):
                allowed = key.candidates(is_acked, is_sent)
                seen = {s for s in allowed if matches(s, reply.value, before_s, after_s)}
                if reply.is_error or not seen:
                    violations.append(key.describe(reply.value, allowed))
                    seen = {State(reply.value)}
                if settle:
                    key.base = {ABSENT} if reply.value is None else seen
                    key.operations = []
    return violations
