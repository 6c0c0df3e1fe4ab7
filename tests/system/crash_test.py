"""SIGKILL under load, again and again: no acknowledged mail is lost, and none comes twice without a reason.

RINGPOST_CRASHES says how often (3). RINGPOST_SEED replays the moments of a failed run, which prints its seed.
"""

import collections
import os
import random
import signal
import time

import ringpost
from ledger import Arrivals, check_local, check_remote
from load import Load, id_of
from programs import wait_until
from ringpost import LOCAL, REMOTE, SystemTest
from sink import Sink

CRASHES = int(os.environ.get("RINGPOST_CRASHES", "3"))
SEED = int(os.environ.get("RINGPOST_SEED", str(random.randrange(1 << 32))))


class Crash(SystemTest):
    def run_crashes(self, config=None, bdat=False, backend=None):
        print(f"\nRINGPOST_SEED={SEED} RINGPOST_CRASHES={CRASHES}", flush=True)
        moments = random.Random(SEED)
        sink = self.closing(Sink(chunking=bdat))
        server = self.server(ringpost.merged({"shaping": {"default": {"connection_limit": 10}}}, config or {}), sink=sink, backend=backend)
        arrivals = Arrivals(sink)
        load = Load(server.port(), lambda number: f"anna@{LOCAL}" if number % 4 == 0 else f"r{number % 7}@{REMOTE}", bdat=bdat)
        for crash in range(CRASHES):
            load.wait_for(len(load.acknowledged) + moments.randrange(20, 400))
            server.kill()
            arrivals.life_ended()
            print(f"crash {crash + 1}: {len(load.acknowledged)} acknowledged, {len(sink.mails)} came", flush=True)
            server.start()
        load.wait_for(len(load.acknowledged) + 50)
        load.stop()
        server.wait_until_empty(patience=300)
        server.stop()
        local = {name for name in load.acknowledged if int(name[1:]) % 4 == 0}
        check_remote(self, load, arrivals, set(load.acknowledged) - local)
        check_local(self, load, server.mailbox(f"anna@{LOCAL}"), local, CRASHES)

    def test_nothing_acknowledged_is_lost(self):
        self.run_crashes(backend="uring")

    def test_nothing_acknowledged_is_lost_with_epoll_and_chunks(self):
        self.run_crashes(bdat=True, backend="epoll")

    def test_a_server_that_comes_back_with_other_cores_finds_the_mail_of_all(self):
        sink = self.closing(Sink(answers={"greeting": "421 4.3.2 not now"}))
        server = self.server({"retry": {"intervals": ["1s"]}}, sink=sink, cores=2)
        load = Load(server.port(), lambda number: f"r{number}@{REMOTE}")
        load.wait_for(200)
        server.kill()
        load.stop()
        server.reconfigure({"cores": {"use": [0]}})
        sink.answers.clear()
        server.start()
        came = sink.wait_for_mail(len(load.acknowledged))
        wait_until(lambda: set(load.acknowledged) <= {id_of(m.data) for m in sink.mails}, "all that was acknowledged")
        self.assertTrue(came)
        server.wait_until_empty(patience=300)

    def test_the_queue_moves_on_after_kills_with_other_core_counts_and_kills_in_a_start(self):
        print(f"\nRINGPOST_SEED={SEED} RINGPOST_CRASHES={CRASHES}", flush=True)
        moments = random.Random(SEED)
        sink = self.closing(Sink())
        server = self.server({"shaping": {"default": {"connection_limit": 4}}}, sink=sink, cores=4)
        arrivals = Arrivals(sink)
        # Not so fast that the queue is long in the end: little is delivered in lives so short.
        load = Load(server.port(), lambda number: f"r{number}@d{number % 5}.example", pause=0.1)
        for crash in range(CRASHES):
            load.wait_for(len(load.acknowledged) + moments.randrange(20, 400))
            if crash % 3 == 2:  # its clock stands still, and the timers of all its peers go on
                server.program.send(signal.SIGSTOP)
                time.sleep(0.5)
                server.program.send(signal.SIGCONT)
            server.kill()
            arrivals.life_ended()
            server.reconfigure({"cores": {"use": list(range((2, 1, 3, 4)[crash % 4]))}})
            for _ in range(moments.randrange(3)):
                server.start(ready=False)
                time.sleep(moments.uniform(0.01, 0.25))
                server.kill()
                arrivals.life_ended()
            server.start()
            print(f"crash {crash + 1}: {len(load.acknowledged)} acknowledged, {len(sink.mails)} came", flush=True)
            came = len(sink.mails)
            sink.wait_for_mail(came + 20)
        load.stop()
        server.wait_until_empty(patience=300)
        server.stop()
        check_remote(self, load, arrivals, set(load.acknowledged))

    def test_a_spool_of_four_cores_is_found_by_two_one_and_three(self):
        sink = self.closing(Sink(answers={"rcpt": self.put_off}))
        server = self.server({"retry": {"intervals": ["1s"]}, "spool": {"compact_after": "1s"}}, sink=sink, cores=4)
        expected = set()
        for cores in (4, 2, 1, 3, 4):
            with self.subTest(cores=cores):
                if cores != 4 or expected:
                    server.reconfigure({"cores": {"use": list(range(cores))}})
                    server.start()
                # What all that went before left is here, each message once.
                wait_until(lambda: server.queue_count() == len(expected), f"{len(expected)} messages; there are {server.queue_count()}")
                load = Load(server.port(), lambda number: f"{'now' if number % 3 == 0 else 'later'}@{REMOTE}", prefix=f"c{cores}x{len(expected)}x")
                load.wait_for(60)
                load.stop()
                self.assertEqual(max(load.attempts.values()), 1)
                taken = {name for name in load.acknowledged if int(name.rsplit("x", 1)[1]) % 3 == 0}
                expected |= set(load.acknowledged) - taken
                wait_until(lambda: taken <= {id_of(m.data) for m in sink.mails}, "what is taken")
                wait_until(lambda: server.queue_count() == len(expected), "what was taken to leave the queue")
                # Orderly and by a crash, in turn.
                server.stop() if cores % 2 == 0 else server.kill()
        sink.answers.clear()
        server.reconfigure({"cores": {"use": [0, 1]}})
        server.start()
        server.wait_until_empty(patience=300)
        came = collections.Counter(id_of(mail.data) for mail in sink.mails)
        # What was taken just before a kill may have come twice; what waited may not.
        self.assertEqual({name: came[name] for name in expected if came[name] != 1}, {})

    @staticmethod
    def put_off(_session, address):
        return "450 4.2.1 not now" if address.startswith("later") else None


if __name__ == "__main__":
    ringpost.main()
