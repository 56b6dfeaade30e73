#!/usr/bin/env python3
"""What an installation holds. The client library as its user meets it: the example of README.md is
compiled against what was installed and run against a server. And the man pages."""
import os
import pathlib
import re
import shlex
import shutil
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


def install(directory, tag):
    """Installs a part into a directory that stands for the root."""
    run(*shlex.split(os.environ["PHOENIX_MESON"]), "install", "-C", os.environ["PHOENIX_BUILD"],
        "--no-rebuild", "--tags", tag, "--destdir", directory)


def install_library(directory):
    """What pkg-config then says of it."""
    install(directory, "devel")
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
        run(*compiler, *strict, EXAMPLE, *install_library(directory / "root"), "-o", program)
        with harness.Server(cores=2) as server:
            self.assertEqual(
                run(program, server.port).splitlines(),
                ["greeting: hello, world", "locked: yes", "users: 3", "before: hello, world"],
            )

    @unittest.skipUnless(shutil.which("help2man"), "help2man is missing: no man pages")
    def test_man_pages_hold_every_flag(self):
        directory = harness.temporary_directory()
        install(directory, "man")
        for name in ("SERVER", "CLI", "BENCH"):
            program = pathlib.Path(os.environ["PHOENIX_" + name])
            (page,) = directory.rglob(program.name + ".1")
            text = page.read_text(encoding="utf-8").replace("\\-", "-")
            flags = re.findall(r"^  (?:-\w,)?(--[\w-]+)", run(program, "--help"), re.M)
            self.assertGreater(len(flags), 8)
            for flag in flags:
                self.assertIn(flag, text)
            self.assertIn(f".SH NAME\n{program.name} ", text)
            for example in re.findall(r"^  (\$ .+)$", run(program, "--help"), re.M):
                shown = re.escape(example)
                self.assertRegex(text, rf"(?m)^\S*{shown}(\\fR)?$", "a line of its own")


if __name__ == "__main__":
    harness.main(limit_s=120)
