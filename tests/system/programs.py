"""Programs that a test starts: each in its own process group and folder, ended with the test whatever way it goes.

Nothing here sleeps in the hope that something has happened: every wait names what it waits for, and is bounded.
"""

import atexit
import contextlib
import fcntl
import os
import pwd
import random
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

# How long a test waits before it says that something will never happen. Generous, because sanitizers and shared machines
# are slow, and because no test passes sooner for a shorter one.
PATIENCE = float(os.environ.get("RINGPOST_TEST_PATIENCE", "90"))
POLL_SECONDS = 0.01

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("RINGPOST_BUILD", os.path.join(SOURCE, "build", "dev")))


class Impatient(AssertionError):
    """Something that should have happened did not."""


def wait_until(condition, what, patience=None):
    """Polls until `condition()` gives something true, and gives that."""
    patience = PATIENCE if patience is None else patience
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Impatient(f"waited {patience:g} s for {what}")
        time.sleep(POLL_SECONDS)


# ---- ports ----

# Below the ports that the system gives to outgoing connections (from 32768).
_PORT_FIRST, _PORT_LAST = 20000, 31999
_held_ports = []


def free_port():
    """A TCP and UDP port of 127.0.0.1 that nobody else has; ours until this process ends.

    A lock on a file holds it, because a port that was merely free a moment ago could be taken by a test that runs beside
    this one: listeners with SO_REUSEPORT would even share it.
    """
    folder = os.path.join(tempfile.gettempdir(), "ringpost-test-ports")
    os.makedirs(folder, exist_ok=True)
    with contextlib.suppress(PermissionError):
        os.chmod(folder, 0o1777)
    for _ in range(2000):
        port = random.randint(_PORT_FIRST, _PORT_LAST)
        try:
            lock = os.open(os.path.join(folder, str(port)), os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o666)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            continue
        if _is_free(port):
            _held_ports.append(lock)
            return port
        os.close(lock)
    raise RuntimeError("no free port found")


def _is_free(port):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                return False
    return True


# ---- folders ----

_folders = []


def temp_folder(prefix="ringpost-test-"):
    """A folder that every user may pass, gone when the process ends (kept with RINGPOST_TEST_KEEP=1)."""
    path = tempfile.mkdtemp(prefix=prefix)
    os.chmod(path, 0o755)
    _folders.append(path)
    return path


# ---- processes ----

_running = []


class Program:
    """One program with its output in files. `limits`: resource limits by name, as {"NOFILE": 64}."""

    def __init__(self, arguments, folder, name=None, environment=None, limits=None, user=None, input_bytes=None):
        self.arguments = [str(a) for a in arguments]
        self.name = name or os.path.basename(self.arguments[0])
        self.output_path = os.path.join(folder, f"{self.name}.out")
        self.limits = limits or {}
        self.user = pwd.getpwnam(user) if user else None
        whole = dict(os.environ)
        whole.update(environment or {})
        output = open(self.output_path, "ab")
        self.process = subprocess.Popen(
            self.arguments,
            stdin=subprocess.PIPE if input_bytes is not None else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=whole,
            cwd=folder,
            start_new_session=True,
            preexec_fn=self._before_exec if limits or user else None,
        )
        output.close()
        _running.append(self)
        if input_bytes is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.write(input_bytes)
                self.process.stdin.close()

    # Limits first: only root may raise them. Popen's own `user` would change the user before.
    def _before_exec(self):
        for name, value in self.limits.items():
            what = getattr(resource, "RLIMIT_" + name)
            with contextlib.suppress(ValueError):  # a container may not raise it
                resource.setrlimit(what, (value, value))
        if self.user:
            os.setgroups([])
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)

    @property
    def pid(self):
        return self.process.pid

    def is_running(self):
        return self.process.poll() is None

    def output(self):
        with open(self.output_path, errors="replace") as file:
            return file.read()

    def send(self, number):
        self.process.send_signal(number)

    def wait(self, patience=None):
        """The exit status. A program that does not end is killed, and that is a failure."""
        try:
            status = self.process.wait(PATIENCE if patience is None else patience)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Impatient(f"{self.name} did not end; it said:\n{self.output()[-4000:]}") from None
        self._forget()
        return status

    def stop(self, patience=None):
        if self.is_running():
            self.send(signal.SIGTERM)
        return self.wait(patience)

    def kill(self):
        """SIGKILL to the whole group at once: as a crash of the process, not of the system."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()
        self._forget()

    def _forget(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)  # children that outlived it
        with contextlib.suppress(ValueError):
            _running.remove(self)


def run(arguments, patience=None, **options):
    """Runs a program to its end and gives its CompletedProcess, with bytes. Never raises for its status."""
    try:
        return subprocess.run(
            [str(a) for a in arguments],
            timeout=PATIENCE if patience is None else patience,
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=options.pop("stderr", subprocess.PIPE),
            **options,
        )
    except subprocess.TimeoutExpired as error:
        raise Impatient(f"{arguments[0]} did not end: {error.stdout} {error.stderr}") from None


def run_ok(arguments, **options):
    done = run(arguments, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, arguments))} ended with {done.returncode}:\n"
                             f"{(done.stdout or b'').decode(errors='replace')}{(done.stderr or b'').decode(errors='replace')}")
    return done


# ---- the end ----

_last_acts = []


def at_end(act):
    """Runs at the end of the process, newest first, before folders are deleted: unmounting, for one."""
    _last_acts.append(act)


def clean_up():
    for program in list(_running):
        with contextlib.suppress(Exception):
            program.kill()
    while _last_acts:
        with contextlib.suppress(Exception):
            _last_acts.pop()()
    while _folders:
        path = _folders.pop()
        if os.environ.get("RINGPOST_TEST_KEEP"):
            print(f"kept {path}")
        else:
            shutil.rmtree(path, ignore_errors=True)


def _on_signal(number, _frame):
    raise SystemExit(128 + number)


atexit.register(clean_up)
for _number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(_number, _on_signal)
