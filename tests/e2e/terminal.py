"""A person at a terminal: a program behind a pseudo-terminal, what is typed into it, and what it
draws. Colours and cursor movements come as they are sent; plain() takes them away."""
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time

CONTROLS = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>()][A-Z0-9]?|[\x07\x08]")


def plain(data):
    return CONTROLS.sub(b"", data).decode("utf-8", "replace")


class Terminal:
    """`with Terminal([program, ...], environment) as terminal:` kills it at the end."""

    def __init__(self, words, environment, columns=80, rows=24):
        self.main, terminal = os.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.settings = termios.tcgetattr(terminal)
        self.process = subprocess.Popen(
            [str(word) for word in words],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=environment,
            start_new_session=True,
            # The terminal becomes the session's own, so that Ctrl-C is a signal.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.terminal = terminal
        self.seen = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self.main)
        os.close(self.terminal)

    def type(self, text):
        os.write(self.main, text.encode())

    def read(self, timeout_s):
        """What has come, waiting for at most so long; False when nothing did."""
        if not select.select([self.main], [], [], timeout_s)[0]:
            return False
        self.seen += os.read(self.main, 65_536)
        return True

    def expect(self, text, timeout_s=40, raw=False):
        """Until `text` is on the screen; hands out all up to its end, and goes on behind it."""
        deadline = time.monotonic() + timeout_s
        wanted = text.encode() if isinstance(text, str) else text
        while True:
            shown = self.seen if raw else plain(self.seen).encode()
            if wanted in shown:
                self.seen = shown[shown.index(wanted) + len(wanted) :]
                return shown[: shown.index(wanted) + len(wanted)].decode("utf-8", "replace")
            left = deadline - time.monotonic()
            if left <= 0 or not self.read(left):
                raise AssertionError(f"no {text!r} within {timeout_s} s, but {shown[-2000:]!r}")

    def wait(self, timeout_s=40):
        """Its exit code. Reads on, so that it is not held up."""
        deadline = time.monotonic() + timeout_s
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"still running; it last drew {self.seen[-500:]!r}")
            self.read(0.02)
        return self.process.returncode
