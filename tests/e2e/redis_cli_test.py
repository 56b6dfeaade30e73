#!/usr/bin/env python3
"""redis-cli and redis-benchmark, as they come with Debian, as their users run them.

PHOENIX_E2E_REDIS=1 runs all of it against redis-server.
"""
import os
import re
import subprocess
import unittest

import harness
import redis_server
import resp
from terminal import Terminal

LIMIT_S = 90
TIMEOUT_S = 60
MANY = 5_000
EVERY_BYTE = bytes(range(256))


class Cli(unittest.TestCase):
    cores = 2

    @classmethod
    def setUpClass(cls):
        cls.server = redis_server.tested(cls.cores).start()
        cls.addClassCleanup(cls.server.kill)

    def setUp(self):
        self.home = harness.temporary_directory()
        with resp.Client(self.server.port) as db:
            self.assertEqual(db.command("FLUSHALL"), "OK")

    def words(self, *arguments):
        return ["redis-cli", "-p", str(self.server.port), *map(str, arguments)]

    def environment(self):
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "TERM": "xterm"}

    def cli(self, *arguments, stdin=b"", code=0):
        """What it prints, as bytes."""
        shown = subprocess.run(
            self.words(*arguments), input=stdin, capture_output=True, timeout=TIMEOUT_S,
            check=False, env=self.environment(),
        )  # fmt: skip
        self.assertEqual(shown.returncode, code, shown)
        self.assertEqual(shown.stderr, b"")
        return shown.stdout

    def fill(self, count):
        with resp.Client(self.server.port) as db:
            words = (("SET", f"key:{i:05}", "x" * (i % 100)) for i in range(count))
            db.send(b"".join(map(resp.encode, words)))
            for _ in range(count):
                self.assertEqual(db.receive(), "OK")


class OneShot(Cli):
    def test_commands_and_forms_of_replies(self):
        self.assertEqual(self.cli("SET", "a", "hello world"), b"OK\n")
        self.assertEqual(self.cli("GET", "a"), b"hello world\n")
        self.assertEqual(self.cli("--no-raw", "GET", "a"), b'"hello world"\n')
        self.assertEqual(self.cli("--no-raw", "GET", "missing"), b"(nil)\n")
        self.assertEqual(self.cli("-3", "--no-raw", "GET", "missing"), b"(nil)\n")
        self.assertEqual(self.cli("--no-raw", "MGET", "a", "b"), b'1) "hello world"\n2) (nil)\n')
        self.assertEqual(self.cli("--csv", "MGET", "a", "b"), b'"hello world",NULL\n')
        self.assertEqual(self.cli("--json", "MGET", "a", "b"), b'["hello world",null]\n')
        self.assertEqual(self.cli("-n", 0, "--no-raw", "STRLEN", "a"), b"(integer) 11\n")
        self.assertIn(b"ERR unknown command 'NOSUCH'", self.cli("NOSUCH", "a"))
        self.assertEqual(self.cli("-r", 3, "INCR", "n"), b"1\n2\n3\n")
        self.assertEqual(self.cli("-2", "CONFIG", "GET", "nosuch"), b"\n")
        self.assertRegex(self.cli("-3", "--json", "HELLO"), rb'"proto":3')
        self.assertRegex(self.cli("INFO", "server"), rb"redis_version:\d+\.\d+\.\d+\r\n")

    def test_binary_from_stdin_and_in_quotes(self):
        self.assertEqual(self.cli("-x", "SET", "bytes", stdin=EVERY_BYTE), b"OK\n")
        self.assertEqual(self.cli("GET", "bytes"), EVERY_BYTE + b"\n")
        self.assertEqual(self.cli("--quoted-input", "SET", r'"\x00\xff"', "v"), b"OK\n")
        self.assertIn(b'"\\x00\\xff"\n', self.cli("--no-raw", "KEYS", "*"))

    def test_lines_from_stdin(self):
        lines = b'SET a "x y"\nGET a\n\nMULTI\nINCR {a}n\nGET a\nEXEC\nNOSUCH\nQUIT\n'
        shown = self.cli(stdin=lines)
        self.assertIn(b"OK\nx y\nOK\nQUEUED\nQUEUED\n1\nx y\nERR unknown command", shown)

    def test_publish_subscribe_and_monitor(self):
        for words, wanted in (
            (("SUBSCRIBE", "news"), b"message\nnews\nhello\n"),
            (("-3", "PSUBSCRIBE", "n*"), b"pmessage\nn*\nnews\nhello\n"),
            (("MONITOR",), b'"PUBLISH" "news" "hello"\n'),
        ):
            with subprocess.Popen(self.words(*words), stdout=subprocess.PIPE) as process:
                self.assertIn(process.stdout.readline(), (b"OK\n", b"subscribe\n", b"psubscribe\n"))
                self.cli("PUBLISH", "news", "hello")
                seen = b""
                while wanted not in seen:
                    line = process.stdout.readline()
                    self.assertTrue(line, seen)
                    seen += line
                process.kill()


