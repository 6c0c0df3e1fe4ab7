"""The servers that are compared: how each is started for a task, and what its 250 is worth.

A task is "intake" (what was taken is thrown away after its 250) or "relay" (it goes on to the sink).
"""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import time

import ringpost_config
from running import private_memory

from .places import Group, Place, Unavailable, npm_install, unpack

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_greeting(server, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.is_running():
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.port), 1) as client:
            if client.recv(100).startswith(server.greeting):
                return
        time.sleep(0.02)
    raise Unavailable(f"{server.name} did not greet: {server.said()[:1500]}")


class Server:
    """One run of one server: made, started, measured, closed."""

    name = ""
    level = ""  # before its 250
    version = "?"
    greeting = b"220"

    def __init__(self, options, task, sink_port):
        self.options, self.task, self.sink_port = options, task, sink_port
        self.port = free_port()

    def settle(self, seconds=30):
        """Until it spends no CPU any more: what follows an answer belongs to what was asked. False: it went on."""
        end, last, quiet = time.monotonic() + seconds, self.cpu(), 0
        while last is not None and time.monotonic() < end and quiet < 3:
            time.sleep(0.2)
            now = self.cpu()
            quiet, last = (quiet + 1 if now - last <= 0.02 else 0), now
        return quiet >= 3

    def certificate(self):
        return "/etc/bench/cert.pem", "/etc/bench/key.pem"


class Foreign(Server):
    packages, users, queue, home = (), (), "", ""

    def __init__(self, options, task, sink_port):
        super().__init__(options, task, sink_port)
        tree = self.tree()
        self.place = Place(options.dir, self.name, tree, self.queue, self.home)
        self.place.users(self.users)
        self.command = self.configure()
        for path, source in zip(self.certificate(), options.certificate):
            self.place.write(path, pathlib.Path(source).read_text(), 0o600)

    @classmethod
    def tree(cls):
        return unpack(cls.name, cls.packages)

    def start(self):
        self.place.start(self.command, self.options.server_cpus)
        wait_for_greeting(self)

    def is_running(self):
        return self.place.child.poll() is None

    def said(self):
        return self.place.log.read_text(errors="replace")

    def cpu(self):
        return self.place.cpu()

    def memory(self):
        return private_memory(self.place.pids())

    def kill(self):
        self.place.kill()

    def close(self):
        self.place.close()

    @staticmethod
    def text(name, **values):
        text = (HERE / name).read_text()
        for key, value in values.items():
            text = text.replace("{" + key + "}", str(value))
        return text


class Postfix(Foreign):
    name, level = "postfix", "disk"
    packages, users, queue = ("postfix",), ("postfix", "postdrop"), "/var/spool/bench"

    def configure(self):
        certificate, key = self.certificate()
        relay = f"[127.0.0.1]:{self.sink_port}" if self.task == "relay" else ""
        text = self.text("postfix.cf", queue=self.queue, relayhost=relay, tls="may" if self.options.tls else "none", certificate=certificate, key=key)
        if self.task == "intake":
            text += "default_transport = discard:\nrelay_transport = discard:\n"
        self.place.write("/etc/postfix/main.cf", text)
        self.place.write("/etc/postfix/master.cf", self.text("postfix.master", port=self.port))
        # What `postfix start` does, without its look at the file system: the folders with their owners, then the master.
        folders = "incoming active bounce corrupt defer deferred flush hold saved trace private maildrop public pid"
        return (f"cd {self.queue} && mkdir -p {folders} && chown root . pid && chown postfix incoming active bounce corrupt defer deferred flush hold saved trace private maildrop public"
                " && chgrp postdrop maildrop public && chmod 730 maildrop && chmod 710 public && chmod 700 private"
                " && mkdir -p /var/lib/postfix && chown postfix /var/lib/postfix && export LD_LIBRARY_PATH=/usr/lib/postfix && exec /usr/lib/postfix/sbin/master -c /etc/postfix -d")


class Exim(Foreign):
    name, level = "exim", "disk"
    packages, users, queue = ("exim4-daemon-light", "exim4-base"), ("Debian-exim",), "/var/spool/exim4"

    def configure(self):
        certificate, key = self.certificate()
        router = "all:\n  driver = accept\n  transport = nowhere"
        if self.task == "relay":
            router = f"all:\n  driver = manualroute\n  transport = out\n  route_list = * 127.0.0.1::{self.sink_port} byname\n  self = send\n  host_find_failed = defer"
        self.place.write("/etc/exim4/bench.conf", self.text("exim.conf", port=self.port, queue=self.queue, tls="*" if self.options.tls else "", certificate=certificate,
                                                            key=key, router=router, queue_per_connection=0))
        return (f"mkdir -p /var/log/exim4 && chown -R Debian-exim:Debian-exim {self.queue} /var/log/exim4 /etc/bench && exec /usr/sbin/exim4 -C /etc/exim4/bench.conf -bdf -q1m")


