"""The real server, started with a configuration of its own and watched: what it spends of CPU and memory, and what it has written.

    server = Server(options, cpus=[0], via="discard")
    ...
    server.close()
"""
import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time

import ringpost_config

ROOT = pathlib.Path(__file__).resolve().parent.parent
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def note(text):
    print(text, file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def mount_of(path):
    """(file system, source) of the mount that `path` lies on."""
    path, best = os.path.realpath(path), ("", "unknown", "unknown")
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = line.split(" - ", 1)
        point = before.split()[4].replace("\\040", " ")
        kind, source = after.split()[:2]
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best[0]):
            best = (point, kind, source)
    return best[1], best[2]


def private_memory(pids):
    """Bytes of memory that these processes hold for themselves, without what the kernel keeps for sockets. Pages that are as they are in a file (the
    program's code) do not count: the kernel takes and brings those as it likes."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += sum(int(found) for found in re.findall(r"^Private_Dirty:\s+(\d+) kB", rollup, re.M))
    return total * 1024


class Process:
    """A child and all that it starts; what they have spent."""

    def __init__(self, command, cpus, output):
        self.command, self.output = command, output
        self.group = None
        self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                      preexec_fn=lambda: self.prepare(cpus), start_new_session=True)

    @staticmethod
    def prepare(cpus):
        os.sched_setaffinity(0, cpus)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def pids(self):
        found, waiting = [], [self.child.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                with contextlib.suppress(OSError):
                    waiting += [int(word) for word in children.read_text().split()]
        return found

    def cpu(self):
        """Seconds of user and system time. Threads that the kernel made for its rings are threads of the process."""
        user = system = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                user, system = user + int(fields[11]), system + int(fields[12])
        return user / TICK, system / TICK

    def resident(self):
        return private_memory(self.pids())

    def stop(self, seconds=15):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                note(f"{self.command[0]}: did not stop in {seconds} s, killed")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()


class Server:
    CONFIG = ringpost_config.TEMPLATE

    def __init__(self, options, cpus, via, tls=False):
        self.options, self.cpus = options, cpus
        self.port = free_port()
        self.folder = ringpost_config.make_folder(options.dir, options.certificate if tls else None)
        config = ringpost_config.write(self.folder, port=self.port, via=via, cpus=cpus, tls=tls, backend=options.backend, template=self.CONFIG)
        self.log = self.folder / "server.out"
        self.start([options.ringpost, "serve", "--config", str(config)], cpus)
        self.wait_until_it_answers()

    def start(self, command, cpus):
        self.process = Process(command, cpus, self.log.open("wb"))

    def wait_until_it_answers(self):
        end = time.monotonic() + 30
        while time.monotonic() < end and self.process.child.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as client:
                if client.recv(100).startswith(b"220"):
                    return
            time.sleep(0.05)
        output = self.log.read_text(errors="replace")
        self.close()
        sys.exit(f"the server did not start:\n{output}")

    def backend(self):
        said = (self.folder / "log/mail.log").read_text(errors="replace") + self.log.read_text(errors="replace")
        found = re.search(r"\bon ((?:uring|epoll) .*?), kernel", said)
        return found.group(1) if found else "unknown"

    def control(self):
        """Mail is taken before the queue is whole, and before operators are heard."""
        while self.process.child.poll() is None:
            control = socket.socket(socket.AF_UNIX)
            try:
                control.connect(str(self.folder / "admin"))
                return control
            except OSError:
                control.close()
                time.sleep(0.02)
        sys.exit(f"the server has ended:\n{self.log.read_text(errors='replace')}")

    def ask(self, verb, **arguments):
        with self.control() as control:
            control.sendall(json.dumps({"verb": verb, "arguments": arguments}).encode() + b"\n")
            lines = []
            for text in control.makefile("rb"):
                line = json.loads(text)
                if "error" in line:
                    sys.exit(f"{verb} {arguments}: {line['error']}")
                if line.get("done") is True:
                    return lines, line
                lines.append(line)
        sys.exit(f"{verb}: the answer ended early")

    def figures(self, name, what):
        return [line[what] for line in self.ask("figures")[0] if line["name"] == name]

    def segment_count(self):
        return sum(1 for _ in self.folder.glob("spool/shard-*/segment-*"))

    def wait_until_idle(self, seconds=20):
        """Until it spends no CPU any more: what follows an acknowledgement belongs to the message too."""
        end, last, quiet = time.monotonic() + seconds, sum(self.process.cpu()), 0
        while time.monotonic() < end and quiet < 3:
            time.sleep(0.2)
            now = sum(self.process.cpu())
            quiet, last = (quiet + 1 if now - last <= 0.02 else 0), now
        return quiet >= 3

    def close(self):
        self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Written:
    """What the spool has written for the messages that it has accepted, since this was made."""

    NAMES = ("journal_written_bytes", "journal_table_bytes", "journal_header_bytes", "spool_accepted_bytes", "spool_accepted",
             "spool_moved", "spool_body_bytes", "spool_envelope_bytes", "spool_state_bytes", "spool_ending_bytes",
             "journal_payload_bytes", "journal_padding_bytes", "journal_filled_bytes")

    def __init__(self, server):
        self.server, self.before = server, self.look(server)

    @staticmethod
    def look(server):
        return {name: sum(server.figures(name, "counter")) for name in Written.NAMES}

    def amplification(self, name):
        now = self.look(self.server)
        written = {each: now[each] - self.before[each] for each in self.NAMES}
        frames, tables, headers, bodies, messages, moved, *kinds = written.values()
        of_bodies, envelopes, states, endings, payloads, padding, filled = (round(each / max(messages, 1), 1) for each in kinds)
        kinds = {"bodies": of_bodies, "envelopes": envelopes, "states": states, "endings": endings,
                 "heads of records and frames": round(frames / max(messages, 1) - payloads - padding, 1), "padding": padding,
                 "tables": round(tables / max(messages, 1), 1), "heads of segments": round(headers / max(messages, 1), 2)}
        note("  bytes written for each message of " f"{round(bodies / max(messages, 1))}: "
             + ", ".join(f"{what} {count}" for what, count in kinds.items()) + f"; zeros for new files {filled}")
        return {"name": name, "value": round((frames + tables + headers) / max(bodies, 1), 3), "unit": "bytes/byte",
                "messages": messages, "frames": round(frames / max(bodies, 1), 3), "tables": round(tables / max(bodies, 1), 3),
                "headers": round(headers / max(bodies, 1), 4), "moved": moved, "bytes_each": round(bodies / max(messages, 1)),
                "bytes_of_a_message": kinds, "zeros_for_new_files": filled}
