#!/usr/bin/env python3
"""Compiles every header alone, so that each brings what it needs.

usage: headers.py ROOT COMPILER...
"""
import concurrent.futures
import os
import pathlib
import subprocess
import sys

FOLDERS = ("protocol", "phoenix", "cli", "bench", "tests")
FLAGS = ["-std=c++20", "-fsyntax-only", "-O0", "-w", "-x", "c++", '-DPHOENIX_VERSION="0"']


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
    workers = len(os.sched_getaffinity(0))
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        complaints = list(pool.map(lambda header: compile_alone(root, compiler, header), headers))
    bad = [complaint for complaint in complaints if complaint]
    print("\n".join(bad))
    print(f"{len(headers) - len(bad)} passed, {len(bad)} failed")
    sys.exit(1 if bad or not headers else 0)


if __name__ == "__main__":
    main()
