#!/usr/bin/env python3
"""Counts test cases out of what meson wrote down, over suites and builds.

tally.py add COUNTS BUILD_DIR STATUS  appends the outcomes of BUILD_DIR's last `meson test`, which
                                 ended with this exit code, to COUNTS
tally.py sum COUNTS BROKEN       prints what was skipped and what failed, then the closing line;
                                 each line of BROKEN is a stage that did not even run to its end

A test program counts as its cases where it says how many there were (doctest's summary, or a line
`N passed, N failed, N skipped`), and as one otherwise. One that ended badly counts at least one
failure, whatever it said.
"""
import json
import pathlib
import re
import sys

DOCTEST = re.compile(r"test cases:\s*\d+\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed\s*\|")
PLAIN = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)
SKIP_REASON = re.compile(r"^SKIPPED: (.*)$", re.M)


def cases(test):
    """(passed, failed, skipped) of one entry of meson's testlog.json."""
    output = test.get("stdout") or ""
    good = test["result"] in ("OK", "EXPECTEDFAIL")
    if test["result"] == "SKIP":
        plain = PLAIN.search(output)
        return (0, 0, max(1, int(plain[3] or 0))) if plain else (0, 0, 1)
    passed, failed, skipped = 0, 0, 0
    for match in DOCTEST.finditer(output):
        passed, failed = passed + int(match[1]), failed + int(match[2])
    for match in PLAIN.finditer(output):
        passed, failed = passed + int(match[1]), failed + int(match[2])
        skipped += int(match[3] or 0)
    if good and passed + failed + skipped == 0:
        passed = 1
    if not good:
        failed = max(failed, 1)
    return passed, failed, skipped


def add(counts, directory, status):
    """One line per test: build, name, counts, and why it was skipped."""
    log = pathlib.Path(directory, "meson-logs", "testlog.json")
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    has_failed = False
    for line in lines:
        test = json.loads(line)
        outcome = cases(test)
        has_failed = has_failed or outcome[1] > 0
        reasons = SKIP_REASON.findall(test.get("stdout") or "")
        append(counts, f"{directory}: {test['name']}", outcome, test["result"], reasons)
    # A run that ended early may have written down nothing, or only what went well.
    if not lines or (status != "0" and not has_failed):
        append(counts, f"{directory}: meson test", (0, 1, 0), f"exit code {status}")


def append(counts, name, outcome, result, reasons=()):
    passed, failed, skipped = outcome
    line = {
        "name": name,
        "passed": passed,
        "failed": failed,
        "skipped": skipped,
        "reasons": list(reasons),
        "result": result,
    }
    with open(counts, "a", encoding="utf-8") as out:
        out.write(json.dumps(line) + "\n")


def total(counts, broken):
    """The closing lines; the exit code is bad unless everything ran and passed."""
    tests = []
    if pathlib.Path(counts).exists():
        lines = pathlib.Path(counts).read_text(encoding="utf-8").splitlines()
        tests = [json.loads(line) for line in lines]
    stages = []
    if pathlib.Path(broken).exists():
        stages = pathlib.Path(broken).read_text(encoding="utf-8").splitlines()
    for test in tests:
        if test["skipped"]:
            print(f"SKIPPED  {test['name']} ({test['skipped']})")
            for reason in sorted(set(test["reasons"])):
                print(f"         {reason}")
    for test in tests:
        if test["failed"]:
            print(f"FAILED   {test['name']} ({test['result']}, {test['failed']})")
    for stage in stages:
        print(f"BROKEN   {stage}")
    passed = sum(test["passed"] for test in tests)
    failed = sum(test["failed"] for test in tests) + len(stages)
    skipped = sum(test["skipped"] for test in tests)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return failed == 0 and passed > 0


def main():
    words = sys.argv[1:]
    if len(words) == 4 and words[0] == "add":
        add(words[1], words[2], words[3])
    elif len(words) == 3 and words[0] == "sum":
        sys.exit(0 if total(words[1], words[2]) else 1)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
