"""What an operator sees of the running server: status, top on a terminal, and the page that Prometheus reads."""

import base64
import contextlib
import fcntl
import glob
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import time

import foreign
import programs
import ringpost
from programs import free_port, run, run_ok, wait_until
from ringpost import LOCAL, REMOTE, SystemTest, message
from sink import Sink

# What issue and documentation promise of every core.
PROMISED = ["intake_messages", "intake_bytes", "deliver_bytes", "core_busy_ns", "core_idle_ns", "core_cpu_ns", "core_turns", "core_completions_per_turn",
            "journal_frame_records", "journal_frames", "journal_commit_ns", "core_buffer_bytes", "core_buffer_limit_bytes", "core_receive_buffers",
            "spool_messages", "deliver_slots_held", "deliver_slots_waiting", "core_stalls", "core_stall_ns"]


def send_some(server, count):
    for _ in range(count):
        server.send(f"anna@{LOCAL}", [f"bert@{LOCAL}"], message())
    wait_until(lambda: sum(core["figures"]["intake_messages"] for core in server.json_lines("status")[0]["cores"]) >= count, "the messages to be counted")


class Terminal:
    """`ringpost top` on a terminal of its own."""

    def __init__(self, server, *arguments, width=200, height=24):
        self.screen = b""
        self.process, self.side = None, None
        main, side = pty.openpty()
        self.main = main
        self.resize(width, height)
        self.before = termios.tcgetattr(side)
        self.process = subprocess.Popen([ringpost.program(), "top", *arguments, "--config", server.config_path], stdin=side, stdout=side,
                                        stderr=subprocess.STDOUT, env={**os.environ, **server.environment(), "TERM": "xterm"}, start_new_session=True)
        self.side = side

    def resize(self, width, height):
        fcntl.ioctl(self.main, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        if self.process:
            self.process.send_signal(signal.SIGWINCH)  # the kernel tells the foreground group only

    def press(self, keys):
        os.write(self.main, keys)

    def read(self):
        while select.select([self.main], [], [], 0.1)[0]:
            try:
                more = os.read(self.main, 65536)
            except OSError:
                break
            if not more:
                break
            self.screen += more
        return self.screen

    def last(self):
        """The newest whole picture, a string for each line."""
        pictures = re.findall(rb"\x1b\[H(.*?)\x1b\[J", self.read(), re.S)
        text = pictures[-1].decode() if pictures else ""
        return [re.sub(r"\x1b\[K", "", line) for line in re.split(r"\r+\n", text)]

    def wait_for(self, pattern):
        return wait_until(lambda: re.search(pattern, "\n".join(self.last())), f"{pattern!r} on the screen, which shows {self.screen[-2000:]!r}")

    def wait_for_end(self):
        wait_until(lambda: self.read() is None or self.process.poll() is not None, "top to end")
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.side)
        os.close(self.main)


class Status(SystemTest):
    def test_has_every_figure_of_every_core(self):
        with self.server() as server:
            send_some(server, 5)
            (status,) = [line for line in server.json_lines("status") if "cores" in line]
            self.assertEqual(len(status["cores"]), len(server.config["cores"]["use"]))
            for core in status["cores"]:
                for name in PROMISED:
                    self.assertIn(name, core["figures"])
                self.assertIsInstance(core["stalls"], list)
                self.assertEqual(core["cpu"], -1)  # cores.pin is off in tests
            self.assertEqual(sum(core["figures"]["intake_messages"] for core in status["cores"]), 5)
            commits = sum(core["figures"]["journal_commit_ns"]["count"] for core in status["cores"])
            self.assertGreater(commits, 0)

    def test_blames_a_stall_on_the_code_that_ran(self):
        """The process is stopped for a moment while it works: whatever it did then has held its core for too long."""
        with self.server(cores=1, as_root=True) as server:
            def stalls():
                return server.json_lines("status")[0]["cores"][0]["stalls"]

            def stall_and_look():
                # Stopped in the middle of a turn only when one is under way; so it is tried until it was.
                with server.talk() as client:
                    for _ in range(20):
                        client.socket.sendall(b"NOOP\r\n" * 500)
                        os.kill(server.pid, signal.SIGSTOP)
                        time.sleep(0.005)
                        os.kill(server.pid, signal.SIGCONT)
                return stalls()

            found = wait_until(stall_and_look, "a stall")
            for stall in found:
                self.assertGreater(stall["length_ns"], 1_000_000)
                self.assertIn(stall["phase"], ("kernel", "completions", "messages", "timers", "coroutines", "hooks", "submission"))
                self.assertLessEqual(stall["slowest_piece_ns"], stall["phase_ns"])
            named = [stall["code"] for stall in found if stall["code"]]
            self.assertTrue(all("ringpost::" in code for code in named), named)


