#!/usr/bin/env python3
"""Commands of very many keys over both protocols. That they hold nobody up is shown where steps are
counted, in the tests of the simulated server."""
import unittest

import harness
import resp_session

# So many that their words are more than other commands may have, but for the sanitizers' patience.
KEYS = [b"key:%d" % i for i in range(harness.by_level(20_000, 100_000, 100_000))]
PART = len(KEYS) // 3
PAIRS = [word for key in KEYS for word in (key, b"value of " + key)]


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
        self.assertEqual(ask("MSET", *PAIRS), b"OK")
        self.assertEqual(ask("EXISTS", *KEYS, b"missing"), len(KEYS))
        self.assertEqual(ask("TOUCH", *KEYS[1:]), len(KEYS) - 1)
        self.assertEqual(ask("MGET", b"missing", *KEYS), [None, *PAIRS[1::2]])
        self.assertEqual(ask("UNLINK", *KEYS[:PART]), PART)
        self.assertEqual(ask("DEL", *KEYS), len(KEYS) - PART)
        self.assertEqual(ask("EXISTS", *KEYS), 0)
        close()

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
