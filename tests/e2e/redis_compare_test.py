#!/usr/bin/env python3
"""Replies equal to Redis 7's, byte for byte: the command lines of redis_lines/ go to redis-server
and to ours, on 1, 2 and 4 cores, over RESP2 and RESP3, in pipelines whose depths chance draws.

PHOENIX_COMPARE_REPORT=FILE writes all differences there, most frequent commands first.
PHOENIX_E2E_REDIS=1 puts a second redis-server in the place of ours: that shows the lines right.
"""
import collections
import os
import random
import time
import unittest

import harness
import redis_lines
import redis_server
import redis_side

LIMIT_S = 60
LINES_MIN = 1_000
SHOWN_MAX = 20


class Report:
    """What differed, for people."""

    def __init__(self):
        self.found = []  # (line, cores, protocol, Redis's, ours)

    def write(self, path):
        by_line = collections.defaultdict(list)
        for line, cores, protocol, theirs, ours in self.found:
            by_line[line.command, line.where, line.text, theirs, ours].append((cores, protocol))
        by_command = collections.Counter(command for command, *_ in by_line)
        with open(path, "w", encoding="utf-8") as file:
            for command, count in by_command.most_common():
                file.write(f"{command}: {count}\n")
            for (command, where, text, theirs, ours), seen in sorted(
                by_line.items(), key=lambda entry: (-by_command[entry[0][0]], entry[0])
            ):
                on = " ".join(f"{cores}c/resp{protocol}" for cores, protocol in seen)
                file.write(f"\n{where}: {text[:200]}\n  redis: {theirs[:300]!r}\n")
                file.write(f"  ours:  {ours[:300]!r}\n  on {on}\n")


class Compare(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = redis_lines.files()
        cls.differences = redis_lines.differences()
        cls.redis = redis_server.RedisServer().start()
        cls.addClassCleanup(cls.redis.kill)
        cls.chance = random.Random(harness.SEED)
        cls.report = Report()
        if path := os.environ.get("PHOENIX_COMPARE_REPORT"):
            cls.addClassCleanup(cls.report.write, path)

    def run_lines(self, name, lines, sides, cores, protocol):
        """What differed in one file, as sentences."""
        for side in sides:
            self.assertEqual(side.start_empty(), 0, f"{name}: keys stay behind FLUSHALL")
        wrong = []
        lines = [line for line in lines if line.is_for(protocol, cores)]
        for batch in redis_side.batches(lines, self.chance):
            if "sleep" in batch[0].marks:
                time.sleep(int(batch[0].marks["sleep"]) / 1000)
            model = sides[0].run(batch)
            for line, theirs, ours in zip(batch, model, sides[1].run(batch, model)):
                if redis_side.same(line, theirs, ours):
                    continue
                if self.is_meant(line, cores, protocol, ours):
                    continue
                self.report.found.append((line, cores, protocol, theirs, ours))
                shown = f"{line.where}: {line.text[:150]}"
                wrong.append(f"{shown}\n  {theirs[:200]!r}\n  {ours[:200]!r}")
        return wrong

    def is_meant(self, line, cores, protocol, ours):
        return any(entry.explains(line, cores, protocol, ours) for entry in self.differences)

    def compare_on(self, cores):
        with redis_server.tested(cores) as server:
            for protocol in (2, 3):
                sides = [redis_side.Side(port, protocol) for port in (self.redis.port, server.port)]
                for name, lines in self.files.items():
                    with self.subTest(file=name, protocol=protocol):
                        wrong = self.run_lines(name, lines, sides, cores, protocol)
                        if wrong:
                            text = "\n".join(wrong[:SHOWN_MAX])
                            self.fail(f"{len(wrong)} of {len(lines)} differ:\n{text}")
                for side in sides:
                    side.close()
                self.expect_differences(cores, protocol)

    def expect_differences(self, cores, protocol):
        """An intended difference that has gone must go from the list, too."""
        if redis_server.IN_PLACE_OF_OURS:
            return
        for entry in self.differences:
            if (cores, protocol) in entry.expected():
                with self.subTest(line=entry.line, protocol=protocol):
                    self.assertIn((cores, protocol), entry.seen, "this difference is gone")

    def test_on_1_core(self):
        self.compare_on(1)

    def test_on_2_cores(self):
        self.compare_on(2)

    def test_on_4_cores(self):
        self.compare_on(4)

    def test_enough_lines(self):
        count = sum(len(lines) for lines in self.files.values())
        print(f"{count} lines in {len(self.files)} files", flush=True)
        self.assertGreaterEqual(count, LINES_MIN)


if __name__ == "__main__":
    redis_server.need("redis-server")
    harness.main(LIMIT_S)
