"""The real server, in a folder of its own, on ports of its own, as a user that is not root.

    server = Server({"listener": {"mx": {"recipient_limit": 200}}}, sink=sink)   # the sink takes all mail for others
    with server.talk() as client: ...
    server.mailbox("anna@local.example")
    server.stop()                                 # fails on a sanitizer's report, or a status other than 0

Local are anna, bert and postmaster at local.example; mail goes into Maildirs below `mail`. Clients from 127.0.0.1 may relay,
those from any other address of 127.0.0.0/8 may not.
"""

import contextlib
import copy
import crypt
import functools
import glob
import json
import os
import pwd
import re
import shutil
import signal
import socket
import stat
import unittest

import foreign
import programs
from programs import Program, free_port, run, run_ok, temp_folder, wait_until
from talk import Talk

HOSTNAME = "mx.test.example"
LOCAL = "local.example"
REMOTE = "remote.example"  # any domain that is not local
PASSWORD = "correct horse"
UNTRUSTED = "127.0.0.7"
SERVICE_USER = "nobody"


# ---- the program ----

def _is_open_to_all(path):
    """May a user who is not root read or pass every folder down to `path`?"""
    while path != "/":
        if not os.stat(path).st_mode & stat.S_IXOTH:
            return False
        path = os.path.dirname(path)
    return True


@functools.cache
def program():
    """The server program, where the service user can run it: a checkout below /root cannot be passed by others."""
    path = os.path.join(programs.BUILD, "src", "server", "ringpost")
    if not os.path.exists(path):
        raise RuntimeError(f"{path} is not built")
    if _is_open_to_all(path):
        return path
    copy = os.path.join(temp_folder("ringpost-program-"), "ringpost")
    shutil.copy(path, copy)
    return copy


@functools.cache
def loadgen():
    for path in glob.glob(os.path.join(programs.BUILD, "tools", "loadgen", "loadgen")):
        return path
    raise RuntimeError("loadgen is not built")


def is_sanitized():
    return run(["grep", "-q", "__asan_init", program()]).returncode == 0


# ---- configuration ----

def merged(base, over):
    """`over` on top of `base`, table by table. None deletes a key."""
    whole = copy.deepcopy(base)
    for key, value in over.items():
        if value is None:
            whole.pop(key, None)
        elif isinstance(value, dict) and isinstance(whole.get(key), dict):
            whole[key] = merged(whole[key], value)
        else:
            whole[key] = copy.deepcopy(value)
    return whole


def _toml_value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml_value(v) for v in value) + "]"
    return "{ " + ", ".join(f"{_toml_key(k)} = {_toml_value(v)}" for k, v in value.items()) + " }"


def _toml_key(key):
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def to_toml(config):
    lines = []

    def table(path, entries):
        plain = {k: v for k, v in entries.items() if not isinstance(v, dict)}
        if path and (plain or not entries):
            lines.append("[" + ".".join(map(_toml_key, path)) + "]")
        lines.extend(f"{_toml_key(k)} = {_toml_value(v)}" for k, v in plain.items())
        for key, value in entries.items():
            if isinstance(value, dict):
                table([*path, key], value)

    table([], config)
    return "\n".join(lines) + "\n"


@functools.cache
def certificate():
    """A self-signed certificate for HOSTNAME: paths of it and of its key."""
    folder = temp_folder("ringpost-tls-")
    paths = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    run_ok(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
            f"/CN={HOSTNAME}", "-addext", f"subjectAltName=DNS:{HOSTNAME},DNS:localhost", "-keyout", paths[1], "-out", paths[0]])
    for path in paths:
        os.chmod(path, 0o644)  # of a test: the service user must read it
    return paths


@functools.cache
def password_hash(password=PASSWORD):
    return crypt.crypt(password, crypt.mksalt(crypt.METHOD_SHA512, rounds=1000))


# ---- the server ----