class Top(SystemTest):
    def setUp(self):
        self.the_server = self.server()

    def top(self, *arguments, **size):
        terminal = Terminal(self.the_server, *arguments, **size)
        self.addCleanup(terminal.close)
        return terminal

    def test_shows_a_row_for_each_core_and_obeys_its_keys(self):
        top = self.top("--interval", "100ms", width=250)
        top.wait_for(r"(?m)^ *CORE\^")
        cores = len(self.the_server.config["cores"]["use"])
        wait_until(lambda: len([line for line in top.last() if re.match(r" *\d+ ", line)]) == cores, "a row for each core")
        top.press(b"?")
        top.wait_for(r"Keys:(.|\n)*COMMIT99")
        top.press(b"?>>r")
        top.wait_for(r"BUSYv")
        top.press(b"p")
        top.wait_for("PAUSED")
        top.press(b"q")
        self.assertEqual(top.wait_for_end(), 0)
        self.assertIn(b"\x1b[?1049l", top.read())  # the screen of before is back
        self.assertEqual(termios.tcgetattr(top.side), top.before)

    def test_follows_the_size_of_the_terminal(self):
        top = self.top("--interval", "1m", width=250)
        top.wait_for("LONGEST")
        top.resize(60, 10)
        wait_until(lambda: all(len(line) <= 60 for line in top.last()) and len(top.last()) <= 10, "the smaller picture")
        top.press(b"\x1b[C" * 30)
        top.wait_for("CORE.*LONGEST")

    def test_leaves_the_terminal_as_it_was_when_it_is_ended(self):
        top = self.top()
        top.wait_for("CORE")
        top.process.send_signal(signal.SIGTERM)
        self.assertEqual(top.wait_for_end(), 0)
        self.assertEqual(termios.tcgetattr(top.side), top.before)

    def test_says_that_the_server_is_gone_and_goes_on_when_it_is_back(self):
        top = self.top("--interval", "100ms")
        top.wait_for("ringpost .* up")
        self.the_server.stop()
        top.wait_for("does not answer")
        self.the_server.start()
        top.wait_for("ringpost .* up")

    def test_once_and_json_are_for_programs(self):
        send_some(self.the_server, 3)
        text = self.the_server.command_ok("top", "--once", "--interval", "100ms")
        self.assertRegex(text, r"(?m)^CORE .*COMMIT99")
        (line,) = self.the_server.json_lines("top", "--once", "--interval", "100ms")
        self.assertEqual([core["core"] for core in line["cores"]], self.the_server.config["cores"]["use"])
        self.assertGreater(line["seconds"], 0.05)

    def test_each_interval_reaches_a_pipe_at_once(self):
        top = subprocess.Popen([ringpost.program(), "top", "--json", "--interval", "100ms", "--config", self.the_server.config_path], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, env={**os.environ, **self.the_server.environment()})
        self.addCleanup(top.wait)
        self.addCleanup(top.kill)
        # Whole lines, and not as much as fits into a block.
        for _ in range(3):
            came = os.read(top.stdout.fileno(), 65536)
            self.assertTrue(came.endswith(b"\n"), came[-100:])
            for line in came.splitlines():
                self.assertIn("cores", json.loads(line))
        top.kill()
        top.stdout.close()

    def test_without_a_terminal_says_what_to_do(self):
        done = self.the_server.command("top")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"--once", done.stderr)


