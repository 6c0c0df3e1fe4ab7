"""A 250 is said for what is on stable storage, and for nothing else: shown by a disk that stands still, and by its flush counter."""

import os
import threading
import time

import ringpost
from disks import LoopDisk
from load import Load, id_of
from programs import wait_until
from ringpost import REMOTE, SystemTest
from sink import Sink

MiB = 1 << 20
FROZEN_SECONDS = 2.0
GRACE_SECONDS = 0.2  # a 250 whose frame was durable before the freeze may still be on its way


class Durable(SystemTest):
    def disk(self, size=256 * MiB):
        return self.closing(LoopDisk(size))

    def spool_on(self, disk, **more):
        folder = os.path.join(disk.path, "spool")
        os.makedirs(folder, exist_ok=True)
        return ringpost.merged({"spool": {"directory": folder}}, more)

    def server_on(self, disk, sink, backend=None, **more):
        server = ringpost.Server(self.spool_on(disk, **more), sink=sink, start=False, backend=backend)
        server.own(os.path.join(disk.path, "spool"))
        self.addCleanup(server.end)
        return server.start()

    def check_freeze(self, backend):
        disk = self.disk()
        sink = self.closing(Sink())
        server = self.server_on(disk, sink, backend)
        load = Load(server.port(), lambda number: f"r{number}@{REMOTE}")
        load.wait_for(100)
        before = len(load.acknowledged)
        disk.freeze()
        frozen = time.monotonic()
        # The disk stands still for a while: this time is the experiment, not a wait for something.
        threading.Event().wait(FROZEN_SECONDS)
        with load.lock:
            moments = list(load.acknowledged.values())
        disk.thaw()
        thawed = time.monotonic()
        late = [m - frozen for m in moments if m > frozen + GRACE_SECONDS]
        waiting = set(load.attempts) - set(load.acknowledged)
        load.wait_for(before + len(moments) + 100, "acknowledgements after the thaw")
        load.stop()
        print(f"{backend}: {before} before the freeze, {len(late)} more than {GRACE_SECONDS} s into it, {len(waiting)} waited for the thaw "
              f"after {thawed - frozen:.1f} s", flush=True)
        self.assertEqual(late, [])
        self.assertEqual(waiting - set(load.acknowledged), set())
        self.assertEqual(load.refusals, [])
        wait_until(lambda: set(load.acknowledged) <= {id_of(m.data) for m in sink.mails}, "all that was acknowledged")
        server.stop()

    def test_no_250_comes_from_a_disk_that_stands_still(self):
        self.check_freeze("uring")

    def test_no_250_comes_from_a_disk_that_stands_still_with_epoll(self):
        self.check_freeze("epoll")

    def test_each_commit_frame_is_flushed(self):
        disk = self.disk()
        sink = self.closing(Sink())
        for backend in ("uring", "epoll"):
            with self.subTest(backend=backend):
                server = self.server_on(disk, sink, backend)
                flushes, frames = disk.flushes(), server.figure("journal_frames")
                load = Load(server.port(), lambda number: f"r{number}@{REMOTE}", prefix=backend)
                load.wait_for(300)
                load.stop()
                frames = server.figure("journal_frames") - frames
                flushes = disk.flushes() - flushes
                print(f"{backend}: {len(load.acknowledged)} mails, {frames} frames, {flushes} flushes", flush=True)
                self.assertGreater(frames, 0)
                self.assertGreaterEqual(flushes, frames)
                server.stop()


