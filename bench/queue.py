#!/usr/bin/env python3
"""The real server on a long queue: memory, recovery, and orders over all of it while mail goes on.

`bench_spool --fill` writes a spool of N messages through the code of the server, each tried once and deferred for hours. Then
`ringpost serve` starts on it; a client sends it a small message every few milliseconds, all the time, to a route that throws it
away, and the longest answer is the longest stall of the mail path. docs/benchmarking.md says what each line means.
Nothing here passes or fails by time. The spool is deleted at the end.
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
import threading
import time

from arguments import DEFAULT_FOLDER, count, cpus as cpu_list, folder, program
from running import ROOT, Server, mount_of, note


class QueueServer(Server):
    """Cores as many as CPUs; the spool is there before it starts."""

    CONFIG = Server.CONFIG.replace('[route.bench]', '[route.probe]\nmatch = {{ domain = "probe.test" }}\nvia = "discard"\n'
                                   '[route.bench]')
    CONFIG = CONFIG.replace('directory = "{folder}/spool"', 'directory = "{folder}/spool"\nindex_memory = "4GiB"')

    def __init__(self, options):
        self.filled = options.filled or pathlib.Path(options.dir) / f"queue-{os.getpid()}"
        try:
            if options.filled is None:
                self.fill(options)
            super().__init__(options, options.server_cpus, "mx")
        finally:
            shutil.rmtree(self.filled, ignore_errors=True)

    def start(self, command, cpus):
        """In place of an empty spool."""
        spool = self.folder / "spool"
        owner = spool.stat()
        spool.rmdir()
        self.filled.rename(spool)
        for path in [spool, *spool.rglob("*")]:
            os.chown(path, owner.st_uid, owner.st_gid)
        super().start(command, cpus)

    def fill(self, options):
        begin = time.monotonic()
        subprocess.run([options.fill, "--fill", str(self.filled), "--messages", str(options.messages),
                        "--size", str(options.size), "--domains", str(options.domains),
                        "--cores", str(len(options.server_cpus))], check=True)
        files = [path for path in self.filled.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        note(f"  {options.messages} messages written in {time.monotonic() - begin:.0f} s: {size >> 20} MiB of files")

    def wait_until_it_answers(self):
        self.started = time.monotonic()
        end = self.started + 120
        while time.monotonic() < end and self.process.child.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as client:
                if client.recv(100).startswith(b"220"):
                    self.answers_after = time.monotonic() - self.started
                    return
            time.sleep(0.01)
        sys.exit(f"the server did not start:\n{self.log.read_text(errors='replace')}")

    def forget_peak(self):
        for pid in self.process.pids():
            with contextlib.suppress(OSError):
                pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")

    def peak(self):
        """Bytes that the server's processes have had at the most since then, shared pages too."""
        total = 0
        for pid in self.process.pids():
            with contextlib.suppress(OSError):
                total += int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1))
        return total * 1024

    def command(self, *words):
        """Seconds that a command of the operator took, and what it printed."""
        begin = time.monotonic()
        done = subprocess.run([self.options.ringpost, *words, "--config", str(self.folder / "ringpost.toml")],
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"ringpost {' '.join(words)}: {done.stdout}{done.stderr}")
        return time.monotonic() - begin, done.stdout


class Probe:
    """Small messages, one after the other, each with its time."""

    TEXT = b"Subject: probe\r\n\r\nprobe\r\n"

    def __init__(self, port, pause):
        self.port, self.pause = port, pause
        self.times, self.failed, self.over = [], 0, False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 60) as client:
                replies = client.makefile("rb")
                replies.readline()
                client.sendall(b"EHLO probe\r\n")
                while replies.readline()[3:4] == b"-":
                    pass
                self.send_on(client, replies)

    def send_on(self, client, replies):
        group = (b"MAIL FROM:<probe@probe.test>\r\nRCPT TO:<probe@probe.test>\r\nBDAT %d LAST\r\n" % len(self.TEXT)) + self.TEXT
        while not self.over:
            begin = time.monotonic()
            client.sendall(group)
            answers = [replies.readline() for _ in range(3)]
            self.times.append(time.monotonic() - begin)
            if not answers[-1].startswith(b"250"):
                self.failed += 1
                return
            time.sleep(self.pause)

    def take(self):
        times, self.times = self.times, []
        times.sort()
        return times

    def stop(self):
        self.over = True
        self.thread.join()


