"""File systems of the test's own: on a disk whose power can be cut, or on a small one.

Needs root, FUSE and loop devices; a test file that calls `require` is skipped where they are
missing. It then goes on in a mount namespace of its own, so that nothing it mounts outlives it; the
loop devices go with their mounts, and no other loop device is touched.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import harness

MARK = "PHOENIX_E2E_OWN_NAMESPACE"


def run(*words, timeout_s=60):
    """Runs a tool to its end; its output. Its words are in the error if it fails."""
    done = subprocess.run(
        [str(word) for word in words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    if done.returncode != 0:
        raise OSError(f"{' '.join(map(str, words))}: exit {done.returncode}: {done.stdout}")
    return done.stdout.strip()


def why_not(fault_disk):
    """Why this machine cannot do it, or None."""
    if os.geteuid() != 0:
        return "mounting needs root"
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for tool in ("unshare", "mount", "umount", "losetup", "mkfs.ext4"):
        if not shutil.which(tool):
            return f"{tool} is not installed"
    if not os.path.exists("/dev/loop-control"):
        return "there are no loop devices"
    if fault_disk:
        if not os.environ.get("PHOENIX_FAULTDISK"):
            return "the fault disk was not built: libfuse3-dev was not found"
        try:
            os.close(os.open("/dev/fuse", os.O_RDWR))
        except OSError as error:
            return f"/dev/fuse: {error.strerror}"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        return "mount namespaces are not permitted"
    return None


def require(fault_disk):
    """Skips the file, or starts it again where its mounts are nobody else's."""
    if os.environ.get(MARK):
        return
    reason = why_not(fault_disk)
    if reason:
        harness.skip_file(reason)
    os.environ[MARK] = "1"
    again = ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv]
    os.execvp(again[0], again)


def run_when_closed(*words):
    """As run, for what needs all files closed: the kernel ends a ring, which holds the directory's
    lock, some time after its process."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return run(*words)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


class Mount:
    """An ext4 on a file or device, mounted; `with` unmounts it."""

    def __init__(self, image, make=False, options=()):
        self.path = harness.temporary_directory()
        self.image = image
        self.options = options
        self.make = make

    def __enter__(self):
        if self.make:
            run("mkfs.ext4", "-q", "-F", "-m", "0", self.image)
        # The loop device that mount takes goes with the mount, however this process ends.
        run("mount", "-t", "ext4", "-o", ",".join(("loop", *self.options)), self.image, self.path)
        return self.path

    def __exit__(self, *_):
        run_when_closed("umount", self.path)


class FaultDisk:
    """The disk of faultdisk.cc; `with` ends it."""

    STATUS = re.compile(rb"position=(\d+) writes=(\d+) flushes=(\d+)")

    def __init__(self, mebibytes):
        self.mebibytes = mebibytes
        self.path = harness.temporary_directory()
        self.process = None
        self.control = -1

    def __enter__(self):
        self.process = subprocess.Popen(
            [os.environ["PHOENIX_FAULTDISK"], str(self.path), str(self.mebibytes)],
            stdin=subprocess.DEVNULL,
        )
        control = self.path / "control"
        try:
            harness.wait_until(control.exists, 60, "the fault disk is mounted")
            self.control = os.open(control, os.O_RDWR)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.control >= 0:
            os.close(self.control)
        deadline = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < deadline:
            subprocess.run(["umount", str(self.path)], capture_output=True, check=False)
            time.sleep(0.02)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=10)

    @property
    def disk(self):
        return self.path / "disk"

    @property
    def cut(self):
        return self.path / "cut"

    def order(self, text):
        os.pwrite(self.control, text.encode(), 0)

    def cut_at(self, position, chance, percent_kept=None):
        """Power goes at `position`. Some cuts lose most that was not flushed, some nothing."""
        if percent_kept is None:
            percent_kept = chance.choice((0, 10, 50, 90, 100, chance.randrange(101)))
        self.order(f"cut {position} {chance.randrange(1 << 30)} {percent_kept}")

    def status(self):
        """(position in the notes, writes, flushes)."""
        match = self.STATUS.match(os.pread(self.control, 200, 0))
        return tuple(int(number) for number in match.groups())

    def position(self):
        return self.status()[0]

    def flushes(self):
        return self.status()[2]


def image_file(mebibytes):
    """A sparse file to make a small file system on; in memory where there is plenty."""
    memory = "/dev/shm"
    roomy = os.path.isdir(memory) and shutil.disk_usage(memory).free > 8 * (mebibytes << 20)
    path = harness.temporary_directory(memory if roomy else None) / "image"
    with open(path, "wb") as image:
        image.truncate(mebibytes << 20)
    return pathlib.Path(path)
