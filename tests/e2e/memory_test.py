#!/usr/bin/env python3
"""--max-memory bounds what the process holds, whatever its peers do, and what may go on goes on."""
import re
import threading
import time
import unittest

import client
import harness
from client import argv_frame, frame

MIB = 1 << 20
BUDGET = 128 * MIB
# Keys of each of two cores.
HERE, THERE = b"{b}key", b"{a}key"


class MemoryBudget(unittest.TestCase):
    def start(self, cores):
        flags = ["--max-memory", BUDGET, "--durability", "off"]
        self.server = harness.Server(cores=cores, flags=flags).start()
        self.addCleanup(self.server.kill)
        self.cores = cores
        self.peers = []

    def peer(self):
        self.peers.append(self.enterContext(self.server.client()))
        return self.peers[-1]

    def field(self, name):
        with self.server.client() as db:
            return int(re.search(rf"^{name}:(\d+)", db.value("INFO"), re.MULTILINE)[1])

    def assert_bounded(self, what):
        """The whole process; what it needs anyway and what malloc keeps comes on top."""
        held = self.server.memory_bytes()
        print(f"{what}: {held / MIB:.0f} MiB of {BUDGET / MIB:.0f}", flush=True)
        if harness.LEVEL != "quick":
            self.assertLess(held, BUDGET * 1.1 + self.cores * 64 * MIB)

    def assert_small_requests_go_on(self):
        with self.server.client() as db:
            self.assertEqual(db.get(b"{a}small"), b"1")
            self.assertEqual(db.value("MGET", "{a}small", "{b}small"), [b"1", b"2"])
            self.assertEqual(db.value("EXPIRE", "{a}none", 0), 0)
            self.assertEqual(db.value("DEL", "{a}none"), 0)

    def assert_given_back(self):
        for peer in self.peers:
            peer.close()
        pools = self.cores * 16 * MIB
        harness.wait_until(lambda: self.field("buffer_memory") < pools, 60, "buffers are kept")
        with self.server.client() as db:
            self.assertEqual(db.set(b"{a}again", b"x" * 1000).status, client.OK)
        self.assertEqual(self.server.stop(), 0)

    def set_small_keys(self):
        with self.server.client() as db:
            db.value("MSET", "{a}small", 1, "{b}small", 2)

    def wait_until_quiet(self):
        """Until what peers can bring about is done: buffers have not changed for half a second."""
        values = [self.field("buffer_memory")]
        while len(values) < 6 or len(set(values[-6:])) > 1:
            time.sleep(0.1)
            values.append(self.field("buffer_memory"))

    def flood(self, *keys):
        """40 peers ask for lists of 16 MB again and again, and read none of them."""
        value = b"x" * 32_000
        with self.server.client() as db:
            for key in keys:
                db.set(key, value)
        request = argv_frame("MGET", *(keys * (500 // len(keys))))
        for _ in range(40):
            self.peer().send(request * 4)
        self.wait_until_quiet()
        self.assert_bounded(f"{len(keys)} keys")

    def test_unread_lists(self):
        self.start(cores=1)
        self.set_small_keys()
        self.flood(HERE)
        self.assert_small_requests_go_on()
        self.assert_given_back()

    def test_unread_lists_of_other_cores(self):
        for keys in ((HERE,), (THERE,), (HERE, THERE)):
            with self.subTest(keys=keys):
                self.start(cores=2)
                self.set_small_keys()
                self.flood(*keys)
                self.assert_small_requests_go_on()
                self.assert_given_back()

    def test_values_that_are_overwritten_while_they_are_sent(self):
        self.start(cores=1)
        self.set_small_keys()
        stored, reply = 0, None
        with self.server.client() as db:
            while stored < 40:
                reply = db.set(b"{a}big", b"x" * 20 * MIB)
                if reply.is_error:
                    break
                stored += 1
                reader = self.peer()
                reader.send(frame(client.GET, b"{a}big"))
                harness.wait_until(lambda peer=reader: peer.socket.recv(1), 60, "no reply")
        self.assertEqual(reply.status, client.OUT_OF_MEMORY)
        self.assertGreaterEqual(stored, 4)
        self.assert_bounded(f"{stored} values")
        self.assert_small_requests_go_on()
        with self.server.client() as db:
            self.assertEqual(db.value("DEL", "{a}big"), 1)
        self.assert_given_back()

    def test_large_values_that_arrive_at_once(self):
        self.start(cores=2)
        self.set_small_keys()
        replies = []

        def write(number):
            with self.server.client() as db:
                replies.append(db.set(b"{a}%d" % number, b"x" * 20 * MIB).status)

        writers = [threading.Thread(target=write, args=(number,)) for number in range(16)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        self.assertEqual(len(replies), 16)
        self.assertLessEqual(set(replies), {client.OK, client.OUT_OF_MEMORY})
        self.assertIn(client.OUT_OF_MEMORY, replies)
        self.assert_bounded(f"{replies.count(client.OK)} values stored")
        self.assert_small_requests_go_on()
        with self.server.client() as db:
            deleted = db.value("DEL", *(f"{{a}}{number}" for number in range(16)))
            self.assertEqual(deleted, replies.count(client.OK))
        self.assert_given_back()

    def test_long_requests_while_memory_is_full(self):
        """They get their error, and what was sent behind them is answered."""
        self.start(cores=2)
        self.set_small_keys()
        with self.server.client() as db:
            stored = 0
            while not (reply := db.set(b"{a}%d" % stored, b"x" * 30_000)).is_error:
                stored += 1
            self.assertRegex(reply.value, r"'maxmemory': core 1 uses .* its share of 64\.0 MiB")
            self.assertRegex(db.value("INFO"), rf"core_1:.*,maxmemory={BUDGET // 2}\r\n")
            for form in (argv_frame("SET", "{a}big", b"y" * 3 * MIB, request_id=2),
                         frame(client.SET, b"{a}big", b"y" * 3 * MIB, request_id=2)):
                before = frame(client.GET, b"{a}0", request_id=1)
                db.send(before + form + frame(client.GET, b"{a}small", request_id=3))
                got = [db.receive() for _ in range(3)]
                self.assertEqual([reply.id for reply in got], [1, 2, 3])
                self.assertEqual(got[1].status, client.OUT_OF_MEMORY)
                self.assertEqual(got[2].value, b"1")
            self.assertEqual(db.value("EXPIRE", "{a}0", 0), 1)
            self.assertEqual(db.value("DEL", *(f"{{a}}{n}" for n in range(1, stored))), stored - 1)
        self.assert_given_back()


if __name__ == "__main__":
    harness.main(limit_s=120)
