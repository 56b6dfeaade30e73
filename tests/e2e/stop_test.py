#!/usr/bin/env python3
"""A server that is stopped and continued by signals goes on as if nothing had been."""
import random
import signal
import time
import unittest

import client
import harness
import oracle


class Stopped(unittest.TestCase):
    def test_stop_and_continue_under_load(self):
        chance = random.Random(harness.SEED)
        workers = [oracle.Worker(number, harness.SEED, keys=60) for number in range(3)]
        with harness.Server(cores=2) as server:
            for worker in workers:
                worker.start(server.address)
            for _ in range(10):
                server.send_signal(signal.SIGSTOP)
                time.sleep(chance.uniform(0, 0.05))
                server.send_signal(signal.SIGCONT)
                time.sleep(chance.uniform(0, 0.05))
            with server.client() as db:
                self.assertEqual(db.ask(client.frame(client.PING)).value, "PONG")
            for worker in workers:
                self.assertTrue(worker.thread.is_alive(), "a connection was lost")
                worker.stop.set()
            for worker in workers:
                worker.join()
            with server.client() as db:
                self.assertEqual(oracle.check(db, workers), [])
            self.assertEqual(server.stop(), 0)

    def test_stop_while_starting(self):
        with harness.Server(cores=2) as server:
            with server.client() as db:
                db.set(b"a", b"1")
            server.stop()
            for _ in range(5):
                server.launch()
                for _ in range(5):
                    server.send_signal(signal.SIGSTOP)
                    server.send_signal(signal.SIGCONT)
                server.kill()
            with server.start().client() as db:
                self.assertEqual(db.get(b"a"), b"1")

    def test_signals_that_mean_nothing_here(self):
        """A terminal that closes, or a reader that goes, ends no server by accident of SIGPIPE."""
        with harness.Server(cores=2) as server, server.client() as db:
            for number in (signal.SIGPIPE, signal.SIGWINCH, signal.SIGCHLD, signal.SIGUSR1):
                server.send_signal(number)
                self.assertEqual(db.ask(client.frame(client.PING)).value, "PONG")
            self.assertEqual(server.stop(), 0)

    def test_second_signal_does_not_break_the_stop(self):
        with harness.Server(cores=2) as server:
            with server.client() as db:
                db.pipeline([client.frame(client.SET, b"%d" % n, b"1") for n in range(500)])
            server.send_signal(signal.SIGTERM)
            server.send_signal(signal.SIGINT)
            self.assertEqual(server.wait(), 0)
            with server.start().client() as db:
                self.assertEqual(db.value("DBSIZE"), 500)


if __name__ == "__main__":
    harness.main(limit_s=60)