class Tracing(SystemTest):
    def trace(self, *arguments):
        """A running `ringpost trace`, when the cores know of it; `lines` reads what it has said."""
        path = os.path.join(self.the_server.folder, f"trace-{time.monotonic_ns()}")
        with open(path, "wb") as output:
            process = subprocess.Popen([ringpost.program(), "trace", "--json", *arguments, "--config", self.the_server.config_path], stdout=output,
                                       stderr=subprocess.STDOUT, env={**os.environ, **self.the_server.environment()})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        def lines():
            with open(path) as file:
                return [json.loads(line) for line in file]
        return process, lines

    def wait_until_traced(self, lines):
        """Sessions are traced from a moment on that nobody announces: so one is begun after the other until it is seen."""
        def seen():
            with self.the_server.talk() as client:
                client.hello()
            return lines()
        wait_until(seen, "the trace to begin")


class Trace(Tracing):
    def setUp(self):
        self.remote = self.closing(Sink())
        self.the_server = self.server({"listener": {"submission": {"tls": "offered", "auth_without_tls": True}}}, sink=self.remote)

    def test_shows_both_directions_and_no_secret(self):
        process, lines = self.trace()
        self.wait_until_traced(lines)
        secret = base64.b64encode(f"\0anna@{LOCAL}\0{ringpost.PASSWORD}".encode()).decode()
        with self.the_server.talk() as client:
            client.hello()
            client.ask("BDAT 14 LAST\r\nhidden words", "503")  # of no transaction: refused after its bytes
        with self.the_server.talk("submission") as client:
            client.hello()
            client.ask("AUTH PLAIN " + secret, "235")
            client.send(f"anna@{LOCAL}", [f"someone@{REMOTE}"], b"Subject: private words\r\n\r\nof a body\r\n")
        self.remote.wait_for_mail(to=f"someone@{REMOTE}")
        wait_until(lambda: any(line["session"].startswith("out-") and line["text"] == "ended" for line in lines()) or
                   any(line["session"].startswith("out-") and line["text"].startswith("250") and "RCPT" not in line["text"] for line in lines()), "the delivery in the trace")
        said = lines()
        text = json.dumps(said)
        self.assertNotIn(secret, text)
        self.assertNotIn(secret.rstrip("="), text)
        self.assertNotIn("private words", text)
        self.assertNotIn("hidden words", text)
        self.assertIn("BDAT 14 LAST", text)
        self.assertIn("AUTH PLAIN ***", text)
        self.assertRegex(text, r"\d+ bytes of a message")
        self.assertTrue(any(line["session"].startswith("out-") and line["text"].startswith("MAIL FROM:") for line in said))
        process.send_signal(signal.SIGINT)
        process.wait(programs.PATIENCE)

    def test_of_a_domain_has_its_sessions_alone_and_of_a_peer_too(self):
        process, lines = self.trace("--domain", REMOTE)
        def sent():
            self.the_server.send(f"anna@{LOCAL}", [f"bert@{LOCAL}"], message())
            self.the_server.send(f"anna@{LOCAL}", [f"someone@{REMOTE}"], message())
            return [line for line in lines() if line["session"].startswith("in-")]
        wait_until(sent, "a session with that domain")
        other, _ = self.trace("--peer", "203.0.113.0/24", "--for", "1s")
        self.assertEqual(other.wait(programs.PATIENCE), 1)  # one at a time
        sessions = {}
        for line in lines():
            sessions.setdefault(line["session"], []).append(line["text"])
        for texts in sessions.values():
            self.assertIn(REMOTE, " ".join(texts))
        process.kill()
        process.wait()
        def again():
            third, lines = self.trace("--peer", "203.0.113.0/24", "--for", "1s")
            return third.wait(programs.PATIENCE) == 0 and lines()
        self.assertEqual([line for line in wait_until(again, "the trace of a peer") if "session" in line], [])

    def test_of_nothing_is_refused(self):
        for arguments, said in ((["--for", "0s"], b"no time to trace"), (["--domain", ""], b"nothing is named"), (["--peer", ""], b"nothing is named")):
            done = self.the_server.command("trace", *arguments)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(said, done.stderr)

    def test_ends_with_the_server(self):
        process, lines = self.trace()
        self.wait_until_traced(lines)
        self.the_server.stop()
        process.wait(programs.PATIENCE)
        self.the_server.start()


