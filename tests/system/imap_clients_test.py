"""Programs that people have, each through a round in which both sides change: what it did is looked at with another one."""

import email
import os
import pty
import pwd
import random
import re
import select
import shutil
import signal
import smtplib
import time

import mail_clients
import programs
import ringpost
from programs import run, temp_folder, wait_until
from ringpost import LOCAL, PASSWORD, SystemTest

CONFIG = {"mailboxes": {"location": "store"},
          "listener": {"imap": {"protocol": "imap", "tls": "none", "auth_without_tls": True},
                       "pop3": {"protocol": "pop3", "tls": "none", "auth_without_tls": True}}}
MARK_OF_MBSYNC = re.compile(rb"X-TUID: \S+\r?\n")  # by which it finds again what it has stored; its own, each time
ANNA, BERT = f"anna@{LOCAL}", f"bert@{LOCAL}"


def mail(name, text=b"Hello.\r\n"):
    return (f"From: Carl <carl@remote.example>\r\nTo: {ANNA}\r\nSubject: {name}\r\nMessage-ID: <{name}@remote.example>\r\n"
            "Date: Sun, 22 Nov 2026 09:00:00 +0000\r\n\r\n").encode() + text


def subject(data):
    return email.message_from_bytes(data)["Subject"]


def bytes_of(path):
    with open(path, "rb") as file:
        return file.read()


def files_of(folder):
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]


class Round(SystemTest):
    def setUp(self):
        self.the_server = self.server(CONFIG)
        self.folder = temp_folder()

    def program(self, name, package=None):
        if shutil.which(name) is None:
            self.skipTest(f"{name} is not installed (Debian package {package or name})")
        return name

    def imap(self, user=ANNA):
        client = mail_clients.imap(self, self.the_server.port("imap"))
        self.assertEqual(client.login(user, PASSWORD)[0], "OK")
        return client

    def fill(self, *names, box="INBOX", flags=None, user=ANNA):
        client = self.imap(user)
        for name in names:
            self.assertEqual(client.append(box, flags, None, mail(name))[0], "OK")

    def write(self, name, text, mode=0o600):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def state(self, user=ANNA):
        """{mailbox: {subject: (flags, bytes)}} of the server, as a fresh client sees it."""
        client, boxes = self.imap(user), {}
        for line in client.list()[1]:
            name = re.search(rb'(?:"([^"]*)"|(\S+))$', line)
            name = (name[1] or name[2]).decode()
            self.assertEqual(client.select(f'"{name}"', readonly=True)[0], "OK")
            boxes[name] = {}
            for part in client.fetch("1:*", "(FLAGS BODY.PEEK[])")[1] if client.response("EXISTS")[1] != [b"0"] else ():
                if isinstance(part, tuple):
                    flags = re.search(rb"FLAGS \(([^)]*)\)", part[0])[1].decode().split()
                    boxes[name][subject(part[1])] = (sorted(set(flags) - {r"\Recent"}), part[1])
        return boxes

    def flags(self, box="INBOX", user=ANNA):
        return {name: flags for name, (flags, _) in self.state(user)[box].items()}

    def store(self, name, flags, box="INBOX", user=ANNA, how="+FLAGS"):
        client = self.imap(user)
        client.select(box)
        (numbers,) = client.search(None, "SUBJECT", name)[1]
        self.assertEqual(client.store(numbers.split()[0].decode(), how, flags)[0], "OK")
        return client

    def maildir(self, path):
        """{subject: (letters of flags, bytes with CRLF)}"""
        found = {}
        for part in ("cur", "new"):
            for file in files_of(os.path.join(path, part)):
                data = MARK_OF_MBSYNC.sub(b"", bytes_of(file)).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
                letters = file.rpartition(":2,")[2] if ":2," in file else ""
                found[subject(data)] = ("".join(sorted(letters)), data)
        return found

    def ok(self, arguments, **options):
        done = run(arguments, **options)
        self.assertEqual(done.returncode, 0, (done.stdout + done.stderr).decode(errors="replace"))
        return done.stdout + done.stderr


