#!/usr/bin/env python3
"""Channels, CLIENT, MONITOR and events of keys as RESP clients see them, on 1, 2 and 4 cores."""
import time
import unittest

import harness
from resp_session import Error, Push, RespSession

SESSIONS = 12  # Enough for some on every core.


class Sessions:
    """The tests; a class below for each number of cores."""

    cores = 1

    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(cores=cls.cores).start()
        cls.addClassCleanup(cls.server.kill)

    def open(self):
        session = RespSession(self.server.port)
        self.addCleanup(session.close)
        return session

    def eventually(self, question, answer):
        """What is cleaned up when a connection has ended is so a moment later."""
        end = time.monotonic() + 40
        while question() != answer and time.monotonic() < end:
            time.sleep(0.01)
        self.assertEqual(question(), answer)

    def fact(self, session, name):
        """A number that INFO tells."""
        lines = session.line("INFO clients stats").decode().splitlines()
        return next(int(line.split(":")[1]) for line in lines if line.startswith(name + ":"))

    def test_messages_reach_all_in_order(self):
        publisher = self.open()
        subscribers = [self.open() for _ in range(SESSIONS)]
        for subscriber in subscribers:
            self.assertEqual(subscriber.line("SUBSCRIBE news"), [b"subscribe", b"news", 1])
        for number in range(50):
            publisher.send("PUBLISH", "news", number)
        self.assertEqual([publisher.read() for _ in range(50)], [SESSIONS] * 50)
        for subscriber in subscribers:
            for number in range(50):
                message = [b"message", b"news", b"%d" % number]
                self.assertEqual(subscriber.read(), message)
        self.assertEqual(publisher.line("PUBSUB NUMSUB news x"), [b"news", SESSIONS, b"x", 0])
        for subscriber in subscribers[1:]:
            subscriber.close()
        self.eventually(lambda: publisher.line("PUBSUB NUMSUB news"), [b"news", 1])
        self.assertEqual(publisher.line("PUBLISH news end"), 1)
        # Those of the test before may be a moment longer there.
        self.eventually(lambda: self.fact(publisher, "pubsub_channels"), 1)
        self.eventually(lambda: self.fact(publisher, "pubsub_patterns"), 0)

    def test_patterns_and_shard_channels(self):
        asker = self.open()
        sessions = [self.open() for _ in range(SESSIONS)]
        for session in sessions:
            session.line("HELLO 3")
            self.assertEqual(session.line("PSUBSCRIBE p.*"), Push([b"psubscribe", b"p.*", 1]))
            self.assertEqual(session.line("SSUBSCRIBE s"), Push([b"ssubscribe", b"s", 1]))
        self.assertEqual(asker.line("PUBSUB NUMPAT"), 1)
        self.assertEqual(asker.line("PUBSUB SHARDCHANNELS"), [b"s"])
        self.assertEqual(asker.line("PUBSUB CHANNELS p*"), [])
        self.assertEqual(asker.line("PUBLISH p.1 x"), SESSIONS)
        self.assertEqual(asker.line("SPUBLISH s y"), SESSIONS)
        for session in sessions:
            self.assertEqual(session.read(), Push([b"pmessage", b"p.*", b"p.1", b"x"]))
            self.assertEqual(session.read(), Push([b"smessage", b"s", b"y"]))
            self.assertEqual(session.line("GET nothing"), None)  # RESP3 may go on.

    def test_a_resp2_subscriber_may_do_little(self):
        session = self.open()
        session.send("SUBSCRIBE", "a", "b")
        session.send("GET", "x")
        session.send("PING")
        self.assertEqual(session.read(), [b"subscribe", b"a", 1])
        self.assertEqual(session.read(), [b"subscribe", b"b", 2])
        self.assertTrue(session.read().startswith("ERR Can't execute 'get': only (P|S)SUBSCRIBE"))
        self.assertEqual(session.read(), [b"pong", b""])
        self.assertEqual(session.line("RESET"), b"RESET")
        self.assertEqual(session.line("PING"), b"PONG")
        self.assertEqual(session.line("UNSUBSCRIBE"), [b"unsubscribe", None, 0])

    def test_large_messages(self):
        subscriber, publisher = self.open(), self.open()
        subscriber.line("SUBSCRIBE large")
        payload = bytes(range(256)) * 1024
        self.assertEqual(publisher.ask("PUBLISH", "large", payload), 1)
        self.assertEqual(subscriber.read(), [b"message", b"large", payload])

    def test_who_does_not_read_is_cut_off(self):
        subscriber, publisher = self.open(), self.open()
        limit = publisher.ask("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 0 0")
        self.assertEqual(limit, b"OK")
        subscriber.line("SUBSCRIBE flood")
        payload = b"x" * 300_000
        for _ in range(200):
            if publisher.ask("PUBLISH", "flood", payload) == 0:
                break
        else:
            self.fail("60 MB were queued")
        self.assertEqual(self.fact(publisher, "client_output_buffer_limit_disconnections"), 1)
        self.eventually(lambda: publisher.line("PUBSUB NUMSUB flood"), [b"flood", 0])
        publisher.ask("CONFIG", "SET", "client-output-buffer-limit", "pubsub 32mb 8mb 60")

    def test_who_does_not_read_is_cut_off_in_silence_too(self):
        subscriber, publisher = self.open(), self.open()
        publisher.ask("CONFIG", "SET", "client-output-buffer-limit", "pubsub 0 100kb 0")
        subscriber.line("SUBSCRIBE once")
        self.assertEqual(publisher.ask("PUBLISH", "once", b"x" * 20_000_000), 1)
        self.eventually(lambda: publisher.line("PUBSUB NUMSUB once"), [b"once", 0])
        publisher.ask("CONFIG", "SET", "client-output-buffer-limit", "pubsub 32mb 8mb 60")

    def test_expired_keys_are_told(self):
        asker = self.open()
        self.assertEqual(asker.line("CONFIG SET notify-keyspace-events KEx"), b"OK")
        sessions = [self.open() for _ in range(SESSIONS)]
        for session in sessions:
            session.line("SUBSCRIBE __keyevent@0__:expired __keyspace@0__:gone")
            session.read()
        asker.line("SET gone x PX 20")
        for session in sessions:
            messages = sorted([session.read(), session.read()])
            self.assertEqual(messages[0], [b"message", b"__keyevent@0__:expired", b"gone"])
            self.assertEqual(messages[1], [b"message", b"__keyspace@0__:gone", b"expired"])
        self.assertEqual(asker.ask("CONFIG", "SET", "notify-keyspace-events", ""), b"OK")

    def test_clients_are_listed_and_killed(self):
        asker = self.open()
        asker.line("CLIENT SETNAME asker")
        sessions = [self.open() for _ in range(SESSIONS)]
        ids = [session.line("CLIENT ID") for session in sessions]
        self.assertEqual(len(set(ids)), SESSIONS)
        own = asker.line("CLIENT ID")
        lines = asker.ask("CLIENT", "LIST", "ID", own, *ids).decode().splitlines()
        self.assertEqual([int(line.split()[0][3:]) for line in lines], [own, *ids])
        line = next(line for line in lines if line.startswith(f"id={own} "))
        fields = dict(field.split("=", 1) for field in line.split())
        self.assertEqual(fields["addr"], "%s:%d" % asker.socket.getsockname())
        self.assertEqual(fields["laddr"], "%s:%d" % asker.socket.getpeername())
        self.assertEqual((fields["name"], fields["cmd"]), ("asker", "client|list"))
        request = b"*2\r\n$6\r\nCLIENT\r\n$4\r\nINFO\r\n"
        self.assertIn(b" qbuf=%d " % len(request), asker.ask("CLIENT", "INFO"))
        self.assertIn(b" qbuf=%d " % len(request), asker.ask("CLIENT", "LIST"))
        for number in ids[:-1]:
            self.assertEqual(asker.line(f"CLIENT KILL ID {number}"), 1)
        address = "%s:%d" % sessions[-1].socket.getsockname()
        self.assertEqual(asker.line(f"CLIENT KILL {address}"), b"OK")
        self.assertEqual(asker.line(f"CLIENT KILL {address}"), Error("ERR No such client"))
        for session in sessions:
            with self.assertRaises(OSError):
                session.line("PING")
        self.assertEqual(asker.line(f"CLIENT KILL ID {own}"), 0)
        self.assertEqual(asker.line(f"CLIENT KILL ID {own} SKIPME no"), 1)
        with self.assertRaises(OSError):
            asker.line("PING")

    def test_pauses(self):
        writer, reader = self.open(), self.open()
        self.assertEqual(reader.line("CLIENT PAUSE 600000 WRITE"), b"OK")
        writer.send("SET", "paused", "1")
        self.assertEqual(reader.line("GET paused"), None)
        self.eventually(lambda: self.fact(reader, "blocked_clients"), 1)
        self.assertEqual(reader.line("CLIENT UNPAUSE"), b"OK")
        self.assertEqual(writer.read(), b"OK")
        self.assertEqual(self.fact(reader, "blocked_clients"), 0)
        start = time.monotonic()
        self.assertEqual(writer.line("CLIENT PAUSE 100"), b"OK")
        self.assertEqual(reader.line("GET paused"), b"1")
        self.assertGreater(time.monotonic() - start, 0.09)
        reader.line("DEL paused")

    def test_replies_that_nobody_wants(self):
        session = self.open()
        for words in ("CLIENT REPLY OFF", "SET quiet 1", "MGET quiet a b c d e f", "NONSENSE"):
            session.send(*words.split())
        session.send(*"CLIENT REPLY ON".split())
        self.assertEqual(session.read(), b"OK")
        session.send(*"CLIENT REPLY SKIP".split())
        for key in ("a", "quiet"):
            session.send("GET", key)
        self.assertEqual(session.read(), b"1")
        session.line("DEL quiet")

    def test_http_behind_a_first_line_ends_the_connection(self):
        session = self.open()
        session.socket.sendall(b"PING\r\nHost: here\r\nSET smuggled 1\r\n")
        self.assertEqual(session.read(), b"PONG")
        self.assertIn("unknown command 'Host:'", session.read())
        self.assertRaises(OSError, session.read)
        self.assertEqual(self.open().line("GET smuggled"), None)

    def test_monitors_see_all_cores(self):
        monitor, secret = self.open(), self.open()
        self.assertEqual(monitor.line("MONITOR"), b"OK")
        sessions = [self.open() for _ in range(SESSIONS)]
        for number, session in enumerate(sessions):
            session.ask("ECHO", f'"{number}"\n')
        secret.line("AUTH hunter2")
        seen = [monitor.read().decode() for _ in range(SESSIONS + 1)]
        for number, session in enumerate(sessions):
            end = "[0 %s:%d] " % session.socket.getsockname()
            end += f'"ECHO" "\\"{number}\\"\\n"'
            self.assertEqual(sum(line.endswith(end) for line in seen), 1, seen)
        self.assertTrue(any('"AUTH" "(redacted)"' in line for line in seen), seen)
        self.assertEqual(monitor.line("RESET"), b"RESET")


class OneCore(Sessions, unittest.TestCase):
    cores = 1


class TwoCores(Sessions, unittest.TestCase):
    cores = 2


class FourCores(Sessions, unittest.TestCase):
    cores = 4


class Password(unittest.TestCase):
    def test_reset_closes_the_door_to_what_is_behind_it(self):
        path = harness.temporary_directory() / "password"
        path.write_text("sesame\n")
        path.chmod(0o600)
        with harness.Server(flags=("--requirepass-file", path)) as server:
            session = RespSession(server.port)
            self.assertTrue(session.line("HELLO 3").startswith("NOAUTH HELLO must be called"))
            hello = session.line("HELLO 3 AUTH default sesame SETNAME me")
            self.assertEqual((hello[b"proto"], hello[b"server"]), (3, b"redis"))
            self.assertEqual(session.line("CLIENT GETNAME"), b"me")
            session.send("RESET")
            session.send("SET", "a", "1")
            self.assertEqual(session.read(), b"RESET")
            self.assertEqual(session.read(), Error("NOAUTH Authentication required."))
            self.assertEqual(session.line("AUTH sesame"), b"OK")
            self.assertEqual(session.line("GET a"), None)
            session.close()


if __name__ == "__main__":
    harness.main(limit_s=60)
