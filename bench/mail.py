#!/usr/bin/env python3
"""Ringpost's mailboxes beside Dovecot's: CPU of the server for what clients do all day, and memory of those that wait.

Both run at once, each on the same CPU and with the same mail, and only one is asked at a time: in each round every task goes to one and then to the other, and the
order is turned around in the next. All on loopback. bench/peers/README.md says how Dovecot is configured. Nothing here passes or fails by time.
"""
import argparse
import contextlib
import json
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import ringpost_config  # noqa: E402
from arguments import count, words_of  # noqa: E402
from figures import add_places, allow_descriptors, columns, find_programs, machine, median, note, text  # noqa: E402
from peers import mailboxes  # noqa: E402
from peers.places import Unavailable  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What is measured, in which unit, and what issue "Mailboxes" wants of it: at least so many times Dovecot's work a CPU-second, or at most so much.
ROWS = {
    "append": ("APPEND of 4 KiB, 20 connections", "us a message", ("ratio", 20)),
    "login": ("LOGIN and LOGOUT, new connections", "us each", ("ratio", 10)),
    "fetch": ("FETCH BODY[] of a folder", "us a message", ("ratio", 3)),
    "retr": ("POP3 RETR of a maildrop, one by one", "us a message", ("ratio", 3)),
    "retr-ahead": ("POP3 RETR of it, 100 asked at once", "us a message", ("ratio", 3)),
    "deliver": ("LMTP delivery of 4 KiB", "us a message", ("ratio", 20)),
    "select-first": ("SELECT of the large folder, first after a start", "ms", ("most", 20)),
    "select": ("SELECT of it later", "ms", ("most", 0.2)),
    "flags": ("UID FETCH 1:* (FLAGS) of it", "ms", ("most", 50)),
    "search": ("SEARCH BODY of it", "ms", ("most", 1000)),
    "idle": ("connections in IDLE", "KiB each", ("most", 16)),
}
APPENDS_AT_ONCE = 20
RETRS_AT_ONCE = 100


class Client:
    """A few commands of IMAP, when one command alone is to be measured."""

    def __init__(self, server, user):
        self.socket = socket.create_connection(("127.0.0.1", server.imap), 60)
        self.stream = self.socket.makefile("rb")
        self.stream.readline()
        self.count = 0
        self.ask(f"LOGIN {mailboxes.address(user)} {mailboxes.PASSWORD}")

    def ask(self, command):
        """The untagged answers to it; those with literals are not understood."""
        self.count += 1
        tag = f"A{self.count} "
        self.socket.sendall(f"{tag}{command}\r\n".encode())
        lines = []
        for line in self.stream:
            if line.startswith(tag.encode()):
                if not line.startswith(f"{tag}OK".encode()):
                    raise Unavailable(f"{command.split()[0]} was answered {line.decode(errors='replace').strip()}")
                return lines
            lines.append(line)
        raise Unavailable(f"the connection ended in {command.split()[0]}")

    def close(self):
        self.stream.close()
        self.socket.close()


class Maildrop:
    """A POP3 client that asks for many messages before it reads the first (PIPELINING, RFC 2449 section 6.6). All of them end alike."""

    END = b"\r\n.\r\n"

    def __init__(self, server, user):
        self.socket = socket.create_connection(("127.0.0.1", server.pop3), 60)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.line()
        for command in (f"USER {mailboxes.address(user)}", f"PASS {mailboxes.PASSWORD}"):
            self.ask(command)
        self.count = int(self.ask("STAT").split()[1])

    def line(self):
        said = b""
        while not said.endswith(b"\n"):
            said += self.socket.recv(4096)
        return said.decode()

    def ask(self, command):
        self.socket.sendall(f"{command}\r\n".encode())
        if not (said := self.line()).startswith("+OK"):
            raise Unavailable(f"{command.split()[0]} was answered {said.strip()}")
        return said

    def all(self):
        """Reads the whole drop; how many messages came."""
        for first in range(1, self.count + 1, RETRS_AT_ONCE):
            wanted = min(RETRS_AT_ONCE, self.count + 1 - first)
            self.socket.sendall(b"".join(b"RETR %d\r\n" % number for number in range(first, first + wanted)))
            came, end = 0, b""
            while came < wanted:
                if not (part := self.socket.recv(1 << 20)):
                    raise Unavailable("the connection ended in RETR")
                came += (end + part).count(self.END)
                end = (end + part)[-len(self.END) + 1:]
        return self.count

    def close(self):
        self.socket.close()


