#!/usr/bin/env python3
"""What phoenix-cli does by itself: --scan, --bigkeys, --memkeys, --stat, --latency, --watch; with
Phoenix over both protocols, and with redis-server where that is installed."""
import json
import os
import re
import shutil
import signal
import subprocess
import unittest

import harness
from terminal import Terminal

LIMIT_S = 60
KEYS = 2_500  # More than two pages.
LATENCY = re.compile(r"min \S+ [mu]?s, avg .*, p50 .*, p99 .*, max .* \((\d+) pings\)\n$")


def start(*arguments):
    words = [os.environ["PHOENIX_CLI"], "--timeout", str(LIMIT_S), *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(words, text=True, **pipes)


class Modes:
    """The tests; `place` are the options that lead to a server."""

    place = ()

    def cli(self, *arguments, lines="", code=0):
        process = start(*self.place, *arguments)
        output, errors = process.communicate(lines, timeout=LIMIT_S)
        self.assertEqual(process.returncode, code, output + errors)
        return output

    @classmethod
    def fill(cls):
        """Keys whose values have as many bytes as their number."""
        lines = [f"SET key:{i} {'x' * i}\n" if i else "SET key:0 ''\n" for i in range(KEYS)]
        lines.append('SET "\\xff \\"odd\\"" odd\n')
        process = start(*cls.place)
        process.communicate("".join(lines), timeout=LIMIT_S)

    def test_scan(self):
        expected = {f"key:{i}" for i in range(KEYS)}
        listed = self.cli("--scan").splitlines()
        self.assertEqual(len(listed), KEYS + 1)
        self.assertEqual(set(listed), {f'"{key}"' for key in expected} | {'"\\xff \\"odd\\""'})
        self.assertEqual(set(self.cli("--scan", "--raw", "--pattern", "key:*").split()), expected)
        odd = self.cli("--scan", "--pattern", "*odd*", "--json")
        self.assertEqual(json.loads(odd), {"base64": "/yAib2RkIg=="})
        self.assertEqual(len(self.cli("--scan", "--count", 7).splitlines()), 7)

    def test_latency(self):
        shown = self.cli("--latency", "--count", 5)
        self.assertEqual(LATENCY.search(shown)[1], "5")
        told = json.loads(self.cli("--latency", "--count", 3, "--json"))
        self.assertEqual(told["pings"], 3)
        self.assertLessEqual(told["min_us"], told["p50_us"])
        self.assertLessEqual(told["p50_us"], told["max_us"])

    def test_stat(self):
        before, line = self.cli("--stat", "--count", 1).splitlines()
        self.assertLess(len(line), 80)
        self.assertEqual(before.split()[:5], ["time", "keys", "memory", "clients", "req/s"])
        self.assertEqual(int(line.split()[1]), KEYS + 1)

    def test_watch(self):
        self.cli("SET", "watched", 5)
        shown = self.cli("--watch", 0.01, "--count", 3, "--raw", "INCR", "watched")
        self.assertEqual(shown, "6\n7\n8\n")
        self.cli("DEL", "watched")

    def test_ctrl_c_ends_with_what_was_measured(self):
        process = start(*self.place, "--latency")
        self.addCleanup(process.kill)
        self.assertRegex(process.stdout.readline(), LATENCY)  # A second has passed.
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=LIMIT_S)
        self.assertRegex(output, "^total min ")
        self.assertEqual((process.returncode, errors), (0, ""))


