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
        config = ringpost.merged({"retry": {"intervals": ["1h"]}, "spool": {"compact_after": "1s"}}, config or {})
        self.the_server = self.server(config, sink=self.sink, start=False, **options)
        self.spool = os.path.join(self.the_server.folder, "spool")
        self.go = os.path.join(self.the_server.folder, "mail", "go")

    def read(self, status=0):
        """What the reader says: messages by id, and places that are damaged."""
        done = run([sys.executable, READER, self.spool])
        self.assertEqual((done.returncode, done.stderr), (status, b""))
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return {line["id"]: line for line in lines if "id" in line}, [line for line in lines if "id" not in line]

    def exported(self):
        """What `ringpost spool export` says of each message, in the reader's words."""
        folder = os.path.join(self.the_server.folder, f"export-{len(os.listdir(self.the_server.folder))}")
        os.mkdir(folder)
        self.the_server.command_ok("spool", "export", "--to", folder)
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

    def compare_with_export(self, messages):
        in_seconds = {name: {**line, "arrival": line["arrival"] // 10**9} for name, line in messages.items()}
        self.assertEqual(in_seconds, self.exported())

    def compare_with_stats(self, messages):
        *shards, whole = self.the_server.json_lines("spool", "stats")
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
        came = sorted((mail.sender, to, hashlib.sha256(mail.data).hexdigest()) for mail in self.sink.mails for to in mail.recipients)
        self.assertEqual(came, sorted((m["sender"], to, m["sha256"]) for m in messages.values() for to in m["left"] if not to.endswith(LOCAL)))

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
            cancelled = self.the_server.send(f"anna@{LOCAL}", [f"wc{life}@{REMOTE}"], message(body=LINE * 9))
            self.the_server.wait_for_event("deferred", queue_id=cancelled)
            self.the_server.command_ok("queue", "cancel", "--id", cancelled)
            if life == 1:
                wait_until(lambda: self.the_server.figure("spool_moved") > 0, "messages of other cores to be moved")
            wait_until(lambda: self.the_server.queue_count() == len(expected), "what has ended to leave the queue")
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
        """(shard, segment, offset, size, id, what) of each record."""
        lines = (line.split(None, 6) for line in self.the_server.command_ok("spool", "dump").splitlines())
        return [(line[0], line[1], int(line[2]), int(line[3]), line[4], line[5]) for line in lines]

    def test_the_reader_finds_what_a_killed_server_had(self):
        self.serve()
        expected = self.fill()
        messages, damages = self.read()
        self.assertEqual(damages, [])
        self.assertEqual({name: (m["sender"], m["left"], {e["address"]: e["state"] for e in m["ended"]}) for name, m in messages.items()}, expected)
        kinds = {what for *_, what in self.dumped()}
        self.assertLessEqual({"body", "chunk", "envelope", "state", "done", "moved"}, kinds)
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
        for kind, into in itertools.product(("body", "envelope"), (-24 + 9, -24 + 17, 0.1, 0.9)):
            shard, segment, offset, size, identity, _ = next(line for line in once if line[5] == kind and line[3] > 100)
            with self.subTest(kind=kind, into=into):
                place = offset + into if into < 0 else offset + int(into * size)
                path = os.path.join(self.spool, f"shard-{shard}", f"segment-{segment}")
                self.flip(path, place)
                found, damages = self.read(status=1)
                self.flip(path, place)
                self.assertIn("damaged", found.pop(identity))
                self.assertEqual(found, {name: line for name, line in messages.items() if name != identity})
                self.assertTrue(any(d["offset"] <= place < d["offset"] + d["size"] for d in damages), damages)

    def flip(self, path, place):
        with open(path, "r+b") as file:
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ 4]))


if __name__ == "__main__":
    ringpost.main()
