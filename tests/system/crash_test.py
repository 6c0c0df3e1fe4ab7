"""SIGKILL under load, again and again: no acknowledged mail is lost, and none comes twice without a reason.

RINGPOST_CRASHES says how often (3). RINGPOST_SEED replays the moments of a failed run, which prints its seed.

A mail may come twice when its sender was not acknowledged and sent it again, or when its delivery was inside a crash: taken by
the other side just before, and not yet recorded here.
"""

import collections
import os
import random
import time

import ringpost
from load import Load, id_of
from programs import wait_until
from ringpost import LOCAL, REMOTE, SystemTest
from sink import Sink

CRASHES = int(os.environ.get("RINGPOST_CRASHES", "3"))
SEED = int(os.environ.get("RINGPOST_SEED", str(random.randrange(1 << 32))))
# Deliveries that may be inside a crash: those on the way to the next host, and those whose record waits for the next frame.
INSIDE_CRASH_MAX = 512


class Arrivals:
    """What came at the next host, by the life of the server in which it came."""

    def __init__(self, sink):
        self.sink = sink
        self.ends = []  # how many had come when a life ended

    def life_ended(self):
        # What was in the sockets of the dead server still comes, and is of its life.
        self.sink.wait_for(lambda sink: sink.open_sessions == 0, "the connections of the dead server to end")
        self.ends.append(len(self.sink.mails))

    def by_id(self):
        """id: [(life, how many came after it in that life)]."""
        found = collections.defaultdict(list)
        start = 0
        for life, end in enumerate([*self.ends, len(self.sink.mails)]):
            for index in range(start, end):
                found[id_of(self.sink.mails[index].data)].append((life, end - index))
            start = end
        return found


class Crash(SystemTest):
    def run_crashes(self, config=None, bdat=False, backend=None):
        print(f"\nRINGPOST_SEED={SEED} RINGPOST_CRASHES={CRASHES}", flush=True)
        moments = random.Random(SEED)
        sink = self.closing(Sink(chunking=bdat))
        server = self.server(ringpost.merged({"shaping": {"default": {"connection_limit": 10}}}, config or {}), sink=sink, backend=backend)
        arrivals = Arrivals(sink)
        load = Load(server.port(), lambda number: f"anna@{LOCAL}" if number % 4 == 0 else f"r{number % 7}@{REMOTE}", bdat=bdat)
        killed_at = []
        for crash in range(CRASHES):
            load.wait_for(len(load.acknowledged) + moments.randrange(20, 400))
            server.kill()
            killed_at.append(time.time_ns())
            arrivals.life_ended()
            print(f"crash {crash + 1}: {len(load.acknowledged)} acknowledged, {len(sink.mails)} came", flush=True)
            server.start()
        load.wait_for(len(load.acknowledged) + 50)
        load.stop()
        server.wait_until_empty(patience=300)
        server.stop()
        self.check_remote(load, arrivals)
        self.check_local(load, server, killed_at)

    def check_remote(self, load, arrivals):
        came = arrivals.by_id()
        expected = {name for name in load.acknowledged if int(name[1:]) % 4 != 0}
        lost = expected - set(came)
        twice = {name: where for name, where in came.items() if len(where) > load.attempts[name]}
        print(f"next host: acknowledged {len(expected)}, received {len(expected & set(came))}, lost {len(lost)}, "
              f"twice {sum(len(w) > 1 for w in came.values())} (of them {len(twice)} inside a crash)", flush=True)
        self.assertEqual(lost, set())
        for name, where in came.items():
            # One arrival more than it was sent for each crash that its delivery was inside of.
            inside = sum(1 for (life, before_end), (next_life, _) in zip(where, where[1:]) if next_life > life and before_end <= INSIDE_CRASH_MAX)
            self.assertLessEqual(len(where), load.attempts[name] + inside, f"{name} came at {where}, was sent {load.attempts[name]} times")

    def check_local(self, load, server, killed_at):
        expected = {name for name in load.acknowledged if int(name[1:]) % 4 == 0}
        came = collections.Counter(id_of(mail) for mail in server.mailbox(f"anna@{LOCAL}"))
        lost = expected - set(came)
        print(f"mailbox: acknowledged {len(expected)}, received {len(expected & set(came))}, lost {len(lost)}, "
              f"twice {sum(n > 1 for n in came.values())}", flush=True)
        self.assertEqual(lost, set())
        for name, times in came.items():
            self.assertLessEqual(times, load.attempts[name] + len(killed_at), name)
        self.assertLessEqual(sum(came.values()) - sum(min(came[n], load.attempts[n]) for n in came), INSIDE_CRASH_MAX * len(killed_at))

    def test_nothing_acknowledged_is_lost(self):
        self.run_crashes()

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


if __name__ == "__main__":
    ringpost.main()
