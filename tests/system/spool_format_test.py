"""docs/spool.md is enough to write another reader from: tests/tools/spool_reader.py, which was, and the server agree.

About the spool of a server that was killed; about one with a byte changed; and about one that is made here by hand, from the same
page, with all that a server writes seldom.
"""

import email.utils
import hashlib
import itertools
import json
import os
import struct
import sys
import time

import ringpost
from programs import SOURCE, run, wait_until
from ringpost import LOCAL, REMOTE, SystemTest, message
from sink import Sink

sys.path.insert(0, os.path.join(SOURCE, "tests", "tools"))
from spool_reader import crc32c, name_of, tag  # noqa: E402

READER = os.path.join(SOURCE, "tests", "tools", "spool_reader.py")
LINE = "x" * 70 + "\r\n"


def answer(_session, address):
    """w... waits, b... bounces, others are taken."""
    return {"w": "450 4.2.1 not now", "b": "550 5.1.1 nobody"}.get(address[0])


class SpoolFormat(SystemTest):
    def serve(self, config=None, **options):
        self.sink = self.closing(Sink(answers={"rcpt": answer}))
        config = ringpost.merged({"retry": {"intervals": ["1h"], "expire_after": "100h"}, "spool": {"compact_after": "1s"}}, config or {})
        self.the_server = self.server(config, sink=self.sink, start=False, **options)
        self.spool = os.path.join(self.the_server.folder, "spool")
        self.go = os.path.join(self.the_server.folder, "mail", "go")

    def read(self, status=0):
        """What the reader says: messages by id, and places that are damaged."""
        done = run([sys.executable, READER, self.spool])
        self.assertEqual((done.returncode, done.stderr), (status, b""))
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return {line["id"]: line for line in lines if "id" in line}, [line for line in lines if "id" not in line]

    def said_of_spool(self, status, *words):
        """Whoever looks at a damaged spool is told so at the end, by status 1."""
        done = self.the_server.command("spool", *words)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout

    def exported(self, status):
        """What `ringpost spool export` says of each message, in the reader's words."""
        folder = os.path.join(self.the_server.folder, f"export-{len(os.listdir(self.the_server.folder))}")
        os.mkdir(folder)
        self.said_of_spool(status, "export", "--to", folder)
        found = {}
        for name in sorted(os.listdir(folder)):
            if name.endswith(".json"):
                with open(os.path.join(folder, name)) as text, open(os.path.join(folder, name[:-5] + ".eml"), "rb") as mail:
                    said, body = json.load(text), mail.read()
                found[said["id"]] = {
                    "id": said["id"], "sender": said["sender"],
                    "left": [r["address"] for r in said["recipients"] if r["state"] == "pending"],
                    "ended": [{"address": r["address"], "state": r["state"]} for r in said["recipients"] if r["state"] != "pending"],
                    "arrival": int(email.utils.parsedate_to_datetime(said["arrival"]).timestamp()),
                    "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        return found

    def compare_with_export(self, messages, status=0):
        in_seconds = {name: {**line, "arrival": line["arrival"] // 10**9} for name, line in messages.items()}
        self.assertEqual(in_seconds, self.exported(status))

    def compare_with_stats(self, messages, status=0):
        *shards, whole = [json.loads(line) for line in self.said_of_spool(status, "stats", "--json").splitlines()]
        self.assertEqual((whole["messages"], whole["pending"]), (len(messages), sum(len(m["left"]) for m in messages.values())))
        self.assertEqual(whole["recipients"], sum(len(m["left"]) + len(m["ended"]) for m in messages.values()))
        self.assertEqual(sum(shard["body_bytes"] for shard in shards), sum(m["size"] for m in messages.values()))

    def compare_with_deliveries(self, messages):
        """A server that starts again delivers to whom was left, and to nobody else, the bytes that the reader found."""
        self.sink.answers.clear()
        del self.sink.mails[:]
        with open(self.go, "w"):
            pass
        self.the_server.start()
        self.assertEqual(self.the_server.queue_count(), len(messages))
        self.the_server.command_ok("queue", "flush", "--all")
        self.the_server.wait_until_empty()
        expected = sorted((m["sender"], to, m["sha256"]) for m in messages.values() for to in m["left"] if not to.endswith(LOCAL))
        self.sink.wait_for_mail(len(expected))
        came = sorted((mail.sender, to, hashlib.sha256(mail.data).hexdigest()) for mail in self.sink.mails for to in mail.recipients)
        self.assertEqual(came, expected)

    # ---- a server's own ----

    def fill(self):
        """Mail on three cores, and on one that then has the shards of all. Gives (sender, left, ended) by id."""
        with open(os.path.join(self.the_server.folder, "aliases"), "w") as file:
            file.write(f'team: anna, "|test -e {self.go} || exit 75"\n')
        expected = {}
        for life, cores in enumerate((3, 1)):
            self.the_server.reconfigure({"cores": {"use": list(range(cores))}})
            self.the_server.start()
            for number, size in enumerate((10, 3_000, 70_000, 300_000, 3_500_000, 20, 40, 4_000)):
                expected.update(self.send(f"{life}{number}", size))
            for number in range(14):  # gone at once, but for a small one among them: so hardly anything lives in its segment
                self.the_server.send(f"anna@{LOCAL}", [f"gone{life}{number}@{REMOTE}"], message(body=LINE * 3_000))
                if number == 7:
                    expected.update(self.send(f"{life}8", 30))
            cancelled = self.the_server.send(f"anna@{LOCAL}", [f"wc{life}@{REMOTE}"], message(body=LINE * 9))
            self.the_server.wait_for_event("deferred", queue_id=cancelled)
            self.the_server.command_ok("queue", "cancel", "--id", cancelled)
            wait_until(lambda: self.the_server.queue_count() == len(expected), "what has ended to leave the queue")
            if life == 1:
                wait_until(lambda: self.the_server.figure("spool_moved") > 0, "messages of other cores to be moved")
                wait_until(lambda: self.the_server.figure("spool_moved_cold") > 0, "messages to be moved to cold segments")
            self.the_server.kill()
        return expected

    def send(self, name, size):
        """One for three fates, one that waits, one that is delivered, and one for an alias of which one target waits."""
        body = ".dots\r\n..\r\n" + LINE * (size // len(LINE)) + "end\r\n"
        waits, taken, refused = (f"{fate}{name}@{REMOTE}" for fate in "wdb")
        sent = [(waits, taken, refused), (waits,), (taken,)] if size < 100_000 else [(waits, taken, refused)]
        expected = {}
        for index, recipients in enumerate(sent):
            sender = f"anna@{LOCAL}" if index else ""
            identity = self.the_server.send(sender, recipients, message(body=body))
            for address in recipients:
                kind = {"w": "deferred", "d": "delivered", "b": "bounced"}[address[0]]
                self.the_server.wait_for_event(kind, queue_id=identity, recipient=address)
            if waits in recipients:
                ended = {taken: "delivered", refused: "bounced"} if len(recipients) == 3 else {}
                expected[identity] = (sender, [waits], ended)
        if size == 20:
            identity = self.the_server.send(f"bert@{LOCAL}", [f"team@{LOCAL}"], message(body=body))
            self.the_server.wait_for_event("deferred", queue_id=identity)
            expected[identity] = (f"bert@{LOCAL}", [f"team@{LOCAL}"], {})
        return expected

    def dumped(self):
        """(shard, segment, offset, size, id of the message, what) of each record; the id of a chunk is that of its message too."""
        lines = [line.split() for line in self.the_server.command_ok("spool", "dump").splitlines()]
        owners = {line[6]: line[4] for line in lines if line[5] == "body" and len(line) > 6}
        return [(*line[:2], int(line[2]), int(line[3]), owners.get(line[4], line[4]), line[5]) for line in lines]

    def test_the_reader_finds_what_a_killed_server_had(self):
        self.serve()
        expected = self.fill()
        messages, damages = self.read()
        self.assertEqual(damages, [])
        self.assertEqual({name: (m["sender"], m["left"], {e["address"]: e["state"] for e in m["ended"]}) for name, m in messages.items()}, expected)
        kinds = {what for *_, what in self.dumped()}
        self.assertLessEqual({"body", "chunk", "envelope", "state", "done"}, kinds)
        self.compare_with_stats(messages)
        self.compare_with_export(messages)
        print(f"\n{len(messages)} messages of {sum(m['size'] for m in messages.values())} bytes; records {sorted(kinds)}", flush=True)
        self.flip_bytes(messages)
        self.compare_with_deliveries(messages)

    def flip_bytes(self, messages):
        """One byte changes: the reader names that message, as `spool check` does, and has all others."""
        records = self.dumped()
        copies = [line[4] for line in records if line[5] == "envelope"]
        once = [line for line in records if line[4] in messages and copies.count(line[4]) == 1]
        for kind, into in [*itertools.product(("body", "envelope"), (-24 + 9, -24 + 17, 0.1, 0.9)), ("chunk", 0.5)]:
            shard, segment, offset, size, identity, _ = next(line for line in once if line[5] == kind and line[3] > 100)
            with self.subTest(kind=kind, into=into):
                place = offset + into if into < 0 else offset + int(into * size)
                path = os.path.join(self.spool, f"shard-{shard}", f"segment-{segment}")
                self.flip(path, place)
                found, damages = self.read(status=1)
                checked = [json.loads(line) for line in self.the_server.command("spool", "check", "--json").stdout.splitlines()]
                self.flip(path, place)
                self.assertEqual([line["damaged_message"] for line in checked if "damaged_message" in line], [identity])
                self.assertIn("damaged", found.pop(identity))
                self.assertEqual(found, {name: line for name, line in messages.items() if name != identity})
                self.assertTrue(any(d["offset"] <= place < d["offset"] + d["size"] for d in damages), damages)

    def flip(self, path, place):
        with open(path, "r+b") as file:
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ 4]))

    # ---- one that is made by hand ----

    def test_reader_and_server_agree_about_a_spool_that_the_page_describes(self):
        """Segments of all versions and envelopes of both, voids, tombstones, what was moved, states elsewhere, what was freed, lost headers, a torn tail."""
        self.serve({"spool": {"compact_after": "1h"}})
        spool = HandMade(self.spool)
        waits = {number: f"w{number}@{REMOTE}" for number in range(1, 18)}
        first = spool.segment(0, 1, sequence=5, epoch=1)
        first.frame(*first.mail(1, [waits[1], "d1"], version=1))
        first.frame(*first.mail(2, [waits[2], "d2", "b2"]))
        first.frame((STATE, 2, state((1, 1), (2, 2), (0, 0))), (STATE, 1, state((1, 1))))
        first.frame(*first.mail(3, [waits[3]]))
        first.frame((STATE, 2, state((0, 0))), (DONE, 3, use(0, 1, 5)))
        for number, *others in ((12,), (13, "d13"), (14,), (15,), (16,), (17,)):
            first.frame(*first.mail(number, [waits[number], *others]))
        failed = first.frame(*first.mail(4, [waits[4]]))
        first.write(SEALED)
        freed = spool.segment(0, 2, sequence=6, epoch=1)
        freed.frame(*freed.mail(5, [waits[5]]))
        freed.write(FREE)
        other = spool.segment(1, 1, sequence=9, epoch=1, version=1)
        other.frame(*other.mail(6, [waits[6]]))
        other.frame(*other.mail(7, [waits[7], "d7"]))
        other.frame(*other.mail(8, [waits[8]], pieces=3))
        other.frame(*other.mail(11, [waits[11]]))
        other.frame(*other.mail(9, [waits[9]]), torn=True)
        other.salt += 1  # of an earlier use
        other.frame(*other.mail(5, [waits[5]]))
        other.salt -= 1
        other.write(OPEN)
        later = spool.segment(0, 3, sequence=7, epoch=2)
        later.frame((VOID, 0, struct.pack("<IIQQ", 1, 1, failed, failed)), *later.mail(6, [waits[6]]), (MOVED, 6, use(1, 1, 9), 1))
        later.frame((STATE, 7, state((1, 4)), 1), (STATE, 6, struct.pack("<IIIIB7x8s", 1, 0, 0, 0, 5, b"a target")))
        later.frame(*later.mail(11, [waits[11]]), (MOVED, 11, use(1, 1, 9), 1))
        later.frame((DONE, 11, use(0, 3, 7)))
        self.make_cold(spool, later, waits)
        later.write(OPEN)
        lost = spool.segment(0, 4, sequence=8, epoch=2, commit=10)
        lost.frame(*lost.mail(10, [waits[10]]))
        lost.write(OPEN, header=False)
        spool.write_identity(epoch=2)
        self.own_all()

        messages, damages = self.read(status=1)
        self.assertEqual([(d["damaged"][-22:], d["offset"]) for d in damages], [("shard-0/segment-000004", 0), ("shard-0/segment-000006", 0)])
        left = {name_of(number): [waits[number]] for number in (1, 2, 6, 7, 8, 10, 13, 14, 15, 17)}
        self.assertEqual({name: m["left"] for name, m in messages.items()}, left)
        ended = {m["id"]: {e["address"]: e["state"] for e in m["ended"]} for m in messages.values() if m["ended"]}
        self.assertEqual(ended, {name_of(1): {"d1": "delivered"}, name_of(2): {"d2": "delivered", "b2": "bounced"}, name_of(7): {"d7": "cancelled"}, name_of(13): {"d13": "delivered"}})
        self.assertEqual({name: m["sha256"] for name, m in messages.items()},
                         {name_of(number): hashlib.sha256(body_of(number)).hexdigest() for number in (1, 2, 6, 7, 8, 10, 13, 14, 15, 17)})
        self.compare_with_stats(messages, status=1)
        self.compare_with_export(messages, status=1)
        self.compare_with_deliveries(messages)

    def make_cold(self, spool, later, waits):
        """Copies in two segments that were opened after the one that says what has become of them, of 14 without its body."""
        cold = spool.segment(0, 5, sequence=10, epoch=2, commit=20, stream=3)
        cold.frame(*cold.mail(12, [waits[12]]), *cold.mail(13, [waits[13], "d13"]))
        cold.frame(*cold.mail(14, [waits[14]])[1:])
        cold.frame(*cold.mail(15, [waits[15]], pieces=4))
        cold.write(SEALED)
        lost = spool.segment(0, 6, sequence=11, epoch=2, commit=30, stream=4)
        lost.frame(*lost.mail(16, [waits[16]]))
        lost.frame(*lost.mail(17, [waits[17]]))
        lost.write(OPEN, header=False)
        later.commit = 40
        later.frame((DONE, 12, use(0, 5, 10) + use(0, 1, 5)), (STATE, 13, state((1, 1))))
        later.frame((DONE, 16, use(0, 6, 11) + use(0, 1, 5)))

    def test_a_spool_of_a_later_version_is_refused(self):
        """By the server, by the tools and by the reader, each of which names the file. Nothing has changed, in the other shard either,
        where there is something to mend, nor in SPOOL."""
        self.serve()
        spool = HandMade(self.spool)
        known = spool.segment(0, 1, sequence=5, epoch=1)
        known.frame(*known.mail(1, [f"w1@{REMOTE}"]))
        known.write(SEALED)
        lost = spool.segment(0, 3, sequence=7, epoch=1)
        lost.frame(*lost.mail(3, [f"w3@{REMOTE}"]))
        lost.write(OPEN, header=False)
        later = spool.segment(1, 2, sequence=6, epoch=1, version=4)
        later.frame(*later.mail(2, [f"w2@{REMOTE}"]))
        later.write(OPEN)
        with open(os.path.join(self.spool, "shard-0", "segment-000009.new"), "wb") as unfinished:
            unfinished.write(bytes(BLOCK))
        spool.write_identity(epoch=1)
        self.own_all()
        before = self.all_bytes()
        refusal = r"segment-000002 was written by a newer version(;|\n  mend:) use that one, or one that is newer still"
        for words in (("check",), ("stats",), ("dump",), ("repair",), ("repair", "--write")):
            done = self.the_server.command("spool", *words)
            self.assertNotEqual(done.returncode, 0, words)
            self.assertRegex(done.stderr.decode(), refusal, words)
        self.the_server.start(ready=False)
        self.assertEqual(self.the_server.program.wait(), 1)
        self.assertRegex(self.the_server.output(), refusal)
        self.the_server.check_output()
        self.the_server.program = None
        messages, damages = self.read(status=1)
        self.assertEqual(sorted(messages), sorted([name_of(1), name_of(3)]))
        self.assertEqual({d["damaged"] for d in damages}, {lost.path, f"{later.path} is of version 4"})
        self.assertEqual(self.all_bytes(), before)
        self.assertFalse(os.path.exists(os.path.join(self.spool, "damaged")))

    def own_all(self):
        for folder, _, files in os.walk(self.spool):
            for path in (folder, *(os.path.join(folder, name) for name in files)):
                self.the_server.own(path)

    def all_bytes(self):
        found = {}
        for folder, _, files in os.walk(self.spool):
            for name in files:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    found[path] = hashlib.sha256(file.read()).hexdigest()
        return found


# ---- writing a spool, as docs/spool.md says ----

BLOCK = 4096
FREE, OPEN, SEALED = 1, 2, 3
BODY, CHUNK, BODY_END, ENVELOPE, STATE, DONE, MOVED, VOID = 1, 2, 3, 4, 5, 6, 7, 255
SPOOL_ID = 0x1122334455667788
ARRIVAL = time.time_ns()  # of all: copies are the same


def body_of(number):
    return message(subject=f"number {number}", body=LINE * 50 * number)


def use(shard, number, sequence):
    return struct.pack("<IIQ", shard, number, sequence)


def state(*outcomes):
    return struct.pack("<II", len(outcomes), 0) + b"".join(struct.pack("<IHHBB6xQ", index, 1, 250, kind, 0, 0) for index, kind in outcomes)


def envelope(sender, recipients, size, version):
    """The ten texts: the sender, nine that are empty."""
    texts, table = sender.encode(), b""
    for address in recipients:
        table += struct.pack("<IHHB3x", len(texts), len(address), 0, 0) + bytes(4 if version == 1 else 0)
        texts += address.encode()
    number, place = ("Q", "<II") if version == 1 else ("I", "<H")
    facts = struct.pack("<QQ5" + number, ARRIVAL, 0, size, 0, 70, 0, 0) + struct.pack("<IIHHBBBB", 0, 4, 0, 0, 0, 0, 0, 0)
    lengths = [(len(sender),)] + [(0,)] * 9 if version != 1 else [(0, len(sender))] + [(0, 0)] * 9
    fixed = facts + b"".join(struct.pack(place, *length) for length in lengths)
    return struct.pack("<4sHHII", b"RPE1", version, len(fixed), len(recipients), len(texts)) + fixed + table + texts


class HandMade:
    def __init__(self, folder):
        self.folder = folder

    def segment(self, *arguments, **options):
        return HandMadeSegment(self.folder, *arguments, **options)

    def write_identity(self, epoch):
        slot = struct.pack("<8sIIQI", b"RPSPOOL1", 1, epoch, SPOOL_ID, 0)
        with open(os.path.join(self.folder, "SPOOL"), "wb") as file:
            file.write((slot + struct.pack("<I", crc32c(slot))).ljust(2 * BLOCK, b"\0"))


class HandMadeSegment:
    def __init__(self, folder, shard, number, sequence, epoch, commit=1, version=2, stream=0):
        self.path = os.path.join(folder, f"shard-{shard}", f"segment-{number:06}")
        self.shard, self.number, self.sequence, self.epoch = shard, number, sequence, epoch
        self.salt, self.commit, self.first_commit, self.previous = 0xABCDEF << 32 | number, commit, commit, 0
        self.version, self.stream, self.frames = 3 if stream else version, stream, b""

    def mail(self, number, recipients, version=2, pieces=1):
        """The records of a message."""
        body, body_id = body_of(number), 1000 + number
        said = (ENVELOPE, number, envelope(f"anna@{LOCAL}", recipients, len(body), version))
        if pieces == 1:
            return [(BODY, number, body), said]
        size = -(-len(body) // pieces)
        chunks = [(CHUNK, body_id, body[at:at + size]) for at in range(0, len(body), size)]
        return [*chunks, (BODY_END, number, struct.pack("<QQII", body_id, len(body), pieces, 0)), said]

    def frame(self, *records, torn=False):
        """Appends one, and gives its commit sequence."""
        begin = 2 * BLOCK + len(self.frames)
        bytes_, headers = b"", b""
        for kind, identity, payload, *flags in records:
            mark = tag(self.salt, begin + 48 + len(bytes_)) if self.version > 1 else 0
            header = struct.pack("<IBBHIQ", len(payload), kind, *(flags or [0]), 0, mark, identity)
            header = struct.pack("<I", crc32c(header, payload)) + header
            headers += header
            bytes_ += (header + payload).ljust(-(-len(header + payload) // 8) * 8, b"\0")
        head = struct.pack("<4sIQIIQIII", b"FRME", 48 + len(bytes_), self.salt, self.epoch, len(records), self.commit, self.previous, crc32c(headers), self.stream)
        self.previous = crc32c(head)
        whole = head + struct.pack("<I", self.previous) + bytes_
        if torn:
            whole = whole[:len(whole) // 2]
        self.frames += whole.ljust(-(-len(whole) // BLOCK) * BLOCK, b"\0")
        self.commit += 1
        return self.commit - 1

    def write(self, status, header=True):
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        end = 2 * BLOCK + len(self.frames) if status == SEALED else 0
        slot = struct.pack("<8sIHHQIIQQQQQIII", b"POSTSEG1", self.version, status, self.stream, SPOOL_ID, self.shard, self.number, self.sequence, self.salt, 3, self.first_commit,
                           end, self.epoch, 0, 0)
        slot += struct.pack("<I", crc32c(slot))
        with open(self.path, "wb") as file:
            file.write(bytes(BLOCK) + (slot if header else b"lost").ljust(BLOCK, b"\0") + self.frames)
            file.truncate(1 << 20)


if __name__ == "__main__":
    ringpost.main()
