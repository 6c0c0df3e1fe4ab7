"""What the measurements take on their command lines: numbers within bounds, lists of known words, folders that are there."""
import argparse
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEFAULT_FOLDER = str(ROOT / "build/bench")


def count(least=1, most=10**9):
    """A whole number; a measurement of nothing has no result."""
    def parse(text):
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text} is no whole number from {least} to {most}")
        return int(text)
    return parse


def numbers(least=0, most=10**9):
    one = count(least, most)
    return lambda text: [one(word) for word in text.split(",")]


def cpus(text):
    found = numbers()(text)
    if wrong := set(found) - os.sched_getaffinity(0):
        raise argparse.ArgumentTypeError(f"CPU {min(wrong)} is not ours to use")
    if len(set(found)) < len(found):
        raise argparse.ArgumentTypeError(f"{text} has a CPU twice")
    return found


def words_of(known):
    """Some of the known words, none twice."""
    def parse(text):
        found = text.split(",")
        for word in found:
            if word not in known:
                raise argparse.ArgumentTypeError(f"{word or 'nothing'} is none of {','.join(known)}")
        return list(dict.fromkeys(found))
    return parse


def folder(text):
    """A folder that is there: the default is made, another may be a mistyped one."""
    if os.path.realpath(text) == os.path.realpath(DEFAULT_FOLDER):
        os.makedirs(text, exist_ok=True)
    if not os.path.isdir(text):
        raise argparse.ArgumentTypeError(f"{text} is no folder")
    if not os.access(text, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text} cannot be written to")
    return os.path.realpath(text)


def program(build, name):
    for found in sorted(pathlib.Path(build).resolve().rglob(name)):
        if found.is_file() and os.access(found, os.X_OK):
            return str(found)
    raise SystemExit(f"there is no {name} in {build}; ./dev build")