class Synchronizing(Round):
    def mbsync(self, name, reverse=False):
        """A run of mbsync between the server and a Maildir of its own."""
        here = os.path.join(self.folder, name)
        os.makedirs(here, exist_ok=True)
        far, near = ("there", "here") if not reverse else ("here", "there")
        config = self.write(name + ".rc", f"""
IMAPStore there
Host 127.0.0.1
Port {self.the_server.port("imap")}
User {ANNA}
Pass "{PASSWORD}"
SSLType None
AuthMechs LOGIN

MaildirStore here
Path {here}/
Inbox {here}/INBOX
SubFolders Verbatim

Channel all
Far :{far}:
Near :{near}:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState {here}.state-
""")
        self.ok(["mbsync", "-c", config, "-a"])
        return here

    def test_mbsync_two_ways(self):
        self.program("mbsync", "isync")
        self.fill("a", "b", "c")
        here = self.mbsync("m")
        box = os.path.join(here, "INBOX")
        self.assertEqual(set(self.maildir(box)), {"a", "b", "c"})
        # Both sides change: flags, a deletion on each side, mail on each side, a mailbox on each side.
        files = {subject(bytes_of(path)): path for part in ("cur", "new") for path in files_of(os.path.join(box, part))}
        os.rename(files["a"], os.path.join(box, "cur", os.path.basename(files["a"]).partition(":")[0] + ":2,FS"))
        os.rename(files["b"], os.path.join(box, "cur", os.path.basename(files["b"]).partition(":")[0] + ":2,T"))
        with open(os.path.join(box, "new", "1.fresh"), "wb") as file:
            file.write(mail("fresh").replace(b"\r\n", b"\n"))
        for part in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(here, "Local", part))
        self.store("c", r"(\Answered)")
        self.fill("later", flags=r"(\Draft)")
        self.imap().create("Remote")
        self.mbsync("m")
        self.assertEqual(self.flags(), {"a": [r"\Flagged", r"\Seen"], "c": [r"\Answered"], "later": [r"\Draft"], "fresh": []})
        self.assertEqual({name: letters for name, (letters, _) in self.maildir(box).items()}, {"a": "FS", "c": "R", "later": "D", "fresh": ""})
        self.assertEqual(set(self.state()), {"INBOX", "Local", "Remote"})
        self.assertTrue(os.path.isdir(os.path.join(here, "Remote", "cur")))

    def test_two_mbsyncs_in_opposite_directions_end_identical(self):
        self.program("mbsync", "isync")
        dice = random.Random(4)
        self.fill(*(f"s{i}" for i in range(12)))
        boxes = [os.path.join(self.mbsync(name, reverse), "INBOX") for name, reverse in (("one", False), ("two", True))]
        for turn in range(4):
            for number, box in enumerate(boxes):
                for path in dice.sample(files_of(os.path.join(box, "cur")) + files_of(os.path.join(box, "new")), 3):
                    base = os.path.basename(path).partition(":2,")[0]
                    os.rename(path, os.path.join(box, "cur", f"{base}:2,{dice.choice(['F', 'S', 'FS', 'RS', 'ST'])}"))
                with open(os.path.join(box, "new", f"{turn}.{number}"), "wb") as file:
                    file.write(mail(f"t{turn}.{number}").replace(b"\r\n", b"\n"))
            self.fill(f"r{turn}")
            for _ in range(2):
                self.mbsync("one")
                self.mbsync("two", True)
            self.mbsync("one")
            one, two = map(self.maildir, boxes)
            self.assertEqual(one, two, f"after turn {turn}")
            letters = {r"\Flagged": "F", r"\Seen": "S", r"\Answered": "R", r"\Draft": "D", r"\Deleted": "T"}
            here = {name: ("".join(sorted(letters[f] for f in flags)), MARK_OF_MBSYNC.sub(b"", data))
                    for name, (flags, data) in self.state()["INBOX"].items()}
            self.assertEqual(here, one)

    def test_interimap_by_qresync(self):
        self.program("interimap")
        database = os.path.join(self.folder, "interimap.db")
        account = "type = imap\nhost = 127.0.0.1\nport = {}\nSTARTTLS = NO\nauth = LOGIN\nusername = {}\npassword = {}\n"
        port = self.the_server.port("imap")
        config = self.write("interimap.rc", f"database = {database}\nlist-mailbox = *\n\n[local]\n" + account.format(port, BERT, f'{PASSWORD}') +
                            "\n[remote]\n" + account.format(port, ANNA, f'{PASSWORD}'))
        environment = {**os.environ, "HOME": self.folder, "XDG_DATA_HOME": self.folder, "XDG_CONFIG_HOME": self.folder}

        def interimap():
            return self.ok(["interimap", "--config", config, "--debug"], env=environment)

        self.fill("a", "b", "c")
        self.fill("of bert", user=BERT)
        self.imap().create("Sent")
        self.assertIn(b"QRESYNC", interimap())
        self.assertEqual(self.state(ANNA), self.state(BERT))
        self.assertEqual(set(self.state(BERT)["INBOX"]), {"a", "b", "c", "of bert"})
        self.store("a", r"(\Seen $work)")
        self.store("b", r"(\Deleted)").expunge()
        self.store("c", r"(\Flagged)", user=BERT)
        self.fill("new of anna")
        self.fill("new of bert", user=BERT, box="Sent")
        interimap()
        self.assertEqual(self.state(ANNA), self.state(BERT))
        self.assertEqual(self.flags(user=BERT), {"a": ["$work", r"\Seen"], "c": [r"\Flagged"], "of bert": [], "new of anna": []})
        self.assertEqual(set(self.state(ANNA)["Sent"]), {"new of bert"})

    def test_offlineimap_two_ways(self):
        self.program("offlineimap", "offlineimap3")
        config = self.write("offlineimap.rc", f"""
[general]
accounts = a
metadata = {self.folder}/offlineimap
[Account a]
localrepository = here
remoterepository = there
[Repository here]
type = Maildir
localfolders = {self.folder}/maildir
[Repository there]
type = IMAP
remotehost = 127.0.0.1
remoteport = {self.the_server.port("imap")}
remoteuser = {ANNA}
remotepass = {PASSWORD}
ssl = no
starttls = no
auth_mechanisms = PLAIN
""")

        def offlineimap():
            return self.ok(["offlineimap", "-o", "-c", config, "-u", "basic"], env={**os.environ, "HOME": self.folder})

        self.fill("a", "b")
        self.imap().create("Sent")
        offlineimap()
        box = os.path.join(self.folder, "maildir", "INBOX")
        self.assertEqual(set(self.maildir(box)), {"a", "b"})
        self.assertTrue(os.path.isdir(os.path.join(self.folder, "maildir", "Sent", "cur")))
        for part in ("cur", "new"):
            for path in files_of(os.path.join(box, part)):
                if subject(bytes_of(path)) == "a":
                    os.rename(path, os.path.join(box, "cur", os.path.basename(path).partition(":2,")[0] + ":2,FS"))
        with open(os.path.join(box, "new", "1.fresh"), "wb") as file:
            file.write(mail("fresh").replace(b"\r\n", b"\n"))
        self.store("b", r"(\Answered)")
        self.fill("later")
        offlineimap()
        self.assertEqual(self.flags(), {"a": [r"\Flagged", r"\Seen"], "b": [r"\Answered"], "fresh": [], "later": []})
        self.assertEqual({name: letters for name, (letters, _) in self.maildir(box).items()}, {"a": "FS", "b": "R", "fresh": "", "later": ""})


