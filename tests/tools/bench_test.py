#!/usr/bin/env python3
"""The measurements of bench/ as they are called wrongly: each says what is wrong in a line, and measures nothing.

Usage: bench_test.py PYTHON [unittest arguments]
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import types
import unittest

PYTHON = sys.argv.pop(1)
BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
BOUND = 60  # seconds for anything that should take one


def bench(script, *arguments):
    return subprocess.run([PYTHON, str(BENCH / script), *arguments], capture_output=True, text=True, timeout=BOUND, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})


class BenchArguments(unittest.TestCase):
    def refused(self, script, *arguments, saying, code=2):
        done = bench(script, *arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(saying, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_help_is_help(self):
        for script in ("bulk.py", "compare.py", "filter.py", "knobs.py", "mail.py", "peers.py", "queue.py", "server.py"):
            with self.subTest(script):
                done = bench(script, "--help")
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_measurement_of_nothing_is_refused(self):
        for script, option in (("knobs.py", "--rounds"), ("knobs.py", "--duration"), ("peers.py", "--rounds"), ("peers.py", "--duration"), ("server.py", "--duration"),
                               ("server.py", "--connections"), ("mail.py", "--rounds"), ("queue.py", "--messages")):
            with self.subTest(script=script, option=option):
                self.refused(script, option, "0", saying=f"argument {option}: 0 is no whole number from 1")
        self.refused("compare.py", "--variant", "a=.", "--variant", "b=.", "--rounds", "0", saying="0 is no whole number from 1")
        self.refused("peers.py", "--servers", "", saying="nobody to measure")

    def test_words_and_places_that_are_none_are_named(self):
        self.refused("compare.py", "--variant", "nocolon", saying="nocolon: write NAME=BUILD")
        self.refused("compare.py", "--variant", "a=/absent/build", saying="/absent/build is no folder")
        self.refused("compare.py", "--variant", "a=.", "--variant", "a=.", saying="each with a name of its own")
        self.refused("bulk.py", "abc", saying="abc is no whole number")
        self.refused("peers.py", "--servers", "sendmail", saying="sendmail is none of")
        self.refused("peers.py", "--against", "x=127.0.0.1:70000", saying="write NAME=127.0.0.1:PORT")
        for script in ("knobs.py", "peers.py", "server.py", "mail.py", "queue.py"):
            with self.subTest(script):
                self.refused(script, "--dir", "/absent/folder", saying="/absent/folder is no folder")
                self.assertFalse(os.path.exists("/absent"))
                with tempfile.TemporaryDirectory() as empty:
                    self.refused(script, "--build", empty, saying="there is no ringpost in", code=1)
        self.refused("server.py", "--server-cpus", "0,0", saying="0,0 has a CPU twice")
        self.refused("knobs.py", "--only", "two cores", "--server-cpus", "0", saying='"two cores" needs --server-cpus with 2 CPUs')


class Loads(unittest.TestCase):
    def test_without_anything_acknowledged_there_is_no_figure(self):
        sys.dont_write_bytecode = True
        sys.path.insert(0, str(BENCH))
        import knobs
        with tempfile.TemporaryDirectory() as folder:
            loader = pathlib.Path(folder, "loadgen")
            loader.write_text("#!/bin/sh\necho '" + '{"acknowledged": 0, "examples": {"452": "full"}, "troubles": {}}' + "'\n")
            loader.chmod(0o755)
            options, server = types.SimpleNamespace(loadgen=str(loader), load_cpus=[0]), types.SimpleNamespace(port=25)
            with self.assertRaisesRegex(SystemExit, "nothing was acknowledged.*full"):
                knobs.load(options, server, [], 1)

    def test_a_loader_that_fails_is_heard(self):
        sys.dont_write_bytecode = True
        sys.path.insert(0, str(BENCH))
        import mail
        with self.assertRaisesRegex(mail.Unavailable, "loadgen said: no such host"):
            mail.Bench.read("", "no such host\n")


class Verdicts(unittest.TestCase):
    def test_a_difference_is_real_only_where_chance_would_rarely_make_it(self):
        sys.dont_write_bytecode = True
        sys.path.insert(0, str(BENCH))
        from figures import verdict
        low, high = [1.0, 1.1, 1.2, 1.3], [2.0, 2.1, 2.2, 2.3]
        self.assertEqual((verdict(low, high), verdict(high, low)), ("real", "real"))
        self.assertEqual(verdict(low, [1.25, *high[1:]]), "noise")
        # Three of three apart is what one in ten equal pairs looks like, and four of four are no proof for one of ten rivals.
        self.assertEqual(verdict(low[:3], high[:3]), "too few rounds to tell")
        self.assertEqual(verdict(low, high, rivals=10), "too few rounds to tell")
        self.assertEqual(verdict([*low, 1.4, 1.5], [*high, 2.4, 2.5], rivals=10), "real")
        self.assertEqual(verdict([1.0], []), "too few rounds to tell")


if __name__ == "__main__":
    unittest.main(verbosity=2)
