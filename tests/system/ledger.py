"""What was acknowledged, against what came: over the lives of a server that is killed, or whose machine loses its power.

A mail may come twice when its sender was not acknowledged and sent it again, or when its delivery was inside a crash: taken by
the other side just before, and not yet recorded here.
"""

import collections
import contextlib
import os

import ringpost
from load import id_of

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


def inside_crashes(where):
    """How many arrivals of one mail a crash each explains: just before it, and then again."""
    return sum(1 for (life, before_end), (next_life, _) in zip(where, where[1:]) if next_life > life and before_end <= INSIDE_CRASH_MAX)


def check_remote(test, load, arrivals, expected):
    """`expected`: the names of acknowledged mails for the next host, all of which must have come by now."""
    came = {name: where for name, where in arrivals.by_id().items() if name in load.attempts}
    lost = expected - set(came)
    twice = {name: where for name, where in came.items() if len(where) > load.attempts[name]}
    print(f"next host: acknowledged {len(expected)}, received {len(expected & set(came))}, lost {len(lost)}, "
          f"twice {sum(len(w) > 1 for w in came.values())} (of them {len(twice)} inside a crash)", flush=True)
    test.assertEqual(lost, set())
    for name, where in came.items():
        # One arrival more than it was sent for each crash that its delivery was inside of.
        test.assertLessEqual(len(where), load.attempts[name] + inside_crashes(where), f"{name} came at {where}, was sent {load.attempts[name]} times")


def check_local(test, load, mails, expected, crashes):
    """The same for `mails`, those of a mailbox."""
    came = collections.Counter(id_of(mail) for mail in mails)
    lost = expected - set(came)
    print(f"mailbox: acknowledged {len(expected)}, received {len(expected & set(came))}, lost {len(lost)}, "
          f"twice {sum(n > 1 for n in came.values())}", flush=True)
    test.assertEqual(lost, set())
    for name, times in came.items():
        test.assertLessEqual(times, load.attempts[name] + crashes, name)
    test.assertLessEqual(sum(came.values()) - sum(min(came[n], load.attempts[n]) for n in came), INSIDE_CRASH_MAX * crashes)


class MaildirNames:
    """The ids of the mails in a Maildir, each file read once; what is gone from the folder is gone here too."""

    def __init__(self, path):
        self.path = path
        self.known = {}

    def ids(self):
        names = []
        for part in ("new", "cur"):
            with contextlib.suppress(FileNotFoundError):
                names += [os.path.join(self.path, part, name) for name in os.listdir(os.path.join(self.path, part))]
        for name in names:
            if name not in self.known:
                with open(name, "rb") as file:
                    self.known[name] = id_of(file.read(4096))
        return {self.known[name] for name in names}


def is_exact(load, data):
    """Is this, without trace fields, the mail with its id as it was sent?"""
    name = id_of(data)
    return name is not None and ringpost.without_trace(ringpost.to_lf(data), b"\n") == ringpost.to_lf(load.message_of(name))