class Large(SystemTest):
    """In pieces over many segments, in memory that does not grow with it. By hand with one of 1 GiB:
    RINGPOST_LARGE_MIB=1023 and a release build."""

    SIZE = int(os.environ.get("RINGPOST_LARGE_MIB", "48")) * MiB

    def test_a_large_message_crosses_segments_and_a_crash_in_bounded_memory(self):
        sink = self.closing(Sink(answers={"mail": "451 4.3.0 not now"}, chunking=True, extensions=("8BITMIME", f"SIZE {2 * self.SIZE}")))
        server = self.server({"listener": {"mx": {"message_size_limit": f"{self.SIZE + MiB}"}}, "cores": {"memory_limit": "64MiB"}},
                             sink=sink, cores=1)
        self.assertLess(server.figure("core_buffer_limit_bytes"), self.SIZE)  # what all messages of the core may have in memory
        lines = b"".join(b"%07d.%s\r\n" % (i, b"x" * 54) for i in range(MiB // 64))
        data = ringpost.message(body="") + lines * (self.SIZE // MiB)
        before = self.peak(server)
        server.send(f"a@{REMOTE}", [f"b@{REMOTE}"], data)
        taken = self.peak(server)
        segments = len([name for name in os.listdir(os.path.join(server.folder, "spool", "shard-0")) if name.startswith("segment-")])
        self.assertGreater(segments, self.SIZE // MiB)
        server.restart(crash=True)
        sink.answers.clear()
        again = self.peak(server)
        (mail,) = sink.wait_for_mail()
        self.compare(ringpost.without_trace(mail.data), data)
        server.wait_until_empty()
        print(f"{len(data) // MiB} MiB: peak of memory {before // MiB} MiB before, {taken // MiB} with it; after the crash {again // MiB}, "
              f"{self.peak(server) // MiB} when it had been delivered", flush=True)
        if self.SIZE >= 512 * MiB:  # below, a sanitizer takes as much
            self.assertLess(taken - before, 256 * MiB)
            self.assertLess(self.peak(server) - again, 256 * MiB)

    def compare(self, came, sent):
        """Says where they differ, and shows neither."""
        if came == sent:
            return
        same = next((at for at in range(0, min(len(came), len(sent)), MiB) if came[at:at + MiB] != sent[at:at + MiB]), min(len(came), len(sent)))
        while same < min(len(came), len(sent)) and came[same] == sent[same]:
            same += 1
        self.fail(f"{len(came)} bytes came and {len(sent)} were sent; they are the same up to {same}: "
                  f"{came[same - 40:same + 80]!r} and not {sent[same - 40:same + 80]!r}")

    @staticmethod
    def peak(server):
        """Bytes that the server has had at the most."""
        with open(f"/proc/{server.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


class Full(SystemTest):
    def full_disk_server(self, **more):
        disk = self.closing(LoopDisk(64 * MiB))
        folder = os.path.join(disk.path, "spool")
        os.mkdir(folder)
        sink = self.closing(Sink())
        server = ringpost.Server(ringpost.merged({"spool": {"directory": folder, "free_space_min": "0%", "segments_ahead": 2}}, more), sink=sink, start=False)
        server.own(folder)
        self.addCleanup(server.end)
        return disk, sink, server.start()

    def test_a_full_disk_is_452_and_loses_nothing(self):
        disk, sink, server = self.full_disk_server()
        sink.answers["mail"] = "451 4.3.0 not now"  # so that the queue grows
        load = Load(server.port(), lambda number: f"r{number}@{REMOTE}", size=200_000, connections=4, resend=False)
        load.wait_for(20)
        disk.fill()
        wait_until(lambda: len(load.refusals) >= 20, "refusals for want of room")
        load.stop()
        self.assertEqual({r.text[:9] for r in load.refusals}, {"452 4.3.1"})
        ballast = os.path.join(disk.path, "ballast")
        os.unlink(ballast)
        server.restart(crash=True)
        sink.answers.clear()
        wait_until(lambda: set(load.acknowledged) <= {id_of(m.data) for m in sink.mails}, "all that was acknowledged", patience=300)
        self.assertTrue(self.is_taken(server))

    def is_taken(self, server):
        """With room again, mail is taken again."""
        return wait_until(lambda: self.try_to_send(server), "mail to be taken again")

    @staticmethod
    def try_to_send(server):
        with server.talk() as client:
            client.hello()
            client.line(f"MAIL FROM:<a@{REMOTE}>")
            return client.reply().code == 250

    def test_below_the_least_free_space_no_mail_is_taken_and_above_it_is(self):
        disk, sink, server = self.full_disk_server(spool={"free_space_min": "50%"})
        self.assertTrue(self.is_taken(server))
        ballast = disk.fill(leave=20 * MiB)

        def refused():
            with server.talk() as client:
                client.hello()
                client.line(f"MAIL FROM:<a@{REMOTE}>")
                return client.reply().text.startswith("452 4.3.1")

        wait_until(refused, "452 4.3.1")
        os.unlink(ballast)
        self.assertTrue(self.is_taken(server))

    def test_a_mailbox_without_room_is_deferred(self):
        disk = self.closing(LoopDisk(32 * MiB))
        server = ringpost.Server({"mailboxes": {"location": f"maildir:{disk.path}/mail/%n"}}, start=False)
        folder = os.path.join(disk.path, "mail")
        os.mkdir(folder)
        server.own(folder)
        self.addCleanup(server.end)
        server.start()
        ballast = disk.fill()
        server.send(f"a@{REMOTE}", ["anna@local.example"], ringpost.message(body="x" * 70 + "\r\n"))
        (deferred, *_) = server.wait_for_event("deferred")
        self.assertEqual(deferred["enhanced_status"][0], "4")
        os.unlink(ballast)
        server.wait_for_event("delivered")


if __name__ == "__main__":
    ringpost.main()
