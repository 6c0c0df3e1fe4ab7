"""What mailboxes promise, shown: two clients that see the same, caches that may be lost, logins that come byte by byte, the death of
the server under twenty clients. RINGPOST_SECONDS: how long two clients work (4); RINGPOST_SEED."""

import collections
import imaplib
import os
import random
import re
import select
import socket
import struct
import threading
import time

import mail_clients
import programs
import ringpost
from ringpost import LOCAL, PASSWORD, SystemTest
from talk import trusting_context

SECONDS = float(os.environ.get("RINGPOST_SECONDS", "4"))
SEED = int(os.environ.get("RINGPOST_SEED", random.randrange(1 << 30)))
CONFIG = {"mailboxes": {"location": "store"},
          "listener": {"imap": {"protocol": "imap", "tls": "none", "auth_without_tls": True, "client_connection_limit": 2000},
                       "imaps": {"protocol": "imap", "tls": "implicit", "client_connection_limit": 2000}}}
ANNA = f"anna@{LOCAL}"
imaplib.Commands.setdefault("MOVE", ("SELECTED",))


def mail(name, text=b"Hello.\r\n"):
    return f"From: Carl <carl@remote.example>\r\nSubject: {name}\r\nMessage-ID: <{name}@remote.example>\r\n\r\n".encode() + text


def without_recent(text):
    return re.sub(rb"FLAGS \(([^)]*)\)", lambda found: b"FLAGS (%s)" % b" ".join(flag for flag in found[1].split() if flag != rb"\Recent"), text)


class Watcher:
    """A client that keeps what it was told of a mailbox, and asks only for what it was not told."""

    def __init__(self, port, qresync):
        self.socket = socket.create_connection(("127.0.0.1", port), programs.PATIENCE)
        self.pending = b""
        self.number = 0
        self.messages = []  # [uid or None, flags or None]
        self.said = collections.deque(maxlen=60)
        self.read_line()
        self.order(f'LOGIN {ANNA} "{PASSWORD}"')
        if qresync:
            self.order("ENABLE QRESYNC")
        self.order("SELECT INBOX")
        self.learn()

    def close(self):
        self.socket.close()

    def send(self, text, literal=None):
        self.number += 1
        tag = f"t{self.number}"
        self.said.append(f"{tag} {text}")
        self.socket.sendall(f"{tag} {text}".encode() + (b"" if literal is None else b" {%d+}\r\n" % len(literal) + literal) + b"\r\n")
        return tag

    def order(self, text, literal=None, may_fail=False):
        tag = self.send(text, literal)
        while True:
            line = self.read_line()
            if line.startswith(tag.encode() + b" "):
                assert may_fail or b" OK" in line, (text, line)
                return line
            self.hear(line)

    def read_line(self, until=None):
        """The next line; nothing when it has not come by `until`."""
        while b"\n" not in self.pending:
            left = programs.PATIENCE if until is None else until - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                assert until is not None, f"nothing more came: {self.said}"
                return None
            more = self.socket.recv(65536)
            assert more, f"the server left: {self.said}"
            self.pending += more
        line, _, self.pending = self.pending.partition(b"\n")
        return line + b"\n"

    def idle(self, seconds):
        tag = self.send("IDLE")
        self.hear_until(lambda line: line.startswith(b"+"))
        until = time.monotonic() + seconds
        while line := self.read_line(until):
            self.hear(line)
        self.socket.sendall(b"DONE\r\n")
        self.hear_until(lambda line: line.startswith(tag.encode()))

    def hear_until(self, last):
        while not last(line := self.read_line()):
            self.hear(line)

    def hear(self, line):
        self.said.append(line)
        words = line.split()
        if len(words) > 2 and words[2] == b"EXISTS":
            count = int(words[1])
            assert count >= len(self.messages), (count, len(self.messages))
            self.messages += [[None, None] for _ in range(count - len(self.messages))]
        elif len(words) > 2 and words[2] == b"EXPUNGE":
            del self.messages[int(words[1]) - 1]
        elif words[1] == b"VANISHED":
            gone = set()
            for part in words[-1].decode().split(","):
                first, _, last = part.partition(":")
                gone.update(range(int(first), int(last or first) + 1))
            for uid in sorted(gone - {uid for uid, _ in self.messages}):
                self.forget_unknown(uid)
            self.messages = [message for message in self.messages if message[0] not in gone]
        elif len(words) > 2 and words[2] == b"FETCH":
            message = self.messages[int(words[1]) - 1]
            if uid := re.search(rb"UID (\d+)", line):
                assert message[0] in (None, int(uid[1])), f"message {words[1]} was {message[0]}"
                message[0] = int(uid[1])
                known = [uid for uid, _ in self.messages if uid]
                assert known == sorted(set(known)), f"UIDs do not rise: {known}"
            if flags := re.search(rb"FLAGS \(([^)]*)\)", line):
                message[1] = frozenset(flags[1].split()) - {rb"\Recent"}

    def forget_unknown(self, uid):
        """One that came and went before it was asked for: its place is somewhere between those whose UIDs are next to it."""
        below = max((i for i, message in enumerate(self.messages) if message[0] and message[0] < uid), default=-1)
        assert below + 1 < len(self.messages) and self.messages[below + 1][0] is None, f"{uid} was never here"
        del self.messages[below + 1]

    def learn(self):
        for attempt in range(20):
            if attempt:
                self.order("NOOP")  # what has gone meanwhile is told by no FETCH
            wanted = [str(i + 1) for i, message in enumerate(self.messages) if None in message]
            if not wanted:
                return
            self.order(f"FETCH {wanted[0]}:{wanted[-1]} (UID FLAGS)")
        raise AssertionError(f"the server does not say what {wanted} are")

    def work(self, dice, name):
        some = [uid for uid, _ in dice.sample(self.messages, min(len(self.messages), dice.randint(1, 4))) if uid]
        uids = ",".join(map(str, some))
        flags = " ".join(dice.sample([r"\Seen", r"\Flagged", r"\Answered", r"\Deleted", "$one", "two"], dice.randint(1, 3)))
        deed = dice.random()
        if deed < 0.35 or not some:
            self.order(f"APPEND INBOX ({flags})", mail(name))
        elif deed < 0.65:
            self.order(f"UID STORE {uids} {dice.choice(['+', '-', ''])}FLAGS ({flags})")
        elif deed < 0.72:
            self.order(f"STORE {dice.randint(1, len(self.messages))} +FLAGS ({flags})", may_fail=True)
        elif deed < 0.80:
            self.order("EXPUNGE")
        elif deed < 0.86:
            self.order(f"UID EXPUNGE {uids}")
        elif deed < 0.91:
            self.order(f"UID COPY {uids} INBOX")
        elif deed < 0.95:
            self.order(f"UID MOVE {uids} {dice.choice(['INBOX', 'Other'])}")
        elif deed < 0.97:
            self.idle(dice.uniform(0.01, 0.2))
        else:
            self.order("NOOP")
        self.learn()

    def state(self):
        return [(uid, flags) for uid, flags in self.messages]