class Bench:
    def __init__(self, options):
        self.options = options
        self.runs = []
        self.missing = {}
        self.servers = {}
        self.used = 0  # folders that a round has filled

    # ---- loads ----

    def command(self, verb, port, *arguments):
        return [self.options.loadgen, verb, "--to", f"127.0.0.1:{port}", "--cores", ",".join(map(str, self.options.load_cpus)), "--json", "--quiet", *map(str, arguments)]

    @staticmethod
    def read(output, errors):
        try:
            return json.loads(output)
        except ValueError:
            raise Unavailable(f"loadgen said: {(errors or output).strip()[-300:]}") from None

    def loadgen(self, verb, port, *arguments):
        done = subprocess.run(self.command(verb, port, "--duration", "10min", "--timeout", "5min", *arguments), capture_output=True, text=True, timeout=900)
        result = self.read(done.stdout, done.stderr)
        if result["refused"] or result["unanswered"] or not result["acknowledged"]:
            raise Unavailable(f"not all was acknowledged: {result['codes']} {result['examples']} {result['troubles']}")
        return result

    def imap(self, server, user, what, *arguments):
        return self.loadgen("imap", server.imap, "--auth", f"{mailboxes.address(user)}:{mailboxes.PASSWORD}", "--do", what, *arguments)

    def fill(self, server, user, count):
        # One before the others: Dovecot refuses all but one of those that make an inbox at once.
        self.imap(server, user, "append", "--connections", 1, "--operations", 1, "--size", "4KiB")
        if count > 1:
            self.imap(server, user, "append", "--connections", APPENDS_AT_ONCE, "--operations", count - 1, "--size", "4KiB")

    def measured(self, server, load, items):
        """CPU of the server for each of so many, in microseconds, with all that follows the answers."""
        server.settle()
        before = server.cpu()
        result = load()
        if not server.settle():
            note(f"  {server.name}: it went on for longer than was waited")
        count = items(result)
        return {"value": 1e6 * (server.cpu() - before) / count, "count": count, "per_second": result["rate"] * count / result["acknowledged"],
                "p50_ms": result["latency"]["p50_ms"], "p99_ms": result["latency"]["p99_ms"]}

    # ---- tasks ----

    def append(self, server):
        user = f"append{self.used % 40}"
        self.fill(server, user, 500)  # processes, pools, caches
        return self.measured(server, lambda: self.imap(server, user, "append", "--connections", APPENDS_AT_ONCE, "--operations", self.options.messages, "--size", "4KiB"),
                             lambda result: result["acknowledged"])

    def login(self, server):
        arguments = ("--connections", 8, "--users", 8)
        user = "u%d"
        self.imap(server, user, "login", "--operations", 100, *arguments)
        return self.measured(server, lambda: self.imap(server, user, "login", "--operations", self.options.logins, *arguments), lambda result: result["acknowledged"])

    def fetch(self, server):
        arguments = ("--connections", 1, "--batch", 0)
        self.imap(server, "fetch", "fetch", "--operations", 1, *arguments)
        return self.measured(server, lambda: self.imap(server, "fetch", "fetch", "--operations", 5, *arguments), lambda result: result["items"])

    def retr(self, server):
        def load(count):
            return self.loadgen("pop3", server.pop3, "--auth", f"{mailboxes.address('drop')}:{mailboxes.PASSWORD}", "--do", "retr", "--connections", 1, "--operations", count)

        load(self.options.messages)
        return self.measured(server, lambda: load(2 * self.options.messages), lambda result: result["items"])

    def retr_ahead(self, server):
        with contextlib.closing(Maildrop(server, "drop")) as drop:
            drop.all()
            server.settle()
            before, began = server.cpu(), time.monotonic()
            count = drop.all()
            took = time.monotonic() - began
            server.settle()
            return {"value": 1e6 * (server.cpu() - before) / count, "count": count, "per_second": count / took}

    def deliver(self, server):
        def load(count):
            return self.loadgen("smtp", server.lmtp, "--protocol", "lmtp", "--recipient", mailboxes.address(f"deliver{self.used % 40}"), "--connections", APPENDS_AT_ONCE,
                                "--messages", count, "--size", "4KiB")

        load(500)
        return self.measured(server, lambda: load(self.options.messages), lambda result: result["acknowledged"])

    def select_first(self, server):
        server.restart()
        server.settle()
        with contextlib.closing(Client(server, "large")) as client:
            server.settle()
            before = server.cpu()
            client.ask("SELECT INBOX")
            return {"value": 1e3 * (server.cpu() - before), "count": 1}

    def milliseconds(self, server, what, count, *arguments):
        self.imap(server, "large", what, "--connections", 1, "--operations", 1, *arguments)
        figure = self.measured(server, lambda: self.imap(server, "large", what, "--connections", 1, "--operations", count, *arguments), lambda result: result["acknowledged"])
        return {**figure, "value": figure["value"] / 1e3}

    def select(self, server):
        return self.milliseconds(server, "select", 200)

    def flags(self, server):
        return self.milliseconds(server, "flags", 5)

    def search(self, server):
        return self.milliseconds(server, "search", 2, "--criteria", "BODY thiswordisnowhere")

    def idle(self, server):
        """Memory that the server's processes hold for themselves, with the herd and before it. Freshly started, or what the tasks before had needed would be given back
        in between."""
        server.restart()
        server.settle()
        self.imap(server, "u%d", "login", "--users", 100, "--operations", 20, "--connections", 4)
        server.settle()
        before = server.memory()
        command = self.command("imap", server.imap, "--auth", f"{mailboxes.address('u%d')}:{mailboxes.PASSWORD}", "--users", 100, "--do", "idle",
                               "--connections", self.options.herd, "--duration", f"{self.options.herd_seconds}s")
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as herd:
            time.sleep(max(1, self.options.herd_seconds - 2))
            after = server.memory()
            said = self.read(*herd.communicate(timeout=120))
        if said["acknowledged"] < self.options.herd:
            raise Unavailable(f"only {said['acknowledged']} of {self.options.herd} connections wait: {said['codes']} {said['troubles']}")
        return {"value": (after - before) / 1024 / self.options.herd, "count": self.options.herd, "mb": (after - before) / 1e6}

    # ---- all of them ----

    def start(self, name):
        options = self.options
        needs_large = {"select-first", "select", "flags", "search"} & set(options.tasks)
        fills = [(user, count) for user, count, wanted in (("fetch", options.messages, "fetch" in options.tasks), ("drop", options.messages, {"retr", "retr-ahead"} & set(options.tasks)),
                                                           ("large", options.large, bool(needs_large))) if wanted]
        server = mailboxes.KNOWN[name](options, "mailboxes", 9)
        self.servers[name] = server
        server.filling()
        server.start()
        for user, count in fills:
            began = time.monotonic()
            self.fill(server, user, count)
            note(f"{name}: {count} messages in {user}'s inbox after {time.monotonic() - began:.1f} s")
        server.filled()

    def one(self, server, task):
        try:
            figure = getattr(self, task.replace("-", "_"))(server)
        except Unavailable as why:
            self.missing[f"{server.name} {task}"] = str(why)
            note(f"  {server.name} {task}: left out: {why}")
            return
        self.runs.append({"server": server.name, "task": task, **figure})
        note(f"  {server.name} {task}: " + ", ".join(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in figure.items()))

    def run(self):
        for name in self.options.servers:
            try:
                self.start(name)
            except Unavailable as why:
                said = self.servers[name].said().strip()[-500:] if name in self.servers else ""
                self.missing[name] = f"{why}; it said: {said}"
                note(f"{name}: left out: {self.missing[name]}")
                if name in self.servers:
                    self.servers.pop(name).close()
        order = list(self.servers.values())
        for number in range(self.options.rounds):
            note(f"round {number + 1} of {self.options.rounds}")
            for task in [task for task in ROWS if task in self.options.tasks]:
                for server in order:
                    self.one(server, task)
            self.used += 1
            order.reverse()

    def close(self):
        for server in self.servers.values():
            server.close()


