#!/usr/bin/env python3
"""Large values, and what happens when memory has a limit."""
import hashlib
import os
import unittest

import client
import harness
from client import frame

MIB = 1 << 20
LARGE = harness.by_level(8, 100, 512) * MIB


class Large(unittest.TestCase):
    def test_round_trip_and_restart(self):
        value = os.urandom(MIB) * (LARGE // MIB)
        digest = hashlib.sha256(value).digest()
        with harness.Server(cores=2) as server:
            before = server.memory_bytes()
            with server.client(timeout_s=120) as db, server.client() as other:
                db.send(frame(client.SET, b"large", value))
                self.assertEqual(other.set(b"small", b"1").status, client.OK)
                self.assertEqual(db.receive().status, client.OK)
                self.assertTrue(hashlib.sha256(db.get(b"large")).digest() == digest)
            growth = server.memory_bytes() - before
            print(f"a value of {LARGE // MIB} MiB: grew by {growth // MIB} MiB", flush=True)
            if harness.LEVEL != "quick":
                self.assertLess(growth, LARGE + 64 * MIB)
            server.kill()
            with server.start().client(timeout_s=120) as db:
                self.assertTrue(hashlib.sha256(db.get(b"large")).digest() == digest)
                self.assertEqual(db.value("DEL", "large"), 1)
                self.assertIsNone(db.get(b"large"))

    def test_sizes_around_every_boundary(self):
        sizes = sorted(
            max(0, (1 << power) + offset) for power in range(4, 23) for offset in (-17, -1, 0, 1)
        )
        with harness.Server(cores=2) as server:
            with server.client() as db:
                for size in sizes:
                    value = bytes([size % 251]) * size
                    self.assertEqual(db.set(b"s%d" % size, value).status, client.OK)
                    self.assertTrue(db.get(b"s%d" % size) == value, size)
            server.kill()
            with server.start().client() as db:
                for size in sizes:
                    value = bytes([size % 251]) * size
                    self.assertTrue(db.get(b"s%d" % size) == value, size)

    def test_many_large_values_in_one_pipeline(self):
        with harness.Server(cores=2) as server, server.client() as db:
            values = [bytes([65 + n]) * (700_000 + n) for n in range(20)]
            for begin in range(0, 20, 5):
                frames = [frame(client.SET, b"p%d" % n, values[n]) for n in range(begin, begin + 5)]
                for reply in db.pipeline(frames):
                    self.assertEqual(reply.status, client.OK)
            for number, value in enumerate(values):
                self.assertTrue(db.get(b"p%d" % number) == value)


class MemoryLimit(unittest.TestCase):
    def test_full_memory_refuses_writes_only(self):
        value = b"x" * 10_000
        # One SET at a time, and it is not durability that is tested here: do not wait for the disk.
        flags = ["--max-memory", "64M", "--durability", "interval"]
        with harness.Server(cores=2, flags=flags) as server:
            with server.client() as db:
                stored = 0
                while True:
                    reply = db.set(b"k%d" % stored, value)
                    if reply.is_error:
                        break
                    stored += 1
                    self.assertLess(stored, 20_000, "the limit is not kept")
                self.assertEqual(reply.status, client.OUT_OF_MEMORY)
                self.assertIn("memory", reply.value.lower())
                print(f"{stored} values of 10 kB in 64M", flush=True)
                self.assertGreater(stored, 1000)
                if harness.LEVEL != "quick":
                    self.assertLess(server.memory_bytes(), 160 * MIB)
                self.assertTrue(db.get(b"k0") == value)
                self.assertIsNone(db.get(b"k%d" % stored), "a refused write was done")
                doomed = [f"k{n}" for n in range(0, stored, 2)]
                self.assertEqual(db.value("DEL", *doomed), len(doomed))
                self.assertEqual(db.set(b"again", value).status, client.OK)
            self.assertEqual(server.stop(), 0)
            with server.start().client() as db:
                self.assertEqual(db.value("DBSIZE"), stored - len(doomed) + 1)


if __name__ == "__main__":
    harness.main(limit_s=300)
