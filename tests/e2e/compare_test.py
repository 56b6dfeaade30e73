#!/usr/bin/env python3
"""phoenix-bench compare with real servers: what it measures, what it does when a server or its user
ends it early, and that it leaves nothing behind."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import unittest

import harness

LIMIT_S = 60
QUICK = ["--keys", "100", "--connections", "4", "--warmup", "0", "--no-pin"]


class Compare(unittest.TestCase):
    def setUp(self):
        self.directory = harness.temporary_directory()
        self.data = self.directory / "data"
        self.data.mkdir()

    def words(self, *arguments, passes=2):
        return [
            os.environ["PHOENIX_BENCH"], "compare", "--dir", str(self.data),
            "--phoenix-server", os.environ["PHOENIX_SERVER"], *QUICK,
            "--passes", str(passes), *map(str, arguments),
        ]  # fmt: skip

    def compare(self, *arguments):
        return subprocess.run(
            self.words(*arguments), capture_output=True, text=True, timeout=LIMIT_S, check=False
        )

    def compare_with_replies(self, *arguments):
        """As compare, with runs so long that each has a reply, however slow the machine is."""
        for seconds in (0.1, 1, 4):
            shown = self.compare("--seconds", seconds, *arguments)
            if "there was no reply" not in shown.stdout:
                break
        return shown

    def expect_nothing_left(self):
        self.assertEqual(list(self.data.iterdir()), [])
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_bytes()
            except OSError:
                continue  # Gone meanwhile.
            self.assertNotIn(os.fsencode(self.data), command)

    def test_two_servers(self):
        files = {form: self.directory / f"result.{form}" for form in ("json", "html", "csv")}
        shown = self.compare_with_replies(
            "--servers", "phoenix", "--workloads", "set", "--pipelines", "1,8",
            *(word for form, path in files.items() for word in (f"--{form}", path)),
        )  # fmt: skip
        self.assertEqual(shown.returncode, 0, shown.stdout + shown.stderr)
        self.assertIn("SET, pipeline 8", shown.stdout)
        self.assertIn("(8 of 8)", shown.stdout)
        result = json.loads(files["json"].read_text(encoding="utf-8"))
        names = [server["name"] for server in result["servers"]]
        self.assertEqual(names, ["phoenix", "ceiling"])
        self.assertEqual(result["runs_counted"], 8)
        order = [run["server"] for run in result["runs"]]
        self.assertEqual(order, [*names, *names, *reversed(names), *reversed(names)])
        for cell in result["cells"]:
            phoenix, ceiling = cell["servers"]
            self.assertGreater(phoenix["cpu_us_per_op"]["median"], 0)
            self.assertGreater(phoenix["cpu_to_ceiling"]["median"], 0)
            self.assertGreater(ceiling["ops_per_s_to_first"]["median"], 0)
            self.assertIsNone(phoenix["cpu_to_first"])
        self.assertEqual(len(files["csv"].read_text(encoding="utf-8").splitlines()), 9)
        self.assertIn("<svg", files["html"].read_text(encoding="utf-8"))
        self.expect_nothing_left()

    def test_a_server_that_does_not_come_up(self):
        """The others are measured all the same."""
        shown = self.compare_with_replies(
            "--servers", "ceiling", "--server", "bad=resp:/bin/sh -c 'echo no luck; exit 3' {port}",
            "--workloads", "get", "--pipelines", 8,
        )  # fmt: skip
        self.assertEqual(shown.returncode, 1, shown.stdout + shown.stderr)
        self.assertIn("bad: it ended before it answered (exit status 3)", shown.stdout)
        self.assertIn("no luck", shown.stdout)
        self.assertIn("(2 of 4)", shown.stdout)
        self.expect_nothing_left()

    def test_a_user_who_has_seen_enough(self):
        words = self.words("--servers", "phoenix", "--seconds", 0.1, passes=1000)
        with subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            for line in process.stderr:
                if "us/op" in line:
                    break
            process.send_signal(signal.SIGINT)
            stdout, _ = process.communicate(timeout=LIMIT_S)
        self.assertEqual(process.returncode, 1)
        self.assertIn("GET, pipeline 1\n", stdout)
        self.assertIn("interrupted", stdout)
        self.expect_nothing_left()

    def test_a_user_who_does_not_wait_for_a_start(self):
        words = self.words("--servers", "ceiling", "--server", "no=resp:/bin/sleep 600 {port}")
        with subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            for line in process.stderr:
                if "no: starting" in line:
                    break
            # As when the terminal is closed; twice, as timeout(1) sends its own.
            process.send_signal(signal.SIGHUP)
            time.sleep(0.01)
            process.send_signal(signal.SIGHUP)
            stdout, _ = process.communicate(timeout=LIMIT_S)
        self.assertEqual(process.returncode, 1)
        self.assertIn("interrupted", stdout)
        self.expect_nothing_left()

    def test_what_cannot_be_compared(self):
        for arguments, text in (
            (["--servers", "mysql"], "only phoenix, redis, valkey, memcached, "),
            (["--servers", "phoenix,phoenix"], "same name"),
            (["--server", "x=resp:/bin/sh"], "must use {port}"),
            (["--workloads", "del"], "changes which keys there are"),
            (["--server-cpu", "0"], "--no-pin excludes"),
            (["--seconds", "nan"], "no finite number"),
            (["--json", "/nowhere/result"], "--json /nowhere/result: "),
            (["--pipelines", "1,1"], "names one twice"),
        ):
            shown = self.compare(*arguments)
            self.assertEqual(shown.returncode, 2, shown.stderr)
            self.assertIn(text, shown.stderr)
        self.expect_nothing_left()


class Ceiling(unittest.TestCase):
    def test_a_killed_one_is_replaced_at_once(self):
        port = harness.free_port()
        for _ in range(10):
            with subprocess.Popen(
                [os.environ["PHOENIX_BENCH"], "ceiling", str(port)],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            ) as process:  # fmt: skip
                said = [process.stdout.readline() for _ in range(3)]
                self.addCleanup(process.kill)
                self.assertEqual(said[-1], "ready\n")
                clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
                process.kill()
            for client in clients:
                client.close()


if __name__ == "__main__":
    harness.main(LIMIT_S)
