"""Plays each file of dialogs/ against the real server. The form of a file: dialogs/README.md."""

import collections
import copy
import glob
import os
import re
import tomllib
import unittest

import ringpost
from programs import wait_until
from ringpost import LOCAL, REMOTE, Server, to_lf, without_trace
from sink import Sink
from talk import Talk

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dialogs")

_ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\", "s": b" "}


def bytes_of(text):
    """C escapes and $(x*1000) to bytes; other characters as UTF-8."""
    text = re.sub(r"\$\(((?:[^()]|\\.)+?)\*(\d+)\)", lambda m: m.group(1) * int(m.group(2)), text)

    def one(found):
        escape = found.group(1)
        return bytes([int(escape[1:], 16)]) if escape[0] == "x" else _ESCAPES[escape]

    out, end = b"", 0
    for found in re.finditer(r"\\(x[0-9a-fA-F]{2}|.)", text):
        out += text[end:found.start()].encode() + one(found)
        end = found.end()
    return out + text[end:].encode()


class Dialog:
    """One file, read."""

    DIRECTIVES = ("listener", "from", "config", "tls", "split")

    def __init__(self, path):
        self.name = os.path.splitext(os.path.basename(path))[0]
        self.settings = {"listener": "mx", "from": None, "tls": None, "split": None}
        self.config_lines = []
        self.steps = []
        self.mails = []  # (recipient, sender, bytes)
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                self.take(line.rstrip("\n"), f"{path}:{number}")

    def take(self, line, where):
        if not line.strip() or line.startswith("#"):
            return
        repeated = re.match(r"\*(\d+) (.*)", line)
        times, line = (int(repeated.group(1)), repeated.group(2)) if repeated else (1, line)
        mark, _, rest = line.partition(" ")
        directive = re.match(r"([a-z]+): *(.*)", line)
        if mark in (">>", ">=", "<<", "<!", "%%"):
            self.steps.extend([(mark, rest, where)] * times)
        elif mark == "|":
            self.mails[-1][2].append(rest)
        elif directive and directive.group(1) == "mail":
            recipient, sender = re.fullmatch(r"to (\S+) from (\S+)", directive.group(2)).groups()
            self.mails.append((recipient, sender.strip("<>"), []))
        elif directive and directive.group(1) == "config":
            self.config_lines.append(directive.group(2))
        elif directive and directive.group(1) in self.DIRECTIVES:
            self.settings[directive.group(1)] = directive.group(2)
        else:
            raise ValueError(f"{where}: not understood: {line}")


def read_config(lines):
    """Lines as `listener.mx.recipient_limit = 100`, as the tables they make."""
    return tomllib.loads("\n".join(lines))


class Stage:
    """A server with one configuration, its sink, and what was said there."""

    def __init__(self, config):
        self.sink = Sink()
        self.server = Server(ringpost.merged(copy.deepcopy(LISTENERS), config), sink=self.sink)  # each stage has ports of its own
        self.acknowledged = collections.Counter()
        self.expected = collections.Counter()  # recipients of mails that must be at the sink

    def close(self):
        """Nothing was taken that no dialogue was told of, and nothing went out that none expects."""
        try:
            self.server.stop()
        finally:
            self.sink.close()
        received = collections.Counter(e["queue_id"] for e in self.server.events("received") if e.get("listener"))
        assert received == collections.Counter(dict.fromkeys(self.acknowledged, 1)), (received, self.acknowledged)
        sent = collections.Counter(r for mail in self.sink.mails for r in mail.recipients)
        assert sent == self.expected, (sent, self.expected)


# Beside mx and submission; a dialogue's file says which one it talks to.
LISTENERS = {
    "listener": {
        "lmtp": {"protocol": "lmtp", "tls": "none"},
        "secure": {"protocol": "smtp", "tls": "implicit"},
        "clear": {"protocol": "submission", "tls": "none", "auth_without_tls": True},
        "strict": {"protocol": "smtp", "tls": "required"},
        "plain": {"protocol": "smtp", "tls": "none"},
        "lenient": {"protocol": "smtp", "tls": "none", "bare_newline": "normalize"},
    },
}


