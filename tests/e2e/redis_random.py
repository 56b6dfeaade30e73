#!/usr/bin/env python3
"""Random command lines compared with Redis, until a time bound.

The table of redis_lines/ is the grammar: a line of it is drawn, its keys become those of a small
pool, and words are replaced by others that its command has there, added or dropped. The first line
of each command that differs is printed with what ran before; the seed repeats it.
"""
import argparse
import collections
import itertools
import os
import random
import sys
import time

import redis_lines
import redis_server
import redis_side
import resp

ROOMS = ("strings", "lcs", "counters", "bits", "bitfield", "keys", "expire", "dump", "scan")
LINES_PER_ROUND = 400
KEYS = [b"{k}%d" % number for number in range(6)]  # On one core all, so that any may be named.
WORDS = (
    b"", b"0", b"1", b"-1", b"2", b"7", b"8", b"10", b"100", b"-100", b"abc", b"1.5", b"+1", b"01",
    b" 1", b"9223372036854775807", b"-9223372036854775808", b"9223372036854775808", b"nan", b"1e3",
    b"\x00", b"\xff\xfe", b"\r\n", b"foobar", b"x" * 100, b"0123456789" * 50, b"\x00\xff" * 500,
)  # fmt: skip
# What answers by chance, by the clock or by what a server is, and what ours does not have.
NOT_DRAWN = {
    "RANDOMKEY", "FLUSHALL", "FLUSHDB", "SELECT", "MOVE", "SORT", "DBSIZE", "SCAN", "HSCAN",
}  # fmt: skip
# What ours answers otherwise by intent: databases, how a value is held, its own texts.
NOT_THE_SAME = {"FREQ", "IDLETIME", "REFCOUNT", "ENCODING", "HELP", "DUMP", "DB", "NX\0"}
EXPIRY_MAX = 1 << 47  # Redis takes times that ours refuses, and then their keys differ.
CLOCKED = {"TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"}
CLOCK_MS = 3_000
ERROR_BYTES = 22
LARGE = {"SETRANGE", "SETBIT", "BITFIELD", "APPEND"}  # A number in them may be a size.
SIZE_MAX = 1_000_000


def table():
    """{command: its lines' words}."""
    found = collections.defaultdict(list)
    for name, lines in redis_lines.files().items():
        for line in lines:
            is_alone = line.marks.keys() & {"keep", "sleep"} or line.command in NOT_DRAWN
            if name in ROOMS and not is_alone and not any(word[:1] == b"$" for word in line.words):
                found[line.command].append(line.words)
    return found


def numbers(words):
    for word in words:
        try:
            yield int(word)
        except ValueError:
            pass


