"""A redis-server beside ours, or in its place: what a test says of Redis is right only if it passes
there, too. PHOENIX_E2E_REDIS=1 puts it in the place of ours."""
import os
import shutil
import subprocess

import harness

IN_PLACE_OF_OURS = "PHOENIX_E2E_REDIS" in os.environ
DURABLE = ("--appendonly", "yes", "--appendfsync", "always")


class RedisServer:
    """redis-server on a free port, in a directory of its own. `with RedisServer() as redis:`"""

    def __init__(self, *options, port=0, directory=None):
        self.port = port or harness.free_port()
        self.directory = directory or harness.temporary_directory()
        self.options = options
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()

    def start(self):
        words = [
            "redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "",
            "--dir", str(self.directory), "--enable-debug-command", "yes", *self.options,
        ]  # fmt: skip
        self.process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for line in self.process.stdout:
            if b"Ready to accept connections" in line:
                return self
        self.kill()
        raise harness.StartError(self.process.returncode, "redis-server did not get ready")

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=harness.STOP_TIMEOUT_S)
        self.process.stdout.close()


def tested(cores, port=0, durable=False, password=""):
    """The server under test, not started. Ours is always durable."""
    if IN_PLACE_OF_OURS:
        options = DURABLE if durable else ()
        return RedisServer(*options, *(("--requirepass", password) if password else ()), port=port)
    flags = ["--enable-debug-command", "local"]
    if password:
        file = harness.temporary_directory() / "password"
        file.write_text(password + "\n", encoding="utf-8")
        flags += ["--requirepass-file", file]
    return harness.Server(cores=cores, port=port, flags=flags)


def need(*programs):
    """Ends a test file that lacks a program: as a failure where scripts/setup --all has run."""
    missing = [program for program in programs if not shutil.which(program)]
    if not missing:
        return
    if harness.LEVEL == "full":
        raise SystemExit(f"missing: {', '.join(missing)} (scripts/setup --all installs it)")
    harness.skip_file(f"{', '.join(missing)} is not installed")
