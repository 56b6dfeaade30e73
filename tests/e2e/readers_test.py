#!/usr/bin/env python3
"""Peers that read slowly or never, send byte by byte, or stop half-way: bounded, and correct."""
import contextlib
import os
import select
import socket
import struct
import threading
import time
import unittest

import client
import harness
from client import argv_frame, frame

MIB = 1 << 20
# What one more peer may add that does not read: all receive buffers of a core (4 MiB; twice in a
# string that grows), 1 MiB of replies, and places for what is awaited. What the first ones bring
# about (buffers and pools of the cores that are used again) is no growth.
PEERS = 4
GROWTH_PER_PEER_MAX = 12 * MIB
PINGS_MAX = harness.by_level(50_000, 10_000_000, 10_000_000)  # What sockets hold takes its time.


class Readers(unittest.TestCase):
    def setUp(self):
        # Memory that was freed is overwritten: who still looks at it is found out.
        os.environ["MALLOC_PERTURB_"] = "165"
        self.server = harness.Server(cores=2).start()
        self.addCleanup(self.server.kill)

    def assert_others_are_served(self):
        with self.server.client() as db:
            for number in range(50):
                self.assertEqual(db.set(b"other", b"%d" % number).status, client.OK)
                self.assertEqual(db.get(b"other"), b"%d" % number)

    def assert_bounded(self, abuse):
        """Lets as many peers at once as are measured abuse a fresh server, then as many again."""
        with contextlib.ExitStack() as first:
            self.let_peers(abuse, first)
        self.assert_others_are_served()
        with contextlib.ExitStack() as more:
            before = self.server.memory_bytes()
            self.let_peers(abuse, more)
            self.assert_others_are_served()
            growth = self.server.memory_bytes() - before
        print(f"{PEERS} peers added {growth / MIB:.1f} MiB", flush=True)
        if harness.LEVEL != "quick":
            self.assertLess(growth, PEERS * GROWTH_PER_PEER_MAX)

    def let_peers(self, abuse, stack):
        """Connects them; they stay until the stack is closed."""
        peers = [stack.enter_context(client.connect(self.server.address)) for _ in range(PEERS)]
        threads = [threading.Thread(target=abuse, args=(peer,)) for peer in peers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def test_never_reader(self):
        """2,000 values of 1 MB are asked for by each, and not one byte is taken."""
        with self.server.client() as db:
            db.set(b"big", b"x" * 1_000_000)
        self.assert_bounded(lambda deaf: self.push(deaf, frame(client.GET, b"big") * 2000))

    @staticmethod
    def push(peer, data):
        """Sends as much as the server takes, and a while longer."""
        peer.setblocking(False)
        data = memoryview(data)
        sent, deadline = 0, time.monotonic() + 2
        while sent < len(data) and time.monotonic() < deadline:
            if select.select([], [peer], [], 0.1)[1]:
                sent += peer.send(data[sent : sent + 65536])

    def test_never_reader_of_small_replies(self):
        with self.server.client() as db:
            db.set(b"small", b"x" * 100)
        questions = frame(client.GET, b"small") * 1_000_000
        self.assert_bounded(lambda deaf: self.push(deaf, questions))

    def test_slow_reader_gets_every_byte(self):
        pattern = bytes(range(251)) * 4000
        with self.server.client() as db, self.server.client() as slow:
            for number in range(8):
                db.set(b"big%d" % number, pattern + b"%d" % number)
            slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
            slow.send(b"".join(frame(client.GET, b"big%d" % n, request_id=n) for n in range(8)))
            time.sleep(0.3)  # Let the server run into the full socket.
            for number in range(8):
                time.sleep(0.05)
                reply = slow.receive()
                self.assertEqual(reply.id, number)
                self.assertTrue(reply.value == pattern + b"%d" % number, "bytes were mixed up")
            self.assertEqual(slow.ask(frame(client.PING)).value, "PONG")

    def test_reader_that_wakes_up(self):
        """Replies and writes that waited for a full socket go on once it is read."""
        count = 30
        with self.server.client() as db:
            db.set(b"big", b"x" * 1_000_000)
            questions = [frame(client.GET, b"big", request_id=n) for n in range(count)]
            db.send(b"".join(questions) + frame(client.SET, b"after", b"1", request_id=count))
            time.sleep(0.5)
            self.assertEqual([db.receive().id for _ in range(count + 1)], list(range(count + 1)))
            self.assertEqual(db.get(b"after"), b"1")

    def test_byte_by_byte(self):
        requests = [
            frame(client.SET, b"key", b"value", ttl_ms=100_000, request_id=1),
            frame(client.GET, b"key", request_id=2),
            argv_frame("MGET", "key", "none", request_id=3),
            frame(client.INCR, b"count", request_id=4),
            frame(client.PING, request_id=5),
        ]
        with self.server.client() as db:
            for byte in b"".join(requests):
                db.socket.sendall(bytes([byte]))
            replies = [db.receive() for _ in requests]
        self.assertEqual([reply.id for reply in replies], [1, 2, 3, 4, 5])
        values = [reply.value for reply in replies]
        self.assertEqual(values, [None, b"value", [b"value", None], 1, "PONG"])

    def test_half_closed_peer_gets_its_answers(self):
        with self.server.client() as db:
            frames = [frame(client.SET, b"h%d" % n, b"1", request_id=n) for n in range(300)]
            db.send(b"".join(frames))
            db.socket.shutdown(socket.SHUT_WR)
            self.assertEqual([db.receive().id for _ in frames], list(range(300)))
            self.assertEqual(db.socket.recv(1), b"", "the server closes when all is said")
        with self.server.client() as db:
            self.assertEqual(db.value("EXISTS", *(f"h{n}" for n in range(300))), 300)

    def test_half_closed_while_its_output_is_full(self):
        """The end that came while nothing more could be queued is not forgotten."""
        with self.server.client() as db:
            db.set(b"big", b"x" * 3 * MIB)
        for _ in range(5):
            with self.server.client() as db:
                db.send(frame(client.GET, b"big") * 2)
                db.socket.shutdown(socket.SHUT_WR)
                self.assertEqual([len(db.receive().value) for _ in range(2)], [3 * MIB] * 2)
                self.assertEqual(db.socket.recv(1), b"", "the server closes when all is said")

    def test_sender_faster_than_the_server(self):
        """Peers that read their replies and send all they can: they wait, and nothing piles up."""
        data = frame(client.PING) * 50_000

        def send_all_it_can(peer):
            reader = threading.Thread(target=self.read_to_the_end, args=(peer,))
            reader.start()
            deadline = time.monotonic() + 2
            for _ in range(PINGS_MAX // 50_000):
                peer.sendall(data)
                if time.monotonic() > deadline:
                    break
            peer.shutdown(socket.SHUT_WR)
            reader.join()

        self.assert_bounded(send_all_it_can)

    @staticmethod
    def read_to_the_end(peer):
        while peer.recv(MIB):
            pass

    def test_lists_of_large_values_unread(self):
        """Replies that come from another core are counted before they are there."""
        with self.server.client() as db:
            for number in range(15):
                db.set(b"{a}%d" % number, b"x" * MIB)
                db.set(b"{b}%d" % number, b"x" * MIB)
        before = self.server.memory_bytes()
        with self.server.client() as one, self.server.client() as two:
            for peer, tag in ((one, "a"), (two, "b")):
                peer.send(argv_frame("MGET", *(f"{{{tag}}}{n}" for n in range(15))) * 60)
            time.sleep(2)
            growth = self.server.memory_bytes() - before
        print(f"grew by {growth / MIB:.1f} MiB", flush=True)
        if harness.LEVEL != "quick":
            self.assertLess(growth, 2 * 5 * 16 * MIB)  # Four are awaited, one is queued: of 60.
        self.assert_others_are_served()

    def test_listings_that_are_left(self):
        """More listings than a turn serves, whose clients go away in their midst."""
        with self.server.client() as db:
            for start in range(0, 100_000, 1000):
                words = [w for n in range(start, start + 1000) for w in (f"key:{n}", "v")]
                self.assertEqual(db.value("MSET", *words), None)
        for is_reset in (True, False):
            peers = [client.connect(self.server.address) for _ in range(300)]
            for peer in peers:
                peer.sendall(argv_frame("LIST", "nothing*"))
            time.sleep(0.1)
            for peer in peers:
                if is_reset:
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.close()
            self.assert_others_are_served()
        self.assertEqual(self.server.stop(), 0)

    def test_half_closed_inside_a_frame(self):
        with self.server.client() as db:
            db.send(frame(client.SET, b"whole", b"1") + frame(client.SET, b"torn", b"12345")[:-2])
            db.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(db.receive().status, client.OK)
            self.assertEqual(db.socket.recv(1000), b"", "half a frame has no answer")
        with self.server.client() as db:
            self.assertEqual(db.value("MGET", "whole", "torn"), [b"1", None])

    def test_reset_in_the_middle(self):
        """A peer that resets its connection leaves whole writes or none, and no others are hurt."""
        for number in range(100):
            peer = client.connect(self.server.address)
            peer.sendall(frame(client.SET, b"r%d" % number, b"y" * 10_000)[: 100 * number])
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
        self.assert_others_are_served()
        with self.server.client() as db:
            for number in range(100):
                self.assertIn(db.get(b"r%d" % number), (None, b"y" * 10_000))

    def test_declared_and_never_sent(self):
        """20 values of 512 MiB are announced: nothing is reserved for what has not come."""
        before = self.server.memory_bytes()
        peers = [self.enterContext(self.server.client()) for _ in range(20)]
        for peer in peers:
            header = (client.REQUEST_MAGIC, client.SET, 0, 1, 3, 512 * MIB)
            peer.send(client.HEADER.pack(*header) + b"big")
        self.assert_others_are_served()
        growth = self.server.memory_bytes() - before
        print(f"grew by {growth / MIB:.1f} MiB", flush=True)
        if harness.LEVEL != "quick":
            self.assertLess(growth, 8 * MIB)


if __name__ == "__main__":
    harness.main(limit_s=120)
