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
import resp

LIMIT_S = 120
LINES_MIN = 1_000
SHOWN_MAX = 20
PASSWORD = "open sesame"
EVERY_BYTE = bytes(range(256))
INFO_FIELDS = """redis_version redis_mode os arch_bits process_id run_id tcp_port uptime_in_seconds
connected_clients blocked_clients used_memory used_memory_human used_memory_rss used_memory_peak
maxmemory maxmemory_policy loading rdb_changes_since_last_save rdb_bgsave_in_progress
rdb_last_save_time aof_enabled aof_rewrite_in_progress total_connections_received
total_commands_processed instantaneous_ops_per_sec rejected_connections expired_keys evicted_keys
keyspace_hits keyspace_misses pubsub_channels pubsub_patterns role connected_slaves
master_repl_offset used_cpu_sys used_cpu_user cluster_enabled db0"""


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

    def compare_file(self, name, lines, sides, cores, protocol):
        """Fails with what differed in one file."""
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
        if wrong:
            self.fail("\n".join([f"{len(wrong)} of {len(lines)} differ:", *wrong[:SHOWN_MAX]]))

    def is_meant(self, line, cores, protocol, ours):
        return any(entry.explains(line, cores, protocol, ours) for entry in self.differences)

    def compare_on(self, cores):
        with redis_server.tested(cores) as server:
            for protocol in (2, 3):
                sides = [redis_side.Side(port, protocol) for port in (self.redis.port, server.port)]
                for name, lines in self.files.items():
                    with self.subTest(file=name, protocol=protocol):
                        self.compare_file(name, lines, sides, cores, protocol)
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

    def test_before_auth(self):
        lines = redis_lines.read_file(redis_lines.FOLDER / "auth.txt")
        words = ("--requirepass", PASSWORD)
        with (
            redis_server.RedisServer(*words) as redis,
            redis_server.tested(cores=1, password=PASSWORD) as server,
        ):
            sides = [redis_side.Side(port, 2, PASSWORD) for port in (redis.port, server.port)]
            self.compare_file("auth", lines, sides, cores=1, protocol=2)

    def test_payloads_of_dump_go_both_ways(self):
        values = [b"", b"0", b"-129", b"9223372036854775807", b"text", EVERY_BYTE, b"ab" * 9_000]
        with redis_server.tested(cores=2) as server:
            sides = [resp.Client(port) for port in (self.redis.port, server.port)]
            for source, target in (sides, sides[::-1]):
                for value in values:
                    source.command("SET", "from", value)
                    payload = source.command("DUMP", "from")
                    self.assertEqual(target.command("RESTORE", "to", 0, payload, "REPLACE"), "OK")
                    self.assertEqual(target.command("GET", "to"), value)

    def test_info_has_what_clients_read(self):
        with redis_server.tested(cores=2) as server:
            for port in (self.redis.port, server.port):
                with resp.Client(port) as db:
                    db.command("SET", "a", 1)
                    text = db.command("INFO").decode()
                    for name in INFO_FIELDS.split():
                        self.assertRegex(text, rf"(?m)^{name}:.+\r$")

    def test_enough_lines(self):
        count = sum(len(lines) for lines in self.files.values())
        print(f"{count} lines in {len(self.files)} files", flush=True)
        self.assertGreaterEqual(count, LINES_MIN)


if __name__ == "__main__":
    redis_server.need("redis-server")
    harness.main(LIMIT_S)
