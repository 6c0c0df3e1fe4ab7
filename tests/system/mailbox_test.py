"""Mailboxes by programs that are not ours: Python's imaplib and poplib, curl; and over the death of the server."""

import imaplib

import poplib
import random
import re
import smtplib
import threading
import time
import zlib

import mail_clients
import programs
import ringpost
from programs import run_ok, wait_until
from ringpost import LOCAL, PASSWORD, SystemTest
from talk import Talk, trusting_context

imaplib.Commands.setdefault("MOVE", ("SELECTED",))

CONFIG = {"mailboxes": {"location": "store"},
          "listener": {"lmtp": {"protocol": "lmtp", "tls": "none"},
                       "imap": {"protocol": "imap", "tls": "none", "auth_without_tls": True},
                       "imaps": {"protocol": "imap", "tls": "implicit"},
                       "imaptls": {"protocol": "imap", "tls": "offered"},
                       "pop3": {"protocol": "pop3", "tls": "none", "auth_without_tls": True},
                       "pop3s": {"protocol": "pop3", "tls": "implicit"}}}
MESSAGE = (b"From: Carl <carl@remote.example>\r\nTo: anna@local.example\r\nSubject: %s\r\nMessage-ID: <%s@remote.example>\r\n"
           b"Date: Sun, 22 Nov 2026 09:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n")


def message(name, text=b"Hello."):
    return MESSAGE % (name.encode(), name.encode(), text)


class Deflated:
    """What is under an imaplib client from COMPRESS on."""

    @classmethod
    def begin(cls, client):
        assert client.xatom("COMPRESS", "DEFLATE")[0] == "OK"
        self = cls()
        self.socket, self.out, self.into = client.sock, zlib.compressobj(wbits=-15), zlib.decompressobj(wbits=-15)
        self.pending, self.sent, self.received = b"", 0, 0
        client.send, client.readline, client.read = self.send, self.readline, self.read
        return self

    def send(self, data):
        wire = self.out.compress(data) + self.out.flush(zlib.Z_SYNC_FLUSH)
        self.sent += len(wire)
        self.socket.sendall(wire)

    def _more(self):
        wire = self.socket.recv(65536)
        assert wire, "end of stream"
        self.received += len(wire)
        self.pending += self.into.decompress(wire)

    def read(self, size):
        while len(self.pending) < size:
            self._more()
        data, self.pending = self.pending[:size], self.pending[size:]
        return data

    def readline(self):
        while b"\n" not in self.pending:
            self._more()
        return self.read(self.pending.index(b"\n") + 1)


