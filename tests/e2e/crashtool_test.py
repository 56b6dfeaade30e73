#!/usr/bin/env python3
"""phoenix-bench --crash-test as people start it: against this server, against others, and against
small ones that lose and mix up what they were given, which must not pass."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import unittest

import harness

LAST_LINE = re.compile(r"^acknowledged (\d+), lost (\d+), recovered in (\d+) ms$")
KILL = re.compile(r"^round \d+: killed after (.*?), \d+ acknowledged", re.M)
SEED_OF_SOME_LOAD = 128  # Its first two kills come after some 100 ms each.
ENOUGH = 150  # Acknowledged writes of few keys: no lie stays hidden for so long.
FORGETFUL = pathlib.Path(__file__).with_name("forgetful_server.py")
LIMIT_S = 100


def words(*arguments):
    return [os.environ["PHOENIX_BENCH"], *(str(argument) for argument in arguments)]


def bench(*arguments):
    return subprocess.run(
        words(*arguments), capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


def target_of(fault):
    return f"fake=resp:{sys.executable} {FORGETFUL} {{port}} {{dir}} {fault}"


class CrashTest(unittest.TestCase):
    def setUp(self):
        self.directory = harness.temporary_directory()

    def crash_test(self, *arguments, rounds, enough=1):
        """(the process when it has ended, acknowledged, lost), of at least so many rounds: of more
        where a slow machine acknowledges too few writes in them."""
        for times in (1, 5, 25):
            words = ("--dir", self.directory, "--rounds", rounds * times, *arguments)
            shown = bench("--crash-test", *words)
            last = LAST_LINE.match((shown.stdout.splitlines() or [""])[-1])
            if last and int(last[1]) >= enough:
                return shown, int(last[1]), int(last[2])
            shutil.rmtree(self.directory)
            self.directory.mkdir()
        self.fail(shown.stdout + shown.stderr)
        return None

    def forgetful(self, fault, rounds=1):
        # Few keys, so that each is written often even where everything is slow.
        return self.crash_test(
            *("--target", target_of(fault), "--connections", 2, "--seed", SEED_OF_SOME_LOAD),
            rounds=rounds,
            enough=ENOUGH,
        )

    def left_behind(self):
        return [path.name for path in self.directory.glob("phoenix-bench-*")]

    def test_nothing_is_lost(self):
        """Twice with one seed: the same moments, and nothing stays behind."""
        history = harness.temporary_directory() / "history"
        moments = []
        for _ in range(2):
            shown, _, lost = self.crash_test("--seed", 11, "--history", history, rounds=3)
            self.assertEqual((shown.returncode, lost), (0, 0), shown.stdout + shown.stderr)
            self.assertIn("linearizable over all crashes", shown.stdout)
            self.assertEqual(self.left_behind(), [])
            moments.append(KILL.findall(shown.stdout)[:3])
        self.assertEqual(moments[0], moments[1])
        self.assertEqual(len(moments[0]), 3)
        self.check_file(history)

    def check_file(self, history):
        """It is right as written, and not when an answered read is made an earlier one's."""
        checked = bench("check", history)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        self.assertRegex(checked.stdout, r"operations on 512 keys, linearizable\n$")
        lines = history.read_text(encoding="utf-8").splitlines()
        at = next(i for i in reversed(range(len(lines))) if " read " in lines[i])
        client, _, key, _, *rest = lines[at].split()
        lines[at] = " ".join([client, "read", key, "0.99999999", *rest])
        history.write_text("\n".join(lines) + "\n", encoding="utf-8")
        checked = bench("check", history)
        self.assertEqual(checked.returncode, 1)
        self.assertIn(f"key {key}: a read returned a value that was never written", checked.stdout)
        self.assertIn("1 of them impossible", checked.stdout)

    def test_a_mode_that_keeps_nothing(self):
        shown, _, lost = self.crash_test(
            "--durability", "off", "--seed", SEED_OF_SOME_LOAD, rounds=2, enough=ENOUGH
        )
        self.assertEqual(shown.returncode, 1)
        self.assertGreater(lost, 0)
        self.assertRegex(shown.stdout, r"the crash took \d+ acknowledged write")
        kept = re.search(r"data and output stay in (\S+);", shown.stdout)
        self.assertEqual([pathlib.Path(kept[1]).name], self.left_behind())

    def test_servers_that_lie(self):
        for fault, lies in (
            ("tail", "the crash took"),
            ("delete", "the crash took"),
            ("mixup", "never written to it|the crash took"),
            ("late", "did not read what it had written"),
        ):
            with self.subTest(fault):
                shown, _, lost = self.forgetful(fault)
                self.assertEqual(shown.returncode, 1, shown.stdout + shown.stderr)
                self.assertRegex(shown.stdout, lies)
                if fault in ("tail", "delete"):
                    self.assertGreater(lost, 0)

    def test_a_small_server_that_does_not(self):
        shown, _, lost = self.forgetful("honest", rounds=2)
        self.assertEqual((shown.returncode, lost), (0, 0), shown.stdout + shown.stderr)

    def test_interrupted(self):
        """The round under way is finished and judged, and nothing stays behind."""
        process = subprocess.Popen(
            words(
                *("--crash-test", "--dir", self.directory),
                *("--seconds", 3600, "--seed", SEED_OF_SOME_LOAD),
            ),
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.kill)
        self.assertIn("crash test of phoenix", process.stdout.readline())
        self.assertIn("mode always", process.stdout.readline())
        self.assertIn("round 1:", line := process.stdout.readline())
        while ", 0 acknowledged" in line:  # Without a write there is nothing to judge.
            line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=LIMIT_S)
        self.assertEqual(process.returncode, 0, output)
        self.assertRegex(output.splitlines()[-1], LAST_LINE)
        self.assertEqual(self.left_behind(), [])

    def start(self, *arguments, stdout=subprocess.PIPE):
        process = subprocess.Popen(
            words("--crash-test", "--dir", self.directory, *arguments),
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def test_interrupted_before_it_started(self):
        process = self.start("--target", "never=resp:/bin/sleep 600 {port}")
        self.assertIn("crash test of never", process.stdout.readline())
        process.send_signal(signal.SIGHUP)  # As when the terminal is closed.
        _, complaint = process.communicate(timeout=LIMIT_S)
        self.assertEqual(process.returncode, 1)
        self.assertIn("interrupted before it answered", complaint)
        self.assertEqual(self.left_behind(), [])

    def test_nobody_reads_on(self):
        """As in "| head -3"."""
        process = self.start("--seconds", 3600)
        for _ in range(3):
            process.stdout.readline()
        process.stdout.close()
        complaint = process.stderr.read()
        self.assertEqual(process.wait(timeout=LIMIT_S), 1)
        self.assertIn("could not be printed", complaint)
        self.assertEqual(self.left_behind(), [])

    def test_no_server(self):
        shown = bench("--crash-test", "--server", "/nowhere/phoenix-server")
        self.assertEqual(shown.returncode, 1)
        self.assertRegex(shown.stderr, "^phoenix-bench: .*/nowhere/phoenix-server")
        shown = bench("--crash-test", "--history", "/nowhere/history")
        self.assertEqual(shown.returncode, 1)
        self.assertIn("cannot write the history to /nowhere/history", shown.stderr)
        shown = bench(
            *("--crash-test", "--dir", self.directory),
            *("--target", "fake=resp:/bin/false {port}"),
        )
        self.assertEqual(shown.returncode, 1)
        self.assertIn("ended before it answered", shown.stderr)

    def test_no_verdict_without_writes(self):
        for rounds in (1, 5, 25):  # So many that one has an answer.
            shown = bench(
                *("--crash-test", "--dir", self.directory),
                *("--target", target_of("refuse"), "--rounds", rounds, "--seed", SEED_OF_SOME_LOAD),
            )
            if "the server answered" in shown.stderr:
                break
        self.assertEqual(shown.returncode, 1)
        self.assertIn("no write was acknowledged", shown.stderr)
        self.assertIn("it cannot do that", shown.stderr)

    @unittest.skipUnless(shutil.which("redis-server"), "redis-server is not installed")
    def test_redis(self):
        shown, _, lost = self.crash_test(
            *("--target", "redis", "--redis-fsync", "no", "--seed", SEED_OF_SOME_LOAD), rounds=2
        )
        self.assertEqual((shown.returncode, lost), (0, 0), shown.stdout + shown.stderr)
        self.assertIn("which this test cannot show", shown.stdout)


if __name__ == "__main__":
    harness.main(limit_s=120)