class Fetching(Round):
    """Programs that take mail away; the other way goes by SMTP, and what they leave behind is looked at."""

    @staticmethod
    def as_user():
        entry = pwd.getpwnam(ringpost.SERVICE_USER)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}

    def send(self, *names):
        with smtplib.SMTP("127.0.0.1", self.the_server.port(), timeout=programs.PATIENCE) as client:
            for name in names:
                client.sendmail("carl@remote.example", [ANNA], mail(name, b"..dots\r\n.\r\nend\r\n"))
        wait_until(lambda: set(names) <= set(self.flags()), "the mail")

    def test_fetchmail_over_pop3_and_imap(self):
        self.program("fetchmail")
        out = os.path.join(self.folder, "out")
        os.mkdir(out)
        deliver = self.write("deliver", f"#!/bin/sh\nexec cat > {out}/$$.$(date +%N)\n", 0o700)
        for protocol, keep, names in (("pop3", "keep", ["p1", "p2"]), ("imap", "keep", ["i1"]), ("pop3", "nokeep", ["p3"]), ("imap", "nokeep", ["i2"])):
            self.send(*names)
            config = self.write("fetchmail.rc", f'poll 127.0.0.1 service {self.the_server.port(protocol)} protocol {protocol} auth password\n'
                                f'  user "{ANNA}" password "{PASSWORD}" {keep} fetchall no rewrite sslproto "" mda "{deliver}"\n')
            self.ok(["fetchmail", "-f", config, "--nodetach", "--nosyslog", "-i", os.path.join(self.folder, "ids"), "--pidfile", os.path.join(self.folder, "pid")],
                    env={**os.environ, "HOME": self.folder, "FETCHMAILHOME": self.folder})
            got = {subject(bytes_of(path)) for path in files_of(out)}
            self.assertTrue(set(names) <= got, (protocol, keep, got))
            left = self.flags()
            self.assertEqual(left != {}, keep == "keep", left)
            if protocol == "imap" and keep == "keep":
                self.assertTrue(all(r"\Seen" in flags for flags in left.values()), left)
        whole = next(data for data in map(bytes_of, files_of(out)) if subject(data) == "p3")
        self.assertTrue(whole.replace(b"\r\n", b"\n").endswith(b"\n\n..dots\n.\nend\n"), whole[-100:])

    def test_getmail_over_pop3_and_imap(self):
        self.program("getmail", "getmail6")
        box = os.path.join(self.folder, "Maildir")
        for part in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(box, part))
        for protocol, names in (("POP3", ["p1", "p2"]), ("IMAP", ["i1", "i2"])):
            self.send(*names)
            mailboxes = 'mailboxes = ("INBOX",)\n' if protocol == "IMAP" else ""
            config = self.write("getmailrc", f"[retriever]\ntype = Simple{protocol}Retriever\nserver = 127.0.0.1\nport = {self.the_server.port(protocol.lower())}\n"
                                f"username = {ANNA}\npassword = {PASSWORD}\n{mailboxes}[destination]\ntype = Maildir\npath = {box}/\n[options]\ndelete = true\nread_all = false\n")
            for root, folders, files in os.walk(self.folder) if os.geteuid() == 0 else ():  # it delivers nothing as root
                for path in [root, *(os.path.join(root, name) for name in folders + files)]:
                    shutil.chown(path, ringpost.SERVICE_USER)
            self.ok(["getmail", "--getmaildir", self.folder, "--rcfile", config], env={**os.environ, "HOME": self.folder}, **self.as_user())
            self.assertTrue(set(names) <= set(self.maildir(box)))
            self.assertEqual(self.flags(), {}, "it has deleted what it has taken")
        self.assertEqual(len(self.maildir(box)), 4)


