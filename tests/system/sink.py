"""A server of SMTP or LMTP that keeps what it gets, byte for byte, or misbehaves as it is told.

It shares no code with Ringpost: a peer that we wrote with the same mistakes would agree with them.
"""

import base64
import re
import socket
import socketserver
import ssl
import threading

from programs import Impatient, PATIENCE, free_port


class Mail:
    """One transaction that was taken."""

    def __init__(self, sender, recipients, data, session, parameters="", recipient_parameters=()):
        self.sender = sender
        self.recipients = recipients
        self.data = data  # with CRLF line ends, without dot stuffing
        self.session = session
        self.parameters = parameters
        self.recipient_parameters = list(recipient_parameters)  # of each RCPT that was taken

    def header(self, name):
        head = self.data.split(b"\r\n\r\n", 1)[0]
        found = re.search(rb"(?mi)^" + re.escape(name.encode()) + rb":[ \t]*((?:.*\r?\n?)(?:[ \t].*\r?\n?)*)", head)
        return found.group(1).decode(errors="surrogateescape").strip() if found else None


class Sink:
    """Listens on a port of 127.0.0.1 until close().

    answers: what to say instead of yes, by state: "greeting", "ehlo", "mail", "rcpt", "data", "body", each a reply line, a
    function of (sink, argument) that gives one or None, "stall" (says nothing until the peer goes) or "close".
    """

    def __init__(self, port=None, lmtp=False, certificate=None, extensions=("8BITMIME", "PIPELINING", "SMTPUTF8", "SIZE 99999999"),
                 answers=None, chunking=False, host="127.0.0.1", delay_reading=False):
        self.lmtp = lmtp
        self.certificate = certificate
        self.extensions = list(extensions) + (["CHUNKING", "BINARYMIME"] if chunking else [])
        self.answers = dict(answers or {})
        self.mails = []
        self.logins = []  # what AUTH PLAIN said
        self.sessions = 0
        self.open_sessions = 0
        self.open_sessions_most = 0
        self.states_reached = []
        self.changed = threading.Condition()
        self.release = threading.Event()  # ends stalls
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                Session(sink, self).run()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 512
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

            def handle_error(self, *_):
                pass  # peers vanish when they are killed: that is what tests do

        self.server = Server((host, port or free_port()), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()

    def note(self, state):
        with self.changed:
            self.states_reached.append(state)
            self.changed.notify_all()

    def take(self, mail):
        with self.changed:
            self.mails.append(mail)
            self.changed.notify_all()

    def wait_for(self, condition, what, patience=None):
        """Until condition(self) is true; no polling."""
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self), PATIENCE if patience is None else patience):
                raise Impatient(f"the sink waited for {what}; it has {len(self.mails)} mails, was in {self.states_reached[-10:]}")

    def wait_for_mail(self, count=1, to=None):
        self.wait_for(lambda s: len(s.to(to)) >= count, f"{count} mails to {to or 'anybody'}")
        return self.to(to)

    def to(self, address=None):
        with self.changed:
            return [mail for mail in self.mails if address is None or address in mail.recipients]


