"""Bit rot: a byte of a stopped spool changes. The server starts all the same, delivers every message that is whole, and names the others.

What is tried at a thousand places in memory by unit.spool is tried here with the real program, at RINGPOST_FLIPS (24) of them.
RINGPOST_SEED replays the places of a failed run, which prints its seed.
"""

import json
import os
import random
import shutil

import ringpost
from ledger import is_exact
from load import Load, id_of
from programs import wait_until
from ringpost import REMOTE, SystemTest
from sink import Sink

FLIPS = int(os.environ.get("RINGPOST_FLIPS", "24"))
SEED = int(os.environ.get("RINGPOST_SEED", str(random.randrange(1 << 32))))
MESSAGES = 150


class Rot(SystemTest):
    def setUp(self):
        print(f"\nRINGPOST_SEED={SEED} RINGPOST_FLIPS={FLIPS}", flush=True)
        self.random = random.Random(SEED)
        self.sink = self.closing(Sink(answers={"rcpt": lambda _, address: "450 4.2.1 not now" if address.startswith("w") else None}))
        self.the_server = self.server(sink=self.sink)
        self.spool = os.path.join(self.the_server.folder, "spool")
        self.fill()

    def fill(self):
        """Messages that wait, some of them in pieces, and some that have been delivered."""
        # The recipient of m7 is wm7: it waits.
        to = lambda prefix: lambda number: f"{'d' if number % 5 == 0 else 'w'}{prefix}{number}@{REMOTE}"
        port = self.the_server.port()
        self.loads = [Load(port, to("m"), size=3000), Load(port, to("L"), connections=1, size=290_000, prefix="L")]
        self.loads[0].wait_for(MESSAGES)
        self.loads[1].wait_for(6)
        for load in self.loads:
            load.stop()
        self.delivered = {name for load in self.loads for name in load.acknowledged if int(name[1:]) % 5 == 0}
        self.waiting = {name for load in self.loads for name in load.acknowledged} - self.delivered
        wait_until(lambda: self.delivered <= {id_of(mail.data) for mail in self.sink.mails}, "the deliveries")
        wait_until(lambda: self.the_server.queue_count() == len(self.waiting), "the deliveries to be recorded")
        wait_until(lambda: set(self.names_of_ids().values()) == self.waiting | self.delivered, "each to be tried once")
        self.names = self.names_of_ids()
        # One shard ends as a crash leaves it, the other tries see sealed segments too.
        self.the_server.kill() if self.random.random() < 0.5 else self.the_server.stop()
        self.pristine = os.path.join(self.the_server.folder, "pristine")
        shutil.copytree(self.spool, self.pristine)

    def names_of_ids(self):
        """Queue id: the name of its mail, for all that came."""
        tried = self.the_server.events("deferred") + self.the_server.events("delivered")
        return {event["queue_id"]: event["recipient"].split("@")[0][1:] for event in tried}

    def lay_anew(self):
        shutil.rmtree(self.spool)
        shutil.copytree(self.pristine, self.spool)
        for folder, _, files in os.walk(self.spool):
            for path in (folder, *(os.path.join(folder, name) for name in files)):
                self.the_server.own(path)

    def flip(self):
        """One bit somewhere in what has been written of a segment."""
        segments = []
        for folder, _, files in os.walk(self.spool):
            for name in files:
                with open(os.path.join(folder, name), "rb") as file:
                    written = len(file.read().rstrip(b"\0"))
                if name.startswith("segment") and written > 8192:
                    segments.append((os.path.join(folder, name), written))
        path, written = self.random.choices(sorted(segments), [size for _, size in sorted(segments)])[0]
        offset = self.random.randrange(written)
        with open(path, "r+b") as file:
            file.seek(offset)
            byte = file.read(1)[0]
            file.seek(offset)
            file.write(bytes([byte ^ (1 << self.random.randrange(8))]))
        return f"{path[len(self.spool) + 1:]} at {offset}"

    def named_by_check(self):
        lines = [json.loads(line) for line in self.the_server.command("spool", "check", "--json").stdout.splitlines()]
        return self.to_names({line["damaged_message"] for line in lines if "damaged_message" in line})

    def named_by_server(self):
        notices = self.the_server.events("notice", since_start=True, severity="error")
        return self.to_names({event["queue_id"] for event in notices if "queue_id" in event})

    def to_names(self, identities):
        return {self.names.get(identity, identity) for identity in identities}

    def test_whole_messages_are_delivered_and_damaged_ones_are_named(self):
        self.sink.answers.clear()
        harmed = 0
        for turn in range(FLIPS):
            self.lay_anew()
            place = self.flip()
            with self.subTest(place=place):
                checked = self.named_by_check()
                harmed += len(checked) > 0
                self.try_it(checked)
                print(f"{turn + 1}: {place}: check names {sorted(checked)}", flush=True)
        self.assertGreater(harmed, 0, "no flip did any harm")

    def try_it(self, checked):
        del self.sink.mails[:]
        self.the_server.start()
        try:
            self.settle(checked)
            self.compare(checked, {id_of(mail.data) for mail in self.sink.mails})
        finally:
            self.the_server.kill()

    def settle(self, checked):
        """Until each message that waited has come, or was named by the server."""
        missing = lambda: self.waiting - {id_of(mail.data) for mail in self.sink.mails} - self.named_by_server()
        try:
            wait_until(lambda: not missing(), "the rest")
        except AssertionError:
            self.fail(f"neither came nor was named: {sorted(missing())}; check names {sorted(checked)}; "
                      f"the server says {self.the_server.events('notice', since_start=True)}, and has {self.the_server.command_ok('queue', 'list')}")

    def compare(self, checked, came):
        for mail in self.sink.mails:
            load = self.loads[id_of(mail.data).startswith("L")]
            self.assertTrue(is_exact(load, mail.data), f"{id_of(mail.data)} came with other bytes")
        self.assertLessEqual(len(checked), 1, "one byte has harmed more than one message")
        self.assertEqual(self.waiting - came - checked, set(), "did not come, and check does not name it")
        # One whose end is damaged may come again, if that is said.
        self.assertEqual((came & self.delivered) - checked, set(), "came again, and check does not name it")


if __name__ == "__main__":
    ringpost.main()
