"""No odd ending of a message ends it: every sequence of CR, LF, dot and NUL that is not CR LF . CR LF.

A host that ends a message where the next one does not lets the sender write the next message's envelope. So: whatever stands
between "text" and "MAIL FROM", there is one message, or none, and nothing behind it is ever a command.
"""

import itertools
import re

import ringpost
from ringpost import REMOTE, SystemTest, without_trace
from sink import Sink

SYMBOLS = (b"\r", b"\n", b".", b"\0")
END = b"\r\n.\r\n"
INNER = b"MAIL FROM:<smuggler@evil.example>\r\nRCPT TO:<smuggled@remote.example>\r\nDATA\r\nSubject: smuggled\r\n\r\nx"


def endings():
    """All sequences of up to 5 symbols with a dot in them, and some longer ones that were published."""
    for size in range(1, 6):
        for symbols in itertools.product(SYMBOLS, repeat=size):
            if b"." in symbols and END not in b"text" + b"".join(symbols):
                yield b"".join(symbols)
    yield from (b"\r\n.\n\r\n", b"\r\n\r\r\n.\r\n"[:-2] + b"\n", b"\n\n.\n\n", b"\r\r\n.\r\r\n", b"\r\n\x85.\r\n", b"\r\n.\x85\n", b"\r\n\x0b.\r\n",
                b"\r\n.\r\0\n", b"\r\0\n.\r\n", b"\xe2\x80\xa8.\xe2\x80\xa8", b"\r\n.\x1a\r\n", b"\r\n. \r\n", b"\r\n.\t\r\n")


def has_bare_line_end(data):
    return re.search(rb"\r(?!\n)|(?<!\r)\n", data) is not None


def unstuffed(data):
    """What a receiver makes of lines that end in CRLF, once the final dot is gone."""
    return b"\r\n".join(line[1:] if line.startswith(b".") else line for line in data.split(b"\r\n"))


class Smuggling(SystemTest):
    def setUp(self):
        self.sink = self.closing(Sink())

    def exchange(self, client, body):
        """Sends the body and what must be part of it in one piece; gives the one reply that may come."""
        client.ask(f"MAIL FROM:<sender@{REMOTE}>", "250")
        client.ask(f"RCPT TO:<outer@{REMOTE}>", "250")
        client.ask("DATA", "354")
        client.raw(body + b"\r\n.\r\nNOOP\r\n")
        reply = client.reply()
        client.expect("250 2.0.0 Ok$")  # of NOOP, so there was no second reply before it
        return reply

    def test_refusing_listener_takes_nothing_with_bare_line_ends(self):
        server = self.server({"listener": {"mx": {"protocol": "smtp", "tls": "none"}}}, sink=self.sink)
        sent = []
        for ending in endings():
            body = b"Subject: outer\r\n\r\ntext" + ending + INNER
            with self.subTest(ending=ending), server.talk() as client:
                client.hello()
                reply = self.exchange(client, body)
                if has_bare_line_end(body):
                    self.assertRegex(reply.text, r"^550 5\.5\.2")
                else:
                    self.assertEqual(reply.code, 250)
                    sent.append(unstuffed(body) + b"\r\n")
        self.assertGreater(len(sent), 50)
        mails = self.sink.wait_for_mail(len(sent))
        self.assertEqual(sorted(without_trace(m.data) for m in mails), sorted(sent))
        self.assertEqual(self.sink.to("smuggled@remote.example"), [])

    def test_normalizing_listener_makes_one_message_of_it(self):
        server = self.server({"listener": {"mx": {"protocol": "smtp", "tls": "none", "bare_newline": "normalize"}}}, sink=self.sink)
        sent = 0
        for ending in endings():
            with self.subTest(ending=ending), server.talk() as client:
                client.hello()
                self.assertEqual(self.exchange(client, b"Subject: outer\r\n\r\ntext" + ending + INNER).code, 250)
                sent += 1
        for mail in self.sink.wait_for_mail(sent):
            self.assertEqual((mail.sender, mail.recipients), (f"sender@{REMOTE}", [f"outer@{REMOTE}"]))
            self.assertFalse(has_bare_line_end(mail.data), mail.data)
            self.assertIn(b"MAIL FROM:<smuggler@evil.example>", mail.data)
        self.assertEqual(len(self.sink.mails), sent)

    def test_chunks_with_an_end_inside_stay_one_message_at_the_next_host(self):
        server = self.server(sink=self.sink)
        body = b"Subject: outer\r\n\r\ntext\r\n.\r\n" + INNER + b"\r\n"
        server.send(f"sender@{REMOTE}", [f"outer@{REMOTE}"], body, bdat=True)
        (mail,) = self.sink.wait_for_mail()
        self.assertEqual(without_trace(mail.data), body)

    def test_endings_split_over_segments_end_nothing_either(self):
        server = self.server({"listener": {"mx": {"protocol": "smtp", "tls": "none"}}}, sink=self.sink)
        for ending in (b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r\n\0.\r\n"):
            with self.subTest(ending=ending), server.talk() as client:
                client.hello()
                client.ask(f"MAIL FROM:<sender@{REMOTE}>", "250")
                client.ask(f"RCPT TO:<outer@{REMOTE}>", "250")
                client.ask("DATA", "354")
                client.raw(b"a: b\r\n\r\ntext" + ending + b"RSET\r\n.\r\n", piece=1)
                reply = client.reply()
                self.assertEqual(reply.code, 550 if has_bare_line_end(ending + b"RSET") else 250)
                client.ask("NOOP", "250 2.0.0 Ok$")


if __name__ == "__main__":
    ringpost.main()
