"""A server with its spool and its mailboxes on a disk of rig.py, under load, whose power goes again and again."""

import collections
import os
import random

import foreign
import ringpost
from ledger import Arrivals, MaildirNames, check_local, check_remote, is_exact
from load import Load, id_of
from programs import wait_until
from ringpost import LOCAL, REMOTE
from sink import Sink

MAILBOX = f"anna@{LOCAL}"
LATE = "late"  # recipients whose mail waits until all cuts are over
OPERATIONS_MAX = 60  # writes and flushes that come between the order and the cut
HOLDING_SHARE = 0.4  # of the lives: nothing is delivered in them, so that the whole load is in the spool at the cut


def is_local(number):
    return number % 8 == 0


def is_late(number):
    return number % 33 == 1 and not is_local(number)


def recipient_of(number):
    if is_local(number):
        return MAILBOX
    return f"{LATE if is_late(number) else 'r'}{number % 7}@{REMOTE}"


def number_of(name):
    return int(name[1:])


class NextHost(Sink):
    """Takes mail, or puts it off: all of it while `holding`, the late one until `ending`."""

    def __init__(self):
        super().__init__(answers={"rcpt": self.put_off})
        self.holding = self.ending = False

    def put_off(self, _session, address):
        if self.holding or (address.startswith(LATE) and not self.ending):
            return "450 4.2.1 not now"
        return None


    def end_stalls(self):
        self.answers.pop("greeting", None)
        self.release.set()


class Machine:
    def __init__(self, test, disk, backend, **more):
        self.test = test
        self.disk = disk
        self.next_host = test.closing(NextHost())
        self.server = self._make_server(backend, more)
        self.arrivals = Arrivals(self.next_host)
        self.mailbox = MaildirNames(os.path.join(disk.path, "mail", LOCAL, "anna"))
        self.loads = []
        self.compared = 0  # arrivals at the next host whose bytes were compared
        self.came = set()  # their names
        self.reports = collections.Counter()

    def _make_server(self, backend, more):
        folders = {name: os.path.join(self.disk.path, name) for name in ("spool", "mail")}
        config = {"spool": {"directory": folders["spool"], "segments_ahead": 2, "compact_after": "1s"},
                  "mailboxes": {"location": f"maildir:{folders['mail']}/%d/%n"},
                  "shaping": {"default": {"connection_limit": 10}}}
        server = ringpost.Server(ringpost.merged(config, more), sink=self.next_host, backend=backend, start=False)
        for folder in folders.values():
            os.mkdir(folder)
            server.own(folder)
        self.test.addCleanup(server.end)
        return server.start()

    # ---- load and cuts ----

    def start_load(self, recipients=recipient_of):
        """Small mails, and some that come in pieces: for them the log has other records."""
        port = self.server.port()
        self.loads = [Load(port, recipients, connections=6),
                      Load(port, recipients, connections=2, size=290_000, prefix="L", pause=0.3)]

    def stop_load(self):
        for load in self.loads:
            load.stop()

    def run_for(self, count):
        acknowledged = lambda: sum(len(load.acknowledged) for load in self.loads)
        until = acknowledged() + count
        wait_until(lambda: acknowledged() >= until, f"{until} acknowledgements; there are {acknowledged()}")

    def cut(self, seed, operations=0, manner=None):
        """The power goes, the server with it; both come back."""
        report = self.disk.cut(seed, operations, manner)
        print(f"cut {self.reports['cuts'] + 1} {report}: {len(self.expected(late=True))} acknowledged, {len(self.came)} came", flush=True)
        self.server.kill()
        self.next_host.end_stalls()
        self.arrivals.life_ended()
        self.reports.update({f"manner {report.pop('manner')}": 1, "cuts": 1, **report})
        self.disk.come_back()
        self.server.start()

    def run_cuts(self, count, seed):
        choices = random.Random(seed)
        self.start_load()
        for _ in range(count):
            self.next_host.holding = choices.random() < HOLDING_SHARE
            self.run_for(choices.randrange(10, 100))
            self.cut(choices.getrandbits(32), choices.randrange(1, OPERATIONS_MAX))
            self.next_host.holding = False
            self.check_under_load()

    def check_under_load(self):
        """New mail comes while the old is read; then the load rests, or its mail would be in the way of the old."""
        expected = self.expected(late=False)
        self.run_for(15)
        for load in self.loads:
            load.pause_all()
        self.check_that_all_came(expected)
        for load in self.loads:
            load.go_on()

    # ---- what came of it ----

    def expected(self, late):
        """The names of what was acknowledged by now, with the late ones or without."""
        names = set()
        for load in self.loads:
            with load.lock:
                names.update(load.acknowledged)
        return {name for name in names if late or not is_late(number_of(name))}

    def check_that_all_came(self, expected):
        try:
            wait_until(lambda: expected <= self.received(), "what was acknowledged")
        except AssertionError:
            missing = expected - self.received()
            self.test.fail(f"lost, or stuck: {sorted(missing)}; the queue has {self.server.queue_count()}; {dict(self.reports)}; "
                           f"the log ends:\n{self.server.log_tail()}")

    def received(self):
        with self.next_host.changed:
            new = self.next_host.mails[self.compared:]
        for mail in new:
            self.compare(mail.data)
            self.came.add(id_of(mail.data))
            mail.data = mail.data[:2000]  # the rest is known now, and there are many
        self.compared += len(new)
        return self.came | self.mailbox.ids()

    def compare(self, data):
        name = id_of(data)
        self.test.assertTrue(is_exact(self.load_of(name), data), f"{name} is not as it was sent: {data[:3000]}")

    def load_of(self, name):
        return next(load for load in self.loads if name.startswith(load.prefix))

    def finish(self):
        """Everything is delivered, and compared with what was acknowledged."""
        self.run_for(50)
        self.stop_load()
        self.next_host.ending = True
        self.check_that_all_came(self.expected(late=True))
        self.server.wait_until_empty(patience=300)
        self.server.stop()
        mails = foreign.maildir(self.mailbox.path)
        for mail in mails:
            self.compare(mail)
        for load in self.loads:
            local = {name for name in load.acknowledged if is_local(number_of(name))}
            check_remote(self.test, load, self.arrivals, set(load.acknowledged) - local)
            check_local(self.test, load, [mail for mail in mails if id_of(mail).startswith(load.prefix)], local, self.reports["cuts"])
        self.disk.verify()
