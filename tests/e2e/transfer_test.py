#!/usr/bin/env python3
"""phoenix-cli import and export: what goes out comes back, whatever interrupts it."""
import base64
import csv
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import time
import unittest

import client
import harness
from client import frame
from gate import Gate

csv.field_size_limit(1 << 30)
LIMIT_S = 60
MANY = 15_000
HELD_BYTES = 300_000  # Of the requests for so many rows: those for some 5,000.
EXPIRY_MS = int(time.time() * 1_000) + 3_600_000
OUT_OF_TIME_MS = 300_000  # What a slow machine may add to an expiry on its way.


def words_of(server, *arguments, resp=False):
    options = ["--resp"] if resp else []
    place = ("--timeout", LIMIT_S, "-p", server.port)
    words = (os.environ["PHOENIX_CLI"], *options, *place, *arguments)
    return [str(word) for word in words]


def run(server, *arguments, resp=False, **options):
    """The process when it has ended."""
    return subprocess.run(
        words_of(server, *arguments, resp=resp),
        capture_output="stdout" not in options,
        text=True,
        timeout=LIMIT_S,
        check=False,
        **options,
    )


def start(server, *arguments):
    return subprocess.Popen(
        words_of(server, *arguments),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_csv(path):
    """{key: (value, expiry)} as Python's own reader sees it; a list of keys as they came."""
    rows, order = {}, []
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            parts = {}
            for name in ("key", "value"):
                is_base64 = row["base64"] in (name, "both")
                parts[name] = base64.b64decode(row[name]) if is_base64 else row[name].encode()
            rows[parts["key"]] = (parts["value"], int(row["expires_at_ms"] or 0))
            order.append(parts["key"])
    return rows, order


def read_jsonl(path):
    rows, order = {}, []
    with open(path, encoding="utf-8", newline="\n") as file:
        for line in file:
            row = json.loads(line)
            parts = {}
            for name in ("key", "value"):
                encoded = row.get(name + "_base64", "")
                parts[name] = row[name].encode() if name in row else base64.b64decode(encoded)
            rows[parts["key"]] = (parts["value"], row.get("expires_at_ms", 0))
            order.append(parts["key"])
    return rows, order


READ = {"csv": read_csv, "jsonl": read_jsonl}


def many_rows():
    return {b"key:%d" % i: (b"value of %d" % i, 0) for i in range(MANY)}


def write_csv(path, rows):
    text = "".join(f"{key.decode()},{value.decode()}\n" for key, (value, _) in rows.items())
    path.write_text("key,value\n" + text, encoding="utf-8")


def awkward_rows(chance):
    """Every byte in keys and values, and what formats trip over; a third of it expires."""
    texts = [b"", b" ", b'"', b'a"b', b",", b"\n", b"\r\n", b"\r", b"\0", b"\\", "é€🔥".encode()]
    texts += [bytes([byte]) for byte in range(256)]
    texts += [chance.randbytes(chance.randrange(200)) for _ in range(200)]
    texts += [chance.randbytes(300_000)]
    rows = {}
    for text in texts:
        key = text[:1_000]
        rows[key] = (chance.choice(texts), EXPIRY_MS if chance.random() < 0.3 else 0)
    return rows


class Transfer(unittest.TestCase):
    def setUp(self):
        self.directory = harness.temporary_directory()

    def serve(self, **options):
        server = harness.Server(**options).start()
        self.addCleanup(server.kill)
        return server

    def store(self, server, rows):
        with server.client() as db:
            for key, (value, expiry_ms) in rows.items():
                flags = client.DO_NOT_WAIT | (client.TTL_IS_TIME if expiry_ms else 0)
                reply = db.ask(
                    frame(client.SET, key, value, flags, ttl_ms=expiry_ms or None, request_id=1)
                )
                self.assertEqual(reply.status, client.OK)

    def assert_rows(self, found, expected, late_ms_max=0):
        self.assertEqual(set(found), set(expected))
        for key, (value, expiry_ms) in expected.items():
            self.assertEqual(found[key][0], value, key)
            late_ms = found[key][1] - expiry_ms
            self.assertTrue(0 <= late_ms <= (late_ms_max if expiry_ms else 0), (key, late_ms))

    def assert_holds(self, server, expected):
        """As an export of it shows, which other tests compare with what was stored."""
        path = self.directory / f"held-{time.monotonic_ns()}.jsonl"
        shown = run(server, "export", path)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assert_rows(read_jsonl(path)[0], expected)

    def assert_ended(self, process, code, *words):
        _, said = process.communicate(timeout=LIMIT_S)
        self.assertEqual(process.returncode, code, said)
        for word in words:
            self.assertIn(word, said)


class RoundTrip(Transfer):
    def test_in_both_formats(self):
        rows = awkward_rows(random.Random(harness.SEED))
        source = self.serve(cores=2)
        self.store(source, rows)
        for suffix, read in READ.items():
            path = self.directory / f"rows.{suffix}"
            shown = run(source, "export", path)
            self.assertEqual(shown.returncode, 0, shown.stderr)
            self.assertIn(f"exported {len(rows)} rows", shown.stderr)
            self.assert_rows(read(path)[0], rows)
            target = self.serve()
            shown = run(target, "import", path)
            self.assertEqual(shown.returncode, 0, shown.stderr)
            self.assertIn(f"imported {len(rows)} rows", shown.stderr)
            with target.client() as db:  # Not by what is tested.
                for key, (value, expiry_ms) in rows.items():
                    self.assertEqual(db.value("GET", key), value)
                    ttl_ms = db.value("PTTL", key)
                    self.assertEqual(ttl_ms > 0, expiry_ms > 0, key)
            self.assert_holds(target, rows)
            left = sorted(file.name for file in self.directory.iterdir())
            self.assertEqual([name for name in left if not name.endswith(("csv", "jsonl"))], [])

    def test_through_pipes_with_a_pattern(self):
        source, target = self.serve(), self.serve()
        self.store(source, {b"a:1": (b"x", 0), b"a:2": (b"\xff", 0), b"b:1": (b"z", 0)})
        out = run(source, "export", "-", "--format", "csv", "--pattern", "a:*")
        self.assertEqual(out.returncode, 0, out.stderr)
        shown = run(target, "import", "-", "--format", "csv", input=out.stdout)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assert_holds(target, {b"a:1": (b"x", 0), b"a:2": (b"\xff", 0)})

    def test_rows_that_are_bad_expired_or_there_already(self):
        server = self.serve()
        self.store(server, {b"there": (b"before", 0)})
        path = self.directory / "rows.csv"
        rows = ["key,value,expires_at_ms", "a,1,", "there,2,", "old,3,1000", 'b"d,4,', "z,5,"]
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        shown = run(server, "import", path, "--if-absent")
        self.assertEqual(shown.returncode, 1)
        self.assertIn("line 5: a quote stands inside a field", shown.stderr)
        shown = run(server, "import", path, "--if-absent", "--on-error", "skip")
        self.assertEqual(shown.returncode, 1)
        for word in ("line 5: ", "imported 1 row ", "1 expired", "2 there already", "1 bad"):
            self.assertIn(word, shown.stderr)
        self.assert_holds(server, {b"a": (b"1", 0), b"there": (b"before", 0), b"z": (b"5", 0)})


class Interrupted(Transfer):
    def gate(self, server):
        gate = Gate(server)
        self.addCleanup(gate.close)
        return gate

    def interrupt_export(self, gate, path, number, *arguments):
        """Signals an export in the middle: no more replies come once it has written some rows."""
        part = pathlib.Path(f"{path}.partial")
        bytes_before = part.stat().st_size if part.exists() else 0
        has_some = lambda: part.exists() and part.stat().st_size > bytes_before + 60_000
        gate.hold_replies(has_some)
        process = start(gate, "export", path, *arguments)
        self.addCleanup(process.kill)
        harness.wait_until(has_some, LIMIT_S, "some rows are written")
        process.send_signal(number)
        return process

    def test_export_goes_on_after_signals(self):
        server = self.serve(cores=2)
        source = self.directory / "many.csv"
        write_csv(source, many_rows())
        self.assertEqual(run(server, "import", source).returncode, 0)
        path = self.directory / "out.csv"
        gate = self.gate(server)
        path.write_text("the last export", encoding="utf-8")

        process = self.interrupt_export(gate, path, signal.SIGINT)
        self.assert_ended(process, 130, "interrupted; before it: ", "--resume")
        gate.open()
        self.assertEqual(path.read_text(encoding="utf-8"), "the last export")
        again = run(gate, "export", path)
        self.assertEqual(again.returncode, 2)
        self.assertIn("of an export that did not end", again.stderr)
        state = json.loads(pathlib.Path(f"{path}.export").read_text(encoding="utf-8"))
        self.assertNotEqual(state["cursor"], "0")

        # Lines behind what the state tells of, the last one torn.
        process = self.interrupt_export(gate, path, signal.SIGKILL, "--resume")
        self.assert_ended(process, -signal.SIGKILL)
        gate.open()
        with open(f"{path}.partial", "ab") as part:
            part.write(b'torn,"li')
        shown = run(gate, "export", path, "--resume")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn(f"exported {MANY:,} rows", shown.stderr)
        rows, order = read_csv(path)
        self.assert_rows(rows, many_rows())
        self.assertEqual(len(order), MANY, "each key once")
        self.assertEqual(sorted(file.name for file in self.directory.iterdir()),
                         ["many.csv", "out.csv"])

    def test_export_anew_forgets_the_earlier_one(self):
        server = self.serve(cores=2)
        source = self.directory / "many.csv"
        write_csv(source, many_rows())
        self.assertEqual(run(server, "import", source).returncode, 0)
        path = self.directory / "out.csv"
        gate = self.gate(server)
        process = self.interrupt_export(gate, path, signal.SIGINT)
        self.assert_ended(process, 130)
        gate.open()

        # As a refusal says that one begins anew; this one may end before it has a state of its own.
        state = pathlib.Path(f"{path}.export")
        state.write_text("of the earlier one", encoding="utf-8")
        os.unlink(f"{path}.partial")
        process = self.interrupt_export(gate, path, signal.SIGKILL)
        self.assert_ended(process, -signal.SIGKILL)
        gate.open()
        if state.exists():  # On a slow machine.
            self.assertNotEqual(state.read_text(encoding="utf-8"), "of the earlier one")

        # Nor does it go on with what somebody else has laid there.
        os.unlink(f"{path}.partial")
        os.symlink(source, f"{path}.partial")
        before = source.read_bytes()
        shown = run(gate, "export", path, "--resume")
        self.assertNotEqual(shown.returncode, 0, shown.stderr)
        self.assertEqual(source.read_bytes(), before)

    def test_export_refuses_what_it_cannot_go_on_with(self):
        server = self.serve(cores=2)
        source = self.directory / "many.csv"
        write_csv(source, many_rows())
        self.assertEqual(run(server, "import", source).returncode, 0)
        path = self.directory / "out.jsonl"
        gate = self.gate(server)
        process = self.interrupt_export(gate, path, signal.SIGINT)
        self.assert_ended(process, 130)
        gate.open()
        for arguments in (["--pattern", "k*"], ["--format", "csv"]):
            shown = run(gate, "export", path, "--resume", *arguments)
            self.assertEqual(shown.returncode, 2, shown.stderr)
            self.assertIn("another --format or --pattern", shown.stderr)
        self.assertEqual(server.stop(), 0)
        server.cores, server.asked_port = 1, server.port
        server.start()
        shown = run(gate, "export", path, "--resume")
        self.assertEqual(shown.returncode, 1)
        self.assertIn("does not outlive a change of the server's cores", shown.stderr)

    def start_import(self, gate, path):
        """One whose server gets some rows and no more: some replies are there, and not all."""
        gate.hold_requests(HELD_BYTES)
        process = start(gate, "import", path)
        self.addCleanup(process.kill)
        with gate.server.client() as db:
            harness.wait_until(
                lambda: db.value("DBSIZE") > 2_000, LIMIT_S, "some rows are stored"
            )
        return process

    def test_import_goes_on(self):
        path = self.directory / "many.csv"
        write_csv(path, many_rows())
        state = pathlib.Path(f"{path}.import")
        server = self.serve()
        gate = self.gate(server)

        process = self.start_import(gate, path)
        process.send_signal(signal.SIGINT)
        self.assert_ended(process, 130, "interrupted; before it: ", "--resume")
        gate.open()
        offset = json.loads(state.read_text(encoding="utf-8"))["offset"]
        self.assertTrue(0 < offset < path.stat().st_size, offset)

        # Everything before it is not sent again: a key that goes there stays away.
        with server.client() as db:
            self.assertEqual(db.value("DEL", "key:0"), 1)
        shown = run(gate, "import", path, "--resume")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn(f"imported {MANY:,} rows", shown.stderr)
        self.assertFalse(state.exists())
        rows = many_rows()
        del rows[b"key:0"]
        self.assert_holds(server, rows)

    def test_import_goes_on_after_kills(self):
        path = self.directory / "many.csv"
        write_csv(path, many_rows())
        server = self.serve()
        gate = self.gate(server)
        process = self.start_import(gate, path)
        process.kill()
        self.assert_ended(process, -signal.SIGKILL)
        gate.open()
        with server.client() as db:
            self.assertLess(db.value("DBSIZE"), MANY)
        shown = run(gate, "import", path, "--resume")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assert_holds(server, many_rows())

        server = self.serve()
        gate = self.gate(server)
        process = self.start_import(gate, path)
        server.kill()
        self.assert_ended(process, 3, "lost the connection", "--resume goes on")
        gate.open()
        server.asked_port = server.port
        server.start()
        with server.client() as db:
            self.assertLess(db.value("DBSIZE"), MANY)
        shown = run(gate, "import", path, "--resume")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn(f"imported {MANY:,} rows", shown.stderr)
        self.assert_holds(server, many_rows())

    def test_import_refuses_another_file(self):
        server = self.serve()
        path = self.directory / "rows.csv"
        path.write_text("key,value\na,1\nb\nc,3\n", encoding="utf-8")
        self.assertEqual(run(server, "import", path).returncode, 1)
        path.write_text("key,value\na,1\nb,2\nc,3\n", encoding="utf-8")
        shown = run(server, "import", path, "--resume")
        self.assertEqual(shown.returncode, 2)
        self.assertIn("has changed since; without --resume it begins anew", shown.stderr)
        self.assertEqual(run(server, "import", path).returncode, 0)


class NoRoom(Transfer):
    def test_full_disk_and_closed_pipe(self):
        server = self.serve()
        source = self.directory / "many.csv"
        write_csv(source, many_rows())
        self.assertEqual(run(server, "import", source).returncode, 0)

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, 250_000))

        path = self.directory / "out.csv"
        shown = run(server, "export", path, preexec_fn=limit)
        self.assertEqual(shown.returncode, 5, shown.stderr)
        self.assertIn("cannot write the output: file too large", shown.stderr)
        self.assertFalse(path.exists())
        shown = run(server, "export", path, "--resume")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assert_rows(read_csv(path)[0], many_rows())

        with open("/dev/full", "wb") as full:
            process = subprocess.run(
                words_of(server, "export", "-", "--format", "csv"),
                stdout=full, stderr=subprocess.PIPE, timeout=LIMIT_S, check=False)
        self.assertEqual(process.returncode, 5, process.stderr)
        ours, theirs = os.pipe()
        os.close(ours)
        with os.fdopen(theirs, "wb") as broken:
            process = subprocess.run(
                words_of(server, "export", "-", "--format", "csv"),
                stdout=broken, stderr=subprocess.PIPE, timeout=LIMIT_S, check=False)
        self.assertEqual(process.returncode, 5, process.stderr)
        self.assertIn(b"closed the pipe", process.stderr)

    def test_what_is_no_file_is_left_alone(self):
        server = self.serve()
        link = self.directory / "link.csv"
        link.symlink_to(self.directory / "target.csv")
        shown = run(server, "export", link)
        self.assertEqual(shown.returncode, 2)
        self.assertIn("is no regular file", shown.stderr)
        self.assertTrue(link.is_symlink())


