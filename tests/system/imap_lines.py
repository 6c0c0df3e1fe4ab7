"""One IMAP connection, line by line: what no library says or shows."""

import re
import socket

import programs
from ringpost import LOCAL, PASSWORD

MAIL = b"From: Carl <carl@remote.example>\r\nSubject: %s\r\nMessage-ID: <%s@remote.example>\r\n\r\nHello.\r\n"


class Imap:
    """One connection: commands as they are written, and whole responses, literals within."""

    def __init__(self, test, port, user=None, tls=None, source=None):
        self.socket = socket.create_connection(("127.0.0.1", port), programs.PATIENCE, source and (source, 0))
        if tls:
            self.socket = tls.wrap_socket(self.socket)
        test.addCleanup(self.socket.close)
        self.test, self.pending, self.tags = test, b"", 0
        self.greeting = self.response()
        if user:
            self.ok(f'LOGIN {user}@{LOCAL} "{PASSWORD}"')

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError("the server has closed the connection")
        self.pending += data

    def response(self):
        whole = b""
        while True:
            while b"\r\n" not in self.pending:
                self._more()
            line, self.pending = self.pending.split(b"\r\n", 1)
            whole += line + b"\r\n"
            literal = re.search(rb"\{(\d+)\}$", line)
            if not literal:
                return whole[:-2].decode(errors="replace")
            while len(self.pending) < int(literal[1]):
                self._more()
            whole, self.pending = whole + self.pending[:int(literal[1])], self.pending[int(literal[1]):]

    def send(self, command):
        self.tags += 1
        data = command if isinstance(command, bytes) else command.encode()
        self.socket.sendall(b"t%d " % self.tags + data + b"\r\n")

    def answer(self):
        """Untagged responses, and the tagged one without its tag."""
        untagged = []
        while True:
            one = self.response()
            if one.startswith(f"t{self.tags} "):
                return untagged, one.split(" ", 1)[1]
            untagged.append(one)

    def do(self, command):
        self.send(command)
        return self.answer()

    def ok(self, command):
        untagged, tagged = self.do(command)
        self.test.assertTrue(tagged.startswith("OK"), f"{command!r}: {tagged}")
        return untagged

    def append(self, mailbox, name, verb="APPEND"):
        data = MAIL % (name.encode(), name.encode())
        untagged, tagged = self.do(b"%s %s {%d+}\r\n%s" % (verb.encode(), mailbox.encode(), len(data), data))
        self.test.assertTrue(tagged.startswith("OK"), tagged)
        return untagged, int(re.search(r"APPENDUID \d+ (\d+)", tagged + " ".join(untagged))[1])
