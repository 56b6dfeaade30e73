#!/usr/bin/env python3
"""Compiles headers alone, so that each brings what it needs. A header that its own source includes
first is left out: the build has shown it.

usage: headers.py ROOT COMPILER...
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

FOLDERS = ("protocol", "phoenix", "cli", "bench", "tests")
FLAGS = ["-std=c++20", "-fsyntax-only", "-O0", "-w", "-x", "c++", '-DPHOENIX_VERSION="0"']


INCLUDE = re.compile(r'^#include\s+["<](.*)[">]', re.M)


def is_built_alone(root, header):
    """Whether the source of the same name includes it before anything else."""
    source = (root / header).with_suffix(".cc")
    if not source.exists():
        return False
    first = INCLUDE.search(source.read_text(encoding="utf-8"))
    return first is not None and first[1] == header


def compile_alone(root, compiler, header):
    """The compiler's complaint, or an empty string. Twice included, so that its guard is seen."""
    text = f'#include "{header}"\n' * 2
    flags = FLAGS + (["-march=x86-64-v2"] if os.uname().machine == "x86_64" else [])
    done = subprocess.run(
        compiler + flags + ["-I", str(root), "-"],
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return f"{header}:\n{done.stderr}" if done.returncode else ""


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    root, compiler = pathlib.Path(sys.argv[1]), sys.argv[2:]
    headers = sorted(
        path.relative_to(root).as_posix() for top in FOLDERS for path in (root / top).rglob("*.h")
    )
    alone = [header for header in headers if not is_built_alone(root, header)]
    workers = len(os.sched_getaffinity(0))
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        complaints = list(pool.map(lambda header: compile_alone(root, compiler, header), alone))
    bad = [complaint for complaint in complaints if complaint]
    print("\n".join(bad))
    print(f"{len(headers) - len(bad)} passed, {len(bad)} failed")
    sys.exit(1 if bad or not headers else 0)


if __name__ == "__main__":
    main()
