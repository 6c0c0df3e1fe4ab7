"""Power cuts under load, on the real kernel: nothing acknowledged is lost, and nothing comes twice without a reason.

RINGPOST_CUTS says how many in all (8), over ext4 and XFS, io_uring and epoll. RINGPOST_SEED replays the choices of a failed run,
which prints its seed; what is on its way at a moment differs all the same.
"""

import os
import random

import rig  # first: it knows where the system tests' modules are
import ringpost
from machine import Machine
from ringpost import REMOTE, SystemTest
from rig import MiB, PowerDisk, ShutDisk

COMBINATIONS = 4
CUTS = int(os.environ.get("RINGPOST_CUTS", "8"))
CUTS_EACH = max(1, CUTS // COMBINATIONS)
# The file systems' own cut is a smaller proof: what it drops is only what the file system itself holds.
SHUTDOWNS_EACH = max(1, CUTS_EACH // 8)
SEED = int(os.environ.get("RINGPOST_SEED", str(random.randrange(1 << 32))))
DISK_SIZE = 192 * MiB


class PowerTest(SystemTest):
    def check(self, disk_type, kind, backend, cuts):
        print(f"\nRINGPOST_SEED={SEED} {kind}, {backend}: {cuts} cuts", flush=True)
        disk = self.closing(disk_type(DISK_SIZE, kind))
        machine = Machine(self, disk, backend)
        machine.run_cuts(cuts, f"{SEED} {kind} {backend}")
        machine.finish()
        print(f"{kind}, {backend}: {dict(sorted(machine.reports.items()))}, mended {disk.mended} times", flush=True)


class Power(PowerTest):
    def test_ext4_uring(self):
        self.check(PowerDisk, "ext4", "uring", CUTS_EACH)

    def test_ext4_epoll(self):
        self.check(PowerDisk, "ext4", "epoll", CUTS_EACH)

    def test_xfs_uring(self):
        self.check(PowerDisk, "xfs", "uring", CUTS_EACH)

    def test_xfs_epoll(self):
        self.check(PowerDisk, "xfs", "epoll", CUTS_EACH)


class Shutdown(PowerTest):
    """The file system stops without writing its log."""

    def test_ext4_uring(self):
        self.check(ShutDisk, "ext4", "uring", SHUTDOWNS_EACH)

    def test_ext4_epoll(self):
        self.check(ShutDisk, "ext4", "epoll", SHUTDOWNS_EACH)

    def test_xfs_uring(self):
        self.check(ShutDisk, "xfs", "uring", SHUTDOWNS_EACH)

    def test_xfs_epoll(self):
        self.check(ShutDisk, "xfs", "epoll", SHUTDOWNS_EACH)


class Bite(SystemTest):
    """The rig finds what it is to find: where nothing was promised, or where the disk lies, mail is lost and missed."""

    def lost_at_a_cut(self, before_load=lambda disk: None, **more):
        """How many acknowledged mails are missing after a cut before which none could be delivered."""
        disk = self.closing(PowerDisk(DISK_SIZE, "ext4"))
        machine = Machine(self, disk, None, **more)
        machine.next_host.answers["greeting"] = "stall"
        before_load(disk)
        machine.start_load(lambda number: f"r{number}@{REMOTE}")
        machine.run_for(100)
        machine.stop_load()
        self.assertEqual(machine.received(), set())
        disk.be_honest()
        machine.cut(SEED, manner="drop")
        machine.server.wait_until_empty(patience=300)
        expected = machine.expected(late=True)
        lost = expected - machine.received()
        print(f"acknowledged {len(expected)}, lost {len(lost)}", flush=True)
        return len(lost), len(expected)

    def test_memory_loses_what_it_acknowledged(self):
        lost, _ = self.lost_at_a_cut(listener={"mx": {"durability": "memory"}})
        self.assertGreater(lost, 0)

    def test_a_disk_that_lies_loses_what_was_acknowledged(self):
        lost, _ = self.lost_at_a_cut(before_load=lambda disk: disk.lie())
        self.assertGreater(lost, 0)

    def test_a_disk_that_does_not_lie_loses_nothing(self):
        lost, acknowledged = self.lost_at_a_cut()
        self.assertGreaterEqual(acknowledged, 100)
        self.assertEqual(lost, 0)


if __name__ == "__main__":
    ringpost.main()