class Reading(Round):
    def test_mutt_reads_flags_deletes_saves_and_quits(self):
        self.program("mutt")
        self.fill("a", "b", "c", "d")
        self.imap().create("Archive")
        port = self.the_server.port("imap")
        config = self.write("muttrc", f"""
set imap_user="{ANNA}" imap_pass="{PASSWORD}" folder="imap://127.0.0.1:{port}/" spoolfile="imap://127.0.0.1:{port}/INBOX"
set ssl_starttls=no ssl_force_tls=no imap_authenticators=login
set confirmappend=no confirmcreate=no delete=yes quit=yes move=no sort=mailbox-order header_cache="" wait_key=no pager_stop=yes record="" sig_dashes=no
set edit_headers=no autoedit=no fast_reply=yes help=no
push "<first-entry><display-message><exit><flag-message><search>~s b<enter><delete-message><search>~s c<enter><save-message>=Archive<enter><quit>"
""")
        environment = {**os.environ, "HOME": self.folder, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        pid, terminal = pty.fork()
        if pid == 0:
            os.execvpe("mutt", ["mutt", "-n", "-F", config], environment)
        said, status = b"", None
        deadline = time.monotonic() + programs.PATIENCE
        try:
            while status is None and time.monotonic() < deadline:
                if select.select([terminal], [], [], 0.2)[0]:
                    try:
                        said += os.read(terminal, 65536)
                    except OSError:  # the end of a terminal
                        pass
                done, code = os.waitpid(pid, os.WNOHANG)
                status = code if done else None
        finally:
            if status is None:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            os.close(terminal)
        self.assertEqual(status, 0, said[-2000:])
        state = self.state()
        self.assertEqual({name: flags for name, (flags, _) in state["INBOX"].items()}, {"a": [r"\Flagged", r"\Seen"], "d": state["INBOX"]["d"][0]})
        self.assertEqual(set(state["Archive"]), {"c"})
        self.assertEqual(state["Archive"]["c"][1], mail("c"))

    def test_curl_over_imap_and_pop3(self):
        self.program("curl")
        imap, pop3 = (f"{name}://127.0.0.1:{self.the_server.port(name)}" for name in ("imap", "pop3"))

        def curl(*arguments):
            return self.ok(["curl", "-sS", "--user", f"{ANNA}:{PASSWORD}", *arguments])

        path = self.write("mail", mail("of curl").decode())
        with open(path, "wb") as file:
            file.write(mail("of curl"))
        curl("-T", path, f"{imap}/INBOX")
        self.assertEqual(self.state()["INBOX"]["of curl"][1], mail("of curl"))
        curl(f"{imap}/", "-X", "CREATE Sent")
        self.assertIn(b'"Sent"' if b'"Sent"' in curl(f"{imap}/") else b"Sent", curl(f"{imap}/"))
        self.assertEqual(curl(f"{imap}/INBOX;UID=1"), mail("of curl"))
        self.assertEqual(curl(f"{imap}/INBOX;UID=1;SECTION=HEADER.FIELDS%20(SUBJECT)"), b"Subject: of curl\r\n\r\n")
        self.assertIn(b"* SEARCH 1", curl(f"{imap}/INBOX?SUBJECT%20curl"))
        curl(f"{imap}/INBOX", "-X", r"STORE 1 +FLAGS (\Flagged)")
        self.assertEqual(self.flags(), {"of curl": [r"\Flagged", r"\Seen"]})
        self.fill("second")
        self.assertEqual(curl(f"{pop3}/2"), mail("second"))
        self.assertIn(b"1 ", curl(f"{pop3}/"))
        self.assertRegex(curl(f"{pop3}/", "-X", "UIDL"), rb"(?m)^2 \S+\r?$")
        curl(f"{pop3}/1", "-X", "DELE", "--list-only")
        self.assertEqual(set(self.flags()), {"second"})

    def test_imaplib_and_poplib_beside_each_other(self):
        self.fill("a", "b")
        first, second = self.imap(), self.imap()
        for client in (first, second):
            self.assertEqual(client.select("INBOX")[1], [b"2"])
        self.assertEqual(first.store("1", "+FLAGS", r"(\Flagged)")[0], "OK")
        second.noop()
        self.assertIn(b"Flagged", b" ".join(second.fetch("1", "(FLAGS)")[1]))
        pop = mail_clients.pop3(self, self.the_server.port("pop3"))
        pop.user(ANNA)
        pop.pass_(PASSWORD)
        self.assertEqual(pop.stat()[0], 2)
        self.assertEqual(b"\r\n".join(pop.retr(2)[1]) + b"\r\n", mail("b"))
        self.assertEqual(pop.top(1, 0)[1][2], b"Subject: a")
        ids = [line.split()[1] for line in pop.uidl()[1]]
        pop.dele(1)
        self.fill("c")
        pop.quit()
        second.noop()
        self.assertEqual(second.response("EXPUNGE")[1], [b"1"])
        again = mail_clients.pop3(self, self.the_server.port("pop3"))
        again.user(ANNA)
        again.pass_(PASSWORD)
        self.assertEqual([line.split()[1] for line in again.uidl()[1]][0], ids[1], "the id of what is left is the same")
        self.assertEqual(again.stat()[0], 2)
        self.assertEqual(set(self.flags()), {"b", "c"})


if __name__ == "__main__":
    ringpost.main()
