#!/usr/bin/env python3
"""CPU of a mail in three spam filters: ours, spamd -L with the same rules, and Rspamd with its own rules and no network.

The same mails go through each, one at a time, on one CPU; what is counted is the CPU time of the processes, theirs from /proc (the server and all
its children), ours of judging alone: theirs has a connection of a few dozen microseconds in it.
Prints a table, and for each goal whether it is met. Nothing fails here. ./dev bench filter unpacks the foreign programs and calls this.
"""
import argparse
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

TICK = os.sysconf("SC_CLK_TCK")
WARM_UP = 10
# All take turns, so that what else the machine does meets all alike.
PASSES = 3
# How many times theirs ours has to be, in mails for each CPU second.
TIMES_RSPAMD, TIMES_SPAMD = 3, 200
FIVE_KIB_MS, WARM_START_MS = 0.7, 100
# Modules of Rspamd that ask the network, Redis or the clock. The rest is what it knows by itself.
NETWORK_MODULES = ["antivirus", "arc", "asn", "aws_s3", "bimi", "clickhouse", "dcc", "dkim", "dkim_signing", "dmarc", "elastic", "external_relay",
                   "external_services", "fuzzy_check", "greylist", "history_redis", "metadata_exporter", "metric_exporter", "mx_check", "neural", "p0f",
                   "phishing", "ratelimit", "rbl", "replies", "reputation", "rspamd_update", "spf", "surbl", "url_redirector", "whitelist", "hfilter"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def family(pid):
    """The process and all below it."""
    found = [pid]
    for one in found:
        for task in pathlib.Path(f"/proc/{one}/task").glob("*/children"):
            found += map(int, task.read_text().split())
    return found


def cpu_seconds(pid):
    total = 0
    for one in family(pid):
        fields = pathlib.Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


class Foreign:
    """A server in a folder of its own, on one CPU."""

    def __init__(self, command, port, **more):
        self.process = subprocess.Popen(["taskset", "-c", "0", *map(str, command)], start_new_session=True, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, **more)
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    sys.exit(f"{command[0]} ended at once")
                time.sleep(0.1)
        sys.exit(f"{command[0]} does not answer")

    def warm_up(self, ask, mails, rounds=1):
        """The kernel counts CPU time in ticks of 10 ms: a fast server gets the mails several times in a pass."""
        self.ask, self.mails, self.rounds = ask, mails, rounds
        for mail in mails[:WARM_UP]:
            ask(mail)
        return self

    def measure(self):
        """CPU seconds of a mail, in one pass over all."""
        before = cpu_seconds(self.process.pid)
        for mail in self.mails * self.rounds:
            self.ask(mail)
        return (cpu_seconds(self.process.pid) - before) / len(self.mails) / self.rounds

    def close(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()


def ask_spamd(port, mail):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"SYMBOLS SPAMC/1.2\r\nContent-length: %d\r\n\r\n" % len(mail) + mail)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    if b" 0 EX_OK" not in answer:
        sys.exit(f"spamd says {answer[:100]!r}")


def spamd(root, mails):
    port = free_port()
    libraries = [root / "usr/share/perl5", *root.glob("usr/lib/*/perl5/*"), *root.glob("usr/lib/*/perl5")]
    command = ["perl", "-T", *(f"-I{path.resolve()}" for path in libraries), root / "usr/sbin/spamd", "-L", "-x", "-m", "1", "--min-children=1",
               "--max-conn-per-child=1000000", "-u", "nobody", "-i", "127.0.0.1", "-p", port, "-C", (root / "usr/share/spamassassin").resolve(),
               f"--siteconfigpath={(root / 'site').resolve()}", "-s", "/dev/null"]
    server = Foreign(command, port, env={**os.environ, "LANG": "C", "LC_ALL": "C"})
    return server.warm_up(lambda mail: ask_spamd(port, mail), mails)


def rspamd(root, mails):
    port, run = free_port(), pathlib.Path(tempfile.mkdtemp(prefix="rspamd-"))
    run.chmod(0o755)
    local = run / "conf"
    for folder in (local / "local.d", local / "override.d", run / "db", run / "log"):
        folder.mkdir(parents=True)
        folder.chmod(0o777)
    for module in NETWORK_MODULES:
        (local / "override.d" / f"{module}.conf").write_text("enabled = false;\n")
    (local / "override.d/worker-normal.inc").write_text(f'bind_socket = "127.0.0.1:{port}";\ncount = 1;\n')
    for other in ("controller", "proxy"):
        (local / "override.d" / f"worker-{other}.inc").write_text("enabled = false;\ncount = 0;\n")
    (local / "override.d/statistic.conf").write_text("")
    (local / "override.d/options.inc").write_text('filters = "chartable,regexp";\ndns { nameserver = "127.0.0.1:1"; timeout = 0.01s; retransmits = 0; }\n')
    (local / "override.d/logging.inc").write_text(f'type = "file"; filename = "{run}/log/rspamd.log"; level = "error";\n')
    share = (root / "usr/share/rspamd").resolve()
    # Where it looks for them without this is the folder of an installed package: it would do without, and less.
    (local / "rspamd.conf.local").write_text(f'lang_detection {{ languages = "{share}/languages"; }}\n')
    variables = {"CONFDIR": (root / "etc/rspamd").resolve(), "LOCAL_CONFDIR": local, "DBDIR": run / "db", "RUNDIR": run, "LOGDIR": run / "log", "SHAREDIR": share,
                 "PLUGINSDIR": share / "plugins", "RULESDIR": share / "rules", "LUALIBDIR": share / "lualib", "WWWDIR": share / "www"}
    command = [root / "usr/bin/rspamd", "-f", "-i", "-c", (root / "etc/rspamd/rspamd.conf").resolve()]
    for name, value in variables.items():
        command += ["--var", f"{name}={value}"]
    libraries = [path.resolve() for path in (*root.glob("usr/lib/*-linux-gnu"), root / "usr/lib/rspamd")]
    server = Foreign(command, port, env={**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, libraries))})
    wait_for_hyperscan(run / "db")

    def ask(mail):
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/checkv2", data=mail)) as answer:
            json.load(answer)

    return server.warm_up(ask, mails, rounds=5)


