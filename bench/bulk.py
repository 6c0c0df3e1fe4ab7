#!/usr/bin/env python3
"""100,000 messages to 1,000 domains whose receivers throttle, defer, greylist and drop: tests/system/bulk_test.py at full size.

bench/bulk.py [MESSAGES [DOMAINS]]; RINGPOST_BUILD names the build (default build/release). Takes some minutes, and ends in any case.
"""
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

messages, domains = (sys.argv[1:] + ["100000", "1000"][len(sys.argv) - 1:])[:2]
os.environ.setdefault("RINGPOST_BUILD", str(ROOT / "build" / "release"))
os.environ.update(RINGPOST_BULK_MESSAGES=messages, RINGPOST_BULK_DOMAINS=domains, RINGPOST_BULK_PATIENCE="540")
test = ROOT / "tests" / "system" / "bulk_test.py"
os.execv(sys.executable, [sys.executable, str(test), "-v"])