class Bench:
    def __init__(self, options):
        self.options, self.rows = options, []

    def row(self, name, value, **more):
        self.rows.append({"name": name, "value": value, **more})
        note(f"  {name}: {value}" + "".join(f", {key.replace('_', ' ')} {text}" for key, text in more.items()))

    def phase(self, name, probe, work):
        """Runs `work` and says how long mail had to wait meanwhile."""
        probe.take()
        before = self.server.process.resident()
        self.server.forget_peak()
        stalls = sum(self.server.figures("core_stalls", "counter"))
        seconds, remark = work()
        times = probe.take() or [0.0]
        self.row(name, f"{seconds:.2f} s", **({"which": remark} if remark else {}),
                 slowest_mail=f"{times[-1] * 1e3:.1f} ms", median_mail=f"{times[len(times) // 2] * 1e3:.2f} ms",
                 mails=len(times), turns_over_1_ms=sum(self.server.figures("core_stalls", "counter")) - stalls,
                 longest_turn_so_far=f"{max(self.server.figures('core_stall_ns', 'max')) / 1e6:.1f} ms",
                 memory=f"{(self.server.process.resident() - before) / 2**20:+.0f} MiB", at_most=f"{self.server.peak() >> 20} MiB")

    def wait_until_whole(self):
        while True:
            _, last = self.server.ask("queue summary", by="state")
            if last["messages"] >= self.options.messages and last["deferred"] >= self.options.messages:
                return time.monotonic() - self.server.started, ""
            time.sleep(0.05)

    def run(self):
        options = self.options
        note(f"{options.messages} messages of {options.size} bytes to {options.domains} domains, tried once")
        server = self.server = QueueServer(options)
        probe = None
        try:
            self.row("takes mail after", f"{server.answers_after:.2f} s")
            probe = Probe(server.port, options.pause)
            self.phase("whole after", probe, self.wait_until_whole)
            time.sleep(2)
            resident = server.process.resident()
            self.row("memory", f"{resident >> 20} MiB", each=f"{resident / options.messages:.1f} bytes")
            for name in ("spool_index_bytes", "deliver_parked_bytes", "deliver_messages_parked"):
                self.row(name, sum(server.figures(name, "gauge")))

            def rest():
                time.sleep(5)
                return 5, ""
            self.phase("nothing but mail", probe, rest)
            self.phase("queue summary", probe, lambda: (server.command("queue", "summary", "--by", "state")[0], ""))
            self.phase("queue list --limit 100", probe, lambda: (server.command("queue", "list", "--limit", "100")[0], ""))
            self.phase("queue list of one sender", probe, lambda: (
                server.command("queue", "list", "--sender", "nobody@news.example.org", "--limit", "10")[0], ""))

            def order(*words):
                def work():
                    seconds, said = server.command("queue", *words)
                    return seconds, said.strip()
                return work
            self.phase("queue cancel --domain (1 of them)", probe, order("cancel", "--domain", "d0.example.net"))
            if options.all:
                self.phase("queue hold --all", probe, order("hold", "--all"))
                self.phase("queue release --all", probe, order("release", "--all"))
                self.phase("queue hold --domain (1 of them)", probe, order("hold", "--domain", "d1.example.net"))
                self.phase("queue cancel --all", probe, order("cancel", "--all"))
            self.row("refused mails", probe.failed)
        finally:
            if probe:
                probe.stop()
            server.close()


def main():
    cpus = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", help="where the programs are")
    parser.add_argument("--dir", type=folder, default=DEFAULT_FOLDER, help="where the spool is made; a real disk [build/bench]")
    parser.add_argument("--messages", type=count(), default=1_000_000)
    parser.add_argument("--filled", type=pathlib.Path, help="a spool that `bench_spool --fill` has made with as many messages, "
                        "domains and cores; it is used up")
    parser.add_argument("--size", type=count(), default=512, help="bytes of each")
    parser.add_argument("--domains", type=count(), default=1000)
    parser.add_argument("--pause", type=float, default=0.003, help="seconds between two messages of the client")
    parser.add_argument("--all", action="store_true", help="cancel the whole queue at the end")
    parser.add_argument("--backend", default="auto", choices=["auto", "uring", "epoll"])
    parser.add_argument("--server-cpus", type=cpu_list, default=cpus[:2], metavar="LIST", help="a core of the server on each")
    parser.add_argument("--json", action="store_true", help="the result as JSON on standard output")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(143))
    options.build = options.build.resolve()
    options.ringpost = program(options.build, "ringpost")
    options.fill = None if options.filled else program(options.build, "bench_spool")
    bench = Bench(options)
    bench.run()
    if options.json:
        print(json.dumps({"disk": mount_of(options.dir), "rows": bench.rows}, indent=2))


if __name__ == "__main__":
    main()
