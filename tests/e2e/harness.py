"""What every end-to-end test needs: a server in a directory of its own, and a bounded end.

The server is a real process on a free port of the loopback. Processes are ended by their own id,
directories are removed, and an alarm ends a test file that hangs, so that nothing stays behind.
"""
import atexit
import os
import pathlib
import queue
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import unittest

import client

# What a run under nohup ignores, the programs under test would, too.
for _signal in (signal.SIGHUP, signal.SIGINT):
    if signal.getsignal(_signal) is signal.SIG_IGN:
        signal.signal(_signal, signal.SIG_DFL)

SKIP = 77  # Meson's exit code for a test that could not run.
SLOWNESS = 3  # A file may take so many times its limit; meson.build says the same.
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60  # A stop may take 15 s by its own rule.
READY = re.compile(r"^ready\b.*?:(?P<port>\d+)(?=[,\s]|$)")

# quick: under sanitizers and the like; normal: scripts/test; full: scripts/test --all.
LEVEL = os.environ.get("PHOENIX_TEST_LEVEL", "normal")
SEED = int(os.environ.get("PHOENIX_TEST_SEED", time.time_ns() % 1_000_000_007))


def by_level(quick, normal, full):
    return {"quick": quick, "normal": normal, "full": full}[LEVEL]


class OutOfTime(KeyboardInterrupt):
    """What a test or its framework would catch, as the end of a file's time must not be: a
    TimeoutError is an OSError, and that of a socket, too."""


class StartError(Exception):
    """The server ended before it was ready: its exit code and everything it said."""

    def __init__(self, returncode, output):
        super().__init__(f"the server ended with {returncode} before it was ready:\n{output}")
        self.returncode = returncode
        self.output = output


def temporary_directory(parent=None):
    """A directory that goes when the test ends."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="phoenix-e2e-", dir=parent))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


class Server:
    """One server process. `with Server(...) as server:` kills it at the end if it still runs."""

    def __init__(self, directory=None, cores=1, flags=(), wrapper=(), port=0):
        self.directory = pathlib.Path(directory) if directory else temporary_directory() / "data"
        self.cores = cores
        self.flags = [str(flag) for flag in flags]
        self.wrapper = [str(word) for word in wrapper]
        self.asked_port = port
        self.port = None
        self.process = None
        self.lines = []
        self._errors = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()

    def command_line(self):
        return [
            *self.wrapper,
            os.environ["PHOENIX_SERVER"],
            *("--dir", str(self.directory)),
            *("--port", str(self.asked_port)),
            *("--cores", str(self.cores)),
            *self.flags,
        ]

    def launch(self):
        """Starts the process without waiting for anything."""
        self.lines = []
        self.port = None
        self._errors = tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(
            self.command_line(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        atexit.register(self.kill)
        self._queue = queue.Queue()
        self._reader = threading.Thread(
            target=self._read, args=(self.process.stdout, self._queue), daemon=True
        )
        self._reader.start()
        return self

    @staticmethod
    def _read(stream, out):
        for line in stream:
            out.put(line)
        out.put(None)

    def start(self):
        """Starts the process and waits until it serves. StartError if it ends instead."""
        self.launch()
        deadline = time.monotonic() + START_TIMEOUT_S
        while self.port is None:
            try:
                line = self._queue.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                self.kill()
                late = f"not ready in {START_TIMEOUT_S} s\n{self.output()}"
                raise StartError(None, late) from None
            if line is None:
                code = self.wait(STOP_TIMEOUT_S)
                raise StartError(code, self.output())
            self.lines.append(line)
            match = READY.match(line)
            if match:
                self.port = int(match["port"])
        return self

    def output(self):
        """Everything the server has said so far, stdout before stderr."""
        while not self._queue.empty():
            line = self._queue.get_nowait()
            if line is not None:
                self.lines.append(line)
        self._errors.seek(0)
        return "".join(self.lines) + self._errors.read()

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def client(self, timeout_s=client.TIMEOUT_S):
        return client.Client(self.address, timeout_s)

    @property
    def pid(self):
        """Of the server itself: a wrapper replaces itself by it."""
        return self.process.pid

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def send_signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout_s=STOP_TIMEOUT_S):
        """Its exit code; negative for a signal."""
        code = self.process.wait(timeout=timeout_s)
        self._reader.join(timeout=STOP_TIMEOUT_S)
        return code

    def stop(self, number=signal.SIGTERM):
        """Ends it in good order; the exit code."""
        self.send_signal(number)
        return self.wait()

    def kill(self):
        """Ends it at once, as a crash would. Nothing if it has ended."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait(timeout=STOP_TIMEOUT_S)
            self._reader.join(timeout=STOP_TIMEOUT_S)
            self.process.stdout.close()
            atexit.unregister(self.kill)

    def memory_bytes(self):
        """Resident set."""
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        raise AssertionError("the server has no resident set")


