#!/usr/bin/env python3
"""Directories that the server must not serve from: it says why and changes nothing."""
import hashlib
import os
import shutil
import struct
import unittest

import client
import harness
from client import frame

SUPERBLOCKS = ("superblock.a", "superblock.b")
# Places in a superblock that stay where they are in every version (docs/LOG_FORMAT.md).
SUPER_CRC, SUPER_USED, SUPER_VERSION = 8, 12, 16


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def contents(directory):
    """What every file in it holds, so that a changed byte is seen."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.iterdir())
        if path.is_file()
    }


def segments(directory):
    return sorted(directory.glob("*.seg"))


class Directory(unittest.TestCase):
    def filled(self, count=200):
        """A server that was filled and stopped in good order."""
        server = harness.Server(cores=1, flags=["--segment-size", "1M"])
        self.addCleanup(server.kill)
        with server.start().client() as db:
            for number in range(count):
                self.assertFalse(db.set(b"key%d" % number, b"value%d" % number * 20).is_error)
        self.assertEqual(server.stop(), 0)
        return server

    def assert_refused(self, server, *words):
        before = contents(server.directory)
        harness.expect_refusal(self, server, *words)
        self.assertEqual(contents(server.directory), before, "a refused start changed a file")

    def test_second_server_is_refused(self):
        with harness.Server() as first, first.client() as db:
            db.set(b"a", b"1")
            second = harness.Server(directory=first.directory)
            harness.expect_refusal(self, second, "another|in use|already")
            self.assertEqual(db.get(b"a"), b"1")
            self.assertEqual(db.set(b"a", b"2").status, client.OK)
            first.kill()
            with second.start().client() as other:  # The lock ends with its process.
                self.assertEqual(other.get(b"a"), b"2")
            second.kill()

    def test_foreign_files(self):
        server = harness.Server()
        server.directory.mkdir()
        (server.directory / "thesis.txt").write_text("years of work\n", encoding="utf-8")
        self.assert_refused(server, "thesis.txt", "empty director")

    def test_path_is_a_file(self):
        server = harness.Server()
        server.directory.write_text("a file\n", encoding="utf-8")
        harness.expect_refusal(self, server, "director")
        self.assertEqual(server.directory.read_text(encoding="utf-8"), "a file\n")

    def test_no_right_to_write(self):
        server = self.filled(10)
        if os.geteuid() == 0:
            # Root may write anywhere: become nobody, who may not even read here.
            if not shutil.which("setpriv"):
                self.skipTest("setpriv is not installed")
            server.wrapper = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        server.directory.chmod(0o500)
        server.directory.parent.chmod(0o755)
        harness.expect_refusal(self, server, "permission|permitted")
        server.directory.chmod(0o700)

    def test_newer_format(self):
        server = self.filled(10)
        for name in SUPERBLOCKS:
            path = server.directory / name
            data = bytearray(path.read_bytes())
            struct.pack_into("<I", data, SUPER_VERSION, 99)
            struct.pack_into("<I", data, SUPER_CRC, 0)
            used = struct.unpack_from("<I", data, SUPER_USED)[0]
            struct.pack_into("<I", data, SUPER_CRC, crc32c(data[:used]))
            path.write_bytes(data)
        self.assert_refused(server, "version|newer", "99")

    def test_damaged_superblocks(self):
        server = self.filled(10)
        for name in SUPERBLOCKS:
            path = server.directory / name
            data = bytearray(path.read_bytes())
            data[40] ^= 0xFF
            path.write_bytes(data)
        self.assert_refused(server, "superblock|damage")

    def test_one_damaged_superblock_is_mended(self):
        for name in SUPERBLOCKS:
            server = self.filled(10)
            path = server.directory / name
            path.write_bytes(b"\xff" * len(path.read_bytes()))
            with server.start().client() as db:
                self.assertEqual(db.get(b"key9"), b"value9" * 20)

    def test_lost_superblocks(self):
        """Segments without a superblock are no empty directory: a new one would lose them."""
        server = self.filled(10)
        for name in SUPERBLOCKS:
            (server.directory / name).unlink()
        self.assert_refused(server, "superblock|damage|not a phoenix|no phoenix")

    def test_segment_of_another_database(self):
        server, other = self.filled(10), self.filled(10)
        stray = next(s for s in segments(other.directory) if b"key5" in s.read_bytes())
        shutil.copy(stray, server.directory / stray.name)
        self.assert_refused(server, "another|foreign|other")

    def test_damage_is_reported_not_served(self):
        server = self.filled()
        holder = next(s for s in segments(server.directory) if b"key100" in s.read_bytes())
        data = bytearray(holder.read_bytes())
        data[data.index(b"value100") + 3] ^= 0x20
        holder.write_bytes(data)
        self.assert_refused(server, "damage|corrupt", holder.stem)
        server.flags.append("--accept-damage")
        with server.start().client() as db:
            self.assertNotEqual(db.get(b"key100"), b"value100" * 20)
            self.assertEqual(db.get(b"key5"), b"value5" * 20)
            self.assertEqual(db.set(b"key100", b"new").status, client.OK)

    def test_durability_off_needs_consent(self):
        server = self.filled(10)
        server.flags += ["--durability", "off"]
        self.assert_refused(server, "--discard-log")
        server.flags.append("--discard-log")
        with server.start().client() as db:
            self.assertIsNone(db.get(b"key1"))
            db.set(b"gone", b"1")
        self.assertEqual(server.stop(), 0)
        del server.flags[-3:]
        with server.start().client() as db:
            values = db.value("MGET", "key1", "gone")
            self.assertEqual(values, [None, None], "what was discarded, or never logged, returned")

    def test_interval_is_durable_after_a_good_stop(self):
        flags = ("--durability", "interval", "--interval-ms", "3600000")
        with harness.Server(cores=2, flags=flags) as server:
            with server.client() as db:
                db.pipeline([frame(client.SET, b"k%d" % n, b"1") for n in range(100)])
            self.assertEqual(server.stop(), 0)
            with server.start().client() as db:
                self.assertEqual(db.value("EXISTS", *(f"k{n}" for n in range(100))), 100)

    def test_flag_per_request_overrides_interval(self):
        """A write that asks for durability survives a kill -9 at once, in any mode."""
        flags = ("--durability", "interval", "--interval-ms", "3600000")
        with harness.Server(flags=flags) as server:
            with server.client() as db:
                db.set(b"k", b"1", flags=client.WAIT_DURABLE)
            server.kill()
            with server.start().client() as db:
                self.assertEqual(db.get(b"k"), b"1")


if __name__ == "__main__":
    harness.main(limit_s=120)
