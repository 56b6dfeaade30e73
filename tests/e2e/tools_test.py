#!/usr/bin/env python3
"""phoenix-cli and phoenix-bench as the programs that people start: against a real server, with what
it refuses shown to them."""
import csv
import json
import os
import shlex
import subprocess
import unittest
import xml.etree.ElementTree

import client
import harness
from client import frame

LIMIT_S = 60
FULL = "BUSY too many connections: "


def run(program, *arguments, lines=""):
    """The process when it has ended."""
    words = [os.environ[program], *(str(argument) for argument in arguments)]
    return subprocess.run(
        words, input=lines, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


def bench(*arguments):
    return run("PHOENIX_BENCH", "--seconds", "0.2", "--warmup", "0", "--keys", 100, *arguments)


def cli(*arguments, lines=""):
    return run("PHOENIX_CLI", *arguments, lines=lines)


class Full(unittest.TestCase):
    """A server that takes no more connections says so, and people get to read it."""

    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(flags=["--max-connections", 4], cores=2).start()
        cls.addClassCleanup(cls.server.kill)

    def test_before_the_first_word(self):
        clients = [self.enterContext(self.server.client()) for _ in range(4)]
        for db in clients:  # Each is in.
            self.assertEqual(db.ask(frame(client.PING, request_id=1)).value, "PONG")
        for shown in (cli("-p", self.server.port, "PING"), bench("-p", self.server.port)):
            self.assertNotEqual(shown.returncode, 0)
            self.assertIn("ended the connection: " + FULL, shown.stderr)

    def test_while_the_load_begins(self):
        for threads in (1, 2, 8):
            arguments = ("--connections", 40, "--pipeline", 8, "--threads", threads)
            for preload in ((), ("--preload",)):
                # Its first connection, which asks who the server is, must get in.
                harness.wait_until(self.is_empty, 10, "the last load has gone")
                shown = bench("-p", self.server.port, *arguments, *preload)
                self.assertEqual(shown.returncode, 1)
                self.assertIn("the server ended a connection: " + FULL, shown.stderr)

    def is_empty(self):
        with self.server.client() as db:
            reply = db.command("INFO")
            return not reply.is_error and "connected_clients:1\n" in reply.value


class Tools(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = harness.temporary_directory()
        cls.secret = directory / "password"
        cls.secret.write_text("open sesame\n", encoding="utf-8")
        cls.path = directory / "phoenix.sock"
        flags = ["--requirepass-file", cls.secret, "--unix", cls.path]
        cls.server = harness.Server(flags=flags).start()
        cls.addClassCleanup(cls.server.kill)

    def places(self):
        """Every way to it, with the password."""
        for place in (("-p", self.server.port), ("--unix", self.path)):
            yield (*place, "--password-file", self.secret)

    def test_bench_by_port_and_by_path(self):
        result = harness.temporary_directory() / "result.json"
        for place in self.places():
            shown = bench(*place, "--preload", "--json", result)
            self.assertEqual(shown.returncode, 0, shown.stdout + shown.stderr)
            self.assertNotIn("misses:", shown.stdout)
            told = json.loads(result.read_text(encoding="utf-8"))
            self.assertEqual(told["server_pid"], self.server.pid)
            self.assertEqual(told["misses"], 0)
            self.assertEqual(told["unix"], str(self.path) if "--unix" in place else None)

    def test_bench_reports(self):
        """Every form of one run, as programs and browsers read it, and a full disk."""
        directory = harness.temporary_directory()
        paths = {form: directory / f"it's {form}" for form in ("json", "html", "csv")}
        place = next(self.places())
        flags = [word for form, path in paths.items() for word in (f"--{form}", path)]
        shown = bench(*place, *flags)
        self.assertEqual(shown.returncode, 0, shown.stdout + shown.stderr)
        told = json.loads(paths["json"].read_text(encoding="utf-8"))
        words = shlex.split(told["command"])
        self.assertEqual(words[0], "phoenix-bench")
        self.assertIn(str(paths["html"]), words)
        self.assertEqual(words[-2:], ["--seed", str(told["seed"])])
        self.assertIn(told["command"], shown.stdout)
        self.assertEqual(sum(count for _, count in told["histogram"]), told["replies"])
        page = xml.etree.ElementTree.fromstring(paths["html"].read_text(encoding="utf-8"))
        self.assertIn(told["command"], [code.text for code in page.iter("code")])
        self.assertGreater(len(list(page.iter("svg"))), 1)
        with paths["csv"].open(newline="", encoding="utf-8") as file:
            seconds = list(csv.DictReader(file))
        self.assertEqual(len(seconds), len(told["timeline"]))
        for form in paths:
            shown = bench(*place, f"--{form}", "/dev/full")
            self.assertEqual(shown.returncode, 1)
            self.assertIn(f"--{form} /dev/full: could not be written: No space", shown.stderr)
            shown = bench(*place, f"--{form}", directory)
            self.assertEqual(shown.returncode, 2)
            self.assertIn(f"--{form} {directory}: cannot be opened: ", shown.stderr)

    def test_bench_without_the_password(self):
        shown = bench("-p", self.server.port)
        self.assertEqual(shown.returncode, 1)
        self.assertIn("NOAUTH", shown.stdout)
        wrong = harness.temporary_directory() / "password"
        wrong.write_text("sesame open\n", encoding="utf-8")
        shown = bench("-p", self.server.port, "--password-file", wrong)
        self.assertEqual(shown.returncode, 1)
        self.assertIn("AUTH: WRONGPASS", shown.stderr)

    def test_bench_tells_that_it_finds_nothing(self):
        for place in self.places():
            shown = bench(*place, "--key-size", 31)
            self.assertEqual(shown.returncode, 0, shown.stdout + shown.stderr)
            self.assertIn("warning: 100 % of the GETs were misses", shown.stdout)

    def test_cli_by_port_and_by_path(self):
        for place in self.places():
            lines = 'SET greeting "hello, world"\nGET greeting\nQUIT\nGET greeting\n'
            shown = cli(*place, lines=lines)
            self.assertEqual((shown.returncode, shown.stderr), (0, ""))
            self.assertEqual(shown.stdout, 'OK\n"hello, world"\nOK\n')


if __name__ == "__main__":
    harness.main(limit_s=120)