def promtool():
    """Debian's checker of metrics, unpacked and not installed; None where it cannot be had."""
    tree = os.path.join(foreign.CACHE, "promtool")
    path = os.path.join(tree, "usr/bin/promtool")
    if not os.path.exists(path):
        os.makedirs(tree, exist_ok=True)
        if run(["apt-get", "download", "prometheus"], cwd=tree, patience=300).returncode != 0:
            return None
        run_ok(["dpkg-deb", "-x", glob.glob(os.path.join(tree, "prometheus_*.deb"))[0], tree])
    return path


class Metrics(SystemTest):
    def setUp(self):
        self.port = free_port()
        self.the_server = self.server({"listener": {"metrics": {"protocol": "http", "serve": ["metrics"], "address": [f"127.0.0.1:{self.port}"]}}})

    def get(self, path="/metrics", *options):
        return run_ok(["curl", "-sS", "--max-time", "20", *options, f"http://127.0.0.1:{self.port}{path}"]).stdout.decode()

    def test_are_what_prometheus_reads(self):
        send_some(self.the_server, 4)
        page = self.get()
        counted = re.findall(r'(?m)^ringpost_intake_messages_total\{core="\d+"\} (\d+)$', page)
        self.assertEqual((len(counted), sum(map(int, counted))), (len(self.the_server.config["cores"]["use"]), 4))
        self.assertIn("ringpost_journal_commit_seconds_bucket", page)
        tool = promtool()
        if tool is None:
            self.skipTest("promtool cannot be had: apt-get download prometheus failed")
        checked = run([tool, "check", "metrics"], input=page.encode())
        self.assertEqual(checked.returncode, 0, (checked.stdout + checked.stderr).decode())

    def test_are_served_while_others_say_nothing(self):
        # More than there is room for; each would be sent away only after ten seconds.
        with contextlib.ExitStack() as stack:
            idle = [stack.enter_context(socket.create_connection(("127.0.0.1", self.port), programs.PATIENCE)) for _ in range(60)]
            page = run_ok(["curl", "-sS", "--max-time", "8", f"http://127.0.0.1:{self.port}/metrics"]).stdout.decode()
            self.assertIn("ringpost_intake_messages_total", page)
            idle[0].settimeout(programs.PATIENCE)
            self.assertEqual(idle[0].recv(1), b"")

    def test_are_bounded_whatever_comes_in(self):
        before = self.get().count("\n")
        for i in range(20):
            self.the_server.send(f"sender{i}@{LOCAL}", [f"bert@{LOCAL}"], message())
        self.assertEqual(self.get().count("\n"), before)

    def test_are_served_as_http_says(self):
        with self.subTest("a connection that stays"):
            both = run_ok(["curl", "-sS", "-v", f"http://127.0.0.1:{self.port}/metrics", f"http://127.0.0.1:{self.port}/metrics", "-o", "/dev/null", "-o", "/dev/null"])
            self.assertIn(b"Re-using existing connection", both.stderr)
        self.assertEqual(self.get("/", "-o", "/dev/null", "-w", "%{http_code}"), "404")
        self.assertEqual(self.get("/metrics", "-o", "/dev/null", "-w", "%{http_code}", "-X", "DELETE"), "405")
        self.assertIn("200 OK", self.get("/metrics", "-I"))
        with self.subTest("clients that say nothing do not keep others away"):
            silent = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(10)]
            self.assertIn("ringpost_build_info", self.get())
            for client in silent:
                client.close()

    def test_a_listener_for_them_takes_no_mail_and_its_options_are_checked(self):
        with socket.create_connection(("127.0.0.1", self.port), 10) as client:
            client.sendall(b"EHLO test\r\n\r\n")
            self.assertIn(b"400 Bad Request", client.recv(1000))
        for over, words in (({"serve": None}, "serves nothing"), ({"tls": "implicit"}, "clear text"), ({"protocol": "smtp"}, "only an HTTP listener")):
            self.the_server.reconfigure({"listener": {"metrics": over}})
            done = self.the_server.command("check")
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, (done.stdout + done.stderr).decode())
            self.the_server.reconfigure({"listener": {"metrics": {"protocol": "http", "serve": ["metrics"], "tls": None}}})


if __name__ == "__main__":
    ringpost.main()