class Pipe(Cli):
    def test_a_mass_of_binary_rows(self):
        rows = b"".join(
            resp.encode(("SET", b"k%d\x00\r\n\xff" % i, EVERY_BYTE)) for i in range(MANY)
        )
        shown = self.cli("--pipe", stdin=rows)
        self.assertIn(b"errors: 0, replies: %d\n" % MANY, shown)
        self.assertEqual(self.cli("DBSIZE"), b"%d\n" % MANY)
        self.assertEqual(self.cli("--quoted-input", "GET", r'"k7\x00\r\n\xff"'), EVERY_BYTE + b"\n")

    def test_inline_rows_and_errors(self):
        shown = subprocess.run(
            self.words("--pipe"), input=b"SET a 1\r\nNOSUCH\r\nSET b 2\r\n", capture_output=True,
            timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
        self.assertEqual(shown.returncode, 1)
        self.assertIn(b"errors: 1, replies: 3\n", shown.stdout)
        self.assertIn(b"ERR unknown command 'NOSUCH'", shown.stderr)


class Modes(Cli):
    def test_scan(self):
        self.fill(MANY)
        keys = self.cli("--scan").split()
        self.assertEqual(len(set(keys)), MANY)
        keys = self.cli("--scan", "--pattern", "key:0012*").split()
        self.assertEqual(sorted(keys), [b"key:0012%d" % i for i in range(10)])

    def test_bigkeys_and_memkeys(self):
        self.fill(300)
        self.cli("SET", "whale", "x" * 10_000)
        shown = self.cli("--bigkeys")
        self.assertIn(b"Sampled 301 keys in the keyspace!", shown)
        self.assertIn(b"Biggest string found '\"whale\"' has 10000 bytes", shown)
        self.assertIn(b"301 strings with", shown)
        shown = self.cli("--memkeys")
        self.assertIn(b"Sampled 301 keys in the keyspace!", shown)
        self.assertRegex(shown, rb"Biggest string found '\"whale\"' has \d{5} bytes")

    def test_stat(self):
        self.fill(100)
        with subprocess.Popen(self.words("--stat", "-i", "0.05"), stdout=subprocess.PIPE) as shown:
            lines = [shown.stdout.readline() for _ in range(5)]
            shown.kill()
        self.assertIn(b"keys       mem      clients blocked requests", lines[1])
        for line in lines[2:]:
            # keys, memory, clients, blocked, requests (+since), connections
            self.assertRegex(line, rb"^100 +\d+\.\d+[KMG] +\d+ +0 +\d+ \(\+\d+\) +\d+ *$")

    def test_latency(self):
        shown = self.cli("--latency", "--raw", "-i", "0.2")
        self.assertRegex(shown, rb"^\d+ \d+ \d+\.\d+ \d+\n$")
        words = self.words("--latency-history", "-i", "0.1")
        with Terminal(words, self.environment()) as terminal:
            terminal.expect("min: ")
            terminal.expect(" seconds range")


class Interactive(Cli):
    def open(self, *arguments):
        terminal = self.enterContext(Terminal(self.words(*arguments), self.environment()))
        self.prompt = f"127.0.0.1:{self.server.port}> "
        terminal.expect(self.prompt)
        return terminal

    def run_line(self, terminal, line):
        """What comes between the line and the next prompt."""
        terminal.type(line + "\r")
        terminal.expect("\n")
        shown = terminal.expect(self.prompt).removesuffix(self.prompt)
        return shown.replace("\r", "")

    def test_a_session(self):
        for arguments in ((), ("-3",)):
            terminal = self.open(*arguments)
            self.assertEqual(self.run_line(terminal, "SET a 12"), "OK\n")
            self.assertEqual(self.run_line(terminal, "GET a"), '"12"\n')
            self.assertEqual(self.run_line(terminal, "INCR a"), "(integer) 13\n")
            self.assertEqual(self.run_line(terminal, "GET missing"), "(nil)\n")
            self.assertIn("(error) ERR unknown command 'NOSUCH'", self.run_line(terminal, "NOSUCH"))
            self.assertIn("string", self.run_line(terminal, "TYPE a"))
            self.assertIn("(error) ERR wrong number of", self.run_line(terminal, "GET"))
            terminal.type("MULTI\r")
            terminal.expect("(TX)> ")
            terminal.type("INCR a\r")
            terminal.expect("QUEUED")
            terminal.expect("(TX)> ")  # What is typed before it reads is lost.
            terminal.type("EXEC\r")
            terminal.expect("1) (integer) 14")
            terminal.expect(self.prompt)
            terminal.type("QUIT\r")
            self.assertEqual(terminal.wait(), 0)
            self.cli("DEL", "a")

    def test_hints_and_help(self):
        """Both come from COMMAND DOCS."""
        terminal = self.open()
        for typed, hint in (
            ("get ", "key"),
            ("set ", "key value [NX|XX] [GET] [EX seconds|PX milliseconds|"),
            ("set k v ", "[NX|XX] [GET] [EX seconds|PX milliseconds|"),
            ("mset ", "key value [key value ...]"),
            ("client kill ", ""),
        ):
            terminal.type(typed)
            terminal.expect(typed + hint)
            terminal.type("\x15")  # Ctrl-U: the line is thrown away.
        terminal.type("\r")
        terminal.expect("\n")
        terminal.expect(self.prompt)  # It reads what is typed from here on.
        terminal.type("HELP GETRANGE\r")
        for part in ("GETRANGE key start end", "summary: ", "since: ", "group: string"):
            terminal.expect(part)

    def test_completion(self):
        terminal = self.open()
        terminal.type("getra\t")
        terminal.expect("GETRANGE")


class Password(unittest.TestCase):
    def test_the_ways_to_say_it(self):
        with redis_server.tested(cores=1, password="open sesame") as server:
            for words, wanted in (
                ((), b"NOAUTH Authentication required."),
                (("-a", "open sesame"), b"PONG"),
                (("-a", "open sesame", "--user", "default"), b"PONG"),
                (("-3", "-a", "open sesame"), b"PONG"),
                (("-a", "wrong"), b"WRONGPASS invalid username-password pair or user is disabled."),
                (("-a", "open sesame", "--user", "bob"), b"WRONGPASS"),
                (("-3", "-a", "wrong"), b"NOAUTH"),
                (("-u", f"redis://default:open%20sesame@127.0.0.1:{server.port}"), b"PONG"),
            ):
                with self.subTest(words):
                    shown = subprocess.run(
                        ["redis-cli", "-p", str(server.port), *words, "PING"],
                        capture_output=True, timeout=TIMEOUT_S, check=False,
                    )  # fmt: skip
                    self.assertIn(wanted, shown.stdout + shown.stderr)


class Benchmark(Cli):
    def benchmark(self, *arguments):
        shown = subprocess.run(
            ["redis-benchmark", "-p", str(self.server.port), *map(str, arguments)],
            capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
        self.assertEqual(shown.returncode, 0, shown)
        self.assertEqual(shown.stderr, "")
        self.assertNotIn("rror", shown.stdout)
        return shown.stdout.replace("\r", "\n")

    def expect_rates(self, shown, *names):
        for name in names:
            self.assertRegex(shown, rf"(?m)^{re.escape(name)}: \d+\.\d+ requests per second")

    def test_its_tests(self):
        shown = self.benchmark(
            "-q", "-n", 2_000, "-t", "ping,set,get,incr,mset", "-P", 16, "-r", 1_000
        )
        self.expect_rates(
            shown, "PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)"
        )

    def test_threads_and_a_command_of_its_own(self):
        shown = self.benchmark("-q", "-n", 2_000, "-t", "set,get", "--threads", 2, "-c", 20)
        self.expect_rates(shown, "SET", "GET")
        shown = self.benchmark("-q", "-n", 500, "-r", 100, "SETRANGE", "key:__rand_int__", 10, "x")
        self.expect_rates(shown, "SETRANGE key:__rand_int__ 10 x")
        self.assertGreater(int(self.cli("DBSIZE")), 50)

    def test_csv_and_resp3(self):
        shown = self.benchmark("--csv", "-n", 1_000, "-t", "set", "-3")
        self.assertRegex(shown, r'"SET","\d+\.\d+"')


for count in (1, 4):
    for case in (OneShot, Pipe, Modes, Interactive, Benchmark):
        name = f"{case.__name__}On{count}"
        globals()[name] = type(name, (case,), {"cores": count, "__module__": __name__})
del case  # Or it would run once more by this name.


if __name__ == "__main__":
    redis_server.need("redis-cli", "redis-benchmark")
    harness.main(LIMIT_S)
