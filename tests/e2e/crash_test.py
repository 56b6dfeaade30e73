#!/usr/bin/env python3
"""Kills the server under load, over and over: nothing answered is lost, nothing gone returns.

PHOENIX_CRASH_ROUNDS sets the number of rounds; PHOENIX_TEST_SEED repeats the load (not the timing).
A kill does not lose what the kernel has been given: powercut_test.py is for that.
"""
import os
import random
import time
import unittest

import harness
import oracle

ROUNDS = int(os.environ.get("PHOENIX_CRASH_ROUNDS", harness.by_level(8, 32, 200)))
CONNECTIONS = 4
# A log that nobody cleans grows from round to round; a fresh one keeps the rounds short.
ROUNDS_PER_DIRECTORY = 25


class KillUnderLoad(unittest.TestCase):
    def torture(self, cores_of, rounds):
        done = 0
        while done < rounds:
            some = min(ROUNDS_PER_DIRECTORY, rounds - done)
            self.one_directory(cores_of, some, seed=f"{harness.SEED}-{done}")
            done += some

    def one_directory(self, cores_of, rounds, seed):
        chance = random.Random(seed)
        shared = oracle.SharedCounter(b"shared")
        sizes = (8, 64, 300, 300, 5000, 40_000)
        workers = [
            oracle.Worker(number, seed, keys=120, sizes=sizes, shared=shared)
            for number in range(CONNECTIONS)
        ]
        server = harness.Server(cores=cores_of(chance), flags=["--segment-size", "4M"])
        self.addCleanup(server.kill)
        server.start()
        for number in range(rounds):
            for worker in workers:
                worker.start(server.address)
            oracle.run_for(workers, chance.uniform(0.05, 0.3))
            for worker in workers:
                worker.expect_end()
            server.kill()
            for worker in workers:
                worker.join()
            server.cores = cores_of(chance)
            self.maybe_kill_the_recovery(server, chance)
            server.start()
            with server.client() as connection:
                violations = oracle.check(connection, workers) + shared.check(connection)
            self.assertEqual(violations[:5], [], f"round {number} of seed {seed}")
        self.assertEqual(server.stop(), 0)
        server.start()
        with server.client() as connection:
            self.assertEqual(oracle.check(connection, workers), [])
        server.kill()
        acknowledged = sum(worker.acknowledged for worker in workers)
        print(f"{rounds} rounds, {acknowledged} acknowledged writes", flush=True)
        self.assertGreater(acknowledged, rounds, "there was no load")

    @staticmethod
    def maybe_kill_the_recovery(server, chance):
        """A third of the starts are killed somewhere on their way."""
        while chance.random() < 0.33:
            server.launch()
            time.sleep(chance.uniform(0, 0.06))
            server.kill()

    def test_same_port_at_once(self):
        """Who restarts a crashed server at once gets its port and its directory."""
        with harness.Server(cores=2, port=harness.free_port()) as server:
            for number in range(10):
                clients = [self.enterContext(server.client()) for _ in range(10)]
                for db in clients:
                    db.set(b"round", b"%d" % number)
                server.kill()
                server.start()
                with server.client() as db:
                    self.assertEqual(db.get(b"round"), b"%d" % number)

    def test_one_core(self):
        self.torture(lambda chance: 1, ROUNDS // 4)

    def test_two_cores(self):
        self.torture(lambda chance: 2, ROUNDS // 4)

    def test_four_cores(self):
        self.torture(lambda chance: 4, ROUNDS // 4)

    def test_changing_core_count(self):
        self.torture(lambda chance: chance.choice((1, 2, 2, 4)), ROUNDS - 3 * (ROUNDS // 4))


if __name__ == "__main__":
    harness.main(limit_s=600)
