#!/usr/bin/env python3
"""The program loadgen as it is called: sender against sink over loopback, on each backend, compared file by file.

Usage: loadgen_test.py LOADGEN [unittest arguments]
"""
import contextlib
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
import threading
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


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask_stream(server, names, kind):
    """The same over TCP, all questions at once on one connection."""
    answers = []
    with socket.create_connection(server, BOUND) as tcp:
        for name in names:
            labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
            query = struct.pack("!6H", 4711, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", kind, 1)
            tcp.sendall(struct.pack("!H", len(query)) + query)
        stream = tcp.makefile("rb")
        for _ in names:
            response = stream.read(struct.unpack("!H", stream.read(2))[0])
            _, flags, _, count = struct.unpack("!4H", response[:8])
            answers.append((flags & 15, count))
    return answers


class LoadgenTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="loadgen_test.")
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    @staticmethod
    def read(path):
        with open(path) as file:
            return file.read()

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

    def test_a_scenario_makes_runs_and_a_report_that_agrees_with_them(self):
        sink = self.sink()
        with open(self.path("scenario.toml"), "w") as file:
            file.write(f"folder = '{self.path('results')}'\nrepeat = 2\n[all]\nto = '{sink.address}'\nmessages = 400\nbackend = 'epoll'\nquiet = true\njson = true\n"
                       "[run.closed]\n[run.open]\nrate = 2000\nspacing = 'poisson'\nsize = '1KiB:3,2KiB-8KiB:1'\n")
        said = [json.loads(line) for line in loadgen("run", self.path("scenario.toml")).splitlines()]
        self.assertEqual([run["acknowledged"] for run in said], [400] * 4)
        files = [self.path(f"results/{name}-{number}.json") for number in (1, 2) for name in ("closed", "open")]
        runs = [json.loads(self.read(path)) for path in files]
        self.assertEqual([run["name"] for run in runs], ["closed", "open"] * 2)
        self.assertEqual([run["loop"] for run in runs], ["closed", "open"] * 2)
        for run in runs:
            self.assertEqual(sum(count for _, count in run["histogram_ns"]), 400)
            self.assertEqual(sum(second["acknowledged"] for second in run["seconds"]), 400)
            self.assertEqual(sum(core["acknowledged"] for second in run["seconds"] for core in second["cores"]), 400)
        told = json.loads(loadgen("report", *files, "--html", self.path("report.html"), "--csv", self.path("report.csv"), "--json"))
        self.assertEqual([run["name"] for run in told["runs"]], ["closed", "open"] * 2)
        self.assertEqual({one["verdict"] for one in told["comparison"]}, {"too few runs to tell"})
        page = self.read(self.path("report.html"))
        for index, run in enumerate(runs):
            figures = {"rate": f"{run['summary']['rate']:.0f}", "us_per_message": f"{run['summary']['cpu']['us_per_message']:.3f}",
                       **{key: f"{run['summary']['latency'][key]:.3f}" for key in ("p50_ms", "p99_ms", "p99_9_ms", "max_ms")}}
            for key, value in figures.items():
                self.assertIn(f'data-run="{index}" data-figure="{key}">{value}</b>', page)
                self.assertAlmostEqual(told["runs"][index][key], float(run["summary"]["rate"] if key == "rate" else run["summary"]["cpu"][key] if key == "us_per_message"
                                                                      else run["summary"]["latency"][key]), places=3)
        embedded = json.loads(re.search(r'<script type="application/json" id="runs">(.*?)</script>', page, re.S)[1])
        self.assertEqual([run["summary"] for run in embedded], [run["summary"] for run in runs])
        lines = self.read(self.path("report.csv")).splitlines()
        self.assertEqual(len(lines), 1 + sum(len(run["seconds"]) for run in runs))
        self.assertIn("closed", loadgen("report", files[0]))
        loadgen("report", self.path("scenario.toml"), code=2)

    def test_a_search_goes_up_while_rates_are_kept_and_says_when_none_is(self):
        # Ten messages within a minute, whatever the rate: kept as often as the search may ask.
        kind = self.sink()
        found = json.loads(loadgen("smtp", "--to", kind.address, "--backend", "epoll", "--json", "--quiet", "--search-p99", "1min", "--rate", "1000",
                                   "--messages", "10", "--run-file", self.path("search.json")))
        self.assertEqual(found["search_rate"], 1000 * 2**23)
        self.assertFalse(found["search_limit_found"])
        self.assertIn("before any rate was too high", loadgen("report", self.path("search.json")))
        self.assertEqual([step["kept"] for step in json.loads(self.read(self.path("search.json")))["search"]["steps"]], [True] * 24)
        silent = self.sink("--stall", "body")
        loadgen("smtp", "--to", silent.address, "--backend", "epoll", "--quiet", "--search-p99", "500ms", "--rate", "2", "--duration", "1s", code=1)

    def test_archives_are_sent_as_the_mails_that_they_hold(self):
        import mailbox
        import tarfile
        box = mailbox.mbox(self.path("mails.mbox"))
        for number in range(3):
            box.add(f"Subject: mail {number}\n\nFrom the start\n".encode())
        box.close()
        maildir = mailbox.Maildir(self.path("maildir"))
        for number in range(3):
            maildir.add(f"Subject: mail {number}\n\nbody\n".encode())
        with tarfile.open(self.path("mails.tar"), "w") as tar:
            for folder in ("new", "cur"):
                tar.add(self.path(f"maildir/{folder}"))
        for name in ("mails.mbox", "maildir", "mails.tar"):
            with self.subTest(name):
                self.exchange(["--corpus", self.path(name)], messages=6)

    def test_tune_takes_what_is_better_and_declines_between_equals(self):
        with open(self.path("server.toml"), "w") as file:
            file.write("[cores]\nwait = 'bad'  # by mistake\nring = 512\n")
        with open(self.path("measure.py"), "w") as file:
            file.write("import random, sys, tomllib\ncores = tomllib.load(open(sys.argv[1], 'rb'))['cores']\n"
                       "print((100 if cores['wait'] == 'good' else 50) + random.random())\n")
        measure = f"{sys.executable} {self.path('measure.py')} {{config}}"
        said = loadgen("tune", "--config", self.path("server.toml"), "--measure", measure, "--quiet", "--rounds", "6", "--vary", "cores.wait=bad,good",
                       "--out", self.path("tuned.toml"))
        self.assertIn("better than", said)
        self.assertRegex(self.read(self.path("tuned.toml")), r'(?m)^wait = "good"  # better than "bad": x (1\.9|2\.0)')
        said = loadgen("tune", "--config", self.path("server.toml"), "--measure", f"{measure} #", "--quiet", "--rounds", "6", "--vary", "cores.ring=512,1024", code=1)
        self.assertIn("kept: no real difference", said)
        self.assertIn("wait = 'bad'  # by mistake", self.read(self.path("server.toml")))
        loadgen("tune", "--config", self.path("server.toml"), "--measure", "false", "--quiet", "--vary", "cores.ring=512,1024", code=2)

    def test_personas_at_addresses_of_their_own(self):
        with open(self.path("personas.toml"), "w") as file:
            file.write("[persona.strict]\nlisten = '127.0.2.1'\ndomains = ['*.strict.test']\nmax_connections = 1\nreject_5xx = 1.0\nreject_5xx_reply = '554 5.7.1 Never'\n"
                       "[persona.kind]\nlisten = '127.0.2.2'\ndomains = ['*.kind.test']\n")
        port = free_port()
        sink = self.sink("--personas", self.path("personas.toml"), "--dns", f"127.0.0.1:{port}")
        self.assertEqual(ask(("127.0.0.1", port), "d7.kind.test", 15), (0, 1))
        self.assertEqual(ask_stream(("127.0.0.1", port), ["d7.kind.test", "d8.kind.test", "d9.other.test"], 15), [(0, 1), (0, 1), (3, 0)])
        kind = json.loads(loadgen("smtp", "--to", f"127.0.2.2:{sink.port}", "--backend", "epoll", "--json", "--quiet", "--messages", "20"))
        self.assertEqual(kind["acknowledged"], 20)
        strict = json.loads(loadgen("smtp", "--to", f"127.0.2.1:{sink.port}", "--backend", "epoll", "--connections", "1", "--json", "--quiet", "--messages", "20", code=1))
        self.assertEqual(strict["codes"], {"554": 20})
        personas = sink.end()["personas"]
        self.assertEqual(personas["kind"]["messages"], 20)
        self.assertEqual(personas["strict"]["rejected_permanent"], 20)

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

    # ---- what goes wrong is told, and never looks like success

    def answering(self, script):
        """The port of a server that runs `script(connection)` for each client."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)

        def serve(connection):
            with contextlib.suppress(OSError), connection:
                script(connection)

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return listening.getsockname()[1]

    def run_with_output(self, output, *arguments):
        return subprocess.run([LOADGEN, *arguments], stdout=output, stderr=subprocess.PIPE, text=True, timeout=BOUND)

    def test_texts_of_a_peer_are_cleaned_once_for_all(self):
        def refuse(connection):
            connection.sendall(b"220 hi\r\n")
            for line in connection.makefile("rb"):
                connection.sendall(b"550 5.1.1 caf\xe9 \x1b[2Jgone\r\n" if line.startswith(b"RCPT") else b"250 ok\r\n")
        port = self.answering(refuse)
        command = [LOADGEN, "smtp", "--to", f"127.0.0.1:{port}", "--backend", "epoll", "--quiet", "--messages", "3", "--connections", "1", "--run-file", self.path("run.json")]
        for more in ([], ["--json"]):
            said = subprocess.run([*command, *more], capture_output=True, timeout=BOUND)
            self.assertEqual(said.returncode, 1)
            self.assertNotIn(b"\x1b", said.stdout)
            self.assertIn("caf\N{REPLACEMENT CHARACTER}", said.stdout.decode())
        run = json.loads(self.read(self.path("run.json")))
        self.assertEqual(run["summary"]["refused"], 3)
        told = loadgen("report", self.path("run.json"))
        self.assertIn("3 refused", told)
        self.assertRegex(told, r"p50 +none")

    def test_replies_that_nobody_asked_for_are_trouble(self):
        port = self.answering(lambda connection: (connection.sendall(b"220 hi\r\n" + b"250 a\r\n" * 20), connection.recv(10000)))
        told = json.loads(loadgen("smtp", "--to", f"127.0.0.1:{port}", "--backend", "epoll", "--quiet", "--json", "--duration", "1s", "--connections", "1", code=1))
        self.assertTrue(any("reply without a command" in text for text in told["troubles"]), told["troubles"])

    def test_an_output_that_takes_nothing_is_a_failure(self):
        sink = self.sink()
        run_file = self.path("run.json")
        smtp = ["smtp", "--to", sink.address, "--backend", "epoll", "--quiet", "--messages", "3", "--run-file", run_file]
        for arguments in (smtp, ["report", run_file], ["smtp", "--help"]):
            with open("/dev/full", "w") as full:
                done = self.run_with_output(full, *arguments)
            self.assertEqual((done.returncode, done.stderr), (2, "loadgen: standard output: No space left on device\n"))
            reader, writer = os.pipe()
            os.close(reader)
            done = self.run_with_output(writer, *arguments)
            os.close(writer)
            self.assertEqual((done.returncode, done.stderr), (2, "loadgen: standard output: Broken pipe\n"))

    def test_two_sinks_do_not_share_an_address(self):
        sink = self.sink()
        done = self.run_with_output(subprocess.PIPE, "sink", "--listen", sink.address, "--backend", "epoll", "--duration", "1s")
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"listen on {sink.address}", done.stderr)
        self.assertIn("in use", done.stderr)

    def test_an_interrupted_run_says_so(self):
        sink = self.sink("--received", self.path("got"))
        sender = subprocess.Popen([LOADGEN, "smtp", "--to", sink.address, "--backend", "epoll", "--quiet", "--json", "--duration", "60s", "--run-file", self.path("run.json")],
                                  stdout=subprocess.PIPE, text=True)
        self.addCleanup(sender.kill)
        until = time.monotonic() + BOUND
        while os.path.getsize(self.path("got")) < 1000 and time.monotonic() < until:
            time.sleep(0.01)
        sender.send_signal(signal.SIGINT)
        out, _ = sender.communicate(timeout=BOUND)
        self.assertEqual(sender.returncode, 0)
        self.assertTrue(json.loads(out)["interrupted"])
        self.assertTrue(json.loads(self.read(self.path("run.json")))["summary"]["interrupted"])
        self.assertIn("interrupted by a signal", loadgen("report", self.path("run.json")))

    def test_lines_that_cannot_be_written_end_the_run_and_keep_its_figures(self):
        sink = self.sink()
        sent = send(sink, "--acknowledged", "/dev/full", code=3)
        self.assertGreater(sent["acknowledged"], 0)
        self.assertEqual(sent["not_complete"], ["write /dev/full: No space left on device"])
        full = self.sink("--received", "/dev/full")
        sender = subprocess.Popen([LOADGEN, "smtp", "--to", full.address, "--backend", "epoll", "--quiet", "--messages", "50"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(sender.wait)
        self.addCleanup(sender.kill)
        out, _ = full.process.communicate(timeout=BOUND)
        self.assertEqual(full.process.returncode, 3)
        self.assertGreater(json.loads(out)["received"], 0)
        self.assertIn("No space left", json.loads(out)["not_complete"])

    def test_a_run_file_that_cannot_be_written_is_found_before_the_run(self):
        sink = self.sink()
        done = self.run_with_output(subprocess.PIPE, "smtp", "--to", sink.address, "--backend", "epoll", "--messages", "5", "--run-file", self.path("absent/run.json"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("absent/run.json", done.stderr)
        self.assertEqual(sink.end()["received"], 0)

    def test_a_report_takes_the_place_of_nothing_that_it_reads(self):
        sink = self.sink()
        run_file = self.path("run.json")
        send(sink, "--messages", "5", "--run-file", run_file)
        whole = self.read(run_file)
        os.symlink(run_file, self.path("link"))
        for arguments in (["--html", run_file], ["--csv", self.path("link")], ["--html", self.path("a"), "--csv", self.path("a")]):
            loadgen("report", run_file, *arguments, code=2)
        self.assertEqual(self.read(run_file), whole)
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["link", "run.json"])
        loadgen("report", run_file, "--histogram-csv", self.path("histogram"), "--errors-csv", self.path("errors"))
        self.assertEqual(sum(int(line.rpartition(",")[2]) for line in self.read(self.path("histogram")).splitlines()[1:]), 5)
        run = json.loads(whole)
        del run["summary"]
        with open(run_file, "w") as file:
            json.dump(run, file)
        done = self.run_with_output(subprocess.PIPE, "report", run_file)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (2, "", f"loadgen: {run_file}: summary is missing\n"))

    def test_a_server_whose_figures_cannot_be_asked_for_is_told(self):
        sink = self.sink()
        run_file = self.path("run.json")
        sent = send(sink, "--messages", "5", "--admin", self.path("absent"), "--run-file", run_file)
        self.assertIn("the server's figures", sent["not_complete"][0])
        self.assertEqual(json.loads(self.read(run_file))["summary"]["not_complete"], sent["not_complete"])
        self.assertIn("Not complete: the server's figures", loadgen("report", run_file))

    def test_tune_obeys_signals_and_leaves_nothing(self):
        with open(self.path("server.toml"), "w") as file:
            file.write("[cores]\nring = 512\n")
        for arguments in (["--measure", "sleep 300; echo 5"], ["--server", "sleep 300; true", "--to", f"127.0.0.1:{free_port()}"]):
            with self.subTest(arguments):
                tune = subprocess.Popen([LOADGEN, "tune", "--config", self.path("server.toml"), "--vary", "cores.ring=512,1024", *arguments],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                self.addCleanup(tune.kill)
                until = time.monotonic() + BOUND
                while len(os.listdir(self.folder.name)) < 2 and time.monotonic() < until:
                    time.sleep(0.01)
                child = self.children(tune.pid, until)[0]
                tune.send_signal(signal.SIGTERM)
                _, err = tune.communicate(timeout=60)
                self.assertEqual((tune.returncode, err), (2, "loadgen: stopped\n"))
                self.assertEqual(os.listdir(self.folder.name), ["server.toml"])
                self.assertFalse(os.path.exists(f"/proc/{child}"))

    @staticmethod
    def children(process, until):
        while time.monotonic() < until:
            with open(f"/proc/{process}/task/{process}/children") as file:
                if found := file.read().split():
                    return found
            time.sleep(0.01)
        raise AssertionError("no child")

    def test_commands_of_tune_may_be_several_and_their_end_counts(self):
        with open(self.path("server.toml"), "w") as file:
            file.write("[cores]\nring = 512\n")
        tune = ["tune", "--config", self.path("server.toml"), "--quiet", "--rounds", "4", "--vary", "cores.ring=512,1024"]
        loadgen(*tune, "--measure", "cd / && echo 5", code=1)
        for measure in ("echo 5; exit 3", "echo nan", "echo 5 apples"):
            loadgen(*tune, "--measure", measure, code=2)
        loadgen("tune", "--config", self.path("server.toml"), "--measure", "echo 5", "--vary", "cores.ring=512,512", code=2)

    def test_compare_is_not_content_with_nothing(self):
        for name, text in (("empty", ""), ("other", "this is\nno list\n")):
            with open(self.path(name), "w") as file:
                file.write(text)
        loadgen("compare", self.path("empty"), self.path("empty"), code=2)
        loadgen("compare", self.path("other"), self.path("empty"), code=2)

    def test_dns_that_cannot_be_answered_is_refused(self):
        port = free_port()
        self.sink("--dns", f"127.0.0.1:{port}", "--domains", "example.org")
        question = b"\x07example\x03org\x00\x00\x0f"
        for flags, count, kind, code in ((0x0100, 1, 3, 5), (0x0100, 2, 1, 1), (0x2000, 1, 1, 4)):
            query = struct.pack("!6H", 4711, flags, count, 0, 0, 0) + question + struct.pack("!H", kind)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.create_connection(("127.0.0.1", port), BOUND) as tcp:
                udp.settimeout(BOUND)
                udp.sendto(query, ("127.0.0.1", port))
                tcp.sendall(struct.pack("!H", len(query)) + query)
                answers = [udp.recv(512), tcp.makefile("rb").read(14)[2:]]
            self.assertEqual([answer[3] & 15 for answer in answers], [code] * 2)

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
        done = self.run_with_output(subprocess.PIPE, "smtp", "--to", "127.0.0.1:1", "--rate", "5", "--rate", "6")
        self.assertEqual((done.returncode, done.stderr), (2, "loadgen: --rate is given more than once, and takes one value\n"))
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
