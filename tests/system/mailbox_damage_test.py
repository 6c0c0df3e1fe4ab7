"""What a client sees of messages whose bytes have rotted on the disk: they are refused, and everything else goes on."""

import imaplib
import json
import os
import poplib
import smtplib

import mail_clients
import programs
import ringpost
from programs import wait_until
from ringpost import LOCAL, PASSWORD, SystemTest

CONFIG = {"mailboxes": {"location": "store"},
          "listener": {"imap": {"protocol": "imap", "tls": "none", "auth_without_tls": True},
                       "pop3": {"protocol": "pop3", "tls": "none", "auth_without_tls": True}}}
ANNA = f"anna@{LOCAL}"
LONG = 700_000  # three chunks


def mail(name, text):
    return (f"From: Carl <carl@remote.example>\r\nTo: {ANNA}\r\nSubject: {name}\r\nMIME-Version: 1.0\r\n"
            f"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--b--\r\n").encode()


class MailboxDamage(SystemTest):
    def rot(self, server, needle, which=0):
        """Changes a byte of the `which`th place where `needle` stands, which the server has stopped to use."""
        seen = 0
        for root, _, names in sorted(os.walk(os.path.join(server.folder, "spool"))):
            for name in sorted(names):
                path = os.path.join(root, name)
                with open(path, "r+b") as file:
                    data = file.read()
                    at = data.find(needle)
                    while at >= 0:
                        if seen == which:
                            file.seek(at)
                            file.write(bytes([data[at] ^ 1]))
                            return
                        seen += 1
                        at = data.find(needle, at + 1)
        self.fail(f"{needle!r} stands in {seen} places")

    def imap(self, server):
        client = mail_clients.imap(self, server.port("imap"))
        self.assertEqual(client.login(ANNA, PASSWORD)[0], "OK")
        return client

    def uids(self, client):
        return [int(part[0].split(b"UID ")[1].split()[0]) for part in client.response("FETCH")[1] if isinstance(part, tuple) and b"UID " in part[0]]

    def test_of_many_messages_the_damaged_one_is_refused_and_the_connection_goes_on(self):
        server = self.server(CONFIG)
        client = self.imap(server)
        for i in range(5):
            self.assertEqual(client.append("INBOX", None, None, mail(f"d{i}", f"unmistakable {i}\r\n" * 200))[0], "OK")
        server.stop()
        self.rot(server, b"unmistakable 2\r\nunmistakable 2")
        server.start()
        client = self.imap(server)
        client.select("INBOX")
        for items in ("BODY.PEEK[]", "BODY.PEEK[]<0.10>", "BODY.PEEK[]<5.20>", "BODY.PEEK[1]<7.30>", "BODY.PEEK[TEXT]", "BINARY.PEEK[1]", "RFC822.HEADER",
                      "BODY.PEEK[HEADER.FIELDS (SUBJECT)]", "BODY.PEEK[1.MIME] BODY.PEEK[TEXT]<0.5>"):
            with self.subTest(items=items):
                kind, said = client.uid("FETCH", "1:*", f"(UID {items})")
                self.assertEqual((kind, said[0].split(b"]")[0]), ("NO", b"[CORRUPTION"), said)
                self.assertIn(b"damaged", said[0])
                self.assertEqual(sorted(set(self.uids(client))), [1, 2, 4, 5])
                self.assertEqual(client.noop()[0], "OK")
        # What was prepared is no part of its bytes.
        kind, said = client.uid("FETCH", "3", "(UID BODYSTRUCTURE ENVELOPE FLAGS RFC822.SIZE)")
        self.assertEqual(kind, "OK")
        self.assertIn(b'"d2"', said[0])
        pop = mail_clients.pop3(self, server.port("pop3"))
        pop.user(ANNA)
        pop.pass_(PASSWORD)
        for ask in (lambda: pop.retr(3), lambda: pop.top(3, 1)):
            with self.assertRaisesRegex(poplib.error_proto, r"SYS/PERM\].*damaged"):
                ask()
        self.assertIn(b"Subject: d3", pop.retr(4)[1])

    def test_of_a_long_message_the_end_is_damaged(self):
        """Its answer breaks off once; whoever asks again is told."""
        server = self.server(CONFIG)
        client = self.imap(server)
        text = "\r\n".join(f"line {i:06}" for i in range(LONG // 13))
        self.assertEqual(client.append("INBOX", None, None, mail("long", text))[0], "OK")
        self.assertEqual(client.append("INBOX", None, None, mail("short", "whole"))[0], "OK")
        server.stop()
        last = b"line %06d" % (LONG // 13 - 10)
        self.rot(server, last)
        server.start()
        client = self.imap(server)
        client.select("INBOX")
        with self.assertRaises((imaplib.IMAP4.abort, OSError)):
            client.uid("FETCH", "1:*", "(UID BODY.PEEK[])")
        for items in ("BODY.PEEK[]", "BODY.PEEK[1]<600000.50000>", "BODY.PEEK[]<0.100>"):
            client = self.imap(server)
            client.select("INBOX")
            kind, said = client.uid("FETCH", "1:*", f"(UID {items})")
            self.assertEqual((kind, said[0].split(b"]")[0]), ("NO", b"[CORRUPTION"), said)
            self.assertEqual(self.uids(client), [2])
            self.assertEqual(client.noop()[0], "OK")
        # Only its bytes are refused, and SEARCH finds the others.
        self.assertEqual(client.uid("FETCH", "1:*", "(UID FLAGS RFC822.SIZE)")[0], "OK")
        self.assertEqual(client.uid("SEARCH", "BODY", "whole"), ("OK", [b"2"]))
        self.assertIn("UID 1 was not searched", str(client.untagged_responses))
        pop = mail_clients.pop3(self, server.port("pop3"))
        pop.user(ANNA)
        pop.pass_(PASSWORD)
        with self.assertRaisesRegex(poplib.error_proto, r"SYS/PERM\].*damaged"):
            pop.retr(1)
        self.assertIn(b"whole", pop.retr(2)[1])

    def test_sort_and_thread_go_on_with_what_is_known_of_a_damaged_one(self):
        server = self.server(CONFIG)
        client = self.imap(server)
        for day, name in ((3, "unmistakable-c"), (2, "unmistakable-a"), (1, "unmistakable-b")):
            self.assertEqual(client.append("INBOX", None, f'"0{day}-Jan-2024 10:00:00 +0000"', mail(name, "text"))[0], "OK")
        server.stop()
        # Its bytes, and what was prepared of them.
        self.rot(server, b"unmistakable-a")
        self.rot(server, b"unmistakable-a")
        server.start()
        client = self.imap(server)
        client.select("INBOX")
        self.assertEqual(client.fetch("2", "(ENVELOPE)")[0], "NO")
        for command, kind, found in ((("SORT", "(SUBJECT)", "UTF-8", "ALL"), "SORT", b"2 3 1"), (("SORT", "(DATE)", "UTF-8", "ALL"), "SORT", b"3 2 1"),
                                     (("SORT", "(FROM REVERSE SUBJECT)", "UTF-8", "ALL"), "SORT", b"2 1 3"),
                                     (("THREAD", "REFERENCES", "UTF-8", "ALL"), "THREAD", b"(3)(2)(1)"),
                                     (("THREAD", "ORDEREDSUBJECT", "UTF-8", "ALL"), "THREAD", b"(3)(2)(1)")):
            with self.subTest(command=command):
                client.untagged_responses.clear()
                answer, said = client._simple_command(*command)
                self.assertEqual((answer, client.response(kind)[1]), ("OK", [found]), said)
                self.assertIn("UID 2 has its place by what is known of it", str(client.untagged_responses))
        # These keys ask nothing that is damaged.
        self.assertEqual(client.sort("(ARRIVAL SIZE)", "UTF-8", "ALL"), ("OK", [b"3 2 1"]))

    def test_an_export_goes_on_behind_a_long_damaged_message(self):
        server = self.server(CONFIG)
        client = self.imap(server)
        text = "\r\n".join(f"line {i:06}" for i in range(LONG // 13))
        for name, body in (("long", text), ("short", "whole")):
            self.assertEqual(client.append("INBOX", None, None, mail(name, body))[0], "OK")
        client.create("Other")
        client.append("Other", None, None, mail("other", "too"))
        server.stop()
        self.rot(server, b"line %06d" % (LONG // 13 - 10))
        server.start()
        # Right behind a start, and nobody has met it.
        done = server.command("mailbox", "export", ANNA, os.path.join(programs.temp_folder(), "out"), "--json")
        self.assertEqual(done.returncode, 1)
        rows = {row.get("mailbox"): (row["moved"], row["failed"]) for row in map(json.loads, done.stdout.splitlines())}
        self.assertEqual(rows, {"INBOX": (1, 1), "Other": (1, 0), None: (2, 1)})
        self.assertIn("UID 1", done.stderr if isinstance(done.stderr, str) else done.stderr.decode())

    def test_structures_that_have_rotted_are_made_again(self):
        server = self.server(CONFIG, cores=1)
        with smtplib.SMTP("127.0.0.1", server.port(), timeout=programs.PATIENCE) as smtp:
            for i in range(3):
                smtp.sendmail("carl@remote.example", [ANNA], mail(f"unmistakable-{i}", "text"))
        client = self.imap(server)
        wait_until(lambda: client.select("INBOX")[1] == [b"3"], "the mail")
        asked = "(UID BODYSTRUCTURE ENVELOPE)"
        whole = client.uid("FETCH", "1:*", asked)[1]
        self.assertEqual(server.json_lines("mailbox", "check", ANNA)[-1]["unprepared"], 0, "mail from SMTP has its structure")
        server.stop()
        # In the queue's copy, in the mailbox's, and in what was prepared of it.
        self.rot(server, b"unmistakable-1", which=2)
        server.start()
        client = self.imap(server)
        client.select("INBOX")
        self.assertEqual(client.uid("FETCH", "1:*", asked)[1], whole)
        # The start may have found it already: then it is as if there were none.
        done = json.loads(server.command("mailbox", "check", ANNA, "--json").stdout.splitlines()[-1])
        self.assertEqual(done["findings"] + done["unprepared"], 1, done)
        server.command("mailbox", "rebuild", ANNA)
        done = server.json_lines("mailbox", "check", ANNA)[-1]
        self.assertEqual((done["findings"], done["unprepared"]), (0, 0))
        self.assertEqual(client.uid("FETCH", "1:*", asked)[1], whole)


if __name__ == "__main__":
    ringpost.main()
