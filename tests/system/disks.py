"""File systems of a test's own, in files: to freeze, and to fill. Only root can mount them."""

import os
import unittest

from programs import at_end, run, run_ok, temp_folder


class LoopDisk:
    """An ext4 in a file, mounted."""

    def __init__(self, size, options=()):
        if os.geteuid() != 0:
            raise unittest.SkipTest("only root can mount a file system")
        self.folder = temp_folder("ringpost-disk-")
        image = os.path.join(self.folder, "image")
        self.path = os.path.join(self.folder, "mnt")
        os.mkdir(self.path)
        with open(image, "wb") as file:
            file.truncate(size)
        run_ok(["mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", *options, image])
        made = run(["losetup", "--find", "--show", image])
        if made.returncode != 0:
            raise unittest.SkipTest("no loop device: " + made.stderr.decode().strip())
        self.device = made.stdout.decode().strip()
        self.frozen = self.mounted = False
        at_end(self.close)
        mounted = run(["mount", self.device, self.path])
        if mounted.returncode != 0:
            self.close()
            raise unittest.SkipTest("mounting is not allowed: " + mounted.stderr.decode().strip())
        self.mounted = True
        os.chmod(self.path, 0o755)

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
