#!/usr/bin/env python3
"""Cuts the power of a real ext4 under a loaded server, at random writes and during recovery.

A cut keeps what was flushed and a random choice of the later blocks. Every write that was answered
before the cut must be there; nothing that was deleted or expired may return. The control shows that
the test can see: a server that answers before it has synced must be caught.
"""
import random
import unittest

import disks
import harness
import oracle

MEBIBYTES = 384  # The server leaves 64 MiB of a disk alone.
GENERATIONS = harness.by_level(1, 4, 6)
CUTS = harness.by_level(4, 6, 10)  # Of each generation.
CONNECTIONS = 3
LOAD_S = 0.7
WRITES = 50  # And so many at least, however slow the disk is.


class PowerCut(unittest.TestCase):
    def setUp(self):
        self.chance = random.Random(harness.SEED)
        self.disk = self.enterContext(disks.FaultDisk(MEBIBYTES))
        self.workers = [
            oracle.Worker(number, harness.SEED, keys=80, position=self.disk.position)
            for number in range(CONNECTIONS)
        ]

    def server(self, path, flags=()):
        cores = self.chance.choice((1, 2, 3))
        flags = ["--segment-size", "2M", *flags]
        return harness.Server(directory=path / "data", cores=cores, flags=flags)

    def load(self, server):
        """Runs the load against a fresh or recovered server, then kills it."""
        for worker in self.workers:
            worker.start(server.address)
        oracle.run_for(self.workers, LOAD_S, writes=WRITES)
        for worker in self.workers:
            worker.stop.set()
        for worker in self.workers:
            worker.join()

    def check_cut(self, position, percent_kept=None):
        """The violations of a server that starts on what a cut at `position` left."""
        self.disk.cut_at(position, self.chance, percent_kept)
        with disks.Mount(self.disk.cut) as path, self.server(path) as server:
            with server.client() as connection:
                return oracle.check(
                    connection,
                    self.workers,
                    is_acked=lambda o: o.acked is not None and o.acked <= position,
                    is_sent=lambda o: o.sent <= position,
                    settle=False,
                )

    def test_cuts(self):
        with disks.Mount(self.disk.disk, make=True) as path:
            disks.run("sync", "-f", path)
            self.disk.order("mark")
            with self.server(path) as server:
                self.load(server)
        done = self.check_cuts(generation=0)
        for generation in range(1, GENERATIONS):
            self.go_on_after_a_cut(generation)
            done += self.check_cuts(generation)
        acknowledged = sum(worker.acknowledged for worker in self.workers)
        print(f"{done} cuts, {acknowledged} acknowledged writes, seed {harness.SEED}", flush=True)
        self.assertGreaterEqual(acknowledged, WRITES * GENERATIONS, "there was no load")

    def check_cuts(self, generation):
        total = self.disk.position()
        for number in range(CUTS):
            # Spread over the whole run; the first ones of a generation cut its recovery.
            position = self.chance.randint(total * number // CUTS, total * (number + 1) // CUTS)
            violations = self.check_cut(position)
            what = f"generation {generation}, cut {number} at {position} of {total}"
            self.assertEqual(violations[:5], [], f"{what}, seed {harness.SEED}")
        return CUTS

    def go_on_after_a_cut(self, generation):
        """The power comes back on one cut; what is seen then is the truth from there on."""
        position = self.chance.randint(self.disk.position() // 2, self.disk.position())
        self.disk.cut_at(position, self.chance)
        self.disk.order("adopt")
        with disks.Mount(self.disk.disk) as path, self.server(path) as server:
            with server.client() as connection:
                violations = oracle.check(
                    connection,
                    self.workers,
                    is_acked=lambda o: o.acked is not None and o.acked <= position,
                    is_sent=lambda o: o.sent <= position,
                )
            self.assertEqual(violations[:5], [], f"generation {generation}, seed {harness.SEED}")
            self.load(server)

    def test_control_is_caught(self):
        """Answering before the sync loses writes here, or this test could see nothing."""
        flags = ("--durability", "interval", "--interval-ms", "3600000")
        with disks.Mount(self.disk.disk, make=True) as path:
            disks.run("sync", "-f", path)
            self.disk.order("mark")
            with self.server(path, flags) as server:
                self.load(server)
                position = self.disk.position()
        # The file system's own flushes may save one of these positions, but not all.
        caught = [self.check_cut(position * part // 4, percent_kept=0) for part in (2, 3, 4)]
        self.assertTrue(any(caught), f"seed {harness.SEED}")

    def test_failing_disk_stops_the_server(self):
        """A write error ends it at once with a bad exit code, and loses nothing answered."""
        with disks.Mount(self.disk.disk, make=True) as path, self.server(path) as server:
            for worker in self.workers:
                worker.start(server.address)
            oracle.run_for(self.workers, LOAD_S, writes=WRITES)
            for worker in self.workers:
                worker.expect_end()
            self.disk.order("fail-writes 0")
            self.assertGreater(server.wait(), 0, server.output())
            for worker in self.workers:
                worker.join()
        self.disk.order("fail-writes -1")
        with disks.Mount(self.disk.disk) as path, self.server(path) as server:
            with server.client() as connection:
                self.assertEqual(oracle.check(connection, self.workers), [])


if __name__ == "__main__":
    disks.require(fault_disk=True)
    harness.main(limit_s=240)
