"""File systems of a test's own, in files: to freeze, and to fill. Only root can mount them."""

import os
import unittest

from programs import at_end, run, run_ok, temp_folder, wait_until


MKFS = {"ext4": ["mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0"],
        # Small ones are meant for tests only, and it says so.
        "xfs": ["mkfs.xfs", "-q", "-f", "--unsupported"]}
MEND = {"ext4": ["e2fsck", "-f", "-y"], "xfs": ["xfs_repair", "-L"]}
VERIFY = {"ext4": ["e2fsck", "-f", "-n"], "xfs": ["xfs_repair", "-n"]}


class Volume:
    """A file system of one kind on a loop device over `image`, mounted at `path`."""

    def __init__(self, folder, image, kind="ext4", options=()):
        self.folder = folder
        self.image = image
        self.kind = kind
        self.path = os.path.join(folder, "mnt")
        self.device = None
        self.frozen = self.mounted = False
        self.mended = 0  # how often a mount needed it
        at_end(self.close)
        os.mkdir(self.path)
        self.attach()
        run_ok([*MKFS[kind], *options, self.device])
        try:
            self.mount()
        except AssertionError as error:
            self.close()
            raise unittest.SkipTest(f"mounting is not allowed: {error}") from None
        os.chmod(self.path, 0o755)

    def attach(self):
        made = run(["losetup", "--find", "--show", self.image])
        if made.returncode != 0:
            raise unittest.SkipTest("no loop device: " + made.stderr.decode().strip())
        self.device = made.stdout.decode().strip()

    def detach(self):
        run_ok(["losetup", "--detach", self.device])
        self.device = None

    def mount(self):
        run_ok(["mount", "-t", self.kind, self.device, self.path])
        self.mounted = True

    def mount_or_mend(self):
        """As after a crash: its journal is replayed by the mount; what that cannot do, its own tool must."""
        try:
            self.mount()
        except AssertionError as error:
            self.mended += 1
            print(f"{self.kind} is mended: {error}", flush=True)
            run([*MEND[self.kind], self.device])
            self.mount()

    def unmount(self):
        # The system closes the files of a killed process a moment after it, those of its ring above all.
        wait_until(lambda: run(["umount", self.path]).returncode == 0, f"{self.path} to be unmounted")
        self.mounted = False

    def verify(self):
        """What its own tool says of it, unmounted: fails on any fault."""
        self.unmount()
        run_ok([*VERIFY[self.kind], self.device])
        self.mount()

    def close(self):
        if self.frozen:
            self.thaw()
        if self.mounted:
            run(["umount", self.path]).returncode and run(["umount", "--lazy", self.path])
            self.mounted = False
        if self.device:
            run(["losetup", "--detach", self.device])
            self.device = None

    def freeze(self):
        self.frozen = True
        run_ok(["fsfreeze", "--freeze", self.path])

    def thaw(self):
        run_ok(["fsfreeze", "--unfreeze", self.path])
        self.frozen = False

    def flushes(self):
        """Flush commands that the device has completed: the 16th field of its statistics."""
        with open(f"/sys/block/{os.path.basename(self.device)}/stat") as file:
            return int(file.read().split()[15])

    def fill(self, leave=0):
        """Writes a file until `leave` bytes are free."""
        path = os.path.join(self.path, "ballast")
        with open(path, "ab") as file:
            while (free := self.free() - leave) > 0:
                try:
                    file.write(b"x" * min(free, 1 << 20))
                    file.flush()
                    os.fsync(file.fileno())
                except OSError:
                    break
        return path

    def free(self):
        facts = os.statvfs(self.path)
        return facts.f_bavail * facts.f_frsize


class LoopDisk(Volume):
    """One whose image is a file of the machine's own disk."""

    def __init__(self, size, kind="ext4", options=()):
        need_root()
        folder = temp_folder("ringpost-disk-")
        image = os.path.join(folder, "image")
        with open(image, "wb") as file:
            file.truncate(size)
        super().__init__(folder, image, kind, options)


def need_root():
    if os.geteuid() != 0:
        raise unittest.SkipTest("only root can mount a file system")