def expect_refusal(test, server, *words):
    """The server must end by itself, with a bad exit code and a sentence that has these words."""
    try:
        server.start()
    except StartError as refusal:
        test.assertIsNotNone(refusal.returncode, refusal.output)
        test.assertGreater(refusal.returncode, 0, f"a signal ended it: {refusal.output}")
        for word in words:
            test.assertRegex(refusal.output.lower(), word)
        test.assertLess(len(refusal.output.splitlines()), 12, "a sentence, not a page")
        return refusal
    server.kill()
    test.fail(f"the server started with {server.flags}")
    return None


_reserved = []


def free_ports(count):
    """The first of `count` ports in a row that nobody uses, from where the kernel takes none for
    outgoing connections. No other test gets them while this process lives, also when they are
    free in between: their UDP twins say whose they are."""
    chance = random.Random()
    while True:
        first = chance.randrange(15_000, 30_000)
        twins = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(count)]
        try:
            for port, twin in enumerate(twins, first):
                twin.bind(("127.0.0.1", port))
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            for twin in twins:
                twin.close()
            continue
        _reserved.extend(twins)
        return first


def free_port():
    return free_ports(1)


def wait_until(condition, timeout_s, what):
    """Polls until condition() is true; the time is a bound, never part of what is tested."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(0.01)


class TestResult(unittest.TextTestResult):
    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        print(f"SKIPPED: {test.id()}: {reason}", flush=True)


def skip_file(reason):
    """Ends a test file that cannot run on this machine, loudly."""
    print(f"SKIPPED: {pathlib.Path(sys.argv[0]).name}: {reason}")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(SKIP)


def main(limit_s):
    """Runs the tests of the calling file; no more than limit_s seconds on a quiet machine."""
    if "PHOENIX_SERVER" not in os.environ:
        sys.exit("set PHOENIX_SERVER to the server's binary (meson test does)")

    limit_s *= SLOWNESS

    def too_long(*_):
        raise OutOfTime(f"the test file took more than {limit_s} s")

    signal.signal(signal.SIGALRM, too_long)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # Cleans up as any other end does.
    signal.alarm(limit_s)
    print(f"level {LEVEL}, PHOENIX_TEST_SEED={SEED}", flush=True)
    runner = unittest.TextTestRunner(
        stream=sys.stdout, verbosity=2, resultclass=TestResult, failfast=False
    )
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    try:
        result = runner.run(suite)
    except OutOfTime as end:
        traceback.print_exc(file=sys.stdout)
        sys.exit(f"{end}")
    signal.alarm(0)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = len(result.skipped)
    passed = max(0, result.testsRun - failed - skipped)  # Each subtest may fail.
    closing = f"{passed} passed, {failed} failed"
    print(closing + (f", {skipped} skipped" if skipped else ""))
    if failed == 0 and passed == 0:
        sys.exit(SKIP)
    sys.exit(1 if failed else 0)
