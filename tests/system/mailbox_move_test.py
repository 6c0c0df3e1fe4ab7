"""`ringpost mailbox ...`: mail in and out as Maildir, mbox and over IMAP, with a Maildir that a real Dovecot has made; and what is
wrong with mail that comes in."""

import imaplib
import json
import os
import random
import shutil
import smtplib
import socketserver
import threading
import time

import disks
import foreign
import mail_clients
import programs
import ringpost
from programs import run_ok, temp_folder, wait_until
from ringpost import LOCAL, PASSWORD, SystemTest

CONFIG = {"mailboxes": {"location": "store"}, "listener": {"imap": {"protocol": "imap", "tls": "none", "auth_without_tls": True}}}
ANNA, BERT = f"anna@{LOCAL}", f"bert@{LOCAL}"
# Name on the wire, special use, messages: (flags, internal date, text).
BOXES = ["INBOX", "Sent", "Sent.2024", "Entw&APw-rfe"]
HOUSE = {"INBOX": "INBOX", "Sent": "Sent", "Sent.2024": "Sent/2024", "Entw&APw-rfe": "Entwürfe"}
FLAGS = ["", r"\Seen", r"\Seen \Answered \Flagged", r"\Draft \Deleted", "$Forwarded", r"$work \Seen", "urgent $work"]


def mail(name, text):
    head = f"From: Carl <carl@remote.example>\nTo: {ANNA}\nSubject: {name}\nMessage-ID: <{name}@remote.example>\n\n"
    return (head.encode() + text).replace(b"\n", b"\r\n")


def some_mails(seed, count):
    """Texts that are hard on mboxes among them."""
    dice = random.Random(seed)
    hard = [b"From the start\n", b">From him\n>>From her\n", b"\n\n\nFrom nowhere Sat Jan  3 01:05:34 2026\n\n", b"x" * 900 + b"\n", b"Gr\xc3\xbc\xc3\x9fe\n",
            b"\n", b".\n..\n", b"a" * 70 + b"\n"]
    return [mail(f"m{seed}.{i}", b"".join(dice.choices(hard, k=dice.randint(1, 40)))) for i in range(count)]


def snapshot(client, names=None):
    """{mailbox: (uidvalidity, [(uid, flags, date, bytes)])} of an IMAP server."""
    all_of = {}
    for line in client.list()[1]:
        name = line.decode().rsplit(' "', 1)[-1].strip('"') if line.endswith(b'"') else line.decode().rsplit(" ", 1)[-1]
        if names is not None and name not in names:
            continue
        assert client.select(f'"{name}"', readonly=True)[0] == "OK", name
        validity = int(client.response("UIDVALIDITY")[1][0])
        messages = []
        data = client.uid("FETCH", "1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")[1]
        for part in data:
            if not isinstance(part, tuple):
                continue
            head = part[0].decode()
            uid = int(head.split("UID ")[1].split()[0].rstrip(")"))
            flags = sorted(f for f in imaplib.ParseFlags(head[head.index("FLAGS"):].encode()) if f != b"\\Recent")
            messages.append((uid, [f.decode() for f in flags], tuple(imaplib.Internaldate2tuple(head.encode())), part[1]))
        all_of[name] = (validity, sorted(messages))
    return all_of


def in_house_names(all_of):
    return {HOUSE.get(name, name): value for name, value in all_of.items()}


def without_uids(all_of):
    return {name: [message[1:] for message in messages] for name, (_, messages) in all_of.items()}


def tree(folder):
    """Every file of a folder: its name without the part that is made up, its bytes."""
    files = {}
    for root, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(root, name), "rb") as file:
                files[os.path.join(os.path.relpath(root, folder), name)] = file.read()
    return files


