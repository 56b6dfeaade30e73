#!/usr/bin/env python3
"""Commands of 100,000 keys over both protocols, beside a client that they must not hold up."""
import multiprocessing
import time
import unittest

import harness
import resp_session

KEYS = [b"key:%d" % i for i in range(100_000)]
PAIRS = [word for key in KEYS for word in (key, b"value of " + key)]
GAP_S = 1  # Far more than a slice takes, even where every core is busy.


def ping(port, ends, out):
    """Asks all the time until told to end; then sends how often, and the longest wait."""
    session = resp_session.RespSession(port)
    longest_s, answers = 0, 0
    while not ends.poll():
        begin = time.monotonic()
        session.ask("PING")
        longest_s = max(longest_s, time.monotonic() - begin)
        answers += 1
    out.send((answers, longest_s))


class Pinger:
    """In a process of its own: one that builds requests would hold it up."""

    def __init__(self, port):
        self.ends, ends = multiprocessing.Pipe()
        self.out, out = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=ping, args=(port, ends, out), daemon=True)

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *_):
        self.ends.send(None)
        self.answers, self.longest_s = self.out.recv()
        self.process.join()


def over_resp(server):
    session = resp_session.RespSession(server.port)
    return session.ask, session.close


def over_native(server):
    db = server.client()

    def ask(*words):
        reply = db.command(*words)
        if reply.is_error:
            raise AssertionError(reply)
        return b"OK" if reply.value is None else reply.value

    return ask, db.close


class ManyKeys(unittest.TestCase):
    def check(self, server, way):
        ask, close = way(server)
        with Pinger(server.port) as pinger:
            self.assertEqual(ask("MSET", *PAIRS), b"OK")
            self.assertEqual(ask("EXISTS", *KEYS, b"missing"), len(KEYS))
            self.assertEqual(ask("TOUCH", *KEYS[1:]), len(KEYS) - 1)
            values = ask("MGET", b"missing", *KEYS)
            self.assertEqual(ask("UNLINK", *KEYS[:30_000]), 30_000)
            self.assertEqual(ask("DEL", *KEYS), 70_000)
            self.assertEqual(ask("EXISTS", *KEYS), 0)
        close()
        self.assertEqual(values, [None, *PAIRS[1::2]])
        print(f"{way.__name__}, {server.cores} cores: {pinger.answers} answers, the longest took "
              f"{pinger.longest_s * 1000:.1f} ms")
        self.assertLess(pinger.longest_s, GAP_S)

    def test_both_protocols(self):
        for cores in (1, 4):
            with harness.Server(cores=cores) as server:
                for way in (over_resp, over_native):
                    with self.subTest(cores=cores, way=way.__name__):
                        self.check(server, way)

    def test_what_was_answered_outlives_a_kill(self):
        server = harness.Server(cores=2)
        with server:
            ask, close = over_resp(server)
            self.assertEqual(ask("MSET", *PAIRS), b"OK")
            self.assertEqual(ask("DEL", *KEYS[::2]), len(KEYS) // 2)
            server.kill()
            close()
            server.start()
            ask, close = over_resp(server)
            self.assertEqual(ask("DBSIZE"), len(KEYS) // 2)
            self.assertEqual(ask("EXISTS", *KEYS), len(KEYS) // 2)
            close()


if __name__ == "__main__":
    harness.main(60)