@unittest.skipUnless(shutil.which("redis-server"), "redis-server is not installed")
class Redis(Transfer):
    """The way over: out of Redis, into Phoenix, and back."""

    options = ()

    def setUp(self):
        super().setUp()
        self.port = harness.free_port()
        process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--save", "", "--bind", "127.0.0.1",
             *self.options],
            cwd=self.directory, stdout=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        harness.wait_until(
            lambda: run(self, "PING", resp=True).returncode == 0, LIMIT_S, "Redis answers")

    def test_there_and_back(self):
        rows = awkward_rows(random.Random(harness.SEED))
        phoenix = self.serve()
        self.store(phoenix, rows)
        path = self.directory / "rows.jsonl"
        self.assertEqual(run(phoenix, "export", path).returncode, 0)
        shown = run(self, "import", path, resp=True)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertEqual(run(self, "RPUSH", "a list", "x", resp=True).returncode, 0)

        path = self.directory / "rows.csv"
        shown = run(self, "export", path, resp=True)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("1 left out that are no strings", shown.stderr)
        self.assert_rows(read_csv(path)[0], rows)
        target = self.serve()
        self.assertEqual(run(target, "import", path).returncode, 0)
        self.assert_holds(target, rows)

        # Its cursors end with it.
        pathlib.Path(f"{path}.partial").write_text("key,value,expires_at_ms,base64\n")
        state = {"state": "phoenix export 1", "server": f"127.0.0.1:{self.port}", "cursor": "7",
                 "server_run": "another", "pattern_base64": "", "format": "csv", "file_bytes": 31,
                 "rows": 1, "vanished": 0, "other_types": 0}
        pathlib.Path(f"{path}.export").write_text(json.dumps(state))
        shown = run(self, "export", path, "--resume", resp=True)
        self.assertEqual(shown.returncode, 2, shown.stderr)
        self.assertIn("the server was started anew since", shown.stderr)


@unittest.skipUnless(shutil.which("redis-server"), "redis-server is not installed")
class OldRedis(Redis):
    """It does not say when a key expires, but how long that is from now."""

    options = ("--rename-command", "PEXPIRETIME", "")

    def test_there_and_back(self):
        rows = {b"a": (b"x", EXPIRY_MS), b"b": (b"y", 0), b"c": (b"z", EXPIRY_MS + 1)}
        phoenix = self.serve()
        self.store(phoenix, rows)
        path = self.directory / "rows.jsonl"
        self.assertEqual(run(phoenix, "export", path).returncode, 0)
        self.assertEqual(run(self, "import", path, resp=True).returncode, 0)
        path = self.directory / "rows.csv"
        self.assertEqual(run(self, "export", path, resp=True).returncode, 0)
        self.assert_rows(read_csv(path)[0], rows, OUT_OF_TIME_MS)


if __name__ == "__main__":
    harness.main(limit_s=120)
