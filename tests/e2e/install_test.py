#!/usr/bin/env python3
"""What a user of the client library does: install it, compile the example of README.md against what
was installed, and run it against a server."""
import os
import pathlib
import shlex
import subprocess
import unittest

import harness

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "client.cc"


def run(*words, environment=None):
    """What it printed; a failure of it is one of the test."""
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    if done.returncode != 0:
        raise AssertionError(f"{words[0]} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def install(directory):
    """Installs what programs need that use the library, and returns what pkg-config says of it."""
    run(*shlex.split(os.environ["PHOENIX_MESON"]), "install", "-C", os.environ["PHOENIX_BUILD"],
        "--no-rebuild", "--tags", "devel", "--destdir", directory)
    (file,) = directory.rglob("phoenix_client.pc")
    where = {"PKG_CONFIG_PATH": str(file.parent), "PKG_CONFIG_SYSROOT_DIR": str(directory)}
    return shlex.split(run("pkg-config", "--cflags", "--libs", file.stem, environment=where))


class Install(unittest.TestCase):
    def test_readme_shows_the_example(self):
        blocks = (ROOT / "README.md").read_text(encoding="utf-8").split("```cpp\n")[1:]
        shown = [block.split("```\n")[0] for block in blocks]
        self.assertEqual(shown, [EXAMPLE.read_text(encoding="utf-8")])

    def test_example_compiles_and_runs(self):
        directory = harness.temporary_directory()
        program = directory / "example"
        compiler = shlex.split(os.environ["PHOENIX_CXX"])
        strict = ("-std=c++20", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
        run(*compiler, *strict, EXAMPLE, *install(directory / "root"), "-o", program)
        with harness.Server(cores=2) as server:
            self.assertEqual(
                run(program, server.port).splitlines(),
                ["greeting: hello, world", "locked: yes", "users: 3", "before: hello, world"],
            )


if __name__ == "__main__":
    harness.main(limit_s=120)
