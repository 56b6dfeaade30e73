#!/usr/bin/env python3
"""Client libraries, unchanged, as their users run them: greeting, common commands, binary keys and
values, pipelines, MULTI, SCAN, pub/sub, and what they do when the server dies and comes back.

The scripts are in clients/; each ends with the number of its checks. What npm installs goes into
the build directory, by the lock file. PHOENIX_E2E_REDIS=1 runs all of it against redis-server.
"""
import concurrent.futures
import hashlib
import os
import pathlib
import shutil
import subprocess
import threading
import unittest

import harness
import redis_server

LIMIT_S = 170
SCRIPT_TIMEOUT_S = 150
NPM_TIMEOUT_S = 100
CORES = (1, 2, 4)
SOURCES = pathlib.Path(__file__).parent / "clients"
DEBIAN_PYTHON = "/usr/bin/python3"  # Another may come first in PATH, without Debian's modules.


def install():
    """The folder with the scripts beside the libraries that the lock file names."""
    lock = (SOURCES / "package-lock.json").read_bytes()
    name = "e2e-clients-" + hashlib.sha256(lock).hexdigest()[:12]
    folder = pathlib.Path(os.environ["PHOENIX_BUILD"]) / name
    folder.mkdir(exist_ok=True)
    for source in SOURCES.iterdir():
        if source.is_file():
            shutil.copy(source, folder)
    complete = folder / "installed"
    if not complete.exists():
        words = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
        # By its own settings it takes a minute to find that there is no network.
        words += ["--fetch-retries=2", "--fetch-retry-mintimeout=500"]
        words += ["--fetch-retry-maxtimeout=4000"]
        shown = subprocess.run(
            words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=NPM_TIMEOUT_S, check=False,
        )  # fmt: skip
        if shown.returncode != 0:
            raise OSError(f"npm could not install the clients:\n{shown.stdout[-2000:]}")
        complete.touch()
    return folder


def run(words, server):
    """Runs a client's script to its end, and restarts the server when it asks; what it said."""
    said = []
    with subprocess.Popen(
        [*words, str(server.port)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        timer = threading.Timer(SCRIPT_TIMEOUT_S, process.kill)
        timer.start()
        try:
            for line in process.stdout:
                said.append(line)
                if line == "restart\n":
                    server.kill()
                    server.start()
                    process.stdin.write("restarted\n")
                    process.stdin.flush()
        finally:
            timer.cancel()
    return process.returncode, "".join(said)


class Script(unittest.TestCase):
    """One script a test, at once on each number of cores: its server is killed and started again on
    the same port."""

    def run_client(self, *words):
        servers = [
            redis_server.tested(cores=cores, port=harness.free_port(), durable=True).start()
            for cores in CORES
        ]
        for server in servers:
            self.addCleanup(server.kill)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            runs = pool.map(lambda server: run(words, server), servers)
            for cores, server, (code, said) in zip(CORES, servers, runs):
                with self.subTest(cores=cores):
                    self.assertEqual(code, 0, said)
                    self.assertIn("restart\n", said)
                    self.assertRegex(said.splitlines()[-1], r"^\d+ checks$")
                    self.assertTrue(server.is_running())


class Python(Script):
    def test_redis_py(self):
        asked = [DEBIAN_PYTHON, "-c", "import redis"]
        if subprocess.run(asked, capture_output=True, check=False).returncode != 0:
            if harness.LEVEL == "full":
                self.fail("python3-redis is missing: scripts/setup --all installs it")
            self.skipTest("python3-redis is not installed")
        self.run_client(DEBIAN_PYTHON, SOURCES / "redis_py.py")


class Node(Script):
    @classmethod
    def setUpClass(cls):
        try:
            cls.folder = install()
        except (OSError, subprocess.TimeoutExpired) as error:
            if harness.LEVEL == "full":
                raise
            raise unittest.SkipTest(str(error)) from None

    def run_script(self, name):
        self.run_client("node", self.folder / name)

    def test_ioredis(self):
        self.run_script("ioredis.mjs")

    def test_iovalkey(self):
        self.run_script("iovalkey.mjs")

    def test_node_redis(self):
        self.run_script("node_redis.mjs")

    def test_valkey_glide(self):
        self.run_script("valkey_glide.mjs")

    def test_keyv_redis(self):
        self.run_script("keyv_redis.mjs")

    def test_connect_redis(self):
        self.run_script("connect_redis.mjs")


if __name__ == "__main__":
    harness.main(LIMIT_S)
