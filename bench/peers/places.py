"""Where a peer lives: its packages unpacked, in a mount name space with users of its own; and a control group that counts its CPU."""

import contextlib
import glob
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CACHE = ROOT / "build/peers"


class Unavailable(Exception):
    """This peer cannot be had here; the text says why."""


# ---- packages ----

def _run(words, **options):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)


def _installed(name):
    return _run(["dpkg-query", "-W", "-f", "${db:Status-Status}", name]).stdout == "installed"


def _libraries(package):
    depends = _run(["dpkg-deb", "-f", package, "Depends"]).stdout
    return [name for name in re.findall(r"(?:^|,)\s*(lib[a-z0-9.+-]+)", depends) if not _installed(name)]


def unpack(name, packages):
    """The tree of these Debian packages and the libraries that the machine has not."""
    tree, done = CACHE / name / "tree", CACHE / name / "done"
    if done.exists():
        return tree
    shutil.rmtree(CACHE / name, ignore_errors=True)
    folder = CACHE / name / "packages"
    folder.mkdir(parents=True)
    known, wanted = set(), list(packages)
    while wanted:
        known.update(wanted)
        got = _run(["apt-get", "download", *wanted], cwd=folder, timeout=300)
        if got.returncode != 0:
            raise Unavailable("apt-get download failed: " + got.stderr.strip().splitlines()[-1])
        files = [glob.glob(f"{folder}/{package}_*.deb")[0] for package in wanted]
        wanted = sorted({library for file in files for library in _libraries(file)} - known)
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, tree], check=True)
    _merge_usr(tree)
    done.touch()
    return tree


def _merge_usr(tree):
    """Packages have /lib; the system has a link of that name, which a folder of the overlay would hide."""
    for part in ("bin", "sbin", "lib", "lib64"):
        if (tree / part).is_dir() and not (tree / part).is_symlink():
            shutil.copytree(tree / part, tree / "usr" / part, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(tree / part)


def npm_install(name, what):
    """A folder with this npm package in it."""
    folder, done = CACHE / name / "node", CACHE / name / "done"
    if done.exists():
        return folder
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise Unavailable(f"there is no {program}")
    folder.mkdir(parents=True, exist_ok=True)
    got = _run(["npm", "install", "--no-audit", "--no-fund", "--omit=optional", what], cwd=folder, timeout=500)
    if got.returncode != 0:
        raise Unavailable("npm install failed: " + (got.stderr.strip().splitlines() or ["?"])[-1])
    done.touch()
    return folder


# ---- a place ----

# Runs in the name space. The overlay's upper layer is in memory: only the queue, which is bound in, is on the disk.
_ENTER = r"""
set -e
mount -t tmpfs tmpfs "$PLACE/scratch"
cd "$PLACE/scratch"
mkdir upper work root
cp -a "$TREE/." upper/
mkdir -p upper/etc upper/var/log
cp -a "$PLACE/files/." upper/
mount -t overlay overlay -o "lowerdir=/,upperdir=$PWD/upper,workdir=$PWD/work" root
mount --rbind /dev root/dev
mount -t proc proc root/proc
mkdir -p "root$QUEUE"
mount --bind "$PLACE/queue" "root$QUEUE"
if [ -n "$HOME_TREE" ]; then mkdir -p "root$HOME_TREE"; mount --bind "$HOME_TREE" "root$HOME_TREE"; fi
exec chroot root /bin/sh -c "$COMMAND"
"""


class Place:
    """A folder on the disk that is measured, and one process (with all that it starts) in a name space."""

    def __init__(self, directory, name, tree, queue, home=""):
        """`home`: a folder that is seen there too, wherever it is mounted here."""
        if os.geteuid() != 0:
            raise Unavailable("needs root, for a mount name space")
        self.name, self.tree, self.queue, self.home = name, tree, queue, home
        self.folder = pathlib.Path(directory) / f"peer-{name}"
        shutil.rmtree(self.folder, ignore_errors=True)
        for part in ("scratch", "files", "queue"):
            (self.folder / part).mkdir(parents=True)
        self.group = Group(name)
        self.child = None
        self.log = self.folder / "output"

    def write(self, path, text, mode=0o644):
        file = self.folder / "files" / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def users(self, names):
        """Adds users and groups that only this place knows, from number 7001 on."""
        passwd, group = pathlib.Path("/etc/passwd").read_text(), pathlib.Path("/etc/group").read_text()
        for number, name in enumerate(names, 7001):
            if f"\n{name}:" not in passwd:
                passwd += f"{name}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin\n"
            if f"\n{name}:" not in group:
                group += f"{name}:x:{number}:\n"
        self.write("/etc/passwd", passwd)
        self.write("/etc/group", group)

    def start(self, command, cpus):
        environment = {**os.environ, "PLACE": str(self.folder), "TREE": str(self.tree), "QUEUE": self.queue, "HOME_TREE": str(self.home), "COMMAND": command}

        def prepare():
            os.sched_setaffinity(0, cpus)
            self.group.enter()

        with self.log.open("ab") as output:
            self.child = subprocess.Popen(["unshare", "-m", "--propagation", "private", "bash", "-c", _ENTER], env=environment, stdin=subprocess.DEVNULL,
                                          stdout=output, stderr=subprocess.STDOUT, preexec_fn=prepare, start_new_session=True)

    def cpu(self):
        return self.group.cpu()

    def pids(self):
        return self.group.pids()

    def kill(self):
        """SIGKILL to all of it at once, as far as that can be."""
        self.group.kill()
        if self.child:
            self.child.wait()

    def close(self):
        self.kill()
        self.group.remove()
        shutil.rmtree(self.folder, ignore_errors=True)


class Group:
    """A control group: the CPU of every process that was ever in it. Version 1 (cpuacct) or 2."""

    def __init__(self, name):
        base = pathlib.Path("/sys/fs/cgroup")
        self.v2 = (base / "cgroup.controllers").exists()
        parent = base if self.v2 else base / "cpuacct"
        self.folder = parent / f"ringpost-bench-{os.getpid()}-{name}"
        try:
            self.folder.mkdir()
        except OSError as error:
            raise Unavailable(f"no control group can be made ({error.strerror}), so CPU cannot be counted") from None

    def enter(self):
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def pids(self):
        return [int(line) for line in (self.folder / "cgroup.procs").read_text().split()]

    def cpu(self):
        """Seconds."""
        if self.v2:
            return int(re.search(r"usage_usec (\d+)", (self.folder / "cpu.stat").read_text())[1]) / 1e6
        return int((self.folder / "cpuacct.usage").read_text()) / 1e9

    def kill(self):
        end = time.monotonic() + 20
        while (pids := self.pids()) and time.monotonic() < end:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)

    def remove(self):
        with contextlib.suppress(OSError):
            self.folder.rmdir()
