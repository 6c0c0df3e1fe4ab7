#!/usr/bin/env python3
"""Ringpost beside other mail servers: intake, relay, CPU per message, memory of an idle connection, recovery after SIGKILL.

Runs are interleaved: in each round every server has its turn, and the order is turned around in the next. All on loopback. bench/peers/README.md says how each
peer is configured and what its 250 is worth. Nothing here passes or fails by time.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import ringpost_config  # noqa: E402
from arguments import count, numbers, words_of  # noqa: E402
from figures import add_places, allow_descriptors, columns, find_programs, machine, median, note, text, words  # noqa: E402
from peers import servers  # noqa: E402
from peers.places import Unavailable  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
TASKS = ("intake", "relay", "idle", "recovery")


class Sink:
    """`loadgen sink`, on the loader's CPUs."""

    def __init__(self, options, received=None):
        self.port = servers.free_port()
        command = [options.loadgen, "sink", "--listen", f"127.0.0.1:{self.port}", "--quiet", "--json", "--cores", ",".join(map(str, options.load_cpus))]
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen([*command, *(["--received", received] if received else [])], stdout=self.output, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.02)
        sys.exit("the sink did not start")

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.output.close()


class Bench:
    def __init__(self, options):
        self.options = options
        self.runs = []      # one for each server, cell of the matrix and round
        self.missing = {}   # server: why
        self.run_files = {}  # page: the files of its runs

    # ---- one load ----

    def load(self, server, size, domains, messages=None, acknowledged=None, run_file=None):
        options = self.options
        command = [options.loadgen, "smtp", "--to", f"127.0.0.1:{server.port}", "--connections", str(options.connections), "--size", size,
                   "--messages-per-connection", str(options.messages_per_connection), "--cores", ",".join(map(str, options.load_cpus)), "--json", "--quiet"]
        command += ["--messages", str(messages)] if messages else ["--duration", f"{options.duration}s"]
        command += ["--domains", str(domains)] if domains > 1 else []
        command += ["--tls", "starttls"] if options.tls else []
        command += ["--acknowledged", acknowledged] if acknowledged else []
        command += ["--run-file", run_file, "--name", server.name] if run_file else []
        result = subprocess.run(command, capture_output=True, text=True, timeout=options.duration + 120)
        try:
            return json.loads(result.stdout)
        except ValueError:
            raise Unavailable(f"loadgen said: {(result.stderr or result.stdout).strip()[-300:]}") from None

    # ---- one server in one cell ----

    @contextlib.contextmanager
    def running(self, kind, task, sink_port=9):
        server = kind(self.options, task, sink_port)
        try:
            server.start()
            yield server
        finally:
            server.close()

    def throughput(self, kind, task, size, domains):
        with contextlib.ExitStack() as stack:
            sink = stack.enter_context(contextlib.closing(Sink(self.options))) if task == "relay" else None
            server = stack.enter_context(self.running(kind, task, sink.port if sink else 9))
            self.load(server, size, domains, messages=500)  # caches, processes, pools
            server.settle()
            before = server.cpu()
            run_file = self.new_run_file(task, size, domains)
            result = self.load(server, size, domains, run_file=run_file)
            settled = server.settle()
            figure = {"messages": result["acknowledged"], "rate": result["rate"], "p50_ms": result["latency"].get("p50_ms"), "p99_ms": result["latency"].get("p99_ms")}
            if before is not None and result["acknowledged"]:
                figure["cpu_us"] = 1e6 * (server.cpu() - before) / result["acknowledged"]
            if not settled and before is not None:
                figure["remark"] = "a backlog is left: its CPU is not in the figure"
            self.annotate(run_file, server, figure)
            return figure

    # ---- the pages ----

    def new_run_file(self, task, size, domains):
        page = f"{task}-{size}-{domains}-domain" + ("s" if domains > 1 else "")
        files = self.run_files.setdefault(page, [])
        files.append(os.path.join(self.options.work, f"{page}-{len(files)}.json"))
        return files[-1]

    @staticmethod
    def annotate(run_file, server, figure):
        """What the loader cannot know, among the options of the run."""
        with open(run_file) as file:
            run = json.load(file)
        run["options"]["250 after"] = server.level
        if "cpu_us" in figure:
            run["options"]["CPU of the server"] = f"{figure['cpu_us']:.1f} us a message" + (", " + figure["remark"] if "remark" in figure else "")
        with open(run_file, "w") as file:
            json.dump(run, file)

    def write_pages(self):
        """A page for each task and cell, on which the first server is the one that the others are compared with."""
        os.makedirs(self.options.report, exist_ok=True)
        first = self.options.servers[0] if self.options.servers else ""
        for page, files in self.run_files.items():
            named = {file: json.load(open(file))["name"] for file in files if os.path.exists(file)}
            path = os.path.join(self.options.report, page + ".html")
            done = subprocess.run([self.options.loadgen, "report", *sorted(named, key=lambda file: named[file] != first), "--html", path], capture_output=True, text=True)
            note(f"page: {path}" if done.returncode == 0 else f"no page: {done.stderr.strip()}")

    def idle(self, kind):
        with self.running(kind, "intake") as server:
            if server.memory() is None:
                return None
            count = self.options.idle_connections
            for client in self.clients(server, min(count, 20)):
                client.close()
            time.sleep(0.5)
            before = server.memory()
            clients = self.clients(server, count)
            time.sleep(0.5)
            after = server.memory()
            for client in clients:
                client.close()
            return {"connections": len(clients), "kib": (after - before) / 1024 / max(1, len(clients))}

    @staticmethod
    def clients(server, count):
        """Connections that have been greeted; fewer, where the server takes no more."""
        clients = []
        for _ in range(count):
            try:
                client = socket.create_connection(("127.0.0.1", server.port), 5)
                if not client.recv(200).startswith(b"220"):
                    break
            except OSError:
                break
            clients.append(client)
        return clients

    def recovery(self, kind):
        """Mail is taken while the next hop is away; then SIGKILL; then both come back. Was all of it delivered, and how soon?"""
        folder = tempfile.mkdtemp(dir=self.options.dir)
        sent, got = os.path.join(folder, "sent"), os.path.join(folder, "got")
        sink = Sink(self.options, got)
        server = kind(self.options, "relay", sink.port)
        try:
            server.start()
            if server.cpu() is None:
                return None
            os.kill(sink.process.pid, signal.SIGSTOP)
            self.load(server, "4KiB", 1, messages=self.options.recovery_messages, acknowledged=sent)
            server.kill()
            os.kill(sink.process.pid, signal.SIGCONT)
            begin = time.monotonic()
            server.start()
            greeted = time.monotonic() - begin
            lost = self.wait_until_delivered(sent, got)
            return {"messages": sum(1 for _ in open(sent)), "greeting_s": greeted, "all_s": time.monotonic() - begin, **lost}
        finally:
            os.kill(sink.process.pid, signal.SIGCONT)
            sink.close()
            server.close()
            shutil.rmtree(folder, ignore_errors=True)

    def wait_until_delivered(self, sent, got):
        """What is not there after a minute in which nothing came is lost, or waits for longer than an operator would like."""
        last, since = -1, time.monotonic()
        while True:
            done = subprocess.run([self.options.loadgen, "compare", "--json", sent, got], capture_output=True, text=True)
            with contextlib.suppress(ValueError):
                found = json.loads(done.stdout)
                if found["lost"] == 0:
                    return {"lost": 0, "duplicates": found.get("duplicates", found.get("repeated", 0))}
                if found["lost"] != last:
                    last, since = found["lost"], time.monotonic()
            if time.monotonic() - since > self.options.patience:
                return {"lost": last}
            time.sleep(0.2)

    # ---- all of them ----

    def kinds(self):
        for name in self.options.servers:
            yield name, servers.KNOWN[name]
        for spoken in self.options.against:
            name, _, port = spoken.partition("=")
            port = int(port.rpartition(":")[2])
            yield name, lambda options, task, sink, name=name, port=port: servers.Against(options, task, sink, name, port)

    def one(self, name, task, cell, measure):
        if name in self.missing:
            return
        try:
            figure = measure()
        except Unavailable as why:
            self.missing[name] = str(why)
            note(f"  {name}: left out: {why}")
            return
        if figure is not None:
            self.runs.append({"server": name, "task": task, **cell, **figure})
            note(f"  {name} {task} {cell}: " + ", ".join(f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in figure.items()))

    def run(self):
        options = self.options
        cells = [{"size": size, "domains": domains} for size in options.sizes for domains in options.domains]
        for number in range(options.rounds):
            order = list(self.kinds())
            if number % 2:
                order.reverse()
            note(f"round {number + 1} of {options.rounds}")
            for task in [task for task in ("intake", "relay") if task in options.tasks]:
                for cell in cells:
                    for name, kind in order:
                        self.one(name, task, cell, lambda: self.throughput(kind, task, cell["size"], cell["domains"]))
        for task, measure in (("idle", self.idle), ("recovery", self.recovery)):
            if task in options.tasks:
                note(task)
                for name, kind in self.kinds():
                    self.one(name, task, {}, lambda: measure(kind))