class Session:
    """One connection to the sink."""

    def __init__(self, sink, handler):
        self.sink = sink
        self.handler = handler
        self.input = handler.rfile
        self.socket = handler.request
        self.tls = False
        self.esmtp = False
        self.forget()
        with sink.changed:
            sink.sessions += 1
            self.number = sink.sessions
            sink.open_sessions += 1
            sink.open_sessions_most = max(sink.open_sessions_most, sink.open_sessions)

    def forget(self):
        self.sender, self.recipients, self.chunks, self.parameters, self.recipient_parameters = None, [], b"", "", []

    def say(self, text):
        self.socket.sendall(text.encode() + b"\r\n")

    def answer(self, state, default, argument=""):
        """Says what the test wants in this state; false when the connection is over."""
        self.sink.note(state)
        said = self.sink.answers.get(state)
        if callable(said):
            said = said(self, argument)
        if said == "stall":
            self.sink.release.wait()
            raise ConnectionError
        if said == "close":
            raise ConnectionError
        self.say(said or default)
        if said and said.startswith("421"):
            raise ConnectionError
        return not said or said[0] in "23"

    def run(self):
        try:
            if self.answer("greeting", "220 sink.test.example ESMTP"):
                while self.command():
                    pass
        except (ConnectionError, OSError, ssl.SSLError, ValueError):
            pass
        finally:
            with self.sink.changed:
                self.sink.open_sessions -= 1
                self.sink.changed.notify_all()

    def command(self):
        line = self.input.readline(100_000)
        if not line:
            return False
        verb, _, rest = line.decode(errors="surrogateescape").rstrip("\r\n").partition(" ")
        verb = verb.upper()
        if verb == "QUIT":
            self.answer("quit", "221 2.0.0 bye")
            return False
        action = getattr(self, "on_" + verb.lower(), None)
        if action is None:
            self.say("500 5.5.1 what?")
        else:
            action(rest)
        return True

    def on_ehlo(self, name):
        if self.sink.lmtp:
            return self.say("500 5.5.1 this is LMTP")
        return self.hello(name)

    def on_lhlo(self, name):
        if not self.sink.lmtp:
            return self.say("500 5.5.1 this is SMTP")
        return self.hello(name)

    def hello(self, name):
        self.forget()
        self.esmtp = True
        offers = list(self.sink.extensions)
        if self.sink.certificate and not self.tls:
            offers.append("STARTTLS")
        lines = ["sink.test.example"] + offers
        text = "\r\n".join(f"250{' ' if i == len(lines) - 1 else '-'}{t}" for i, t in enumerate(lines))
        self.answer("ehlo", text, name)

    def on_helo(self, name):
        self.forget()
        self.answer("helo", "250 sink.test.example", name)

    def on_starttls(self, _):
        self.say("220 2.0.0 go ahead")
        self.sink.note("starttls")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.sink.certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.input = self.socket.makefile("rb")
        self.tls = True
        self.forget()

    def on_auth(self, rest):
        mechanism, _, response = rest.partition(" ")
        if mechanism.upper() != "PLAIN":
            return self.say("504 5.5.4 only PLAIN")
        if not response:
            self.say("334 ")
            response = self.input.readline().decode().strip()
        self.sink.logins.append(base64.b64decode(response))
        return self.say("235 2.7.0 welcome")

    def on_mail(self, rest):
        found = re.match(r"FROM:<([^>]*)>(.*)", rest, re.I)
        if self.answer("mail", "250 2.1.0 ok", rest):
            self.sender, self.parameters = found.group(1), found.group(2).strip()

    def on_rcpt(self, rest):
        found = re.match(r"TO:<((?:\"[^\"]*\"|[^>])*)>(.*)", rest, re.I)
        if self.answer("rcpt", "250 2.1.5 ok", found.group(1)):
            self.recipients.append(found.group(1))
            self.recipient_parameters.append(found.group(2).strip())

    def on_rset(self, _):
        self.forget()
        self.say("250 2.0.0 ok")

    def on_noop(self, _):
        self.say("250 2.0.0 ok")

    def on_data(self, _):
        if not self.recipients:
            return self.say("554 5.5.1 no recipients")
        if not self.answer("data", "354 go on"):
            return self.forget()
        data = []
        while True:
            line = self.input.readline()
            if not line:
                raise ConnectionError
            if line == b".\r\n":
                break
            data.append(line[1:] if line.startswith(b".") else line)
        return self.finish(b"".join(data))

    def on_bdat(self, rest):
        size, _, last = rest.partition(" ")
        chunk = self.input.read(int(size))
        if len(chunk) < int(size):
            raise ConnectionError
        self.chunks += chunk
        if last.strip().upper() == "LAST":
            return self.finish(self.chunks)
        return self.say("250 2.0.0 ok")

    def finish(self, data):
        mail = Mail(self.sender, list(self.recipients), data, self, self.parameters, self.recipient_parameters)
        self.forget()
        if self.sink.lmtp:
            taken = [r for r in mail.recipients if self.answer("body", "250 2.0.0 taken", r)]
        else:
            taken = mail.recipients if self.answer("body", "250 2.0.0 taken", mail) else []
        if taken:
            mail.recipients = taken
            self.sink.take(mail)