class OpenSmtpd(Foreign):
    name, level = "opensmtpd", "memory of the kernel"
    packages, users, queue = ("opensmtpd",), ("opensmtpd", "opensmtpq"), "/var/spool/smtpd"

    def configure(self):
        certificate, key = self.certificate()
        tls = self.options.tls
        self.place.write("/etc/smtpd.conf", self.text(
            "smtpd.conf", pki=f'pki bench cert "{certificate}"\npki bench key "{key}"' if tls else "", listen=f"listen on 127.0.0.1 port {self.port}" + (" tls pki bench" if tls else ""),
            action=f'relay host "smtp://127.0.0.1:{self.sink_port}"' if self.task == "relay" else 'relay'))
        # Intake: deliveries are paused, so what was taken stays in the queue.
        paused = "" if self.task == "relay" else "-P mta"
        return (f"cd {self.queue} && mkdir -p offline purge queue temporary incoming corrupt && chown opensmtpq:root corrupt incoming purge queue temporary && chmod 700 corrupt incoming purge queue temporary"
                f" && chown root:opensmtpq offline && chmod 770 offline && chmod 711 . && mkdir -p /run/opensmtpd /var/empty /var/lib/opensmtpd/empty && exec /usr/sbin/smtpd -d {paused} -f /etc/smtpd.conf")


class Haraka(Foreign):
    name, level = "haraka", "memory of the kernel"
    users, queue = (), "/var/spool/haraka"

    @classmethod
    def tree(cls):
        cls.home = npm_install(cls.name, "Haraka")
        empty = cls.home.parent / "tree"
        empty.mkdir(exist_ok=True)
        return empty

    def configure(self):
        for file in sorted((HERE / "haraka").iterdir()):
            if file.suffix == ".js":
                continue
            self.place.write(f"/etc/haraka/config/{file.name}", file.read_text().replace("{port}", str(self.port)).replace("{queue}", self.queue).replace("{sink}", str(self.sink_port)))
        # What Haraka brings along for what is not said here.
        self.place.write("/etc/haraka/config/connection.ini", (self.home / "node_modules/Haraka/config/connection.ini").read_text())
        plugins = ["bench_relay"] + (["tls"] if self.options.tls else []) + (["queue/discard"] if self.task == "intake" else [])
        self.place.write("/etc/haraka/config/plugins", "\n".join(plugins) + "\n")
        self.place.write("/etc/haraka/plugins/bench_relay.js", (HERE / "haraka/bench_relay.js").read_text().replace("{sink}", str(self.sink_port)))
        if self.options.tls:
            certificate, key = self.certificate()
            self.place.write("/etc/haraka/config/tls.ini", f"key={key}\ncert={certificate}\n")
        node = shutil.which("node")
        return f"cd /etc/haraka && exec {node} {self.home}/node_modules/Haraka/bin/haraka -c /etc/haraka"


class Ringpost(Server):
    """Ringpost itself, at one of its levels."""

    level = "disk"

    def __init__(self, options, task, sink_port):
        super().__init__(options, task, sink_port)
        self.folder = ringpost_config.make_folder(options.dir, options.certificate)
        via = f"smtp:127.0.0.1:{sink_port}" if task == "relay" else "discard"
        self.config = ringpost_config.write(self.folder, port=self.port, via=via, cpus=options.server_cpus, tls=options.tls, level=self.level)
        self.group = Group(self.name)
        self.child = None

    def start(self):
        def prepare():
            self.group.enter()

        with (self.folder / "output").open("ab") as output:
            self.child = subprocess.Popen([self.options.ringpost, "serve", "--config", self.config], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                          preexec_fn=prepare, start_new_session=True)
        wait_for_greeting(self)

    def is_running(self):
        return self.child.poll() is None

    def said(self):
        return (self.folder / "output").read_text(errors="replace")

    def cpu(self):
        return self.group.cpu()

    def memory(self):
        return private_memory(self.group.pids())

    def kill(self):
        self.group.kill()
        self.child.wait()

    def close(self):
        self.kill()
        self.group.remove()
        shutil.rmtree(self.folder, ignore_errors=True)


class RingpostDisk(Ringpost):
    name, level = "ringpost", "disk"


class RingpostMemory(Ringpost):
    name, level = "ringpost-memory", "memory"


class Against(Server):
    """A server that the operator runs: only what can be seen from outside is measured."""

    level = "as its operator says"

    def __init__(self, options, task, sink_port, name, port):
        super().__init__(options, task, sink_port)
        self.name, self.port = name, port

    def start(self):
        wait_for_greeting(self)

    def is_running(self):
        return True

    def said(self):
        return f"nothing that is ours to read; is {self.name} running at port {self.port}?"

    def cpu(self):
        return None

    def memory(self):
        return None

    def close(self):
        pass


KNOWN = {kind.name: kind for kind in (RingpostDisk, Postfix, Exim, RingpostMemory, OpenSmtpd, Haraka)}
