"""What the comparisons share: where the programs are, the machine in words, medians, tables."""

import math
import os
import pathlib
import re
import resource
import statistics
import sys

from arguments import DEFAULT_FOLDER, cpus, folder, program


def note(text):
    print(text, file=sys.stderr, flush=True)


def words(text):
    return text.split(",")


def median(runs, key):
    values = [run[key] for run in runs if run.get(key) is not None]
    return statistics.median(values) if values else None


def text(value, form="{:.1f}"):
    return "-" if value is None else form.format(value)


def verdict(own, first, rivals=1):
    """Whether two lists of values differ by more than they differ among themselves.

    They do when their ranges do not touch, and runs without a difference would rarely lie so: in 2 of all the ways to share the runs out. That chance, times the number of
    values that are compared with the same first, must be below 5 %: four rounds for one rival, six for ten.
    """
    chance = 2 / math.comb(len(own) + len(first), len(own)) if own and first else 1
    if chance * rivals >= 0.05:
        return "too few rounds to tell"
    return "real" if max(own) < min(first) or min(own) > max(first) else "noise"


def columns(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def machine(options):
    model = re.search(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return {"cpu": f"{model.group(1) if model else os.uname().machine}, {os.cpu_count()} CPUs; server on {options.server_cpus}, loader on {options.load_cpus}",
            "kernel": os.uname().release, "load before": f"{os.getloadavg()[0]:.2f}"}


def add_places(parser, root):
    """The options of every comparison."""
    own = sorted(os.sched_getaffinity(0))
    parser.add_argument("--build", type=pathlib.Path, default=root / "build/release", help="where the programs are")
    parser.add_argument("--dir", type=folder, default=DEFAULT_FOLDER, help="where every queue is made; a real disk [build/bench]")
    parser.add_argument("--server-cpus", type=cpus, default=own[:1], metavar="LIST")
    parser.add_argument("--load-cpus", type=cpus, default=own[1:2] or own[:1], metavar="LIST")
    parser.add_argument("--json", action="store_true", help="every run as JSON on standard output")


def find_programs(options):
    """Sets options.ringpost and options.loadgen."""
    for name in ("ringpost", "loadgen"):
        setattr(options, name, program(options.build, name))


def allow_descriptors():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
