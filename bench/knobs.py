#!/usr/bin/env python3
"""What each knob of docs/tuning.md does to the real server: one option changed at a time, beside the defaults, in interleaved rounds.

For each value: CPU of the server for a message, messages a second, p50 and p99, as medians of the rounds. A difference is called real when the ranges of
all rounds do not touch, and there are rounds enough for that to be no chance. Nothing here passes or fails by time.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

import ringpost_config
from arguments import DEFAULT_FOLDER, count, cpus, folder, program, words_of
from figures import columns, verdict
from running import ROOT, Process, Server, free_port, note

# Where mail goes, how it is offered, and which values are tried. The first of each group is the default.
GROUPS = {
    "intake": {"load": ["--connections", "64"], "values": [
        {}, {"cores.wait": "sleep"}, {"cores.backend": "epoll"}, {"cores.pin": False}, {"cores.receive_buffers": "1MiB"}, {"cores.receive_buffer_size": "4KiB"},
        {"cores.submission_entries": 64}, {"spool.buffer_memory": "4MiB"}, {"spool.segment_size": "1MiB", "spool.segments_ahead": 2},
        {"listener.mx.durability": "relaxed"}, {"listener.mx.durability": "memory"}]},
    "large": {"load": ["--connections", "16", "--size", "1MiB"], "values": [{}, {"cores.receive_buffer_size": "4KiB"}, {"cores.receive_buffer_size": "256KiB"}]},
    # Far from its limit nothing is left to be done after the load, and a core that polls is never idle: so nobody waits until it is.
    "quiet": {"load": ["--connections", "64", "--rate", "500"], "settle": False, "values": [{}, {"cores.wait": "sleep"}, {"cores.wait": "busy_poll"}]},
    "relay": {"load": ["--connections", "64"], "values": [{}, {"shaping.default.connection_limit": 4}, {"shaping.default.messages_per_connection": 1},
                                                          {"deliver.idle_timeout": "0s"}]},
    "two cores": {"load": ["--connections", "128"], "cores": 2, "values": [{}, {"cores.steering": "cpu"}, {"listener.mx.cores": [0]}]},
}


def with_option(text, option, value):
    """The configuration with one option set; its table may be there or not."""
    table, _, key = option.rpartition(".")
    line = f"{key} = {json.dumps(value)}\n"
    if f"[{table}]\n" not in text:
        return text + f"[{table}]\n{line}"
    before, rest = text.split(f"[{table}]\n", 1)
    own, bracket, others = rest.partition("\n[")
    kept = "".join(each + "\n" for each in own.splitlines() if each.split(" =")[0] != key)
    return f"{before}[{table}]\n{line}{kept}{bracket[1:]}{others}"


def tuned(values):
    text = ringpost_config.TEMPLATE
    for option, value in values.items():
        text = with_option(text, option, value)

    class Tuned(Server):
        CONFIG = text
    return Tuned


def load(options, server, words, seconds):
    command = [options.loadgen, "smtp", "--to", f"127.0.0.1:{server.port}", "--duration", f"{seconds}s", "--cores", ",".join(map(str, options.load_cpus)), "--json", "--quiet", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    try:
        result = json.loads(done.stdout)
    except ValueError:
        sys.exit(f"loadgen failed:\n{done.stdout}{done.stderr}")
    if not result["acknowledged"]:
        sys.exit(f"nothing was acknowledged, so there is no figure: {result['examples']} {result['troubles']}")
    return result


@contextlib.contextmanager
def sink(options, wanted):
    if not wanted:
        yield "discard"
        return
    port = free_port()
    with tempfile.TemporaryFile() as output:
        process = Process([options.loadgen, "sink", "--listen", f"127.0.0.1:{port}", "--quiet", "--json", "--cores", ",".join(map(str, options.load_cpus))], options.load_cpus, output)
        try:
            yield f"smtp:127.0.0.1:{port}"
        finally:
            process.stop()


def measure(options, name, values):
    group = GROUPS[name]
    with sink(options, name == "relay") as via, contextlib.closing(tuned(values)(options, options.server_cpus[:group.get("cores", 1)], via)) as server:
        settle = server.wait_until_idle if group.get("settle", True) else lambda: None
        load(options, server, group["load"], 1)
        settle()
        before = sum(server.process.cpu())
        result = load(options, server, group["load"], options.duration)
        settle()
        spent = sum(server.process.cpu()) - before
        latency = result["latency"]
        return {"cpu": 1e6 * spent / result["acknowledged"], "rate": result["rate"], "p50": latency["p50_ms"], "p99": latency["p99_ms"]}


def label(values):
    return ", ".join(f"{re.sub('^(cores|listener.mx|shaping.default)[.](?!cores)', '', option)} = {json.dumps(value)}" for option, value in values.items()) or "defaults"


def rows(name, taken):
    first = taken[0]
    for values, runs in zip(GROUPS[name]["values"], taken):
        figures = [statistics.median(run[key] for run in runs) for key in ("cpu", "rate", "p50", "p99")]
        said = "" if runs is first else ", ".join(f"{word}: {verdict([run[key] for run in runs], [run[key] for run in first], len(taken) - 1)}" for key, word in (("cpu", "CPU"), ("rate", "rate")))
        yield (name, label(values), *(f"{figure:.{digits}f}" for figure, digits in zip(figures, (1, 0, 2, 2))), said)


def arguments():
    own = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", help="where the programs are")
    parser.add_argument("--dir", type=folder, default=DEFAULT_FOLDER, help="where the spool is made; a real disk [build/bench]")
    parser.add_argument("--only", type=words_of(GROUPS), default=list(GROUPS), metavar="LIST", help="of: " + ",".join(GROUPS))
    parser.add_argument("--rounds", type=count(), default=6, help="for each value; six can tell ten values from the defaults [6]")
    parser.add_argument("--duration", type=count(), default=3, help="seconds of load for each value [3]")
    parser.add_argument("--backend", default="auto", choices=["auto", "uring", "epoll"])
    parser.add_argument("--server-cpus", type=cpus, default=own[:2], metavar="LIST")
    parser.add_argument("--load-cpus", type=cpus, default=own[2:4] or own[-1:], metavar="LIST")
    options = parser.parse_args()
    for name in options.only:
        if len(options.server_cpus) < (wanted := GROUPS[name].get("cores", 1)):
            parser.error(f"\"{name}\" needs --server-cpus with {wanted} CPUs")
    options.ringpost, options.loadgen = program(options.build, "ringpost"), program(options.build, "loadgen")
    return options


def main():
    options = arguments()
    table = [("load", "option", "CPU us/message", "messages/s", "p50 ms", "p99 ms", "against the defaults")]
    for name in options.only:
        taken = [[] for _ in GROUPS[name]["values"]]
        for number in range(options.rounds):
            order = list(range(len(taken)))
            for index in order if number % 2 == 0 else reversed(order):
                taken[index].append(measure(options, name, GROUPS[name]["values"][index]))
                note(f"round {number + 1} {name} {label(GROUPS[name]['values'][index])}: {taken[index][-1]}")
        table += rows(name, taken)
    print(columns(table))


if __name__ == "__main__":
    main()
