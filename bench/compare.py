#!/usr/bin/env python3
"""Builds of Ringpost side by side: another revision, or another allocator.

Each variant is a build folder. The server's figures (bench/server.py) are taken in interleaved rounds, the order turned around in every other one, and set
against those of the first variant. A difference is called real when the ranges of the two do not touch, and rounds are enough for that to be no chance; else
it is noise. With --instructions the micro-benchmarks are counted by callgrind instead of timed, which a busy machine does not disturb.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys

from arguments import count, words_of
from figures import columns, note, verdict

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIGURES = ["data", "bdat", "relay"]


# ---- the server, by time ----

def server_figures(build, options):
    command = [sys.executable, str(ROOT / "bench/server.py"), "--build", str(build), "--only", ",".join(options.only), "--duration", str(options.duration), "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return {figure["name"]: figure["value"] for figure in json.loads(done.stdout)["figures"]}


def take_rounds(variants, options):
    """{variant: {figure: [value of each round]}}"""
    taken = {name: {} for name in variants}
    for number in range(options.rounds):
        order = list(variants) if number % 2 == 0 else list(reversed(variants))
        for name in order:
            note(f"round {number + 1} of {options.rounds}: {name}")
            for figure, value in server_figures(variants[name], options).items():
                taken[name].setdefault(figure, []).append(value)
    return taken


def server_rows(taken):
    names = list(taken)
    rows = [("figure", "variant", "us CPU/message", "from", "to", f"over {names[0]}", "difference")]
    for figure in taken[names[0]]:
        first = taken[names[0]][figure]
        for name in names:
            own = taken[name].get(figure)
            if not own:
                continue
            ratio = statistics.median(own) / statistics.median(first)
            rows.append((figure, name, f"{statistics.median(own):.2f}", f"{min(own):.2f}", f"{max(own):.2f}", f"{ratio:.3f}", "" if name == names[0] else verdict(own, first, len(names) - 1)))
    return rows


# ---- the parts, by instructions ----

def benchmarks(build, pattern):
    """{name: program}"""
    found = {}
    for program in sorted((build / "bench").glob("bench_*")):
        if not program.is_file() or not os.access(program, os.X_OK) or program.name in ("bench_spool", "bench_journal"):
            continue  # those two measure the disk
        listed = subprocess.run([program, "--benchmark_list_tests", f"--benchmark_filter={pattern}"], capture_output=True, text=True)
        found.update({name: program for name in listed.stdout.split("\n") if name})
    return found


def counted(program, name, repetitions):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(program), f"--benchmark_filter=^{re.escape(name)}$", "--benchmark_min_time=0.000000001",
               f"--benchmark_repetitions={repetitions}"]
    said = subprocess.run(command, capture_output=True, text=True).stderr
    found = re.search(r"Collected : (\d+)", said)
    return int(found[1]) if found else None


def instructions(program, name, repetitions=20):
    """Of one repetition, with its preparation; what comes before the first has gone out by the difference."""
    few, many = counted(program, name, 1), counted(program, name, 1 + repetitions)
    return None if few is None or many is None else (many - few) / repetitions


def instruction_rows(variants, pattern):
    names = list(variants)
    lists = {name: benchmarks(build, pattern) for name, build in variants.items()}
    rows = [("benchmark", *(f"{name}: instructions" for name in names), *(f"{name} over {names[0]}" for name in names[1:]))]
    for benchmark in lists[names[0]]:
        if any(benchmark not in lists[name] for name in names):
            continue
        note(f"counting {benchmark}")
        values = [instructions(lists[name][benchmark], benchmark) for name in names]
        if any(value is None or value <= 0 for value in values):
            continue
        rows.append((benchmark, *(f"{value:.0f}" for value in values), *(f"{value / values[0]:.4f}" for value in values[1:])))
    return rows


# ---- the report ----

def variant(text):
    name, equals, build = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text}: write NAME=BUILD")
    if not os.path.isdir(build):
        raise argparse.ArgumentTypeError(f"{build} is no folder")
    return name, pathlib.Path(build).resolve()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", type=variant, action="append", required=True, metavar="NAME=BUILD", help="the first is what others are set against")
    parser.add_argument("--rounds", type=count(), default=4, help="as many for each variant; four are the fewest that can tell two apart [4]")
    parser.add_argument("--duration", type=count(), default=4, help="seconds of load for each figure [4]")
    parser.add_argument("--only", type=words_of(FIGURES), default=["data", "bdat"], metavar="LIST", help="of: " + ",".join(FIGURES) + " [data,bdat]")
    parser.add_argument("--instructions", metavar="FILTER", nargs="?", const=".", help="count the micro-benchmarks that match (all) by callgrind instead")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    variants = dict(options.variant)
    if len(variants) < 2 or len(variants) < len(options.variant):
        parser.error("two variants at least, each with a name of its own")
    return options, variants


def main():
    options, variants = arguments()
    rows = instruction_rows(variants, options.instructions) if options.instructions else server_rows(take_rounds(variants, options))
    if len(rows) < 2:
        sys.exit("nothing was measured: no benchmark of that name is in all of the variants")
    if options.json:
        print(json.dumps([dict(zip(rows[0], row)) for row in rows[1:]], indent=2))
    else:
        print(columns(rows))
        print(f"\nload before: {os.getloadavg()[0]:.2f}; {os.uname().release}; {' '.join(['bench/compare.py', *sys.argv[1:]])}")


if __name__ == "__main__":
    main()