class Play:
    """One dialogue being played."""

    def __init__(self, stage, dialog):
        self.stage = stage
        self.dialog = dialog
        self.token = dialog.name.replace("_", "-")
        self.client = None

    def filled(self, text):
        return text.replace("$ID", self.token).replace("$LOCAL", LOCAL).replace("$REMOTE", REMOTE).replace("$HOST", ringpost.HOSTNAME)

    def connect(self):
        self.note()
        settings = self.dialog.settings
        self.client = Talk(self.stage.server.port(settings["listener"]), source=settings["from"])
        if settings["tls"] == "implicit":
            self.client.start_tls()

    def note(self):
        if self.client is None:
            return
        for who, what in self.client.transcript:
            for found in re.finditer(r"queued as (\S+)", what) if who == "S" else ():
                self.stage.acknowledged[found.group(1)] += 1
        self.client.close()

    def run(self):
        self.connect()
        try:
            for mark, text, where in self.dialog.steps:
                try:
                    self.step(mark, self.filled(text))
                except AssertionError as error:
                    raise AssertionError(f"{where}: {error}") from None
        finally:
            self.note()
        for recipient, sender, lines in self.dialog.mails:
            self.check_mail(self.filled(recipient), self.filled(sender), b"".join(bytes_of(self.filled(l)) + b"\r\n" for l in lines))

    def step(self, mark, text):
        client = self.client
        piece = int(self.dialog.settings["split"]) if self.dialog.settings["split"] else None
        if mark in (">>", ">="):
            try:
                client.raw(bytes_of(text) + (b"\r\n" if mark == ">>" else b""), piece)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the server has hung up; what it said last is still read
        elif mark == "<<":
            client.expect("(?s)" + text)
        elif mark == "<!":
            client.expect_closed()
        elif text == "starttls":
            client.start_tls()
        elif text == "shut":
            client.shut()
        elif text == "reset":
            client.reset()
        elif text == "connect":
            self.connect()
        else:
            raise AssertionError(f"no such act: {text}")

    def check_mail(self, recipient, sender, data):
        if recipient.endswith("@" + LOCAL):
            address = recipient.split("@")[0].split("+")[0] + "@" + LOCAL
            mails = wait_until(lambda: self.local_mails(address, recipient), f"mail for {recipient}")
            same = sum(to_lf(data) == without_trace(m, b"\n") for m in mails)
            assert same == 1, f"{data!r} is {same} times in {mails}"
            return
        mails = self.stage.sink.wait_for_mail(to=recipient)
        self.stage.expected[recipient] += 1
        assert any(m.sender == sender and without_trace(m.data) == data for m in mails), \
            f"from {sender}: {data!r} is not in {[(m.sender, m.data) for m in mails]}"

    def local_mails(self, address, recipient):
        return [m for m in self.stage.server.mailbox(address) if f"Delivered-To: {recipient}".encode() in m]


class Dialogs(unittest.TestCase):
    stages = {}

    @classmethod
    def stage(cls, config_lines):
        key = "\n".join(config_lines)
        if key not in cls.stages:
            cls.stages[key] = Stage(read_config(config_lines))
        return cls.stages[key]

    @classmethod
    def tearDownClass(cls):
        for stage in cls.stages.values():
            stage.close()


def _test_of(dialog):
    def test(self):
        Play(self.stage(dialog.config_lines), dialog).run()

    return test


for _path in sorted(glob.glob(os.path.join(FOLDER, "*.txt"))):
    _dialog = Dialog(_path)
    setattr(Dialogs, "test_" + _dialog.name, _test_of(_dialog))

if __name__ == "__main__":
    ringpost.main()
