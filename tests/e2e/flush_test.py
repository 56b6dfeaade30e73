#!/usr/bin/env python3
"""A durable SET is seen to reach the disk: the device counts a flush for each."""
import unittest

import disks
import harness

WRITES = 50


class Flushes(unittest.TestCase):
    def flushes_of(self, *flags):
        """How many flushes the device sees while WRITES values are set, one after the other."""
        with disks.FaultDisk(384) as disk, disks.Mount(disk.disk, make=True) as path:
            with harness.Server(directory=path / "data", flags=flags) as server:
                with server.client() as db:
                    db.set(b"first", b"1")
                    disks.run("sync", "-f", path)
                    before = disk.flushes()
                    for number in range(WRITES):
                        self.assertFalse(db.set(b"k%d" % number, b"v").is_error)
                    return disk.flushes() - before

    def test_each_durable_write_is_flushed(self):
        count = self.flushes_of("--durability", "always")
        print(f"{WRITES} durable writes, {count} flushes")
        self.assertGreaterEqual(count, WRITES)

    def test_control_without_durability(self):
        """A few may come from the file system's own clock."""
        count = self.flushes_of("--durability", "off")
        print(f"{WRITES} writes without durability, {count} flushes")
        self.assertLess(count, WRITES // 5)


if __name__ == "__main__":
    disks.require(fault_disk=True)
    harness.main(limit_s=60)
