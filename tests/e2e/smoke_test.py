#!/usr/bin/env python3
"""The server does what the first page of the README says, and keeps it over a restart."""
import signal
import time
import unittest

import client
import harness
from client import argv_frame, frame


class Commands(unittest.TestCase):
    """Every command once, through both forms where it has two."""

    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(cores=2).start()
        cls.addClassCleanup(cls.server.kill)

    def setUp(self):
        self.db = self.server.client()
        self.addCleanup(self.db.close)

    def test_set_and_get(self):
        self.assertEqual(self.db.set(b"a", b"1").status, client.OK)
        self.assertEqual(self.db.get(b"a"), b"1")
        self.assertEqual(self.db.value("GET", "a"), b"1")
        self.assertEqual(self.db.ask(frame(client.GET, b"missing")).status, client.NIL)

    def test_set_conditions(self):
        self.assertEqual(self.db.set(b"c", b"1", flags=client.IF_PRESENT).status, client.NIL)
        self.assertEqual(self.db.set(b"c", b"1", flags=client.IF_ABSENT).status, client.OK)
        self.assertEqual(self.db.set(b"c", b"2", flags=client.IF_ABSENT).status, client.NIL)
        self.assertEqual(self.db.value("SET", "c", "3", "XX", "GET"), b"1")
        self.assertEqual(self.db.get(b"c"), b"3")

    def test_binary_keys_and_values(self):
        key, value = bytes(range(256)), bytes(range(255, -1, -1)) * 100
        self.assertEqual(self.db.set(key, value).status, client.OK)
        self.assertEqual(self.db.get(key), value)
        self.assertEqual(self.db.set(b"empty", b"").status, client.OK)
        self.assertEqual(self.db.get(b"empty"), b"")

    def test_del_and_exists(self):
        self.db.value("MSET", "d1", "1", "d2", "2", "d3", "3")
        self.assertEqual(self.db.value("EXISTS", "d1", "d2", "d3", "d4", "d1"), 4)
        self.assertEqual(self.db.ask(frame(client.EXISTS, b"d1")).value, 1)
        self.assertEqual(self.db.value("DEL", "d1", "d2", "d4"), 2)
        self.assertEqual(self.db.ask(frame(client.DEL, b"d3")).value, 1)
        self.assertEqual(self.db.ask(frame(client.DEL, b"d3")).value, 0)

    def test_mset_and_mget(self):
        pairs = {f"m{n}": f"v{n}".encode() for n in range(100)}
        words = [word for pair in pairs.items() for word in pair]
        self.assertEqual(self.db.command("MSET", *words).status, client.OK)
        values = self.db.value("MGET", *pairs, "none")
        self.assertEqual(values, [*pairs.values(), None])

    def test_incr(self):
        self.assertEqual([self.db.value("INCR", "n") for _ in range(3)], [1, 2, 3])
        self.assertEqual(self.db.ask(frame(client.INCR, b"n")).value, 4)
        self.db.set(b"word", b"x")
        self.assertTrue(self.db.ask(frame(client.INCR, b"word")).is_error)
        self.assertEqual(self.db.get(b"word"), b"x")

    def test_time_to_live(self):
        self.assertEqual(self.db.value("TTL", "t"), -2)
        self.db.set(b"t", b"1")
        self.assertEqual(self.db.value("PTTL", "t"), -1)
        self.assertEqual(self.db.value("EXPIRE", "t", 100), 1)
        self.assertTrue(50 < self.db.value("TTL", "t") <= 100)
        self.assertEqual(self.db.value("PERSIST", "t"), 1)
        self.assertEqual(self.db.value("TTL", "t"), -1)
        self.assertEqual(self.db.value("PEXPIRE", "t", 30), 1)
        harness.wait_until(lambda: self.db.get(b"t") is None, 60, "the key expires")
        self.assertEqual(self.db.value("EXISTS", "t"), 0)
        self.db.set(b"u", b"1", ttl_ms=20)
        harness.wait_until(lambda: self.db.get(b"u") is None, 60, "the key expires")
        past_ms = int(time.time() * 1000) - 1000
        self.db.set(b"v", b"1", ttl_ms=past_ms, flags=client.TTL_IS_TIME)
        self.assertIsNone(self.db.get(b"v"))

    def test_list_and_dbsize(self):
        before = self.db.value("DBSIZE")
        self.db.value("MSET", *[word for n in range(500) for word in (f"list:{n}", n)])
        self.assertEqual(self.db.value("DBSIZE"), before + 500)
        frames = self.db.list_keys("list:*")
        found = [item for one in frames for item in one.value if isinstance(item, bytes)]
        self.assertEqual(sorted(found), sorted(f"list:{n}".encode() for n in range(500)))

    def test_ping_help_info(self):
        self.assertEqual(self.db.ask(frame(client.PING)).value, "PONG")
        self.assertEqual(self.db.ask(frame(client.PING, value=b"hi")).value, b"hi")
        self.assertIn("GET", self.db.value("HELP"))
        self.assertIn("GET key", self.db.value("HELP", "GET"))
        self.assertIn(":", self.db.value("INFO"))
        self.assertFalse(self.db.ask(frame(client.HELLO, value=b"test")).is_error)

    def test_errors_name_the_cause(self):
        unknown = self.db.command("NONSENSE", "a")
        self.assertEqual(unknown.status, client.ERROR)
        self.assertIn("nonsense", unknown.value.lower())
        self.assertIn("argument", self.db.command("GET").value)
        self.assertEqual(self.db.ask(frame(client.PING)).status, client.OK)

    def test_exit_closes(self):
        self.db.send(argv_frame("EXIT"))
        self.assertFalse(self.db.receive().is_error)
        self.assertEqual(self.db.socket.recv(1), b"")

    def test_pipeline_keeps_order(self):
        frames = []
        for number in range(3000):
            key = f"p{number % 97}".encode()
            frames.append(frame(client.SET, key, str(number).encode(), request_id=2 * number))
            frames.append(frame(client.GET, key, request_id=2 * number + 1))
        for begin in range(0, len(frames), 200):
            replies = self.db.pipeline(frames[begin : begin + 200])
            self.assertEqual([reply.id for reply in replies], list(range(begin, begin + 200)))
            for reply in replies[1::2]:
                self.assertEqual(reply.value, str(reply.id // 2).encode())


class Restart(unittest.TestCase):
    """What was acknowledged is there afterwards, whatever ended the server, on any core count."""

    def fill(self, db):
        db.pipeline([frame(client.SET, b"k%d" % n, b"v%d" % n) for n in range(1000)])
        db.value("DEL", *(f"k{n}" for n in range(0, 1000, 10)))
        db.value("EXPIRE", "k1", 1000)
        db.set(b"short", b"1", ttl_ms=1)
        db.set(b"large", b"x" * 3_000_000)

    def verify(self, db):
        expected = [None if n % 10 == 0 else b"v%d" % n for n in range(1000)]
        self.assertEqual(db.value("MGET", *(f"k{n}" for n in range(1000))), expected)
        self.assertTrue(900 < db.value("TTL", "k1") <= 1000)
        self.assertEqual(db.value("TTL", "k2"), -1)
        self.assertIsNone(db.get(b"short"))
        self.assertEqual(db.get(b"large"), b"x" * 3_000_000)

    def test_restart_keeps_data(self):
        with harness.Server(cores=2) as server:
            with server.client() as db:
                self.fill(db)
            for number in (signal.SIGTERM, signal.SIGINT):
                self.assertEqual(server.stop(number), 0)
                server.start()
                with server.client() as db:
                    self.verify(db)

    def test_any_core_count(self):
        with harness.Server(cores=2) as server:
            with server.client() as db:
                self.fill(db)
            for cores in (1, 4, 3, 3, 2):
                self.assertEqual(server.stop(), 0)
                server.cores = cores
                server.start()
                with server.client() as db:
                    self.verify(db)
                    db.set(b"cores", str(cores).encode())
                    self.assertEqual(db.get(b"cores"), str(cores).encode())

    def test_stop_answers_what_was_accepted(self):
        """SIGTERM under load: every reply that came is durable, and the exit code is 0."""
        with harness.Server(cores=2) as server:
            with server.client() as db:
                frames = [frame(client.SET, b"s%d" % n, b"1", request_id=n) for n in range(5000)]
                db.send(b"".join(frames))
                answered = [db.receive()]
                server.send_signal(signal.SIGTERM)
                try:
                    while True:
                        answered.append(db.receive())
                except (OSError, client.ProtocolError):
                    pass
                self.assertEqual(server.wait(), 0)
            server.start()
            kept = [reply.id for reply in answered if reply.status == client.OK]
            self.assertGreater(len(kept), 0)
            with server.client() as db:
                values = db.value("MGET", *(f"s{n}" for n in kept))
            self.assertEqual(values, [b"1"] * len(kept))

    def test_idle_stop_is_quick(self):
        with harness.Server(cores=2) as server:
            with server.client():
                started = time.monotonic()
                self.assertEqual(server.stop(), 0)
                self.assertLess(time.monotonic() - started, 10)


if __name__ == "__main__":
    harness.main(limit_s=120)