class Server:
    """`config` is merged over the default one. `sink`: where mail for others goes. `as_root`: starts as root and drops."""

    def __init__(self, config=None, sink=None, as_root=False, cores=2, backend=None, limits=None, start=True, environment=None):
        self.folder = temp_folder()
        self.more_environment = environment or {}
        self.as_root = as_root and os.geteuid() == 0
        self.user = SERVICE_USER if os.geteuid() == 0 else None
        self.limits = limits
        self.program = None
        self.mail_folder = os.path.join(self.folder, "mail")
        self.log_path = os.path.join(self.folder, "log", "mail.json")
        self.config_path = os.path.join(self.folder, "ringpost.toml")
        self.starts = 0
        self._make_folders()
        self.config = merged(self._default_config(sink, cores, backend), config or {})
        self.ports = {}
        self._give_ports()
        self.write_config()
        if start:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.kill()

    # ---- making it ----

    def own(self, path):
        """Gives a path to the service user."""
        if self.user:
            entry = pwd.getpwnam(self.user)
            os.chown(path, entry.pw_uid, entry.pw_gid)
        return path

    def _make_folders(self):
        for name in ("mail", "log", "state", "run", "spool"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
            self.own(os.path.join(self.folder, name))
        self.own(self.folder)
        lines = [f"{name}@{LOCAL}:{password_hash()}:::{name}:\n" for name in ("anna", "bert")]
        with open(os.path.join(self.folder, "passwd"), "w") as file:
            file.writelines(lines)
        with open(os.path.join(self.folder, "aliases"), "w") as file:
            file.write("")

    def _default_config(self, sink, cores, backend):
        cert, key = certificate()
        config = {
            "server": {"hostname": HOSTNAME, "user": SERVICE_USER, "state_directory": "state", "pickup_directory": "pickup",
                       "drain": "5s", "ip_versions": ["ipv4"]},
            "cores": {"use": list(range(cores)), "pin": False, "receive_buffers": "1MiB",
                      "memory_limit": "256MiB", "backend": backend or os.environ.get("RINGPOST_TEST_BACKEND", "auto")},
            "tls": {"certificate": cert, "key": key},
            "listener": {
                "mx": {"protocol": "smtp", "tls": "offered", "client_connection_limit": 1000},
                "submission": {"protocol": "submission", "tls": "required", "client_connection_limit": 1000},
            },
            "spool": {"directory": "spool", "segment_size": "1MiB", "free_space_min": "1%", "buffer_memory": "8MiB"},
            "policy": {"relay_networks": ["127.0.0.1/32", "::1/128"]},
            "domains": {"local": [LOCAL], "aliases": "aliases"},
            "accounts": {"userdb": ["sqlite", "passwd_file"], "passdb": ["sqlite", "passwd_file"], "passwd_file": "passwd",
                         "database": "state/accounts.db"},
            "mailboxes": {"location": f"maildir:{self.mail_folder}/%d/%n"},
            "retry": {"intervals": ["1s"], "expire_after": "1h", "warn_after": "30m"},
            "resolver": {"servers": ["127.0.0.1:9"], "timeout": "1s", "attempts": 1, "hosts_file": ""},
            "log": {"test": {"to": "file:" + self.log_path, "format": "json"}},
            "admin": {"socket": "run/admin"},
        }
        if sink is not None:
            port = sink if isinstance(sink, int) else sink.port
            kind = "lmtp" if getattr(sink, "lmtp", False) else "smtp"
            config["route"] = {"others": {"match": {"domain": "*"}, "via": f"{kind}:127.0.0.1:{port}"}}
        return config

    def _give_ports(self):
        for name, listener in self.config["listener"].items():
            if "address" not in listener:
                self.ports[name] = free_port()
                listener["address"] = [f"127.0.0.1:{self.ports[name]}"]

    def write_config(self, text=None):
        with open(self.config_path, "w") as file:
            file.write(to_toml(self.config) if text is None else text)

    def reconfigure(self, over):
        self.config = merged(self.config, over)
        self.write_config()

    # ---- running it ----

    def environment(self):
        # After it has changed its user a process cannot be looked into, not even by its own leak checker.
        leaks = 0 if self.as_root else 1
        return {"ASAN_OPTIONS": f"detect_leaks={leaks}:abort_on_error=0:detect_stack_use_after_return=1",
                "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1", **self.more_environment}

    def start(self, ready=True):
        self.starts += 1
        self.terminated = False
        self.log_offset = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0
        self.relaunches = 0
        self._launch()
        if ready:
            wait_until(self._is_ready, "the server to be ready")
        return self

    def _launch(self):
        limits = {"MEMLOCK": -1, **(self.limits or {})} if os.geteuid() == 0 else self.limits
        self.program = Program([program(), "serve", "--config", self.config_path], self.folder, f"ringpost-{self.starts}",
                               self.environment(), limits, user=None if self.as_root else self.user)

    def _is_ready(self):
        if not self.program.is_running():
            # The kernel counts rings for each user, and servers of other tests, of the same user, may have all of it for a moment.
            if b"no memory for the rings" in self._said() and self.relaunches < 3:
                self.relaunches += 1
                self._launch()
                return False
            raise AssertionError(f"the server ended with {self.program.process.returncode}:\n{self.program.output()[-8000:]}")
        return any(event["type"] == "notice" and "ready" in json.dumps(event) for event in self.events(since_start=True))

    def _said(self):
        said = self.program.output()
        return said if isinstance(said, bytes) else said.encode()

    @property
    def pid(self):
        return self.program.pid

    def output(self):
        return self.program.output()

    def check_output(self):
        text = self.output()
        for sign in ("AddressSanitizer", "LeakSanitizer", "runtime error:", "ThreadSanitizer", "assertion"):
            if sign in text:
                raise AssertionError(f"the server reported:\n{text[-12000:]}")

    def terminate(self):
        """SIGTERM. stop() then waits for the end."""
        self.terminated = True
        self.program.send(signal.SIGTERM)

    def stop(self):
        """SIGTERM unless it had one, and a clean end."""
        if self.program is None:
            return
        status = self.program.wait() if self.terminated else self.program.stop()
        self.check_output()
        if status != 0:
            raise AssertionError(f"the server ended with {status}:\n{self.output()[-8000:]}")
        self.program = None

    def kill(self):
        """SIGKILL: nothing is flushed by the process. The system keeps what was written."""
        if self.program is None:
            return
        ended_before = not self.program.is_running()
        self.program.kill()
        self.check_output()
        if ended_before:
            raise AssertionError(f"the server had ended by itself with {self.program.process.returncode}:\n{self.output()[-8000:]}")
        self.program = None

    def end(self):
        """For a test's clean-up: a server that still runs must stop well; one that died says why."""
        self.stop()

    def restart(self, crash=False):
        if crash:
            self.kill()
        else:
            self.stop()
        return self.start()

    def reload(self):
        self.program.send(signal.SIGHUP)

    # ---- asking it ----

    def command(self, *arguments, **options):
        """Runs a `ringpost` command against this server's configuration."""
        return run([program(), *arguments, "--config", self.config_path], env={**os.environ, **self.environment()}, **options)

    def command_ok(self, *arguments, **options):
        done = self.command(*arguments, **options)
        if done.returncode != 0:
            raise AssertionError(f"ringpost {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout.decode()}{done.stderr.decode()}")
        return done.stdout.decode()

    def json_lines(self, *arguments):
        return [json.loads(line) for line in self.command_ok(*arguments, "--json").splitlines()]

    def ask(self, verb, **arguments):
        """A verb of the control endpoint: its lines, and the last one."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(programs.PATIENCE)
            control.connect(os.path.join(self.folder, "run", "admin"))
            control.sendall(json.dumps({"verb": verb, "arguments": arguments}).encode() + b"\n")
            lines = []
            for text in control.makefile("rb"):
                line = json.loads(text)
                if "error" in line:
                    raise AssertionError(f"{verb} {arguments}: {line['error']}")
                if line.get("done") is True:
                    return lines, line
                lines.append(line)
        raise AssertionError(f"{verb} {arguments}: the answer ended early, after {lines}")

    def figure(self, name):
        """A counter or gauge, over all cores."""
        found = [line.get("counter", line.get("gauge")) for line in self.ask("figures")[0] if line["name"] == name]
        assert found, f"no figure is called {name}"
        return sum(found)

    def queue_count(self):
        """Messages that have not ended."""
        return self.ask("queue summary")[1]["messages"]

    def wait_until_empty(self, patience=None):
        wait_until(lambda: self.queue_count() == 0, "the queue to be empty", patience)

    def events(self, kind=None, since_start=False, **fields):
        """The log's lines as objects, those of one type or with certain fields."""
        try:
            with open(self.log_path, "rb") as file:
                if since_start:
                    file.seek(self.log_offset)
                lines = file.read().split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        events = [json.loads(line) for line in lines]
        return [e for e in events if (kind is None or e["type"] == kind) and all(e.get(k) == v for k, v in fields.items())]

    def wait_for_event(self, kind, count=1, **fields):
        def found():
            if not self.program.is_running():
                raise AssertionError(f"the server has ended:\n{self.output()[-8000:]}")
            events = self.events(kind, **fields)
            return len(events) >= count and events

        return wait_until(found, f"{count} events {kind} {fields}; the log ends:\n{self.log_tail()}")

    def log_tail(self):
        with contextlib.suppress(OSError), open(self.log_path, errors="replace") as file:
            return file.read()[-3000:]
        return ""

    def mailbox(self, address):
        user, domain = address.split("@")
        return foreign.maildir(os.path.join(self.mail_folder, domain, user))

    def wait_for_mailbox(self, address, count=1):
        def enough():
            mails = self.mailbox(address)
            return len(mails) >= count and mails

        return wait_until(enough, f"{count} mails for {address}; the log ends:\n{self.log_tail()}")

    # ---- talking to it ----

    def port(self, listener="mx"):
        return self.ports[listener]

    def talk(self, listener="mx", source=None):
        return Talk(self.ports[listener], source=source)

    def send(self, sender, recipients, data, listener="mx", source=None, **options):
        """One mail over a connection of its own; gives the queue id."""
        with self.talk(listener, source) as client:
            client.hello()
            reply = client.send(sender, recipients, data, **options)
            assert reply.code == 250, reply
            client.ask("QUIT", "221")
            return reply.queue_id


# ---- what mail looks like at the other end ----

TRACE = (b"received", b"return-path", b"delivered-to", b"x-original-to")


def without_trace(message, line_end=b"\r\n"):
    """The message without the trace fields that servers put in front (RFC 5321 section 4.4)."""
    while True:
        name = message.split(b":", 1)[0]
        if name.lower() not in TRACE:
            return message
        end = message.find(line_end)
        while end >= 0 and message[end + len(line_end):end + len(line_end) + 1] in (b" ", b"\t"):
            end = message.find(line_end, end + 1)
        message = message[end + len(line_end):] if end >= 0 else b""


def to_lf(data):
    return data.replace(b"\r\n", b"\n")


def message(subject="test", body="Hello.\r\n", **headers):
    lines = [f"From: sender@{REMOTE}", f"Subject: {subject}", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


# ---- test programs ----

class SystemTest(unittest.TestCase):
    """A test whose servers are checked at its end."""

    def server(self, *arguments, **options):
        server = Server(*arguments, **options)
        self.addCleanup(server.end)
        return server

    def closing(self, thing):
        self.addCleanup(thing.close if hasattr(thing, "close") else thing.stop)
        return thing

    def foreign(self, make, *arguments, **options):
        """A foreign server. In CI it must be there; elsewhere its absence is a reason to skip."""
        try:
            return self.closing(make(*arguments, **options))
        except foreign.Unavailable as error:
            if os.environ.get("CI"):
                raise
            self.skipTest(str(error))


ALL_SKIPPED = 77  # what ctest takes for "skipped"


def main():
    """Runs the test program. Every test skipped: the program is skipped; and nothing runs for ever."""
    limit = int(os.environ.get("RINGPOST_TEST_LIMIT", "1500"))
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(AssertionError(f"not done after {limit} s")))
    signal.alarm(limit)
    done = unittest.main(exit=False, verbosity=2).result
    skipped = len(done.skipped)
    if not done.wasSuccessful():
        raise SystemExit(1)
    raise SystemExit(ALL_SKIPPED if skipped and skipped == done.testsRun else 0)