class Phoenix(Modes, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(cores=2).start()
        cls.addClassCleanup(cls.server.kill)
        cls.place = ("-p", cls.server.port)
        cls.fill()

    def test_bigkeys(self):
        told = json.loads(self.cli("--bigkeys", "--count", 2, "--pattern", "key:*", "--json"))
        self.assertEqual(told["largest"][0], {"key": f"key:{KEYS - 1}", "bytes": KEYS - 1})
        self.assertEqual(len(told["largest"]), 2)
        self.assertEqual(told["keys"], KEYS)
        self.assertEqual(told["bytes"], KEYS * (KEYS - 1) // 2)
        self.assertEqual(sum(bucket["keys"] for bucket in told["by_size"]), KEYS)
        shown = self.cli("--bigkeys")
        self.assertIn(f'2.4 KiB  "key:{KEYS - 1}"\n', shown)
        self.assertRegex(shown, r"up to 16 B +12 +0\.5 %")

    def test_memkeys(self):
        told = json.loads(self.cli("--memkeys", "--json"))
        self.assertEqual((told["measure"], told["keys"]), ("memory", KEYS + 1))
        self.assertGreater(told["largest"][0]["bytes"], KEYS)

    def test_watch_outlives_its_server(self):
        server = harness.Server(port=harness.free_port()).start()
        self.addCleanup(server.kill)
        process = start("-p", server.port, "--watch", 0.05, "PING")
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "PONG\n")
        server.kill()
        self.assertIn("phoenix-cli: ", process.stderr.readline())
        server.start()
        while process.stdout.readline() != "PONG\n":
            pass
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LIMIT_S)

    def test_a_live_line_on_a_terminal(self):
        environment = {"TERM": "xterm-256color", "PATH": os.environ["PATH"]}
        words = [os.environ["PHOENIX_CLI"], *self.place, "--latency"]
        with Terminal(words, environment) as terminal:
            terminal.expect("pings)\x1b[K\rmin ", raw=True)
            terminal.type("\x03")
            self.assertEqual(terminal.wait(), 0)


class PhoenixOverResp(Phoenix):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.place = ("--resp", *cls.place)


@unittest.skipUnless(shutil.which("redis-server"), "redis-server is not installed")
class Redis(Modes, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        port = harness.free_port()
        cls.directory = harness.temporary_directory()
        words = ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", ""]
        cls.process = subprocess.Popen(
            [str(word) for word in words],
            cwd=cls.directory,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        cls.addClassCleanup(cls.process.wait)
        cls.addClassCleanup(cls.process.kill)
        cls.place = ("--resp", "-p", port)
        harness.wait_until(cls.answers, 60, "redis-server answers")
        cls.fill()

    @classmethod
    def answers(cls):
        process = start(*cls.place, "PING")
        return process.communicate(timeout=LIMIT_S)[0] == "PONG\n"

    def test_commands(self):
        lines = "RPUSH list a b\nLRANGE list 0 -1\nGET list\nDEL list\n"
        self.assertEqual(
            self.cli(lines=lines, code=1),
            '(integer) 2\n1) "a"\n2) "b"\n'
            "(error) WRONGTYPE Operation against a key holding the wrong kind of value\n"
            "(integer) 1\n",
        )

    def test_commands_without_an_end(self):
        shown = self.cli(lines="SUBSCRIBE news\nPING\n", code=1)
        self.assertRegex(shown, r"^\(error\) line 1, SUBSCRIBE cannot be followed .*\nPONG\n$")
        shown = self.cli(lines="client reply SKIP\nPING\n", code=1)
        self.assertRegex(shown, r"^\(error\) line 1, client reply cannot be used .*\nPONG\n$")
        for word in ("exit", "QUIT"):
            self.assertEqual(self.cli(lines=f"PING\n{word}\nPING\n"), "PONG\nOK\n")

    def test_bigkeys(self):
        self.cli("RPUSH", "list", "x" * (2 * KEYS))
        told = json.loads(self.cli("--bigkeys", "--json"))
        self.assertEqual((told["measure"], told["keys"], told["others"]), ("value", KEYS + 1, 1))
        self.assertEqual(told["largest"][0]["bytes"], KEYS - 1)
        told = json.loads(self.cli("--memkeys", "--json"))
        self.assertEqual((told["measure"], told["keys"], told["others"]), ("memory", KEYS + 2, 0))
        self.assertEqual(told["largest"][0]["key"], "list")
        self.cli("DEL", "list")

    def test_prompt(self):
        environment = {"TERM": "xterm-256color", "PATH": os.environ["PATH"]}
        with Terminal([os.environ["PHOENIX_CLI"], *self.place], environment) as terminal:
            terminal.expect("> ")
            terminal.type("config resets\t\r")
            terminal.expect("OK")
            terminal.expect("> ")
            terminal.type("setex k")
            terminal.expect("\x1b[2m seconds value\x1b[0m", raw=True)


if __name__ == "__main__":
    harness.main(LIMIT_S)