# ---- the table ----

LEVELS = {name: kind.level for name, kind in servers.KNOWN.items()}
# Whom each is set beside: who promises as much.
RIVAL = {"postfix": "ringpost", "exim": "ringpost", "opensmtpd": "ringpost-memory", "haraka": "ringpost-memory"}


def ratio(runs, name, cell, key):
    """How many times its CPU the peer spends of what Ringpost does at the level that is nearest."""
    rival = median([r for r in runs if r["server"] == RIVAL.get(name) and matches(r, cell)], key)
    own = median([r for r in runs if r["server"] == name and matches(r, cell)], key)
    return own / rival if own and rival else None


def matches(run, cell):
    return all(run.get(key) == value for key, value in cell.items())


def throughput_rows(runs):
    rows = [("task", "size", "domains", "server", "250 after", "CPU us/message", "messages/s", "p50 ms", "p99 ms", "runs", "times Ringpost's CPU")]
    cells = list(dict.fromkeys((r["task"], r["size"], r["domains"]) for r in runs if "rate" in r))
    for task, size, domains in cells:
        cell = {"task": task, "size": size, "domains": domains}
        for name in dict.fromkeys(r["server"] for r in runs if matches(r, cell)):
            own = [r for r in runs if r["server"] == name and matches(r, cell)]
            rows.append((task, size, str(domains), name, LEVELS.get(name, "?"), text(median(own, "cpu_us")), text(median(own, "rate"), "{:.0f}"),
                         text(median(own, "p50_ms"), "{:.2f}"), text(median(own, "p99_ms"), "{:.2f}"), str(len(own)), text(ratio(runs, name, cell, "cpu_us"))))
    return rows


