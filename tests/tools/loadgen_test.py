#!/usr/bin/env python3
"""The program loadgen as it is called: sender against sink over loopback, on each backend, compared file by file.

Usage: loadgen_test.py LOADGEN [unittest arguments]
"""
import json
import os
import re
import signal
import smtplib
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

LOADGEN = sys.argv.pop(1)
BOUND = 120  # seconds for anything that should take one


class Sink:
    """A sink on a free port; `end()` gives its summary."""

    def __init__(self, *arguments, backend="epoll"):
        self.process = subprocess.Popen(
            [LOADGEN, "sink", "--listen", "127.0.0.1:0", "--backend", backend, "--json", "--quiet", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        found = re.fullmatch(r"listening on (127\.0\.0\.1:(\d+))\n", line)
        if not found:
            raise AssertionError(line + self.process.stderr.read())
        self.address, self.port = found[1], int(found[2])

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=BOUND)
        if self.process.returncode != 0:
            raise AssertionError(f"exit {self.process.returncode}: {err}")
        return json.loads(out)

    def kill(self):
        self.process.kill()
        self.process.communicate(timeout=BOUND)


def loadgen(*arguments, code=0):
    done = subprocess.run([LOADGEN, *arguments], capture_output=True, text=True, timeout=BOUND)
    if done.returncode != code:
        raise AssertionError(f"exit {done.returncode}, not {code}: {done.stdout}{done.stderr}")
    return done.stdout


def send(sink, *arguments, backend="epoll", code=0):
    return json.loads(loadgen("smtp", "--to", sink.address, "--backend", backend, "--json", "--quiet", "--duration", "60s",
                              *arguments, code=code))


def ask(server, name, kind):
    """(response code, number of answers) of one DNS question."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = struct.pack("!6H", 4711, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", kind, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(BOUND)
        udp.sendto(query, server)
        identity, flags, _, answers = struct.unpack("!4H", udp.recv(4096)[:8])
    if identity != 4711:
        raise AssertionError("another question was answered")
    return flags & 15, answers


class LoadgenTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="loadgen_test.")
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def sink(self, *arguments, backend="epoll"):
        sink = Sink(*arguments, backend=backend)
        self.addCleanup(sink.kill)
        return sink

    def exchange(self, smtp=(), sink=(), messages=200, backend="epoll"):
        """All messages arrive once, and both files say so."""
        name = f"{backend}{len(os.listdir(self.folder.name))}"
        there = self.sink("--received", self.path(name + ".got"), *sink, backend=backend)
        sent = send(there, "--messages", str(messages), "--connections", "4", "--acknowledged", self.path(name + ".sent"),
                    *smtp, backend=backend)
        got = there.end()
        self.assertEqual(sent["acknowledged"], messages)
        self.assertEqual(sent["unanswered"] + sent["refused"], 0)
        self.assertEqual(got["received"], messages)
        self.assertEqual(got["duplicates"] + got["bad_checksums"] + got["foreign"] + got["out_of_order"], 0)
        self.assertGreater(sent["latency"]["p50_ms"], 0)
        self.assertGreaterEqual(sent["latency"]["max_ms"], sent["latency"]["p50_ms"])
        self.assertGreater(sent["cpu"]["us_per_message"], 0)
        compared = json.loads(loadgen("compare", "--json", self.path(name + ".sent"), self.path(name + ".got")))
        self.assertEqual(compared["acknowledged"], messages)
        self.assertEqual(compared["received"], messages)
        self.assertTrue(compared["good"])
        return sent, got

    def test_every_way_on_every_backend(self):
        ways = {
            "data": ([], []),
            "bdat": (["--bdat", "--in-flight", "2"], []),
            "large": (["--size", "200KiB"], []),
            "lmtp": (["--protocol", "lmtp", "--recipients", "3"], ["--protocol", "lmtp"]),
            "starttls": (["--tls", "starttls"], ["--tls", "starttls"]),
            "tls and auth": (["--tls", "implicit", "--auth", "u:p", "--tls-resume", "--messages-per-connection", "20"],
                             ["--tls", "implicit", "--auth", "u:p"]),
            "auth": (["--protocol", "submission", "--auth", "u:p"], ["--auth", "u:p"]),
            "open loop": (["--rate", "1000"], []),
        }
        for backend in ("epoll", "uring"):
            for name, (smtp, sink) in ways.items():
                with self.subTest(way=name, backend=backend):
                    sent, got = self.exchange(smtp, sink, backend=backend)
                    if "tls" in name:
                        self.assertGreaterEqual(got["tls_sessions"], 4)
                    if name == "tls and auth":
                        self.assertGreater(sent["tls_resumed"], 0)

    def test_deferred_messages_come_with_retry(self):
        sink = self.sink("--reject-4xx", "0.2", "--received", self.path("got"))
        sent = send(sink, "--messages", "200", "--retry", "30", "--retry-after", "50ms", "--acknowledged", self.path("sent"))
        got = sink.end()
        self.assertEqual(sent["acknowledged"], 200)
        self.assertEqual(got["received"], 200)
        self.assertGreater(sent["codes"]["450"], 0)
        self.assertEqual(sent["codes"]["450"], got["rejected_temporary"])
        loadgen("compare", self.path("sent"), self.path("got"))

    def test_a_folder_of_mail_is_sent(self):
        corpus = self.path("corpus")
        os.mkdir(corpus)
        for number, mail in enumerate([b"Subject: one\n\nHello\n.\n..\n", b"From x Mon\nSubject: two\n\nGr\xc3\xbc\xc3\x9fe",
                                       b"Subject: three\r\n\r\n" + b"x" * 2000 + b"\r\n"]):
            with open(os.path.join(corpus, f"{number}.eml"), "wb") as file:
                file.write(mail)
        self.exchange(["--corpus", corpus], messages=30)
        self.exchange(["--corpus", corpus, "--bdat"], messages=30)

    def test_a_killed_sink_never_miscounts(self):
        """What was acknowledged is in the sink's file, however it ends; it is started again and more comes."""
        received = self.path("got")
        sink = self.sink("--received", received)
        sender = subprocess.Popen([LOADGEN, "smtp", "--to", sink.address, "--connections", "8", "--duration", "60s", "--resend",
                                   "--acknowledged", self.path("sent"), "--backend", "epoll", "--quiet", "--json",
                                   "--messages", "3000"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(sender.kill)
        until = time.monotonic() + BOUND
        while (not os.path.exists(received) or os.path.getsize(received) < 5000) and time.monotonic() < until:
            time.sleep(0.002)
        sink.kill()
        again = subprocess.Popen([LOADGEN, "sink", "--listen", sink.address, "--received", received, "--json", "--quiet"],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(again.kill)
        out, _ = sender.communicate(timeout=BOUND)
        again.send_signal(signal.SIGTERM)
        again.communicate(timeout=BOUND)
        sent = json.loads(out)
        self.assertEqual(sent["acknowledged"], 3000)
        self.assertGreater(sent["connect_failures"] + sent["lost_connections"], 0)
        compared = json.loads(loadgen("compare", "--json", self.path("sent"), received))
        self.assertEqual(compared["lost"], 0)
        self.assertEqual(compared["corrupted"], 0)
        self.assertEqual(compared["received"], 3000)

    def test_a_killed_sender_has_listed_only_what_arrived(self):
        sink = self.sink("--received", self.path("got"))
        sender = subprocess.Popen([LOADGEN, "smtp", "--to", sink.address, "--acknowledged", self.path("sent"), "--quiet"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + BOUND
        while (not os.path.exists(self.path("sent")) or os.path.getsize(self.path("sent")) < 5000) and time.monotonic() < until:
            time.sleep(0.002)
        sender.kill()
        sender.wait(timeout=BOUND)
        got = sink.end()
        compared = json.loads(loadgen("compare", "--json", self.path("sent"), self.path("got")))
        self.assertGreater(compared["acknowledged"], 50)
        self.assertEqual(compared["lost"], 0)
        self.assertGreaterEqual(got["received"], compared["acknowledged"])

    def test_compare_finds_what_is_missing(self):
        self.exchange(messages=50)
        names = sorted(os.listdir(self.folder.name))
        got, sent = (self.path(names[0]), self.path(names[1]))
        with open(got, encoding="ascii") as file:
            lines = file.readlines()
        with open(got, "w", encoding="ascii") as file:
            file.writelines(lines[1:])
        out = loadgen("compare", sent, got, code=1)
        self.assertIn("acknowledged 50, received 49, lost 1, duplicated 0", out)
        self.assertIn(lines[0].split()[0], out)
        loadgen("compare", sent, self.path("absent"), code=2)

    def test_the_sink_answers_dns(self):
        sink = self.sink("--dns", "127.0.0.1:0", "--domains", "example.org,*.bulk.test")
        found = re.fullmatch(r"answering DNS on 127\.0\.0\.1:(\d+)\n", sink.process.stderr.readline())
        address = ("127.0.0.1", int(found[1]))
        self.assertEqual(ask(address, "d7.bulk.test", 15), (0, 1))
        self.assertEqual(ask(address, "mx.d7.bulk.test", 1), (0, 1))
        self.assertEqual(ask(address, "mx.d7.bulk.test", 28), (0, 0))
        self.assertEqual(ask(address, "example.com", 15), (3, 0))
        sink.end()

    def test_mail_of_a_stock_client_is_foreign(self):
        sink = self.sink("--received", self.path("got"))
        with smtplib.SMTP("127.0.0.1", sink.port, timeout=BOUND) as client:
            client.sendmail("a@b.example", ["c@d.example"], "Subject: x\r\n\r\nbody\r\n")
        got = sink.end()
        self.assertEqual((got["received"], got["foreign"], got["bad_checksums"]), (1, 1, 0))
        with open(self.path("got"), encoding="ascii") as file:
            self.assertRegex(file.read(), r"\A- c@d\.example ok [0-9a-f]{8}\n\Z")

    def test_nothing_acknowledged_is_exit_1(self):
        sink = self.sink("--reject-5xx", "1")
        sent = send(sink, "--messages", "5", code=1)
        self.assertEqual((sent["acknowledged"], sent["refused"], sent["codes"]), (0, 5, {"550": 5}))

    def test_wrong_arguments_are_exit_2_and_help_teaches(self):
        for wrong in (["smtp"], ["smtp", "--to", "127.0.0.1:25", "--size", "many"], ["sink", "--listen", "nowhere"],
                      ["smtp", "--to", "nowhere"], ["sink", "--listen", "127.0.0.1:0", "--stall", "never"], []):
            loadgen(*wrong, code=2)
        for verb in ("smtp", "sink", "compare"):
            self.assertIn(f"  loadgen {verb} ", loadgen(verb, "--help"))

    def test_the_sink_ends_by_itself(self):
        sink = self.sink("--messages", "20")
        send(sink, "--messages", "20")
        out, _ = sink.process.communicate(timeout=BOUND)
        self.assertEqual(json.loads(out)["received"], 20)
        other = self.sink("--duration", "300ms")
        other.process.communicate(timeout=BOUND)
        self.assertEqual(other.process.returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