class SharingServer(socketserver.StreamRequestHandler):
    """Another's IMAP server, where others share mail with the user: every mailbox has one message."""

    ANSWERS = {b"CAPABILITY": b"* CAPABILITY IMAP4rev1 NAMESPACE\r\n",
               b"NAMESPACE": b'* NAMESPACE (("" "/")) (("Other Users/" "/")) (("Shared Folders/" "/"))\r\n',
               b"LIST": b"".join(b'* LIST () "/" "%s"\r\n' % name for name in
                                 (b"INBOX", b"Sent", b"Other Users/carl", b"Other Users/carl/Sent", b"Shared Folders/all")),
               b"EXAMINE": b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 2] ok\r\n",
               b"UID": b'* 1 FETCH (UID 1 FLAGS () INTERNALDATE "03-Jan-2024 10:00:00 +0000" RFC822.SIZE 14 BODY[] {14}\r\nSubject: x\r\n\r\n)\r\n'}

    def handle(self):
        self.wfile.write(b"* OK hello\r\n")
        for line in self.rfile:
            tag, word = line.split()[:2]
            self.wfile.write(self.ANSWERS.get(word, b"") + tag + b" OK done\r\n")


class MailboxMove(SystemTest):
    def make_server(self, config=None):
        return self.server(ringpost.merged(CONFIG, config or {}))

    def imap(self, server, user="anna", port=None):
        client = mail_clients.imap(self, port or server.port("imap"))
        self.assertEqual(client.login(f"{user}@{LOCAL}" if port is None else user, PASSWORD)[0], "OK")
        return client

    def mailboxes(self, server, user="anna"):
        return snapshot(self.imap(server, user))

    def dovecot_with_mail(self):
        """A Dovecot whose user anna has mail, with gaps in its UIDs; and its state."""
        dovecot = self.foreign(foreign.Dovecot)
        client = self.imap(None, "anna", dovecot.imap_port)
        for number, box in enumerate(BOXES):
            if box != "INBOX":
                self.assertEqual(client.create(box)[0], "OK")
            client.subscribe(box)
            for i, data in enumerate(some_mails(number, 12)):
                date = f'"{i + 1:02}-Jan-2026 10:{number:02}:{i:02} +0000"'
                self.assertEqual(client.append(box, f"({FLAGS[i % len(FLAGS)]})", date, data)[0], "OK")
            self.assertEqual(client.select(box)[0], "OK")
            for gone in ("3", "5", "12"):
                client.uid("STORE", gone, "+FLAGS.SILENT", r"(\Deleted \Seen)")
            self.assertEqual(client.uid("EXPUNGE", "3,5,12")[0], "OK")
            client.unselect()
        return dovecot, snapshot(client)

    def import_json(self, server, *arguments, code=0):
        done = server.command("mailbox", "import", *arguments, "--json")
        self.assertEqual(done.returncode, code, done.stdout.decode() + done.stderr.decode())
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()

    # ---- Dovecot's Maildir, in and out ----

    def test_a_maildir_of_dovecot_comes_in_and_goes_out_and_dovecot_has_it_again(self):
        dovecot, before = self.dovecot_with_mail()
        server = self.make_server()
        maildir = os.path.join(dovecot.mail, "anna")
        lines, _ = self.import_json(server, ANNA, maildir)
        self.assertEqual(lines[-1]["moved"], sum(len(messages) for _, messages in before.values()))
        self.assertTrue(lines[-1]["done"])
        self.assertTrue(all(line["uids_kept"] for line in lines[:-1]))
        self.assertEqual(in_house_names(self.mailboxes(server)), in_house_names(before), "bytes, flags, dates, UIDs and UIDVALIDITY")
        # A UID that Dovecot has given and taken away is not given again.
        client = self.imap(server)
        self.assertIn(b"APPENDUID", client.append("INBOX", None, None, mail("new", b"x\n"))[1][0])
        client.select("INBOX")
        self.assertEqual(client.uid("SEARCH", "SUBJECT", "new")[1], [b"13"])
        client.uid("STORE", "13", "+FLAGS", r"(\Deleted)")
        client.uid("EXPUNGE", "13")  # others are marked too
        subscribed = {line.decode().rsplit(" ", 1)[-1].strip('"') for line in client.lsub()[1]}
        self.assertEqual(subscribed, {"INBOX", "Sent", "Sent/2024", "Entw&APw-rfe"})
        # Again: everything is known. And over the death of the server.
        server.restart(crash=True)
        lines, _ = self.import_json(server, ANNA, maildir)
        self.assertEqual((lines[-1]["moved"], lines[-1]["known"]), (0, sum(len(messages) for _, messages in before.values())))
        # Out, and Dovecot reads it as a user of its own.
        out = os.path.join(temp_folder(), "out")
        server.command_ok("mailbox", "export", ANNA, out)
        other = os.path.join(dovecot.mail, "other")
        shutil.copytree(out, other)
        run_ok(["chown", "-R", f"{os.stat(maildir).st_uid}:{os.stat(maildir).st_gid}", other])
        after = snapshot(self.imap(None, "other", dovecot.imap_port))
        self.assertEqual(after, before)
        # And in again, as somebody else: the same files come out.
        server.command_ok("mailbox", "import", BERT, out)
        again = os.path.join(temp_folder(), "again")
        server.command_ok("mailbox", "export", BERT, again)
        self.assertEqual(tree(again), tree(out))

    def test_another_server_over_imap_resumed(self):
        dovecot, before = self.dovecot_with_mail()
        server = self.make_server()
        password = os.path.join(server.folder, "password")
        with open(password, "w") as file:
            file.write("anything\n")
        url = f"imap://127.0.0.1:{dovecot.imap_port}"
        order = [BERT, url, "--login", "anna", "--password-file", password]
        done = server.command("mailbox", "import", *order)
        self.assertEqual(done.returncode, 1)
        self.assertIn("--clear-text", done.stderr.decode())
        # What an earlier run brought before it was cut off.
        lines, _ = self.import_json(server, *order, "--clear-text", "--mailbox", "Sent")
        self.assertEqual(lines[-1]["moved"], 18)
        lines, _ = self.import_json(server, *order, "--clear-text")
        self.assertEqual((lines[-1]["moved"], lines[-1]["known"], lines[-1]["failed"]), (18, 18, 0))
        self.assertEqual(in_house_names(self.mailboxes(server, "bert")), in_house_names(before))
        # Mail that comes later follows.
        self.imap(None, "anna", dovecot.imap_port).append("INBOX", None, None, mail("later", b"x\n"))
        lines, _ = self.import_json(server, *order, "--clear-text")
        self.assertEqual(lines[-1]["moved"], 1)
        self.assertEqual(self.mailboxes(server, "bert")["INBOX"][1][-1][0], 13)

    def test_the_public_mailboxes_of_a_dovecot_are_left_out(self):
        dovecot = self.foreign(foreign.Dovecot, public=True)
        client = self.imap(None, "anna", dovecot.imap_port)
        for box in ("Sent", "Public.All", "Public.All.Below"):
            self.assertEqual(client.create(box)[0], "OK")
            self.assertEqual(client.append(box, None, '"03-Jan-2026 10:00:00 +0000"', mail(box, b"x\n"))[0], "OK")
            client.subscribe(box)
        self.assertIn(b"Public.", client.namespace()[1][0])
        server = self.make_server()
        password = os.path.join(server.folder, "password")
        with open(password, "w") as file:
            file.write("anything\n")
        lines, _ = self.import_json(server, BERT, f"imap://127.0.0.1:{dovecot.imap_port}", "--login", "anna", "--password-file", password, "--clear-text")
        self.assertEqual([line["mailbox"] for line in lines[:-1]], ["INBOX", "Sent"])
        self.assertEqual((lines[-1]["moved"], lines[-1]["left_out"]), (1, 2))

    def test_what_others_share_there_is_left_out_and_counted(self):
        other = socketserver.ThreadingTCPServer(("127.0.0.1", 0), SharingServer)
        other.daemon_threads = True
        threading.Thread(target=other.serve_forever, daemon=True).start()
        self.addCleanup(other.server_close)
        self.addCleanup(other.shutdown)
        server = self.make_server()
        password = os.path.join(server.folder, "password")
        with open(password, "w") as file:
            file.write("anything\n")
        order = [ANNA, f"imap://127.0.0.1:{other.server_address[1]}", "--password-file", password, "--clear-text"]
        lines, _ = self.import_json(server, *order)
        self.assertEqual([line["mailbox"] for line in lines[:-1]], ["INBOX", "Sent"])
        self.assertEqual((lines[-1]["moved"], lines[-1]["left_out"], lines[-1]["done"]), (2, 3, True))
        done = server.command("mailbox", "import", *order)
        self.assertEqual(done.returncode, 0)
        self.assertIn("0 messages imported, 2 were there, 0 failed\n3 mailboxes of other users or shared left out\n", done.stdout.decode())
        self.assertNotIn("Other Users/carl", self.mailboxes(server))
        self.assertIn("no such mailbox", self.refused(server, "import", *order, "--mailbox", "Other Users/carl"))

    def test_where_uids_are_given_already_mail_gets_new_ones_and_is_not_doubled(self):
        dovecot, before = self.dovecot_with_mail()
        server = self.make_server()
        # Both servers take the second of its making for a UIDVALIDITY; of one second they would be one mailbox.
        wait_until(lambda: int(time.time()) > before["INBOX"][0], "another second")
        self.imap(server).append("INBOX", None, None, mail("first", b"x\n"))
        lines, _ = self.import_json(server, ANNA, os.path.join(dovecot.mail, "anna"), "--mailbox", "INBOX")
        self.assertEqual((lines[0]["moved"], lines[0]["uids_kept"]), (9, False))
        lines, _ = self.import_json(server, ANNA, os.path.join(dovecot.mail, "anna"), "--mailbox", "INBOX")
        self.assertEqual((lines[0]["moved"], lines[0]["known"]), (0, 9))
        self.assertEqual(without_uids({"INBOX": self.mailboxes(server)["INBOX"]})["INBOX"][1:], without_uids(before)["INBOX"])
        # Below a mailbox of its own, and only looked at before.
        lines, _ = self.import_json(server, ANNA, os.path.join(dovecot.mail, "anna"), "--into", "Old", "--dry-run")
        self.assertEqual(lines[-1]["moved"], 36)
        self.assertNotIn("Old", self.mailboxes(server))
        self.import_json(server, ANNA, os.path.join(dovecot.mail, "anna"), "--into", "Old")
        boxes = self.mailboxes(server)
        self.assertEqual(boxes["Old"], before["INBOX"])
        self.assertEqual(boxes["Old/Sent/2024"], before["Sent.2024"])

    # ---- mbox ----

    def test_mboxes_go_out_and_come_in(self):
        server = self.make_server()
        client = self.imap(server)
        client.create("a/b")
        for box in ("INBOX", "a", "a/b"):
            for i, data in enumerate(some_mails(7, 20)):
                client.append(box, f"({FLAGS[i % len(FLAGS)]})", f'"{i + 1:02}-Jan-2026 10:00:00 +0000"', data)
        before = self.mailboxes(server)
        for options in ([], ["--uids"]):
            out = os.path.join(temp_folder(), "out")
            server.command_ok("mailbox", "export", ANNA, out, "--format", "mbox", *options)
            server.command_ok("user", "add", f"u{len(options)}@{LOCAL}", input=b"secret\n")
            server.command_ok("mailbox", "import", f"u{len(options)}@{LOCAL}", out)
            again = os.path.join(temp_folder(), "again")
            server.command_ok("mailbox", "export", f"u{len(options)}@{LOCAL}", again, "--format", "mbox", *options)
            self.assertEqual(tree(again), tree(out))
            copy = mail_clients.imap(self, server.port("imap"))
            copy.login(f"u{len(options)}@{LOCAL}", "secret")
            after = snapshot(copy)
            self.assertEqual(after if options else without_uids(after), before if options else without_uids(before))

    # ---- list, check, rebuild ----

    def test_list_check_and_rebuild(self):
        server = self.make_server()
        client = self.imap(server)
        client.append("INBOX", r"(\Seen)", None, mail("one", b"x\n"))
        with smtplib.SMTP("127.0.0.1", server.port(), timeout=programs.PATIENCE) as smtp:
            smtp.sendmail("carl@remote.example", [ANNA], mail("two", b"x\n"))
        wait_until(lambda: client.select("INBOX")[1] == [b"2"], "the mail")
        users = server.json_lines("mailbox", "list")
        self.assertEqual([(u["user"], u["messages"]) for u in users if "user" in u], [(ANNA, 2)])
        box = server.json_lines("mailbox", "list", ANNA)[0]
        self.assertEqual((box["mailbox"], box["messages"], box["unseen"], box["uid_next"]), ("INBOX", 2, 1, 3))
        self.assertIn("2 messages read", server.command_ok("mailbox", "check"))
        self.assertEqual(server.json_lines("mailbox", "check", ANNA)[-1]["unprepared"], 0, "mail from SMTP has its structure")
        server.command_ok("mailbox", "rebuild", ANNA)
        state = self.mailboxes(server)
        server.restart(crash=True)
        self.assertEqual(server.json_lines("mailbox", "check", ANNA)[-1], {"messages": 2, "bytes": box["bytes"], "unprepared": 0, "findings": 0, "mended": 0})
        self.assertEqual(self.mailboxes(server), state)

    def test_a_damaged_message_is_named_and_the_others_go_out(self):
        server = self.make_server()
        client = self.imap(server)
        for i in range(5):
            client.append("INBOX", None, None, mail(f"d{i}", b"unmistakable %d\n" % i * 50))
        server.stop()
        needle = b"unmistakable 2\r\nunmistakable 2"
        for root, _, names in os.walk(os.path.join(server.folder, "spool")):
            for name in names:
                path = os.path.join(root, name)
                with open(path, "r+b") as file:
                    data = file.read()
                    if needle in data:
                        file.seek(data.index(needle))
                        file.write(b"U")
        server.start()
        done = server.command("mailbox", "check", ANNA)
        self.assertEqual(done.returncode, 1)
        self.assertIn("INBOX UID 3", done.stdout.decode())
        out = os.path.join(temp_folder(), "out")
        done = server.command("mailbox", "export", ANNA, out)
        self.assertEqual(done.returncode, 1)
        self.assertIn("UID 3", done.stderr.decode())
        self.assertIn("4 messages exported", done.stdout.decode())
        self.assertEqual(len(os.listdir(os.path.join(out, "cur"))), 4)

    # ---- what is wrong ----

    def refused(self, server, *arguments, code=1):
        done = server.command("mailbox", *arguments)
        self.assertEqual(done.returncode, code, done.stdout.decode() + done.stderr.decode())
        return done.stderr.decode()

    def test_bad_input_is_named(self):
        server = self.make_server()
        folder = temp_folder()
        maildir = os.path.join(folder, "Maildir")
        for part in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(maildir, part))
        for i in range(3):
            with open(os.path.join(maildir, "cur", f"{i}.x:2,S"), "wb") as file:
                file.write(mail(f"b{i}", b"x\n").replace(b"\r\n", b"\n"))
        self.assertIn("nobody@nowhere.example", self.refused(server, "import", "nobody@nowhere.example", maildir))
        self.assertIn("No such file", self.refused(server, "import", ANNA, os.path.join(folder, "nothing")))
        self.assertIn("imaps://HOST", self.refused(server, "import", ANNA, "ftp://x"))
        password = os.path.join(folder, "password")
        with open(password, "w") as file:
            file.write("anything\n")
        self.assertIn("connect to", self.refused(server, "import", ANNA, f"imap://127.0.0.1:{programs.free_port()}", "--password-file", password))
        with open(os.path.join(maildir, "dovecot-uidlist"), "w") as file:
            file.write("3 V1 N9\n2 :0.x\n2 :1.x\n")
        self.assertIn("line 3 is broken", self.refused(server, "import", ANNA, maildir))
        self.assertEqual(self.mailboxes(server)["INBOX"][1], [])
        # A file that is no file of ours to read, and an empty one: the others come, and the end says so.
        os.remove(os.path.join(maildir, "dovecot-uidlist"))
        os.remove(os.path.join(maildir, "cur", "1.x:2,S"))
        os.symlink("/proc/self/mem", os.path.join(maildir, "cur", "1.x:2,S"))
        open(os.path.join(maildir, "new", "4.x"), "w").close()
        lines, said = self.import_json(server, ANNA, maildir, code=1)
        self.assertEqual((lines[-1]["moved"], lines[-1]["failed"], lines[-1]["done"]), (2, 1, False))
        self.assertIn("1.x:2,S is left out: a symbolic link", said)
        self.assertIn("4.x is empty", said)
        box = os.path.join(folder, "box")
        with open(box, "wb") as file:
            file.write(b"From a Sat Jan  3 01:05:34 2026\nSubject: x\n\nhalf a li")
        self.assertIn("cut off", self.refused(server, "import", BERT, box))
        self.assertEqual(self.mailboxes(server, "bert")["INBOX"][1][0][3], b"Subject: x\r\n\r\nhalf a li")
        with open(box, "wb") as file:
            file.write(b"Subject: x\n\nno mbox\n")
        self.assertIn("no mbox", self.refused(server, "import", BERT, box))
        self.assertIn("not empty", self.refused(server, "export", ANNA, folder))
        self.assertIn("no such mailbox", self.refused(server, "export", ANNA, os.path.join(folder, "out"), "--mailbox", "None"))
        server.stop()
        self.assertIn("ringpost serve", self.refused(server, "list", code=75))
        self.assertIn("ringpost serve", self.refused(server, "import", ANNA, maildir, code=75))
        server.start()

    def test_a_quota_stops_it_and_the_next_run_goes_on(self):
        server = self.make_server({"mailboxes": {"quota": "40KiB"}})
        folder = temp_folder()
        box = os.path.join(folder, "box")
        with open(box, "wb") as file:
            for i in range(30):
                file.write(b"From a Sat Jan  3 01:05:34 2026\n" + mail(f"q{i}", b"x" * 70 + b"\n" * 2 + b"y" * 60_00 + b"\n").replace(b"\r\n", b"\n") + b"\n")
        done = server.command("mailbox", "import", ANNA, box)
        self.assertEqual(done.returncode, 1)
        self.assertIn("quota", done.stderr.decode())
        server.reconfigure({"mailboxes": {"quota": "10MiB"}})
        server.restart()
        lines, _ = self.import_json(server, ANNA, box)
        self.assertEqual(lines[-1]["moved"] + lines[-1]["known"], 30)
        self.assertEqual(len(self.mailboxes(server)["INBOX"][1]), 30)

    def test_a_full_disk_ends_an_export_with_its_reason(self):
        disk = self.closing(disks.LoopDisk(4 << 20))
        server = self.make_server()
        client = self.imap(server)
        for i in range(8):
            client.append("INBOX", None, None, mail(f"f{i}", b"x" * 900_000 + b"\n"))
        done = server.command("mailbox", "export", ANNA, os.path.join(disk.path, "out"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("No space left", done.stderr.decode())


if __name__ == "__main__":
    ringpost.main()
