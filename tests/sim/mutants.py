#!/usr/bin/env python3
"""Builds each planted bug of tests/sim/mutants apart, and lets the simulator hunt it for 60 seconds. Found is what a seed
shows with the bug, and not without.

The build folder has everything but the mutant: only the patched source is compiled, with the command that compiled the
original, and linked in front of the library that has the original. Nothing of it ends in the plain build.

  mutants.py BUILD [NAME]    builds and hunts
  mutants.py --check         only whether each patch still applies, without fuzz
"""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS = 60


def run(command, **more):
    return subprocess.run(command, capture_output=True, text=True, **more)


def patched_sources(patch, folder):
    """Copies what the patch names, applies it there, and gives the paths below the root."""
    names = re.findall(r"^--- a/(\S+)", patch.read_text(), re.MULTILINE)
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    done = run(["patch", "--quiet", "--fuzz=0", "--no-backup-if-mismatch", "-d", str(folder), "-p1", "-i", str(patch)])
    if done.returncode != 0:
        sys.exit(f"{patch.name} does not apply any more:\n{done.stdout}{done.stderr}")
    return names


def compile_source(build, folder, name):
    commands = json.loads((build / "compile_commands.json").read_text())
    entry = next(entry for entry in commands if pathlib.Path(entry["file"]).resolve() == ROOT / name)
    command = shlex.split(entry["command"])
    output = folder / (pathlib.Path(name).name + ".o")
    command[command.index("-o") + 1] = str(output)
    command[command.index("-c") + 1] = str(folder / name)
    command += ["-iquote", str((ROOT / name).parent)]
    done = run(command, cwd=entry["directory"])
    if done.returncode != 0:
        sys.exit(f"{name} does not compile:\n{done.stderr}")
    return output


def link(build, folder, objects):
    last = run(["ninja", "-C", str(build), "-t", "commands", "sim"]).stdout.strip().splitlines()[-1]
    words = shlex.split(last)
    words = [word for word in words if word not in (":", "&&")]
    at = words.index("-o")
    program = folder / "sim"
    words[at + 1] = str(program)
    words[at:at] = [str(one) for one in objects]
    done = run(words, cwd=build)
    if done.returncode != 0:
        sys.exit(f"{folder.name} does not link:\n{done.stderr}")
    return program


def cpu_seconds(group):
    """What the processes of the group have used, and those that its leader has buried."""
    ticks = 0
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if int(fields[2]) == group:
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def hunt(program):
    """(seed, what it says, seconds), or None. A second is one of all cores together: others may be at work here."""
    cores = os.cpu_count()
    with subprocess.Popen([program, "--minutes", "20", "--jobs", str(cores)], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, start_new_session=True) as hunting:
        used = 0
        while used < SECONDS:
            try:
                said, _ = hunting.communicate(timeout=0.5)
                break
            except subprocess.TimeoutExpired:
                used = cpu_seconds(hunting.pid) / cores
        else:
            os.killpg(hunting.pid, 9)
            hunting.communicate()
            return None
    found = re.search(r"seed (\d+): BAD.*\n\s*(.*)", said)
    return (found[1], found[2], used) if found else None


def lives_through(build, seed):
    """Without the planted bug the same seed must be good, or it shows something else."""
    return run([build / "tests/sim/sim", "--seed", seed]).returncode == 0


def check(patches):
    for patch in patches:
        with tempfile.TemporaryDirectory() as folder:
            if not patched_sources(patch, pathlib.Path(folder)):
                sys.exit(f"{patch.name} names no source")
    return 0


def main():
    patches = sorted((ROOT / "tests/sim/mutants").glob("*.patch"))
    if sys.argv[1] == "--check":
        return check(patches)
    build = pathlib.Path(sys.argv[1]).resolve()
    missed = []
    for patch in patches:
        if len(sys.argv) > 2 and patch.stem != sys.argv[2]:
            continue
        folder = build / "mutants" / patch.stem
        objects = [compile_source(build, folder, name) for name in patched_sources(patch, folder)]
        found = hunt(link(build, folder, objects))
        if found and lives_through(build, found[0]):
            print(f"{patch.stem}: found after {found[2]:.0f} s by seed {found[0]}: {found[1]}", flush=True)
        elif found:
            print(f"{patch.stem}: seed {found[0]} fails without it too: {found[1]}", flush=True)
            missed.append(patch.stem)
        else:
            print(f"{patch.stem}: NOT FOUND in {SECONDS} s", flush=True)
            missed.append(patch.stem)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
