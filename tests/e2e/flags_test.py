#!/usr/bin/env python3
"""Wrong and contradictory flags, ports in use, binds that would open the door: plain refusals."""
import os
import socket
import subprocess
import unittest

import harness

# (flags, what the refusal must speak of)
REFUSED = [
    (["--no-such-flag"], "no-such-flag"),
    (["stray"], "stray"),
    (["--port"], "port"),
    (["--port", "70000"], "port"),
    (["--port", "-1"], "port"),
    (["--port", "word"], "port"),
    (["--cores", "100000"], "cores"),
    (["--durability", "sometimes"], "durability"),
    (["--durability", "always", "--interval-ms", "10"], "interval-ms"),
    (["--durability", "interval", "--interval-ms", "0"], "interval-ms"),
    (["--durability", "always", "--discard-log"], "discard-log"),
    (["--max-memory", "1K"], "max-memory"),
    (["--max-memory", "lots"], "max-memory"),
    (["--max-memory", "99999999999999999999"], "max-memory"),
    (["--segment-size", "3M"], "segment-size"),
    (["--segment-size", "1G"], "segment-size"),
    (["--bind", "localhost"], "bind"),
    (["--bind", "256.1.1.1"], "bind"),
    (["--bind", "0.0.0.0"], "requirepass-file(.|\n)*allow-open-bind"),
    (["--bind", "::"], "requirepass-file(.|\n)*allow-open-bind"),
    (["--requirepass-file", "/nonexistent/password"], "password"),
    (["--requirepass-file", os.devnull], "password"),
    (["--unix", "/" + "x" * 200], "unix|path"),
    (["--unix", "/nonexistent/socket"], "nonexistent"),
]


class Flags(unittest.TestCase):
    def test_refusals(self):
        for flags, word in REFUSED:
            with self.subTest(flags=flags):
                harness.expect_refusal(self, harness.Server(flags=flags), word)

    def test_failed_starts_end(self):
        """Whichever core fails first, and whenever: the others end, and the reason is told."""
        for number in range(12):
            flags = ("--unix", "/dev/null/socket") if number % 2 else ("--bind", "203.0.113.1")
            server = harness.Server(cores=8, flags=[*flags, "--allow-open-bind"])
            harness.expect_refusal(self, server, "/dev/null|203.0.113.1")

    def test_too_few_descriptors_for_the_cores(self):
        wrapper = ("sh", "-c", 'ulimit -n 256 && exec "$@"', "sh")
        server = harness.Server(cores=32, wrapper=wrapper)
        harness.expect_refusal(self, server, "open files", "ulimit")

    def test_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            harness.expect_refusal(self, harness.Server(port=port), "in use|taken", str(port))

    def test_port_of_another_server(self):
        """Servers share ports between their own cores; another server must not slip in."""
        with harness.Server(cores=2) as first:
            second = harness.Server(cores=2, port=first.port)
            harness.expect_refusal(self, second, "in use|taken", str(first.port))

    def test_help_and_version(self):
        for flag, word in (("--help", "--durability"), ("--version", "phoenix-server ")):
            done = subprocess.run(
                [os.environ["PHOENIX_SERVER"], flag],
                capture_output=True,
                text=True,
                timeout=20,
                check=False,
            )
            self.assertEqual(done.returncode, 0)
            self.assertIn(word, done.stdout)
            self.assertEqual(done.stderr, "")


if __name__ == "__main__":
    harness.main(limit_s=120)
