#!/usr/bin/env python3
"""A disk that fills up: writes get a definite error, everything else goes on, nothing is lost."""
import os
import unittest

import client
import disks
import harness

MEBIBYTES = 256
VALUE = b"x" * 250_000


class FullDisk(unittest.TestCase):
    def setUp(self):
        image = disks.image_file(MEBIBYTES)
        self.path = self.enterContext(disks.Mount(image, make=True))

    def fill(self, db, start=0):
        """Sets values until one is refused; the number of the refused one."""
        for number in range(start, start + 5_000):
            reply = db.set(b"k%d" % number, VALUE)
            if reply.is_error:
                self.assertEqual(reply.status, client.DISK_FULL, reply.value)
                self.assertIn("disk", reply.value.lower())
                return number
        self.fail("the disk never fills")
        return None

    def test_full_disk(self):
        server = harness.Server(directory=self.path / "data", cores=2)
        self.addCleanup(server.kill)
        with server.start().client() as db:
            stored = self.fill(db)
            print(f"{stored} values of 250 kB on {MEBIBYTES} MiB", flush=True)
            self.assertGreater(stored, 100)
            self.assertIsNone(db.get(b"k%d" % stored), "a refused write was done")
            self.assertTrue(db.get(b"k0") == VALUE, "reads go on")
            self.assertEqual(db.value("DEL", "k0", "k1", "k2"), 3, "deletes go on")
            self.assertTrue(server.is_running())
        for _ in range(3):  # Starting needs room as well: a loop of starts must not run out of it.
            server.kill()
            with server.start().client() as db:
                self.assertEqual(db.value("DBSIZE"), stored - 3)
                self.assertIsNone(db.get(b"k0"))
                self.assertTrue(db.get(b"k%d" % (stored - 1)) == VALUE)
                self.assertEqual(db.value("DEL", f"k{stored - 1}"), 1)
                stored -= 1
        self.assertEqual(server.stop(), 0)

    def test_heals_without_a_restart(self):
        ballast = self.path / "ballast"
        with open(ballast, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, 80 << 20)
        server = harness.Server(directory=self.path / "data", cores=1)
        self.addCleanup(server.kill)
        with server.start().client() as db:
            stored = self.fill(db)
            ballast.unlink()
            key = b"k%d" % stored
            healed = lambda: not db.set(key, VALUE).is_error
            harness.wait_until(healed, 60, "writes go on once there is room")
            server.kill()
        with server.start().client() as db:
            self.assertEqual(db.value("DBSIZE"), stored + 1)

    def test_no_room_to_begin(self):
        with open(self.path / "ballast", "wb") as file:
            free = os.statvfs(self.path)
            os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize - (1 << 20))
        server = harness.Server(directory=self.path / "data", cores=2)
        harness.expect_refusal(self, server, "disk|space|room")

    def test_read_only_file_system(self):
        server = harness.Server(directory=self.path / "data")
        with server.start().client() as db:
            db.set(b"a", b"1")
        self.assertEqual(server.stop(), 0)
        disks.run_when_closed("mount", "-o", "remount,ro", self.path)
        harness.expect_refusal(self, server, "read-only")
        disks.run("mount", "-o", "remount,rw", self.path)
        with server.start().client() as db:
            self.assertEqual(db.get(b"a"), b"1")
        server.kill()


if __name__ == "__main__":
    disks.require(fault_disk=False)
    harness.main(limit_s=240)
