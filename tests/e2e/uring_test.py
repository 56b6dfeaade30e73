#!/usr/bin/env python3
"""Where io_uring is not permitted, the server says so and what to change, and ends."""
import errno
import os
import unittest

import harness


class Refused(unittest.TestCase):
    def under_filter(self, number):
        wrapper = [os.environ["PHOENIX_DENY_URING"], number]
        refusal = harness.expect_refusal(self, harness.Server(wrapper=wrapper), "io_uring")
        if refusal.returncode == harness.SKIP:
            self.skipTest("seccomp filters are not permitted here")
        return refusal.output

    def test_not_permitted(self):
        output = self.under_filter(errno.EPERM)
        self.assertIn("seccomp", output)

    def test_not_there(self):
        self.assertRegex(self.under_filter(errno.ENOSYS), r"6\.1")

    def test_no_memory_for_rings(self):
        self.assertRegex(self.under_filter(errno.ENOMEM).lower(), "memory|memlock")


if __name__ == "__main__":
    harness.main(limit_s=60)