def is_fair(words):
    """False for lines whose answers depend on how fast they run, or that need much memory."""
    command, upper = words[0].upper().decode("utf-8", "replace"), {word.upper() for word in words}
    if NOT_THE_SAME & {word.decode("utf-8", "replace") for word in upper}:
        return False
    if command in LARGE and any(SIZE_MAX < number < 1 << 33 for number in numbers(words[2:])):
        return False
    if command in ("EXPIRE", "PEXPIRE") and upper & {b"GT", b"LT"}:
        return False
    in_seconds = command in ("SETEX", "EXPIRE") or b"EX" in upper
    in_ms = command in ("PSETEX", "PEXPIRE", "RESTORE") or b"PX" in upper
    is_timed = in_seconds or in_ms or upper & {b"EXAT", b"PXAT"} or command.endswith("EXPIREAT")
    if is_timed and any(number > EXPIRY_MAX // 1000 for number in numbers(words[2:])):
        return False
    soon = 10_000 if in_ms else 10 if in_seconds else 0
    return not any(0 < number < soon for number in numbers(words[2:]))


class Generator:
    def __init__(self, chance, port):
        self.chance = chance
        self.table = table()
        self.commands = sorted(self.table)
        self.redis = resp.Client(port)

    def line(self):
        """A fair line, as words."""
        while True:
            words = list(self.chance.choice(self.table[self.chance.choice(self.commands)]))
            for _ in range(self.chance.choice((0, 0, 1, 1, 2, 3))):
                self.change(words)
            self.place_keys(words)
            if is_fair(words):
                return words

    def change(self, words):
        at = self.chance.randrange(1, len(words) + 1)
        others = self.chance.choice(self.table.get(words[0].decode().upper(), [words]))
        kind = self.chance.randrange(8)
        if kind == 0:
            words.insert(at, self.chance.choice(WORDS))
        elif kind == 1:
            del words[at:]
        elif kind == 2:
            words[at:at] = others[at : at + 2]
        elif kind == 3:
            words[at:] = others[at:]
        elif at < len(words):
            words[at] = self.chance.choice(WORDS if kind < 6 else others)

    def place_keys(self, words):
        """Puts keys of the pool where Redis says that the keys are."""
        keys = self.redis.command("COMMAND", "GETKEYS", *words)
        if isinstance(keys, resp.Error):
            return
        for at in range(1, len(words)):
            if words[at] in keys:
                words[at] = self.chance.choice(KEYS)


def shown(words):
    """As redis-cli would take it."""
    text = []
    for word in words:
        is_bare = word and all(33 <= byte < 127 and byte not in b"\"'\\" for byte in word)
        escaped = "".join(f"\\x{byte:02x}" for byte in word)
        text.append(word.decode() if is_bare else f'"{escaped}"')
    line = " ".join(text)
    return line if len(line) < 400 else line[:400] + "..."


def as_line(words):
    """With the marks that its command needs."""
    command = words[0].decode("utf-8", "replace").upper()
    marks = {"near": str(CLOCK_MS)} if command in CLOCKED else {}
    if command == "KEYS":
        marks = {"any-order": True}
    return redis_lines.Line(shown(words), "", tuple(words), marks)


def is_meant(differences, line, theirs, ours):
    """As the table's list says it of this command, whatever its other words are. Of texts with
    words of the request in them, which Redis ends at a zero byte or cuts, the beginning counts."""
    if theirs[:1] == ours[:1] == b"-" and theirs[:ERROR_BYTES] == ours[:ERROR_BYTES]:
        return True
    return any(
        entry.line.split()[0].upper() == line.command and entry.matches(ours)
        for entry in differences
    )


def run_round(sides, generator, differences):
    """The lines that differed: (line, Redis's reply, ours, what ran before)."""
    for side in sides:
        side.start_empty()
    lines = [as_line(generator.line()) for _ in range(LINES_PER_ROUND)]
    lines += [as_line([b"GET", key]) for key in KEYS] + [as_line([b"PTTL", key]) for key in KEYS]
    found, before = [], collections.deque(maxlen=8)
    for batch in redis_side.batches(lines, generator.chance):
        for line, theirs, ours in zip(batch, *(side.run(batch) for side in sides)):
            is_same = redis_side.same(line, theirs, ours)
            if not is_same and not is_meant(differences, line, theirs, ours):
                found.append((line, theirs, ours, list(before)))
            before.append(line)
    return found


def compare(options, redis, server):
    """Rounds until the time is over; how many lines ran, and the differences by command."""
    chance = random.Random(options.seed)
    generator, differences = Generator(chance, redis.port), redis_lines.differences()
    deadline, by_command = time.monotonic() + options.seconds, {}
    for rounds in itertools.count(1):
        sides = [redis_side.Side(port, chance.choice((2, 3))) for port in (redis.port, server.port)]
        sides[1].protocol = sides[0].protocol
        for line, theirs, ours, before in run_round(sides, generator, differences):
            if line.command not in by_command:
                by_command[line.command] = line
                print(f"\n{line.text}\n  redis: {theirs[:300]!r}\n  ours:  {ours[:300]!r}")
                print("  after: " + "\n         ".join(entry.text for entry in before), flush=True)
        for side in sides:
            side.close()
        if time.monotonic() > deadline or len(by_command) >= options.stop_after:
            return rounds * LINES_PER_ROUND, by_command


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000_007)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--stop-after", type=int, default=20, help="commands that differ")
    options = parser.parse_args()
    if "PHOENIX_SERVER" not in os.environ:
        sys.exit("set PHOENIX_SERVER to the server's binary (scripts/compare-redis does)")
    with redis_server.RedisServer() as redis, redis_server.tested(options.cores) as server:
        count, by_command = compare(options, redis, server)
    print(f"\nseed {options.seed}: {count} lines, {len(by_command)} commands differ")
    sys.exit(1 if by_command else 0)


if __name__ == "__main__":
    main()