def other_rows(runs):
    rows = []
    idle = [r for r in runs if r["task"] == "idle"]
    if idle:
        rows.append([("server", "KiB/idle connection", "connections")] + [(r["server"], text(r["kib"]) if r["kib"] > 0 else "less than its heap moves by itself", str(r["connections"])) for r in idle])
    recovery = [r for r in runs if r["task"] == "recovery"]
    if recovery:
        rows.append([("server", "taken before SIGKILL", "greets again s", "all delivered s", "lost", "twice")] + [
            (r["server"], str(r["messages"]), text(r["greeting_s"], "{:.2f}"), text(r["all_s"] if r["lost"] == 0 else None, "{:.1f}"), str(r["lost"]), str(r.get("duplicates", "-"))) for r in recovery])
    return rows


def table(bench, facts):
    parts = []
    rows = throughput_rows(bench.runs)
    if len(rows) > 1:
        parts.append(columns(rows))
    parts += [columns(each) for each in other_rows(bench.runs)]
    parts.append("\n".join(f"{name}: left out: {why}" for name, why in bench.missing.items()))
    parts.append("\n".join(f"{key}: {value}" for key, value in facts.items()))
    parts.append("OpenSMTPD and Haraka do not flush before their 250, so they stand beside Ringpost's level memory; bench/peers/README.md says what that means.")
    return "\n\n".join(part for part in parts if part)


