#!/usr/bin/env python3
"""100,000 messages to 1,000 domains whose receivers throttle, defer, greylist and drop: tests/system/bulk_test.py at full size.

RINGPOST_BUILD names the build (default build/release). Takes some minutes, and ends in any case.
"""
import argparse
import os
import sys

from arguments import ROOT, count

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("messages", type=count(), nargs="?", default=100_000, metavar="MESSAGES", help="[100000]")
parser.add_argument("domains", type=count(), nargs="?", default=1000, metavar="DOMAINS", help="[1000]")
options = parser.parse_args()
os.environ.setdefault("RINGPOST_BUILD", str(ROOT / "build" / "release"))
os.environ.update(RINGPOST_BULK_MESSAGES=str(options.messages), RINGPOST_BULK_DOMAINS=str(options.domains), RINGPOST_BULK_PATIENCE="540")
test = ROOT / "tests" / "system" / "bulk_test.py"
os.execv(sys.executable, [sys.executable, str(test), "-v"])
