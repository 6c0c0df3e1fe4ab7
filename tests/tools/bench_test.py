#!/usr/bin/env python3
"""The measurements of bench/ as they are called wrongly: each says what is wrong in a line, and measures nothing.

Usage: bench_test.py PYTHON [unittest arguments]
"""
import os
import pathlib
import subprocess
import sys
import tempfile
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
