#!/usr/bin/env python3
"""phoenix-cli and phoenix-bench as the programs that people start: against a real server, with what
it refuses shown to them."""
import contextlib
import csv
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import unittest
import xml.etree.ElementTree

import client
import harness
from client import frame

LIMIT_S = 60
FULL = "ERR max number of clients reached"
NO_REPLY = "no reply came in the measured time"


def run(program, *arguments, lines=""):
    """The process when it has ended."""
    words = [os.environ[program], *(str(argument) for argument in arguments)]
    return subprocess.run(
        words, input=lines, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


def bench(*arguments):
    """A run long enough for a reply, however slow the machine is."""
    for seconds in (0.2, 2, 20):
        words = ("--seconds", seconds, "--warmup", 0, "--keys", 100, *arguments)
        shown = run("PHOENIX_BENCH", *words)
        if NO_REPLY not in shown.stdout:
            break
    return shown


def cli(*arguments, lines=""):
    return run("PHOENIX_CLI", "--timeout", LIMIT_S, *arguments, lines=lines)


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
                harness.wait_until(self.is_empty, LIMIT_S, "the last load has gone")
                shown = bench("-p", self.server.port, *arguments, *preload)
                self.assertEqual(shown.returncode, 1)
                self.assertIn("the server ended a connection: " + FULL[:14], shown.stderr)

    def is_empty(self):
        """Asked several times: each core takes connections of its own, also those of the dead."""
        return all(self.is_alone() for _ in range(10))

    def is_alone(self):
        with self.server.client() as db:
            try:
                reply = db.command("INFO")
            except (OSError, client.ProtocolError):
                return False  # It is full, and says so in a line.
            return not reply.is_error and "connected_clients:1\r\n" in reply.value


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
        self.assertIn("the preload failed: SET key:", shown.stderr)
        self.assertIn("NOAUTH", shown.stderr)
        shown = bench("-p", self.server.port, "--no-preload")
        self.assertEqual(shown.returncode, 1)
        self.assertIn("NOAUTH", shown.stdout)
        wrong = harness.temporary_directory() / "password"
        wrong.write_text("sesame open\n", encoding="utf-8")
        shown = bench("-p", self.server.port, "--password-file", wrong)
        self.assertEqual(shown.returncode, 1)
        self.assertIn("AUTH: WRONGPASS", shown.stderr)

    def test_bench_tells_that_it_finds_nothing(self):
        for place in self.places():
            shown = bench(*place, "--key-size", 31, "--workload", "get", "--no-preload")
            self.assertEqual(shown.returncode, 0, shown.stdout + shown.stderr)
            self.assertIn("warning: 100 % of the keys read were misses", shown.stdout)

    def test_cli_by_port_and_by_path(self):
        for place in self.places():
            lines = 'SET greeting "hello, world"\nGET greeting\nQUIT\nGET greeting\n'
            shown = cli(*place, lines=lines)
            self.assertEqual((shown.returncode, shown.stderr), (0, ""))
            self.assertEqual(shown.stdout, 'OK\n"hello, world"\nOK\n')


class Loads(unittest.TestCase):
    """Loads of other kinds than the closed loop of GETs and SETs."""

    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(cores=2).start()
        cls.addClassCleanup(cls.server.kill)

    def measure(self, *arguments):
        """What the JSON of a faultless run tells."""
        path = harness.temporary_directory() / "result.json"
        shown = bench("--json", path, *arguments)
        self.assertEqual(shown.returncode, 0, shown.stdout + shown.stderr)
        told = json.loads(path.read_text(encoding="utf-8"))
        self.assertGreater(told["replies"], 0)
        self.assertEqual((told["errors"], told["wrong_values"]), (0, 0))
        return told

    def test_open_loop(self):
        rate = 2000
        told = self.measure("-p", self.server.port, "--rate", rate, "--arrivals", "poisson")
        self.assertGreater(told["hits"], 0)
        # Those that were not sent in time are counted, too. Seven standard deviations.
        due = float(re.search(r"--seconds (\S+)", told["command"])[1]) * rate
        counted = sum(count for _, count in told["histogram"])
        self.assertLess(abs(counted - due), 7 * due**0.5)

    def test_every_workload(self):
        commands = harness.temporary_directory() / "commands"
        commands.write_text("SET a 1\nGET a\nMGET a b\n", encoding="utf-8")
        sizes = ("--key-size", "16-40", "--value-size", "log:1-100000")
        for arguments in (
            ("--workload", "ycsb-d"),
            ("--workload", "ycsb-e"),
            ("--mix", "5:3:2"),
            ("--replay", commands),
        ):
            with self.subTest(arguments):
                self.measure("-p", self.server.port, *sizes, "--threads", 2, *arguments)

    def test_interrupted(self):
        path = harness.temporary_directory() / "result.json"
        before = self.gets()
        words = ("-p", self.server.port, "--seconds", 600, "--warmup", 0, "--keys", 100, "-c", 2)
        with subprocess.Popen(
            [os.environ["PHOENIX_BENCH"], *(str(word) for word in words), "--json", str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            self.addCleanup(process.kill)
            # GETs come after the preload: it measures.
            harness.wait_until(lambda: self.gets() > before, LIMIT_S, "the load has begun")
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=LIMIT_S)
        self.assertEqual(process.returncode, 0, out + errors)
        self.assertIn("ops/s", out)
        told = json.loads(path.read_text(encoding="utf-8"))
        self.assertGreater(told["replies"], 0)
        self.assertLess(told["seconds"], 600)
        self.assertTrue(told["interrupted"])

    def test_a_sweep_finds_a_lost_key(self):
        path = harness.temporary_directory() / "sweep.json"
        load = ("-p", self.server.port, "-c", 2, "--workload", "get")
        db = self.enterContext(self.server.client())
        before = self.counted(db, "total_connections_received")
        self.measure(*load)
        of_a_run = self.counted(db, "total_connections_received") - before
        short = ("--seconds", 0.3, "--warmup", 0, "--keys", 2)  # So few that each is read soon.
        words = ("--sweep", *short, *load, "--json", path)
        with subprocess.Popen(
            [os.environ["PHOENIX_BENCH"], *(str(word) for word in words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            self.addCleanup(process.kill)
            # The two runs before the first step, which end a sweep by an error, have theirs.
            theirs = before + 3 * of_a_run
            harness.wait_until(
                lambda: self.counted(db, "total_connections_received") > theirs,
                LIMIT_S,
                "the steps have begun",
            )
            db.command("DEL", "key:000000000001")
            out, errors = process.communicate(timeout=LIMIT_S)
        self.assertEqual(process.returncode, 1, out + errors)
        self.assertIn("GET key:000000000001: not found, though it was stored before", out + errors)
        runs = json.loads(path.read_text(encoding="utf-8"))["runs"]
        self.assertTrue(all(run["preload"] for run in runs))
        self.assertTrue(any(run["errors"] > 0 for run in runs))

    def counted(self, db, field):
        return int(db.command("INFO").value.split(field + ":")[1].split("\n")[0])

    def gets(self):
        with self.server.client() as db:
            return self.counted(db, "keyspace_hits")

    def test_other_servers(self):
        folder = harness.temporary_directory()
        redis = ("redis-server", "--bind", "127.0.0.1", "--save", "", "--dir", folder, "--port")
        memcached = ("memcached", "-l", "127.0.0.1", "-t", 1, "-U", 0, "-u", "root", "-p")
        for protocol, words in (
            ("resp", redis),
            ("memcached", memcached),
            ("memcached-meta", memcached),
        ):
            if shutil.which(words[0]) is None:
                print(f"SKIPPED: no {words[0]} to be loaded over {protocol}", file=sys.stderr)
                continue
            with self.subTest(protocol), other_server(words) as port:
                place = ("-p", port, "--protocol", protocol)
                self.assertGreater(self.measure(*place, "--pipeline", 16)["hits"], 0)
                self.measure(*place, "--workload", "ycsb-e", "--value-size", "1-2000")
                self.measure(*place, "--mix", "1:1:1", "--ttl-ms", "100000")


@contextlib.contextmanager
def other_server(words):
    """Runs a server on a free port, which stands behind its words."""
    port = harness.free_port()
    process = subprocess.Popen([str(word) for word in (*words, port)], stdout=subprocess.DEVNULL)
    try:
        harness.wait_until(lambda: answers(port), 60, f"{words[0]} listens")
        yield port
    finally:
        process.kill()
        process.wait()


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


if __name__ == "__main__":
    harness.main(limit_s=120)