def facts(options):
    return {**machine(options), "connections": f"{options.connections}, {options.messages_per_connection or 'all'} messages on each",
            "tls": "on" if options.tls else "off", "rounds": f"{options.rounds} of {options.duration} s", "command": " ".join(["bench/peers.py", *sys.argv[1:]])}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_places(parser, ROOT)
    parser.add_argument("--servers", type=words_of([*servers.KNOWN, ""]), default=list(servers.KNOWN), metavar="LIST", help="of: " + ",".join(servers.KNOWN))
    parser.add_argument("--against", action="append", default=[], metavar="NAME=HOST:PORT", help="a server of your own on this host, beside them; may be repeated")
    parser.add_argument("--tasks", type=words_of(TASKS), default=list(TASKS), metavar="LIST", help="of: " + ",".join(TASKS))
    parser.add_argument("--sizes", type=words, default=["4KiB"], metavar="LIST", help="[4KiB]")
    parser.add_argument("--domains", type=numbers(1, 1_000_000), default=[1], metavar="LIST", help="destination domains [1]")
    parser.add_argument("--matrix", action="store_true", help="all of it: 1, 4, 10 and 100 KiB, 1, 100 and 10,000 domains (takes hours)")
    parser.add_argument("--tls", action="store_true", help="STARTTLS from the loader")
    parser.add_argument("--rounds", type=count(), default=2)
    parser.add_argument("--duration", type=count(), default=4, help="seconds of each run [4]")
    parser.add_argument("--connections", type=count(), default=32)
    parser.add_argument("--messages-per-connection", type=count(0), default=100, help="0: never connect again [100]")
    parser.add_argument("--idle-connections", type=count(), default=100)
    parser.add_argument("--recovery-messages", type=count(), default=500)
    parser.add_argument("--patience", type=count(), default=60, help="seconds without progress before what is missing is given up [60]")
    parser.add_argument("--report", default=str(ROOT / "build/peers-report"), help="folder for the pages: rates, latencies, one beside the other [build/peers-report]")
    options = parser.parse_args()
    options.servers = [name for name in options.servers if name]
    if not options.servers and not options.against:
        parser.error("nobody to measure: --servers is empty, and there is no --against")
    for spoken in options.against:
        if not re.fullmatch(r"[\w.-]+=(127\.0\.0\.1|localhost):\d+", spoken) or not 0 < int(spoken.rpartition(":")[2]) < 65536:
            parser.error(f"--against {spoken}: write NAME=127.0.0.1:PORT; a load goes to this host only")
    if options.matrix:
        options.sizes, options.domains = ["1KiB", "4KiB", "10KiB", "100KiB"], [1, 100, 10000]
    find_programs(options)
    return options


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(143))  # the finally blocks run too, so no server is left behind
    allow_descriptors()
    bench, about = Bench(options), facts(options)
    with tempfile.TemporaryDirectory() as folder:
        options.work, options.certificate = folder, ringpost_config.make_certificate(folder)
        bench.run()
        bench.write_pages()
    if options.json:
        print(json.dumps({"facts": about, "runs": bench.runs, "left_out": bench.missing}, indent=2))
    else:
        print(table(bench, about))
    if not bench.runs:
        sys.exit("nothing was measured: every server was left out")


if __name__ == "__main__":
    main()
