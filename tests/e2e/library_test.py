#!/usr/bin/env python3
"""The client library against real servers: straight to the owner of each key where cores have
ports, and over restarts with other cores, without ports, and while nobody is there."""
import os
import re
import subprocess
import unittest

import client
import harness

KEYS = 300
CORES_MAX = 4


class Driver:
    """tests/e2e/client_driver.cc: a command in, a line out."""

    def __init__(self, port):
        self.process = subprocess.Popen(
            [os.environ["PHOENIX_CLIENT_DRIVER"], str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def say(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")


def figures(server, name):
    """A figure of each core, as INFO tells it."""
    with server.client() as db:
        page = db.command("INFO").value
    return [int(figure) for figure in re.findall(rf"^core_\d+:.*\b{name}=(\d+)", page, re.M)]


class Library(unittest.TestCase):
    def setUp(self):
        self.directory = harness.temporary_directory() / "data"
        ports = harness.free_ports(CORES_MAX + 1)
        self.port, self.base = ports, ports + 1

    def server(self, cores, has_core_ports=True):
        flags = ["--core-port-base", self.base] if has_core_ports else []
        return harness.Server(self.directory, cores=cores, flags=flags, port=self.port)

    def check_without_hops(self, driver, server):
        before = figures(server, "from_other_cores")
        served = figures(server, "requests")
        for command in (f"pipe {KEYS}", f"fill {KEYS}"):
            self.assertEqual(driver.say(command), f"{KEYS} ok")
        self.assertEqual(driver.say(f"check {KEYS}"), f"{KEYS} right")
        now = figures(server, "requests")
        for core, (was, became) in enumerate(zip(served, now)):
            self.assertGreater(became - was, KEYS // len(now), f"core {core} was asked itself")
        # INFO's own answer is gathered by no hop either.
        self.assertEqual(figures(server, "from_other_cores"), before)

    def test_cores_and_restarts(self):
        with self.server(4) as server:
            with Driver(self.port) as driver:
                self.check_without_hops(driver, server)
                self.assertEqual(driver.say("list"), str(KEYS))
                server.kill()
                with self.server(2) as fewer:
                    self.assertEqual(driver.say(f"check {KEYS}"), f"{KEYS} right")
                    self.check_without_hops(driver, fewer)
                with self.server(3, has_core_ports=False):
                    self.assertEqual(driver.say(f"check {KEYS}"), f"{KEYS} right")
                    self.assertEqual(driver.say("list"), str(KEYS))
                with self.server(4) as more:
                    self.assertEqual(driver.say(f"check {KEYS}"), f"{KEYS} right")
                    self.check_without_hops(driver, more)

    def test_while_nobody_is_there(self):
        with self.server(2) as server:
            with Driver(self.port) as driver:
                self.assertEqual(driver.say("incr"), "1")
                server.kill()
                # The kernel takes a killed server's sockets down at some moment after its end.
                answer = driver.say("incr")
                while "may or may not have been executed" in answer:
                    answer = driver.say("incr")
                self.assertIn("connection refused", answer)
                driver.process.stdin.write("incr\n")
                driver.process.stdin.flush()
                # It waits for what is being started.
                with self.server(2):
                    answer = driver.process.stdout.readline().rstrip("\n")
                    while "connection refused" in answer:  # On a slow machine not long enough.
                        answer = driver.say("incr")
                    self.assertEqual(answer, "2")


if __name__ == "__main__":
    harness.main(limit_s=60)
