"""Disks whose power can be cut, with a file system on each.

    disk = PowerDisk(128 * MiB, "xfs")
    disk.cut(seed, 5)     # 5 writes and flushes from now: what was not flushed is dropped, torn or shuffled; from now on it answers EIO
    disk.come_back()      # power again, and the file system mounted again

PowerDisk cuts below the file system: its image is the file of our power_disk. ShutDisk lets the file system cut itself: it stops
without writing its log.
"""

import errno
import fcntl
import json
import os
import socket
import struct
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "system"))

import programs
from disks import LoopDisk, Volume, need_root
from programs import Program, run, temp_folder, wait_until

MiB = 1 << 20


class PowerDisk(Volume):
    def __init__(self, size, kind):
        need_root()
        if not os.path.exists("/dev/fuse"):
            raise unittest.SkipTest("this system has no FUSE")
        folder = temp_folder("ringpost-power-")
        self.control = os.path.join(folder, "control")
        self.fuse_path = os.path.join(folder, "fuse")
        os.mkdir(self.fuse_path)
        program = os.path.join(programs.BUILD, "tests", "power", "power_disk")
        self.server = Program([program, self.fuse_path, size // MiB, self.control], folder)
        image = os.path.join(self.fuse_path, "disk")
        wait_until(lambda: os.path.exists(image) or not self.server.is_running(), "the power disk")
        if not self.server.is_running():
            raise unittest.SkipTest("FUSE is not allowed: " + self.server.output())
        super().__init__(folder, image, kind)

    def order(self, *words):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(programs.PATIENCE)
            connection.connect(self.control)
            connection.sendall(" ".join(map(str, words)).encode() + b"\n")
            answer = json.loads(connection.makefile("rb").readline())
        if "error" in answer:
            raise AssertionError(f"{words}: {answer['error']}")
        return answer

    def cut(self, seed, operations, manner=None):
        """Waits for so many writes and flushes to come, and says what became of those unsynced: {"manner", "kept", "torn", "dropped"}."""
        return self.order("cut", seed, operations, *([manner] if manner else []))

    def come_back(self):
        # The loop device goes too, and with it what the system remembers of the disk.
        self.unmount()
        self.detach()
        self.order("on")
        self.attach()
        self.mount_or_mend()

    def lie(self):
        """From now on a flush is answered, and does nothing."""
        self.order("lie")

    def be_honest(self):
        self.order("honest")

    def close(self):
        super().close()
        if not self.server.is_running():
            return
        run(["umount", self.fuse_path]).returncode and run(["umount", "--lazy", self.fuse_path])
        status = self.server.wait()
        if status != 0:
            raise AssertionError(f"power_disk ended with {status}:\n{self.server.output()}")


# FS_IOC_SHUTDOWN, _IOR('X', 125, __u32), and "without writing the log": the same for ext4 and XFS.
SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2


class ShutDisk(LoopDisk):
    def cut(self, _seed, _operations, _manner=None):
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(folder, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        except OSError as error:
            if error.errno in (errno.ENOTTY, errno.EOPNOTSUPP):
                raise unittest.SkipTest(f"{self.kind} cannot be shut down here: {error}") from None
            raise
        finally:
            os.close(folder)
        return {"manner": "shutdown"}

    def come_back(self):
        self.unmount()
        self.mount_or_mend()