# ---- the table ----

# Their goals are for a folder of so many, and say nothing of a smaller one.
LARGE = 100_000
OF_LARGE = {"select-first", "select", "flags", "search"}


def rows_of(runs, large):
    """Each task with what both need, and what the goal says of it. `large`: messages of the large folder."""
    rows = []
    for task, (name, unit, (kind, bound)) in ROWS.items():
        # Below 0 a heap has shrunk while the herd came: no figure of it.
        own, other = (median([run for run in runs if run["server"] == server and run["task"] == task and run["value"] > 0], "value") for server in ("ringpost", "dovecot"))
        if own is None and other is None:
            continue
        ratio = other / own if own and other else None
        value = ratio if kind == "ratio" else own
        met = None if value is None or (task in OF_LARGE and large < LARGE) else (value >= bound if kind == "ratio" else value <= bound)
        rows.append({"task": task, "name": name, "unit": unit, "ringpost": own, "dovecot": other, "ratio": ratio,
                     "goal": f"{bound:g} times" if kind == "ratio" else f"{bound:g} {unit}", "met": met})
    return rows


def table(bench, about):
    head = ("what", "unit", "Ringpost", "Dovecot", "ratio", "goal", "")
    verdict = {None: "-", True: "met", False: "missed"}
    rows = [(row["name"], row["unit"], text(row["ringpost"], "{:.3g}"), text(row["dovecot"], "{:.4g}"), text(row["ratio"]), row["goal"], verdict[row["met"]])
            for row in rows_of(bench.runs, bench.options.large)]
    parts = [columns([head, *rows]), "\n".join(f"{name}: left out: {why}" for name, why in bench.missing.items()), "\n".join(f"{key}: {value}" for key, value in about.items())]
    return "\n\n".join(part for part in parts if part)


