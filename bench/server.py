#!/usr/bin/env python3
"""CPU per message of the real server, and the memory of an idle connection.

Starts `ringpost serve` with a configuration of its own in a temporary folder, drives it with `loadgen smtp` (and lets it
relay to `loadgen sink`), and divides what the server's processes spent by the messages that were acknowledged.
docs/benchmarking.md says what each figure means. Nothing here passes or fails by time.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time

import ringpost_config
from arguments import DEFAULT_FOLDER, count, cpus, folder, program, words_of
from running import ROOT, Process, Server, Written, free_port, mount_of, note

# What the project holds itself to, on one core with 64 or more reused connections and 4 KiB messages.
TARGETS = {"data": 20.0, "bdat": 12.0, "relay": 40.0, "relay-tls": 60.0, "cores": 1.15, "idle": 4.0,
           "amplification": 1.1}


class Bench:
    def __init__(self, options):
        self.options = options
        self.load_cpus = options.load_cpus
        self.figures, self.commands = [], []

    def loadgen(self, server, duration, bdat, tls=False, count=True):
        command = [self.options.loadgen, "smtp", "--to", f"127.0.0.1:{server.port}",
                   "--connections", str(self.options.connections * len(server.cpus)), "--size", str(self.options.size),
                   "--duration", f"{duration}s", "--cores", ",".join(map(str, self.load_cpus)), "--json", "--quiet"]
        if bdat:
            command += ["--bdat", "--in-flight", str(self.options.in_flight)]
        command += ["--tls", "starttls"] if tls else []
        result = subprocess.run(command, capture_output=True, text=True, timeout=duration + 60)
        if count:
            self.commands.append(" ".join(command).replace(str(ROOT) + "/", ""))
        try:
            return json.loads(result.stdout)
        except ValueError:
            sys.exit(f"loadgen failed ({result.returncode}):\n{result.stdout}{result.stderr}")

    def warm_up(self, server, bdat, tls):
        """Fills pools, and makes the segment files that this load needs: once in the life of a spool."""
        messages = 0
        for _ in range(4):
            segments = server.segment_count()
            messages += self.loadgen(server, 2, bdat, tls, count=False)["acknowledged"]
            server.wait_until_idle()
            if server.segment_count() == segments:
                break
        return messages

    def measure(self, name, server, bdat, tls=False):
        """One figure: microseconds of the server's CPU for each acknowledged message."""
        warm_up_messages = self.warm_up(server, bdat, tls)
        segments = server.segment_count()
        before, started = server.process.cpu(), time.monotonic()
        result = self.loadgen(server, self.options.duration, bdat, tls)
        loaded = time.monotonic() - started, sum(server.process.cpu()) - sum(before)
        settled = server.wait_until_idle()
        after = server.process.cpu()
        messages = result["acknowledged"]
        if messages == 0:
            sys.exit(f"{name}: no message was acknowledged: {json.dumps(result)}\n{server.log.read_text()[-2000:]}")
        user, system = (1e6 * (b - a) / messages for a, b in zip(before, after))
        figure = {"name": name, "value": round(user + system, 2), "unit": "us CPU/message", "user": round(user, 2),
                  "system": round(system, 2), "messages": messages, "rate": round(result["rate"]),
                  "p99_ms": round(result["latency"].get("p99_ms", 0), 3), "refused": result["refused"],
                  "busy": round(loaded[1] / loaded[0] / len(server.cpus), 2), "warm_up_messages": warm_up_messages,
                  "cores": len(server.cpus), "backend": server.backend()}
        if not settled:
            figure["remark"] = "still busy when the figure was taken: a backlog is left"
        elif (made := server.segment_count() - segments) > 0:
            figure["remark"] = f"the spool grew by {made} segment files, and filling them with zeros is in the figure"
        return self.add(figure, TARGETS.get(name))

    def add(self, figure, target):
        figure["target"] = target
        if target is not None:
            figure["verdict"] = "ok" if figure["value"] <= target else "over"
        self.figures.append(figure)
        note(f"  {figure['name']}: {figure['value']} {figure['unit']}"
             + (f", target {target}: {figure['verdict']}" if target is not None else "")
             + (f" ({figure['remark']})" if "remark" in figure else ""))
        return figure

    @contextlib.contextmanager
    def server(self, cpus, via, tls=False):
        server = Server(self.options, cpus, via, tls)
        try:
            yield server
        finally:
            if self.options.keep:
                note(f"kept: {server.folder}")
                server.process.stop()
            else:
                server.close()

    def intake(self):
        note("durable intake, then discarded")
        with self.server(self.options.server_cpus[:1], "discard") as server:
            for name in ("data", "bdat"):
                if name in self.options.only:
                    self.measure(name, server, bdat=name == "bdat")

    def relay(self, tls=False):
        note("durable intake and delivery over SMTP to loadgen sink" + (", TLS on both sides" if tls else ""))
        port = free_port()
        with tempfile.TemporaryFile() as output:
            sink = Process([self.options.loadgen, "sink", "--listen", f"127.0.0.1:{port}", "--quiet", "--json", "--tls", "starttls" if tls else "none",
                            "--cores", ",".join(map(str, self.options.load_cpus))], self.options.load_cpus, output)
            try:
                with self.server(self.options.server_cpus[:1], f"smtp:127.0.0.1:{port}", tls) as server:
                    figure = self.measure("relay-tls" if tls else "relay", server, bdat=True, tls=tls)
            finally:
                sink.stop()
            output.seek(0)
            self.count_delivered(figure, output.read().decode(errors="replace"), tls)

    def amplification(self):
        note("bytes written by the spool for each byte accepted, delivered to loadgen sink")
        port = free_port()
        with tempfile.TemporaryFile() as output:
            sink = Process([self.options.loadgen, "sink", "--listen", f"127.0.0.1:{port}", "--quiet",
                            "--cores", ",".join(map(str, self.options.load_cpus))], self.options.load_cpus, output)
            try:
                with self.server(self.options.server_cpus[:1], f"smtp:127.0.0.1:{port}") as server:
                    for name, bdat in (("amplification", True), ("amplification, DATA", False)):
                        self.warm_up(server, bdat, tls=False)
                        written = Written(server)
                        self.loadgen(server, self.options.duration, bdat)
                        server.wait_until_idle()
                        self.add(written.amplification(name), TARGETS["amplification"])
            finally:
                sink.stop()

    @staticmethod
    def count_delivered(figure, text, tls):
        took = {key: int(value) for key, value in re.findall(r'"(received|connections|tls_sessions)":\s*(\d+)', text)}
        figure["delivered"] = took.get("received", 0)
        figure["tls_sessions_out"] = took.get("tls_sessions", 0)
        accepted = figure["messages"] + figure["warm_up_messages"]
        if figure["delivered"] != accepted:
            figure["remark"] = f"{accepted} were accepted and {figure['delivered']} delivered until the end"
            note(f"  {figure['name']}: {figure['remark']}")
        if tls and not figure["tls_sessions_out"]:
            sys.exit("relay-tls: the deliveries went out without TLS")

    def two_cores(self):
        """As many connections for each core. Where a core of the server has to share its CPU with the load generator, so
        does every core in both runs: else the ratio would be that of the company, not of the number."""
        note("one core and two, with equal loads")
        shared = set(self.options.server_cpus[:2]) & set(self.options.load_cpus)
        self.load_cpus = self.options.server_cpus[:2] if shared else self.options.load_cpus
        with self.server(self.options.server_cpus[:1], "discard") as server:
            one = self.measure("data on one core", server, bdat=False)
        with self.server(self.options.server_cpus[:2], "discard") as server:
            two = self.measure("data on two cores", server, bdat=False)
        self.load_cpus = self.options.load_cpus
        figure = {"name": "cores", "value": round(two["value"] / one["value"], 3), "unit": "times one core",
                  "cores": 2, "backend": two["backend"]}
        if shared:
            figure["remark"] = "the load generator runs on the CPUs of the server, in both runs on both"
        self.add(figure, TARGETS["cores"])

    def idle(self):
        wanted = self.options.idle_connections
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        count = min(wanted, hard - 200)
        note(f"{count} idle connections" + (f" (of {wanted}: the limit of open files is {hard})" if count < wanted else ""))
        with self.server(self.options.server_cpus[:1], "discard") as server:
            for client in self.open_connections(server, min(count, 200)):  # first use of pools and code
                client.close()
            server.wait_until_idle()
            before = server.process.resident()
            clients = self.open_connections(server, count)
            server.wait_until_idle()
            after = server.process.resident()
            for client in clients:
                client.close()
            figure = {"name": "idle", "value": round((after - before) / len(clients) / 1024, 2),
                      "unit": "KiB/connection", "connections": len(clients), "cores": 1, "backend": server.backend()}
        self.add(figure, TARGETS["idle"])

    @staticmethod
    def open_connections(server, count):
        """Connections that have said EHLO and heard the answer."""
        clients = []
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", server.port), 10)
            clients.append(client)
            client.recv(1000)
            client.sendall(b"EHLO idle.bench.test\r\n")
            answer = b""
            while b"\r\n250 " not in answer and not answer.startswith(b"250 "):
                more = client.recv(2000)
                if not more:
                    sys.exit(f"connection {len(clients)} was closed: {answer.decode()}")
                answer += more
        return clients

    def facts(self):
        kind, source = mount_of(self.options.dir)
        model = re.search(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
        return {"durability": "disk", "message_size": self.options.size, "connections": self.options.connections,
                "in_flight_with_bdat": self.options.in_flight, "kernel": os.uname().release, "cpu": model.group(1) if model else os.uname().machine,
                "cpus": os.cpu_count(), "server_cpus": self.options.server_cpus, "load_cpus": self.options.load_cpus,
                "file_system": kind, "device": source, "log": "maillog to a file",
                "backend": next((f["backend"] for f in self.figures if "backend" in f), "none"),
                "load_average_before": self.load_before, "command": " ".join(["bench/server.py", *sys.argv[1:]])}

    def run(self):
        self.load_before = round(os.getloadavg()[0], 2)
        if self.load_before > 0.5:
            note(f"the machine is busy (load {self.load_before}): caches and CPUs are shared, expect worse figures")
        if mount_of(self.options.dir)[0] in ("tmpfs", "ramfs"):
            note(f"{self.options.dir} is in memory: durable means nothing there; choose another with --dir")
        wanted = self.options.only
        if {"data", "bdat"} & set(wanted):
            self.intake()
        if "relay" in wanted:
            self.relay()
        if "relay-tls" in wanted:
            self.relay(tls=True)
        if "amplification" in wanted:
            self.amplification()
        if "cores" in wanted:
            if len(self.options.server_cpus) < 2:
                note("one CPU: the figure for two cores is left out")
            else:
                self.two_cores()
        if "idle" in wanted:
            self.idle()


def table(facts, figures):
    rows = [("figure", "value", "target", "", "user", "system", "messages", "msg/s", "busy", "p99 ms")]
    names = {"data": "durable intake, DATA", "bdat": "durable intake, BDAT + pipelining",
             "relay": "relay in and out, durable", "relay-tls": "the same, TLS on both sides", "cores": "CPU/message, two cores over one",
             "idle": "memory of an idle connection",
             "amplification": "written by the spool over accepted, BDAT", "amplification, DATA": "the same, DATA"}
    for f in figures:
        rows.append((names.get(f["name"], f["name"]), f"{f['value']} {f['unit']}",
                     "" if f["target"] is None else f"<= {f['target']}", f.get("verdict", ""),
                     *(str(f.get(key, "")) for key in ("user", "system", "messages", "rate", "busy", "p99_ms"))))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    about = [f"durability {facts['durability']}, {facts['message_size']}, {facts['connections']} connections kept open, "
             f"{facts['in_flight_with_bdat']} transactions in flight on each with BDAT, "
             f"server on CPU {facts['server_cpus'][0]}, load from CPU {','.join(map(str, facts['load_cpus']))}",
             f"{facts['backend']}; kernel {facts['kernel']}; {facts['cpu']}, {facts['cpus']} CPUs",
             f"spool on {facts['file_system']} ({facts['device']}); log: {facts['log']}; load before {facts['load_average_before']}"]
    remarks = [f"{f['name']}: {f['remark']}" for f in figures if "remark" in f]
    return "\n".join([*lines, "", *about, *remarks])


def arguments():
    own = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", help="where the programs are")
    parser.add_argument("--dir", type=folder, default=DEFAULT_FOLDER, help="where the spool is made; a real disk [build/bench]")
    parser.add_argument("--only", type=words_of(TARGETS), default=list(TARGETS), metavar="LIST",
                        help="of: " + ",".join(TARGETS))
    parser.add_argument("--duration", type=count(), default=8, help="seconds of load for each figure [8]")
    parser.add_argument("--connections", type=count(), default=64)
    parser.add_argument("--size", default="4KiB")
    parser.add_argument("--in-flight", type=count(1, 4), default=4, help="transactions under way on one connection, with BDAT [4]")
    parser.add_argument("--idle-connections", type=count(), default=5000)
    parser.add_argument("--backend", default="auto", choices=["auto", "uring", "epoll"])
    parser.add_argument("--server-cpus", type=cpus, default=own[:2], metavar="LIST",
                        help="the first for one core, the first two for two")
    parser.add_argument("--load-cpus", type=cpus, default=own[2:4] or own[-1:], metavar="LIST")
    parser.add_argument("--json", action="store_true", help="the result as JSON on standard output")
    parser.add_argument("--keep", action="store_true", help="keep the folders, to look at logs")
    options = parser.parse_args()
    options.build = options.build.resolve()
    options.ringpost = program(options.build, "ringpost")
    options.loadgen = program(options.build, "loadgen")
    return options


def main():
    options = arguments()
    # An end by signal runs the finally blocks too, so no server is left behind.
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(143))
    bench = Bench(options)
    with tempfile.TemporaryDirectory() as folder:
        options.certificate = ringpost_config.make_certificate(folder) if "relay-tls" in options.only else None
        bench.run()
    facts = bench.facts()
    if options.json:
        print(json.dumps({"facts": facts, "figures": bench.figures, "load_commands": bench.commands}, indent=2))
    else:
        print(table(facts, bench.figures))
        for command in bench.commands:
            print("  " + command)


if __name__ == "__main__":
    main()