class TwoClients(SystemTest):
    def test_both_end_with_what_a_third_sees(self):
        server = self.server(CONFIG)
        client = mail_clients.imap(self, server.port("imap"))
        client.login(ANNA, PASSWORD)
        client.create("Other")
        client.logout()
        faults = []

        def work(watcher, number):
            dice = random.Random(SEED + number)
            try:
                turn, end = 0, time.monotonic() + SECONDS
                while time.monotonic() < end:
                    turn += 1
                    watcher.work(dice, f"{number}.{turn}")
            except Exception as error:  # of a thread: the test shall see it
                faults.append((repr(error), list(watcher.said)))

        watchers = [self.closing(Watcher(server.port("imap"), qresync)) for qresync in (False, True)]
        threads = [threading.Thread(target=work, args=(watcher, i)) for i, watcher in enumerate(watchers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertFalse(faults, f"RINGPOST_SEED={SEED}")
        for watcher in watchers:
            watcher.order("NOOP")
            watcher.learn()
        fresh = self.closing(Watcher(server.port("imap"), False)).state()
        for watcher in watchers:
            self.assertEqual(watcher.state(), fresh, f"RINGPOST_SEED={SEED}")
        self.assertGreater(watchers[0].number + watchers[1].number, 20)


class Caches(SystemTest):
    def whole_state(self, server):
        """All that IMAP says of every mailbox."""
        state = {}
        client = mail_clients.imap(self, server.port("imap"))
        client.login(ANNA, PASSWORD)
        state["subscribed"] = sorted(client.lsub()[1])
        for line in sorted(client.list()[1]):
            name = line.rsplit(b" ", 1)[-1].decode().strip('"')
            status = client.status(name, "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ MAILBOXID)")[1]
            client.select(name, readonly=True)
            messages = client.fetch("1:*", "(UID FLAGS MODSEQ INTERNALDATE SAVEDATE EMAILID ENVELOPE BODYSTRUCTURE BODY.PEEK[])")[1]
            state[name] = (line, status, [without_recent(b"".join(part) if isinstance(part, tuple) else part) for part in messages if part])
        return state

    @staticmethod
    def drop_tables(server):
        """Zeros over the index table of each sealed segment (docs/spool.md); how many there were."""
        dropped = 0
        for root, _, names in os.walk(os.path.join(server.folder, "spool")):
            for name in sorted(names):
                if not name.startswith("segment-"):
                    continue
                with open(os.path.join(root, name), "r+b") as file:
                    for slot in range(2):
                        file.seek(slot * 4096)
                        header = file.read(88)
                        end, size = struct.unpack_from("<Q", header, 64)[0], struct.unpack_from("<I", header, 76)[0]
                        if header[:8] == b"POSTSEG1" and struct.unpack_from("<I", header, 12)[0] == 3 and size:
                            file.seek(end)
                            file.write(bytes(size))
                            dropped += 1
        return dropped

    def test_all_indexes_deleted_and_everything_is_there(self):
        server = self.server(CONFIG)
        dice = random.Random(SEED)
        client = mail_clients.imap(self, server.port("imap"))
        client.login(ANNA, PASSWORD)
        for box in ("INBOX", "Sent", "Sent/2024", "Gone"):
            client.create(box)
            client.subscribe(box)
            for i in range(60):
                flags = dice.choice([r"()", r"(\Seen)", "($one two)", r"(\Flagged)"])
                client.append(box, flags, None, mail(f"{box}{i}", dice.randbytes(9_000).hex().encode() + b"\r\n"))
            client.select(box)
            for i in range(0, 60, 7):
                client.store(str(i + 1), "+FLAGS", dice.choice([r"(\Deleted)", r"(\Seen three)"]))
            client.expunge()
            client.uid("MOVE", "20:25", "INBOX")
        client.unselect()
        client.rename("Gone", "Kept")
        client.unsubscribe("Sent")
        before = self.whole_state(server)
        client.logout()
        for crash in (False, True):
            (server.kill if crash else server.stop)()
            self.assertGreater(self.drop_tables(server), 0)
            server.start()
            after = self.whole_state(server)
            self.assertEqual(sorted(after), sorted(before))
            for box, parts in before.items():
                if box == "subscribed":
                    self.assertEqual(after[box], parts)
                    continue
                self.assertEqual(after[box][:2], parts[:2])
                self.assertEqual(len(after[box][2]), len(parts[2]))
                for old, new in zip(parts[2], after[box][2]):  # one by one: megabytes are not compared for people
                    self.assertTrue(old == new, f"{box}: {old[:500]}\nnow {new[:500]}")
        # As before, the next UID is a new one.
        client = mail_clients.imap(self, server.port("imap"))
        client.login(ANNA, PASSWORD)
        next_uid = int(re.search(rb"UIDNEXT (\d+)", client.status("INBOX", "(UIDNEXT)")[1][0])[1])
        self.assertIn(b"APPENDUID", client.append("INBOX", None, None, mail("after"))[1][0])
        client.select("INBOX")
        self.assertEqual(client.uid("SEARCH", "SUBJECT", "after")[1], [str(next_uid).encode()])


class Logins(SystemTest):
    WORDS = (f'a LOGIN {ANNA} "{PASSWORD}"\r\nb ENABLE CONDSTORE\r\nc SELECT INBOX\r\nd FETCH 1 (UID FLAGS BODY.PEEK[])\r\n'
             "e APPEND INBOX (\\Seen) {3+}\r\nabc\r\nf STATUS INBOX (UIDNEXT)\r\ng STORE 2:* +FLAGS.SILENT (\\Deleted)\r\nh EXPUNGE\r\n").encode()

    def say(self, server, listener, pieces):
        """What the server says to all of it; and the connection, left open."""
        connection = socket.create_connection(("127.0.0.1", server.port(listener)), programs.PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if listener == "imaps":
            connection = trusting_context().wrap_socket(connection)
        self.closing(connection)
        said = b""
        while not said.endswith(b"\r\n"):
            said += connection.recv(65536)
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.002)  # each in a segment and a turn of its own; nothing depends on it
        while not re.search(rb"(?m)^h \w+ .*\r\n", said):
            more = connection.recv(65536)
            self.assertTrue(more, said)
            said += more
        said = re.sub(rb"(HIGHESTMODSEQ|UIDNEXT|APPENDUID \d+|UID|VANISHED) \d+|MODSEQ \(\d+\)", rb"\1 N", said)
        return without_recent(re.sub(rb"\* \d+ RECENT\r\n", b"", said))

    def test_split_at_every_byte_in_clear_and_in_tls(self):
        server = self.server(CONFIG)
        client = mail_clients.imap(self, server.port("imap"))
        client.login(ANNA, PASSWORD)
        client.append("INBOX", None, None, mail("one"))
        client.logout()
        for listener in ("imap", "imaps"):
            whole = self.say(server, listener, [self.WORDS])
            self.assertEqual(len(re.findall(rb"(?m)^[a-h] OK ", whole)), 8, whole)
            for at in range(1, len(self.WORDS)):
                split = self.say(server, listener, [self.WORDS[:at], self.WORDS[at:]])
                self.assertEqual(split, whole, f"{listener}, split at {at}")
            self.assertEqual(self.say(server, listener, [self.WORDS[i:i + 1] for i in range(len(self.WORDS))]), whole, "byte by byte")
        open_on = [line["gauge"] for line in server.ask("figures")[0] if line["name"] == "access_connections_open"]
        self.assertEqual(sorted(open_on), [0, 2 * (len(self.WORDS) + 1)], "all are on the core of their user")


class Deaths(SystemTest):
    """SIGKILL while twenty clients work: what was answered is there as it was answered."""

    CLIENTS = 20

    def test_nothing_acknowledged_is_lost_under_twenty_clients(self):
        server = self.server(CONFIG)
        client = mail_clients.imap(self, server.port("imap"))
        client.login(ANNA, PASSWORD)
        client.create("Moved")
        client.logout()
        state = [{} for _ in range(self.CLIENTS)]  # name -> (mailbox, flags), None when expunged, "?" while a command is under way
        dice = random.Random(SEED)
        for turn in range(3):
            threads = [threading.Thread(target=self.work, args=(server, state[n], random.Random(SEED + 100 * turn + n), f"c{turn}.{n}")) for n in range(self.CLIENTS)]
            for thread in threads:
                thread.start()
            time.sleep(dice.uniform(1, 2.5))
            server.kill()
            for thread in threads:
                thread.join()
            server.start()
            self.compare(server, state)
        self.assertGreater(sum(len(each) for each in state), self.CLIENTS)

    @staticmethod
    def work(server, state, dice, name):
        number, here = 0, {}  # name -> uid in INBOX
        try:
            client = imaplib.IMAP4("127.0.0.1", server.port("imap"), timeout=10)
            client.login(ANNA, PASSWORD)
            client.select("INBOX")
            while True:
                number += 1
                new = f"{name}.{number}"
                state[new] = "?"
                status, data = client.append("INBOX", r"(\Seen)" if number % 2 else "", None, mail(new))
                if status != "OK":
                    del state[new]
                    continue
                here[new] = re.search(rb"APPENDUID \d+ (\d+)", data[0])[1].decode()
                state[new] = ("INBOX", {r"\Seen"} if number % 2 else set())
                one = dice.choice(sorted(here))
                deed, before = dice.choice(["flag", "move", "expunge"]), state[one]
                state[one] = "?"
                if deed == "flag":
                    if client.uid("STORE", here[one], "+FLAGS.SILENT", r"(\Flagged)")[0] == "OK":
                        state[one] = ("INBOX", before[1] | {r"\Flagged"})
                elif deed == "move":
                    if client.uid("MOVE", here[one], "Moved")[0] == "OK":
                        state[one] = ("Moved", before[1])
                        del here[one]
                else:
                    client.uid("STORE", here[one], "+FLAGS.SILENT", r"(\Deleted)")
                    if client.uid("EXPUNGE", here[one])[0] == "OK":
                        state[one] = None
                        del here[one]
        except (OSError, imaplib.IMAP4.error):
            pass  # it was killed

    def compare(self, server, states):
        there, seen_uids = {}, set()
        client = mail_clients.imap(self, server.port("imap"))
        client.login(ANNA, PASSWORD)
        for box in ("INBOX", "Moved"):
            client.select(box, readonly=True)
            for part in client.fetch("1:*", "(UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]:
                if not isinstance(part, tuple):
                    continue
                name = part[1].split(b":")[1].strip().decode()
                flags = {f.decode() for f in imaplib.ParseFlags(part[0])} - {r"\Recent"}
                uid = (box, int(re.search(rb"UID (\d+)", part[0])[1]))
                self.assertNotIn(uid, seen_uids)
                seen_uids.add(uid)
                self.assertNotIn(name, there, f"RINGPOST_SEED={SEED}: twice")
                there[name] = (box, flags)
        for state in states:
            for name, expected in state.items():
                if expected is None:
                    self.assertNotIn(name, there, f"RINGPOST_SEED={SEED}: an expunged message came back")
                elif expected != "?":
                    self.assertEqual(there.get(name), expected, f"RINGPOST_SEED={SEED}: {name}")


if __name__ == "__main__":
    ringpost.main()