class Mailboxes(SystemTest):
    @classmethod
    def setUpClass(cls):
        cls.the_server = ringpost.Server(CONFIG)
        cls.addClassCleanup(cls.the_server.end)
        cls.numbers = iter(range(1, 1_000_000))

    def imap(self, listener="imap", user="anna"):
        client = mail_clients.imap(self, self.the_server.port(listener), listener == "imaps")
        if listener == "imaptls":
            client.starttls(trusting_context())
        self.ok(client.login(f"{user}@{LOCAL}", PASSWORD))
        return client

    def ok(self, answer):
        self.assertEqual(answer[0], "OK", answer)
        return answer[1]

    def folder(self, client):
        name = f"F{next(self.numbers)}"
        self.ok(client.create(name))
        self.ok(client.select(name))
        return name

    def append(self, client, folder, data, flags="", date=None):
        answer = self.ok(client.append(folder, flags, date, data))
        return int(re.search(rb"APPENDUID \d+ (\d+)", answer[0]).group(1))

    # ---- mail comes in, and is read ----

    def test_mail_arrives_and_every_byte_is_there(self):
        data = message("arrives", "Grüße. ".encode() * 20_000)
        with smtplib.SMTP("127.0.0.1", self.the_server.port(), timeout=programs.PATIENCE) as client:
            client.sendmail("carl@remote.example", [f"bert@{LOCAL}"], data, mail_options=["BODY=8BITMIME"])
        for listener in ("imap", "imaps", "imaptls"):
            client = self.imap(listener, "bert")
            wait_until(lambda: int(self.ok(client.select("INBOX"))[0]) >= 1, "the mail")
            (_, body), _ = self.ok(client.fetch("1", "(BODY.PEEK[])"))
            self.assertTrue(body.endswith(data))
            self.assertTrue(body.startswith(b"Return-Path: <carl@remote.example>\r\n"), body[:200])

    def test_a_mailbox_that_is_named_again_gets_the_mail_once(self):
        names = [f"anna@{LOCAL}", f"bert@{LOCAL}", f"Anna@{LOCAL.upper()}", f"anna@{LOCAL}", f"anna+x@{LOCAL}", f"BERT@{LOCAL}"]
        server = self.server(CONFIG)
        for listener, hello, replies in (("mx", "EHLO", 1), ("lmtp", "LHLO", len(names))):
            with self.subTest(listener=listener), Talk(server.port(listener)) as client:
                for line, answers in ((None, 1), (f"{hello} client.example", 1), ("MAIL FROM:<carl@remote.example>", 1),
                                      *((f"RCPT TO:<{name}>", 1) for name in names), ("DATA", 1),
                                      (message(f"again-{listener}").decode() + ".", replies), ("NOOP", 1)):
                    if line:
                        client.line(line)
                    for _ in range(answers):
                        client.expect("[23]")
                server.wait_until_empty()
                for user, copies in (("anna", 2), ("bert", 1)):  # the extension is another address
                    box = mail_clients.imap(self, server.port("imap"))
                    self.ok(box.login(f"{user}@{LOCAL}", PASSWORD))
                    self.ok(box.select("INBOX"))
                    self.assertEqual(len(self.ok(box.search(None, "SUBJECT", f"again-{listener}"))[0].split()), copies, user)

    def test_append_fetch_store_expunge(self):
        client = self.imap()
        folder = self.folder(client)
        uid = self.append(client, folder, message("one"), r"(\Seen $Label)", '"01-Jan-2026 10:00:00 +0200"')
        self.append(client, folder, message("two"))
        self.ok(client.noop())
        answer = b" ".join(part if isinstance(part, bytes) else b"".join(part) for part in self.ok(
            client.fetch("1", "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)")))
        self.assertIn(b"UID %d" % uid, answer)
        self.assertIn(b"\\Seen", answer)
        self.assertIn(b"$Label", answer)
        self.assertIn(b'" 1-Jan-2026 10:00:00 +0200"', answer)
        self.assertIn(b'(("Carl" NIL "carl" "remote.example"))', answer)
        self.assertIn(b'"text" "plain" ("charset" "utf-8")', answer.lower())
        self.ok(client.store("2", "+FLAGS", r"(\Deleted)"))
        self.assertEqual(self.ok(client.expunge()), [b"2"])
        self.assertEqual(self.ok(client.search(None, "ALL")), [b"1"])
        self.ok(client.uid("STORE", str(uid), "FLAGS.SILENT", r"(\Flagged)"))
        self.assertEqual(self.ok(client.search(None, "FLAGGED UNSEEN")), [b"1"])

    def test_a_large_message_streams_in_and_a_broken_one_leaves_nothing(self):
        client = self.imap()
        folder = self.folder(client)
        data = message("large", bytes(random.Random(7).choices(b"abcdefghij ", k=3_000_000)))
        uid = self.append(client, folder, data)
        self.ok(client.noop())
        (_, body), _ = self.ok(client.uid("FETCH", str(uid), "(BODY.PEEK[])"))
        self.assertTrue(body == data)
        broken = self.imap()
        broken.send(b"x APPEND %s {%d+}\r\n" % (folder.encode(), len(data)) + data[:2_000_000])
        broken.shutdown()
        self.assertEqual(self.ok(client.select(folder)), [b"1"])
        small = [message(f"m{i}", b"x" * 60_000) for i in range(8)]
        parts = b"".join(b" {%d+}\r\n%s" % (len(part), part) for part in small)
        client.send(b"y APPEND %s%s\r\n" % (folder.encode(), parts))
        while not (line := client.readline()).startswith(b"y "):
            self.assertTrue(line)
        self.assertTrue(line.startswith(b"y OK [APPENDUID"), line)
        self.ok(client.noop())
        for number, part in enumerate(small, 2):
            self.assertTrue(self.ok(client.fetch(str(number), "(BODY.PEEK[])"))[0][1] == part)

    def test_compress_makes_less_of_the_same(self):
        client = self.imap("imaps")
        folder = self.folder(client)
        data = message("compressed", b"the same words again and again " * 20_000)
        self.append(client, folder, data)
        self.ok(client.noop())
        self.assertIn("COMPRESS=DEFLATE", client.capability()[1][0].decode())
        raw = Deflated.begin(client)
        for _ in range(2):
            (_, body), _ = self.ok(client.fetch("1", "(BODY.PEEK[])"))
            self.assertTrue(body == data)
        self.append(client, folder, data)
        self.assertLess(raw.received, len(data) // 5)
        self.assertLess(raw.sent, len(data) // 5)
        self.assertEqual(self.ok(client.noop()) and self.ok(client.search(None, "ALL")), [b"1 2"])
        client.send(b"i IDLE\r\n")  # the server forgets what it sent while it waits
        self.assertTrue(client.readline().startswith(b"+ "))
        other = self.imap()
        self.append(other, folder, message("news"))
        self.assertEqual(client.readline(), b"* 3 EXISTS\r\n")
        client.send(b"DONE\r\n")
        while not client.readline().startswith(b"i OK"):
            pass
        self.assertEqual(client.xatom("COMPRESS", "DEFLATE")[0], "NO", "it is compressed already")

    def test_search_knows_headers_texts_and_dates(self):
        client = self.imap()
        folder = self.folder(client)
        encoded = message("x").replace(b"Subject: x", "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= an alle".encode())
        self.append(client, folder, encoded, date='"05-Feb-2026 10:00:00 +0000"')
        base64 = message("y").replace(b"charset=utf-8\r\n\r\nHello.\r\n",
                                      b"charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nVmVyc3RlY2t0ZXMgV29ydA==\r\n")
        self.append(client, folder, base64, date='"06-Feb-2026 10:00:00 +0000"')
        self.ok(client.noop())

        def hits(*criteria, literal=None):
            client.literal = literal
            return self.ok(client.search(*criteria))[0].split()

        self.assertEqual(hits("UTF-8", "SUBJECT", literal="grüße".encode()), [b"1"])
        self.assertEqual(hits(None, "BODY", "wort"), [b"2"])
        self.assertEqual(hits(None, "TEXT", '"an alle"'), [b"1"])
        self.assertEqual(hits(None, "SINCE", "06-Feb-2026"), [b"2"])
        self.assertEqual(hits(None, "BEFORE", "06-Feb-2026"), [b"1"])
        self.assertEqual(hits(None, "OR", "BODY", "wort", "SUBJECT", "alle"), [b"1", b"2"])
        self.assertEqual(hits(None, "NOT", "BODY", "wort"), [b"1"])
        self.assertEqual(hits(None, "SENTON", "22-Nov-2026"), [b"1", b"2"])
        self.assertEqual(hits(None, "HEADER", "Message-ID", "x@remote"), [b"1"])

    def test_copy_and_move_say_where_it_went(self):
        client = self.imap()
        here = self.folder(client)
        there = f"F{next(self.numbers)}"
        self.ok(client.create(there))
        uids = [self.append(client, here, message(f"m{n}")) for n in range(3)]
        self.ok(client.noop())
        self.assertIn(b"COPYUID", self.ok(client.copy("1", there))[0])
        self.ok(client.uid("MOVE", f"{uids[1]}:{uids[2]}", there))
        self.assertEqual(self.ok(client.search(None, "ALL")), [b"1"])
        self.assertEqual(self.ok(client.select(there)), [b"3"])

    def test_names_of_mailboxes(self):
        client = self.imap()
        top = f"T{next(self.numbers)}"
        self.ok(client.create(f"{top}/Gr&APwA3w-e/unten"))
        listed = b"\n".join(self.ok(client.list('""', f"{top}*")))
        self.assertIn(f"{top}/Gr&APwA3w-e/unten".encode(), listed)
        self.ok(client.subscribe(f"{top}/Gr&APwA3w-e"))
        self.assertIn(b"Gr&APwA3w-e", self.ok(client.lsub('""', f"{top}/*"))[0])
        self.ok(client.rename(top, f"{top}-new"))
        self.assertIn(b"unten", b"\n".join(self.ok(client.list('""', f"{top}-new/*"))))
        self.assertEqual(client.select(top)[0], "NO")
        self.ok(client.delete(f"{top}-new/Gr&APwA3w-e/unten"))
        self.assertEqual(client.delete(f"{top}-never")[0], "NO")

    def test_another_session_hears_of_changes(self):
        first, second = self.imap(), self.imap("imaps")
        folder = self.folder(first)
        self.ok(second.select(folder))
        uid = self.append(first, folder, message("news"))
        self.ok(second.noop())
        self.assertEqual(second.untagged_responses["EXISTS"][-1], b"1")
        self.assertEqual(self.ok(second.search(None, "ALL")), [b"1"])
        self.ok(first.uid("STORE", str(uid), "+FLAGS", r"(\Answered)"))
        (flags,) = self.ok(second.fetch("1", "(FLAGS)"))[-1:]
        self.assertIn(b"Answered", flags)
        self.ok(first.uid("STORE", str(uid), "+FLAGS", r"(\Deleted)"))
        self.ok(first.expunge())
        self.ok(second.noop())
        self.assertEqual(self.ok(second.search(None, "ALL")), [b""])

    def test_idle_hears_at_once(self):
        client = self.imap()
        folder = self.folder(client)
        client.send(b"I1 IDLE\r\n")
        self.assertTrue(client.readline().startswith(b"+"))
        self.append(self.imap(), folder, message("wakes"))
        line = client.readline()
        self.assertEqual(line, b"* 1 EXISTS\r\n")
        client.send(b"DONE\r\n")
        while not (line := client.readline()).startswith(b"I1"):
            pass
        self.assertIn(b"OK", line)

    # ---- who may come in ----

    def test_a_wrong_password_and_an_unknown_user_are_refused_alike(self):
        answers = []
        for user, password in ((f"anna@{LOCAL}", "wrong"), (f"nobody@{LOCAL}", PASSWORD)):
            client = imaplib.IMAP4("127.0.0.1", self.the_server.port("imap"), timeout=programs.PATIENCE)
            with self.assertRaises(imaplib.IMAP4.error) as caught:
                client.login(user, password)
            answers.append(str(caught.exception))
            client.shutdown()
        self.assertEqual(*answers)
        self.assertIn("AUTHENTICATIONFAILED", answers[0])

    def test_no_login_in_clear_text(self):
        client = imaplib.IMAP4("127.0.0.1", self.the_server.port("imaptls"), timeout=programs.PATIENCE)
        self.assertIn("LOGINDISABLED", client.capabilities)
        with self.assertRaises(imaplib.IMAP4.error):
            client.login(f"anna@{LOCAL}", PASSWORD)
        client.shutdown()

    # ---- POP3 ----

    def test_pop3_reads_and_deletes(self):
        user = f"bert@{LOCAL}"
        client = self.imap(user="bert")
        self.ok(client.select("INBOX"))
        self.append(client, "INBOX", message("pop", b".dot\r\nlast"))
        for listener in ("pop3", "pop3s"):
            if listener == "pop3s":
                pop = poplib.POP3_SSL("127.0.0.1", self.the_server.port(listener), context=trusting_context(), timeout=programs.PATIENCE)
            else:
                pop = poplib.POP3("127.0.0.1", self.the_server.port(listener), timeout=programs.PATIENCE)
            pop.user(user)
            pop.pass_(PASSWORD)
            count, _ = pop.stat()
            self.assertGreaterEqual(count, 1)
            lines = pop.retr(count)[1]
            self.assertEqual(lines[-2:], [b".dot", b"last"])
            self.assertEqual(pop.top(count, 1)[1][-1], b".dot")
            ids = [line.split()[1] for line in pop.uidl()[1]]
            self.assertEqual(len(set(ids)), count)
            pop.dele(count)
            if listener == "pop3":
                pop.rset()
            pop.quit()
        self.ok(client.noop())
        self.assertEqual(int(self.ok(client.select("INBOX"))[0]), count - 1)

    # ---- curl ----

    def test_curl_lists_and_reads(self):
        client = self.imap()
        folder = self.folder(client)
        uid = self.append(client, folder, message("curl", b"read by curl"))
        base = ["curl", "-sk", "--max-time", "20", "-u", f"anna@{LOCAL}:{PASSWORD}"]
        url = f"imaps://127.0.0.1:{self.the_server.port('imaps')}/{folder}"
        self.assertIn(b"read by curl", run_ok([*base, f"{url};UID={uid}"]).stdout)
        self.assertIn(b"* SEARCH 1", run_ok([*base, f"{url}?SUBJECT%20curl"]).stdout)


class Deaths(SystemTest):
    """What was answered OK is there after SIGKILL, and no UID comes twice."""

    def test_nothing_acknowledged_is_lost(self):
        server = ringpost.Server(CONFIG)
        self.addCleanup(server.end)
        state = {}  # uid -> subject, or None once it was expunged
        lock = threading.Lock()
        for round_number in range(3):
            stop = time.monotonic() + 3
            threads = [threading.Thread(target=self.work, args=(server, state, lock, stop, f"{round_number}-{n}")) for n in range(4)]
            for thread in threads:
                thread.start()
            time.sleep(random.uniform(1, 2))
            server.kill()
            for thread in threads:
                thread.join()
            server.start()
            self.compare(server, state)

    @staticmethod
    def work(server, state, lock, stop, name):
        number = 0
        try:
            client = imaplib.IMAP4("127.0.0.1", server.port("imap"), timeout=5)
            client.login(f"anna@{LOCAL}", PASSWORD)
            client.select("INBOX")
            while time.monotonic() < stop:
                number += 1
                subject = f"{name}-{number}"
                status, data = client.append("INBOX", "", None, message(subject))
                if status != "OK":
                    continue
                uid = int(re.search(rb"APPENDUID \d+ (\d+)", data[0]).group(1))
                with lock:
                    assert uid not in state, f"UID {uid} came twice"
                    state[uid] = subject
                if number % 3 == 0:
                    with lock:
                        state[uid] = "?"  # until it is answered nobody knows
                    client.uid("STORE", str(uid), "+FLAGS.SILENT", r"(\Deleted)")
                    if client.uid("EXPUNGE", str(uid))[0] == "OK":
                        with lock:
                            state[uid] = None
        except (OSError, imaplib.IMAP4.error):
            pass  # it was killed

    def compare(self, server, state):
        client = imaplib.IMAP4("127.0.0.1", server.port("imap"), timeout=programs.PATIENCE)
        client.login(f"anna@{LOCAL}", PASSWORD)
        client.select("INBOX")
        status, data = client.uid("FETCH", "1:*", "(UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        self.assertEqual(status, "OK")
        there = {}
        for part in data:
            if isinstance(part, tuple):
                there[int(re.search(rb"UID (\d+)", part[0]).group(1))] = part[1].split(b":")[1].strip().decode()
        client.logout()
        for uid, subject in state.items():
            if subject is None:
                self.assertNotIn(uid, there, "an expunged message came back")
            elif subject != "?":
                self.assertEqual(there.get(uid), subject, f"UID {uid}")
        self.assertGreater(len(there), 0)


if __name__ == "__main__":
    ringpost.main()
