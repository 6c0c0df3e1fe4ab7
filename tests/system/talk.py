"""A client that says exactly what it is told, and reads replies one by one. For what no decent client would do."""

import re
import socket
import ssl

from programs import PATIENCE, Impatient


class Reply:
    """One reply: its code, and its lines without code and separator."""

    def __init__(self, lines):
        self.lines = lines
        self.code = int(lines[0][:3]) if lines[0][:3].isdigit() else 0
        self.text = "\n".join(lines)

    def __repr__(self):
        return f"<{self.text}>"

    @property
    def queue_id(self):
        found = re.search(r"queued as (\S+)", self.text)
        return found.group(1) if found else None


class Closed(Exception):
    """The server has closed the connection."""


class Talk:
    """A connection. `source`: the address of ours to come from (any of 127.0.0.0/8 will do)."""

    def __init__(self, port, host="127.0.0.1", source=None, patience=None):
        self.patience = PATIENCE if patience is None else patience
        self.socket = socket.create_connection((host, port), self.patience, (source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""
        self.transcript = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends the connection with RST, as a host that went down."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    # ---- sending ----

    def raw(self, data, piece=None):
        """Sends bytes; `piece` at a time when given, each in its own segment."""
        self.transcript.append(("C", data))
        for start in range(0, len(data), piece) if piece else ():
            self.socket.sendall(data[start:start + piece])
        if not piece:
            self.socket.sendall(data)

    def line(self, text):
        self.raw(text.encode() + b"\r\n")

    def shut(self):
        self.socket.shutdown(socket.SHUT_WR)

    # ---- receiving ----

    def _read_line(self):
        while b"\n" not in self.pending:
            try:
                more = self.socket.recv(65536)
            except (TimeoutError, socket.timeout):
                raise Impatient(f"no reply came; so far:\n{self.story()}") from None
            except (ConnectionResetError, ssl.SSLError, BrokenPipeError) as error:
                raise Closed(str(error)) from None
            if not more:
                raise Closed("end of stream")
            self.pending += more
        line, self.pending = self.pending.split(b"\n", 1)
        return line.rstrip(b"\r").decode(errors="replace")

    def reply(self):
        """The next reply, all its lines."""
        lines = [self._read_line()]
        while len(lines[-1]) > 3 and lines[-1][3] == "-":
            lines.append(self._read_line())
        reply = Reply(lines)
        self.transcript.append(("S", reply.text))
        return reply

    def expect(self, pattern):
        """The next reply must match, from its code on."""
        reply = self.reply()
        if not re.match(pattern, reply.text):
            raise AssertionError(f"expected /{pattern}/, got {reply.text!r}; so far:\n{self.story()}")
        return reply

    def expect_closed(self):
        """No further byte comes, the connection ends."""
        try:
            line = self._read_line()
        except Closed:
            return
        raise AssertionError(f"expected the end of the connection, got {line!r}; so far:\n{self.story()}")

    def ask(self, text, pattern):
        self.line(text)
        return self.expect(pattern)

    def story(self):
        return "\n".join(f"  {who}: {what!r}" for who, what in self.transcript[-40:])

    # ---- whole steps ----

    def start_tls(self, context=None):
        self.socket = (context or trusting_context()).wrap_socket(self.socket, server_hostname="mx.test.example")
        self.pending = b""

    def hello(self, name="client.test.example", verb="EHLO"):
        self.expect("220 ")
        return self.ask(f"{verb} {name}", "250")

    def send(self, sender, recipients, data, parameters="", bdat=False):
        """One transaction after hello(); gives the final reply. `data`: the message, with CRLF line ends."""
        self.ask(f"MAIL FROM:<{sender}>{parameters}", "250")
        for recipient in recipients:
            self.ask(f"RCPT TO:<{recipient}>", "250")
        if bdat:
            self.raw(b"BDAT %d LAST\r\n" % len(data) + data)
        else:
            self.ask("DATA", "354")
            self.raw(dot_stuffed(data))
        return self.reply()


def dot_stuffed(data):
    body = (b"\r\n" + data).replace(b"\r\n.", b"\r\n..")[2:]
    return body + (b".\r\n" if body.endswith(b"\r\n") or not body else b"\r\n.\r\n")


def trusting_context():
    """TLS that believes any certificate: ours are self-signed."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