def facts(options):
    return {**machine(options), "mail": f"{options.messages} messages of 4 KiB in a folder, {options.large} in the large one; Dovecot's as {options.format}",
            "rounds": options.rounds, "command": " ".join(["bench/mail.py", *sys.argv[1:]])}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_places(parser, ROOT)
    parser.add_argument("--servers", type=words_of(mailboxes.KNOWN), default=list(mailboxes.KNOWN), metavar="LIST", help="of: " + ",".join(mailboxes.KNOWN))
    parser.add_argument("--tasks", type=words_of(ROWS), default=list(ROWS), metavar="LIST", help="of: " + ",".join(ROWS))
    parser.add_argument("--format", choices=("maildir", "sdbox", "mdbox"), default="sdbox", help="of Dovecot's mailboxes [sdbox]")
    parser.add_argument("--hibernate", default="0", help="Dovecot's imap_hibernate_timeout [0: never]")
    parser.add_argument("--messages", type=count(), default=10_000, help="appended, delivered, in the folder that is fetched [10000]")
    parser.add_argument("--large", type=count(), default=LARGE, help="messages of the large folder [100000]")
    parser.add_argument("--logins", type=count(), default=2000)
    parser.add_argument("--herd", type=count(), default=1000, help="connections in IDLE [1000]")
    parser.add_argument("--herd-seconds", type=count(), default=10)
    parser.add_argument("--rounds", type=count(), default=2)
    parser.add_argument("--small", action="store_true", help="2,000 and 10,000 messages, one round: a minute")
    options = parser.parse_args()
    if options.small:
        options.messages, options.large, options.logins, options.rounds = 2000, 10_000, 500, 1
    find_programs(options)
    return options


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(143))  # the finally blocks run too, so no server is left behind
    allow_descriptors()
    about = facts(options)
    bench = Bench(options)
    with tempfile.TemporaryDirectory() as folder:
        options.tls, options.certificate = False, ringpost_config.make_certificate(folder)
        try:
            bench.run()
        finally:
            bench.close()
    if options.json:
        print(json.dumps({"facts": about, "rows": rows_of(bench.runs, options.large), "runs": bench.runs, "left_out": bench.missing}, indent=2))
    else:
        print(table(bench, about))
    if not bench.runs:
        sys.exit("nothing was measured: every server was left out")


if __name__ == "__main__":
    main()