def wait_for_hyperscan(folder):
    """Until Rspamd runs on Hyperscan: a helper compiles, and the worker unpacks what that has made. Before, it uses PCRE."""
    before = None
    for _ in range(120):
        time.sleep(0.5)
        unpacked = sorted(path.name for path in folder.glob("*.unser"))
        if unpacked and unpacked == before:
            return
        before = unpacked
    sys.exit("rspamd does not load its Hyperscan databases")


def ourselves(program, root, paths, cache):
    rules = f"{root / 'usr/share/spamassassin'}:{root / 'site'}"

    def run():
        answer = subprocess.run(["taskset", "-c", "0", program, "--json", cache, rules, *paths], check=True, text=True, capture_output=True).stdout
        return json.loads(answer)

    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=pathlib.Path, required=True, help="bench_filter")
    parser.add_argument("--spamassassin", type=pathlib.Path, required=True, help="where its packages are unpacked")
    parser.add_argument("--rspamd", type=pathlib.Path, help="where its packages are unpacked")
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--mails-of-all", type=int, default=300, dest="count", help="so many, evenly over all that are named")
    parser.add_argument("mails", type=pathlib.Path, nargs="+")
    arguments = parser.parse_args()
    chosen = arguments.mails[::max(1, len(arguments.mails) // arguments.count)]
    mails = [path.read_bytes() for path in chosen]
    arguments.cache.unlink(missing_ok=True)
    run = ourselves(arguments.program, arguments.spamassassin, chosen, arguments.cache)
    compile_seconds = run()["compile_seconds"]
    theirs = {"rspamd, its own rules": rspamd(arguments.rspamd, mails)} if arguments.rspamd else {}
    theirs["spamd -L"] = spamd(arguments.spamassassin, mails)
    passes = [(run(), {name: server.measure() for name, server in theirs.items()}) for _ in range(PASSES)]
    for server in theirs.values():
        server.close()
    ours = min((mine for mine, _ in passes), key=lambda figures: figures["mean_us"])
    rows = [("ringpost", ours["mean_us"] / 1e6), *((name, min(found[name] for _, found in passes)) for name in theirs)]
    print(f"{len(mails)} mails, {statistics.mean(map(len, mails)):.0f} bytes on average, one at a time on one CPU; of {PASSES} passes in turn, each one's fastest\n")
    print(f"{'':24}{'mails/CPU second':>18}{'ms a mail':>12}{'ours is':>10}")
    for name, seconds in rows:
        print(f"{name:24}{1 / seconds:18.0f}{1e3 * seconds:12.2f}{seconds / rows[0][1]:9.1f}x")
    print(f"\nmails of 4 to 6 KiB, median: {ours['five_kib_us'] / 1e3:.2f} ms ({ours['five_kib_mails']} mails)")
    start = ours["read_ms"] + ours["restore_ms"]
    print(f"start with a warm cache: {start:.0f} ms (rules read in {ours['read_ms']:.0f}, restored in {ours['restore_ms']:.0f})")
    print(f"cold compile: {compile_seconds:.1f} s, in the background; databases: {ours['database_bytes'] / 1e6:.1f} MB, shared by all cores\n")
    times = dict((name, seconds / rows[0][1]) for name, seconds in rows)
    if arguments.rspamd:
        goal("times Rspamd's mails per CPU second", times["rspamd, its own rules"], at_least=TIMES_RSPAMD)
    goal("times spamd's mails per CPU second", times["spamd -L"], at_least=TIMES_SPAMD)
    goal("ms for the median mail of 4 to 6 KiB", ours["five_kib_us"] / 1e3, at_most=FIVE_KIB_MS)
    goal("ms to start with a warm cache", start, at_most=WARM_START_MS)


def goal(name, figure, at_least=None, at_most=None):
    bound = f"at least {at_least}" if at_least is not None else f"at most {at_most}"
    met = figure >= at_least if at_least is not None else figure <= at_most
    print(f"goal: {bound} {name}: {figure:.{0 if figure >= 10 else 2}f}, {'met' if met else 'NOT met'}")


if __name__ == "__main__":
    main()
